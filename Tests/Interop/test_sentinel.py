"""Three nodes over a master with two replicas and three sentinels: another master takes over, and nothing is lost.

An acknowledgement waits for both replicas, each of which may become the master. Until the old master is back as a replica there is only
one, so that appends are refused meanwhile.
"""

import random
import re
import signal

import pytest

from support import tls
from support.freshet import run
from support.nodes import Nodes, described
from support.ports import free_port
from support.redis_functions import Functions
from support.sentinel import Sentinel, Watched
from support.waiting import eventually
from support.work import Work

pytestmark = pytest.mark.apart


@pytest.fixture
def watched():
    watched = Watched()
    yield watched
    watched.stop()


@pytest.fixture
def cluster(watched):
    """Starts nodes; they end with the test."""
    started = []

    def start(count=3, **settings):
        started.append(Nodes(count, redis=watched, **{"redis_replicas": 2, **settings}))
        return started[-1]

    yield start
    for nodes in started:
        nodes.stop()


def master_of(node):
    """The port of the Redis that a node says it is connected to."""
    address = node.request("GET", "/health").json["store"]["master"]
    return address and int(address.rpartition(":")[2])


def whole_again(nodes):
    """Waits until the servers are a master and two replicas, and every node is at that master."""
    eventually(nodes.redis.is_whole, what="two replicas")
    port = nodes.redis.master().port
    for node in nodes:
        eventually(lambda: master_of(node) == port, what=f"a node at {port}")


def kill_the_master(nodes):
    old = nodes.redis.master()
    old.kill()
    nodes.redis.replaced(old)
    old.start()


def stop_the_master(nodes):
    """For longer than its replicas and sentinels wait. Then it goes on, and does not know yet that it is none."""
    old = nodes.redis.master()
    old.process.send_signal(signal.SIGSTOP)
    try:
        new = nodes.redis.replaced(old)
        for node in nodes:
            eventually(lambda: master_of(node) == new.port, what="a node at the new master while the old one hangs")
    finally:
        old.process.send_signal(signal.SIGCONT)


def depose_the_master(nodes):
    """It lives, answers, and takes itself for a master for some seconds more: as one that was cut off from all but the nodes."""
    new = nodes.redis.depose(nodes.redis.sentinels[-1])
    for node in nodes:
        eventually(lambda: master_of(node) == new.port, what="a node at the new master")


def kill_a_sentinel(nodes):
    """The one that is asked first, and the master while it is away."""
    first = nodes.redis.sentinels[0]
    first.kill()
    kill_the_master(nodes)
    first.start()


def kill_a_replica(nodes):
    replica = nodes.redis.replicas()[0]
    replica.kill()
    replica.start()


FAULTS = [kill_the_master, stop_the_master, depose_the_master, kill_a_sentinel, kill_a_replica]


@pytest.mark.long(60)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_nothing_is_lost_doubled_or_reordered(cluster, fault):
    nodes = cluster()
    with Work(nodes) as work:
        work.goes_on()
        fault(nodes)
        whole_again(nodes)
        work.goes_on()


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.long(900)
def test_nothing_is_lost_whatever_happens_next(cluster):
    nodes = cluster()
    dice = random.Random(18)
    with Work(nodes) as work:
        for _ in range(30):
            work.goes_on()
            dice.choice(FAULTS)(nodes)
            # The next failover needs a replica that may be promoted.
            whole_again(nodes)
        work.goes_on()


@pytest.mark.long(40)
def test_a_node_is_told_of_as_living_after_a_failover_as_before(cluster):
    """Whoever beat at the old master is found dead at the new one only after the whole time."""
    nodes = cluster(torn_lease_seconds=1)
    sessions = {node.request("GET", "/health").json["store"]["session"] for node in nodes}
    kill_the_master(nodes)
    whole_again(nodes)
    path = nodes[0].create()
    assert nodes[1].append(path, "a").status == 204
    assert {node.request("GET", "/health").json["store"]["session"] for node in nodes} == sessions


def waits(redis):
    """How many `WAIT` it has answered."""
    found = re.search(rb"cmdstat_wait:calls=(\d+)", redis("INFO", "commandstats"))
    return int(found[1]) if found else 0


@pytest.mark.long(40)
def test_a_lease_that_runs_out_while_the_replicas_stand_still_is_told_when_they_go_on(cluster):
    """The end is kept then, but nobody may be told before a replica has it."""
    nodes = cluster()
    path = nodes[0].create(headers={"Stream-Lease": "2"})
    with nodes[1].subscribe(path) as reader:
        assert nodes[0].append(path, "a").status == 204
        assert reader.next().data == "a"
        replicas = nodes.redis.replicas()
        for replica in replicas:
            replica.process.send_signal(signal.SIGSTOP)
        try:
            with nodes.redis.master().client() as master:
                kept = Functions.key(path.removeprefix("/v1/stream/"), "m")
                eventually(lambda: master("HEXISTS", kept, "e"), what="the end that is kept")
                before = waits(master)
                eventually(lambda: waits(master) > before, what="a node that waited for the replicas in vain")
        finally:
            for replica in replicas:
                replica.process.send_signal(signal.SIGCONT)
        eventually(lambda: described(nodes[2], path)["end"], what="the end")
        assert [(event.type, event.json["reason"]) for event in reader.rest()] == [("end", "abandoned")]


@pytest.mark.long(40)
def test_over_tls_nothing_is_lost_with_the_master(serve):
    certificate = tls.usual()
    watched = Watched(1, certificate=certificate)
    try:
        stranger = serve(store=watched.url, wait=False)
        assert stranger.process.wait(60) == 1, "nobody trusts whom it does not know"
        assert "certificate" in stranger.logged(), stranger.logged()
        clear = serve(store=watched.url.replace("rediss-", "redis-"), wait=False)
        assert clear.process.wait(60) == 1
        assert "no sentinel says where the master main is" in clear.logged(), clear.logged()
        nodes = Nodes(2, redis=watched, redis_replicas=1, redis_require_safe=True, redis_ca_file=certificate.authority)
    except BaseException:
        watched.stop()
        raise
    try:
        with Work(nodes, streams=2, readers=1) as work:
            work.goes_on()
            kill_the_master(nodes)
            whole_again(nodes)
            work.goes_on()
    finally:
        nodes.stop()


@pytest.mark.long(40)
def test_one_replica_less_goes_on_without_the_old_master(cluster):
    """What `redis-replicas` 1 buys with two replicas, at the risk that docs/operations.md names."""
    nodes = cluster(redis_replicas=1)
    path = nodes[0].create()
    assert nodes[1].append(path, "a").status == 204
    old = nodes.redis.master()
    old.kill()
    nodes.redis.replaced(old)
    headers = {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0"}
    eventually(lambda: nodes[2].append(path, "b", headers=headers).status in (200, 204), what="an append at the new master")
    assert nodes[0].read_whole(path) == b"ab"


def test_health_and_metrics_name_the_master(watched, cluster):
    nodes = cluster(1)
    assert master_of(nodes[0]) == watched.master().port
    address = re.escape(f"127.0.0.1:{watched.master().port}")
    assert re.search(rf'freshet_redis_master_info\{{address="{address}"\}} 1', nodes[0].request("GET", "/metrics").text)


def test_a_name_that_no_sentinel_knows_ends_the_start(watched, serve):
    server = serve(store=watched.url.replace("/main", "/other"), wait=False)
    assert server.process.wait(60) == 1
    logged = server.logged()
    assert "knows no master named other" in logged and str(watched.sentinels[0].port) in logged, logged


def test_sentinels_that_are_not_there_end_the_start(serve):
    server = serve(store=f"redis-sentinel://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/main", wait=False)
    assert server.process.wait(60) == 1
    assert "no sentinel says where the master main is" in server.logged()


def test_the_password_for_sentinels_is_shown_nowhere(watched, serve, tmp_path):
    secret = "a-secret-of-sentinels"
    sentinel = Sentinel(Watched.NAME, watched.servers[0].port, 2, f"requirepass {secret}", f"sentinel sentinel-pass {secret}")
    try:
        url = f"redis-sentinel://127.0.0.1:{sentinel.port}/{Watched.NAME}"
        without = serve(store=url, wait=False)
        assert without.process.wait(60) == 1
        assert "asks for a password" in without.logged()
        password = tmp_path / "password"
        password.write_text(secret + "\n")
        password.chmod(0o600)
        server = serve(store=url, redis_sentinel_password_file=password)
        assert server.still_serves()
        wrong = serve(store=url + "?sentinel-password=not-the-secret", wait=False)
        assert wrong.process.wait(60) == 1
        assert "password" in wrong.logged()
        for one in (without, server, wrong):
            assert secret not in one.logged() and "not-the-secret" not in one.logged()
    finally:
        sentinel.stop()


def test_streams_are_copied_to_the_master_that_sentinels_name(watched, cluster, serve, tmp_path):
    server = serve(data=tmp_path / "data")
    path = server.create()
    server.append_each(path, ["a", "b"])
    assert server.stop(60) == 0
    copied = run("copy", tmp_path / "data", watched.url)
    assert copied.returncode == 0 and b"Copied 1 stream" in copied.stdout, copied
    assert cluster(1)[0].read_whole(path) == b"ab"
    back = run("copy", watched.url, tmp_path / "again")
    assert back.returncode == 0 and b"Copied 1 stream" in back.stdout, back
