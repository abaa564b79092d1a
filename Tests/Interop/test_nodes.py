"""Three nodes over one Redis: any node takes any request, and nothing is lost when one of them, or Redis, goes away."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

import pytest

from support import processes
from support.events import Subscription
from support.freshet import BINARY, NIGHTLY, run
from support.nodes import Nodes, Work
from support.ports import free_port
from support.redis import RedisServer
from support.relayed import Scripted
from support.upstream import CHAT, PATHS, Answer
from support.waiting import eventually
from support.wire import Closed, Connection, exchange

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 60 if NIGHTLY else 6
KEY = "a-key-of-at-least-sixteen-characters"
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})


@pytest.fixture(scope="module")
def nodes():
    """Three nodes that live as long as the module: nothing is done to them."""
    nodes = Nodes(torn_lease_seconds=1)
    yield nodes
    for node in nodes:
        assert node.stop(60) == 0, node.logged()
    nodes.stop()


@pytest.fixture
def cluster():
    """Starts nodes to which a test does something; they end with the test."""
    started = []

    def start(*arguments, **settings):
        started.append(Nodes(*arguments, **settings))
        return started[-1]

    yield start
    for nodes in started:
        nodes.stop()


def open_append(node, path, headers=None):
    """A streaming append that has appended a word."""
    connection = Connection(node.address)
    connection.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", **(headers or {})})
    connection.send_chunk("a")
    eventually(lambda: node.read(path).body.endswith(b"a"))
    return connection


def described(node, path):
    answer = node.request("GET", path.replace("/v1/stream/", "/v1/streams/"))
    return answer.json if answer.status == 200 else None


# Any node takes any request.


def test_what_one_node_takes_is_read_at_all(nodes):
    path = nodes[0].create()
    with nodes[1].subscribe(path) as sse, nodes[2].lines(path) as lines, nodes[0].subscribe(path) as own:
        for index in range(9):
            answer = nodes[index % 3].append(path, f"event {index}")
            assert answer.status == 204
            # Whoever asks after an acknowledgement finds it, wherever.
            for node in nodes:
                assert node.read(path)["Stream-Next-Offset"] == answer["Stream-Next-Offset"]
        assert nodes[2].end(path).status == 204
        for reader in (sse, own):
            assert [event.data for event in reader.rest()] == [f"event {index}" for index in range(9)] + ['{"reason":"done"}']
        assert [line["data"] for line in iter(lines.next, None)] == [f"event {index}" for index in range(9)] + [{"reason": "done"}]


def test_events_have_the_same_ids_at_all_nodes(nodes):
    path = nodes[0].create()
    offsets = [nodes[index % 3].append(path, "x")["Stream-Next-Offset"] for index in range(6)]
    assert offsets == sorted(set(offsets))
    for node in nodes:
        with node.subscribe(path) as reader:
            assert [event.id for event in reader.take(6)] == offsets


def test_a_reader_may_come_to_any_node_before_the_stream_is_there(nodes):
    path = "/v1/stream/early"
    with nodes[0].subscribe(path) as first, nodes[1].subscribe(path) as second:
        nodes[2].create(name="early")
        nodes[2].append(path, "at last")
        assert first.next().data == second.next().data == "at last"


def test_a_long_poll_at_one_node_hears_of_an_append_at_another(nodes):
    path = nodes[0].create()
    tail = nodes[0].append(path, "a")["Stream-Next-Offset"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        poll = pool.submit(nodes[1].request, "GET", f"{path}?offset={tail}&live=long-poll")
        eventually(lambda: described(nodes[1], path)["readers"] == 1, what="the long-poll at its node")
        nodes[2].append(path, "b")
        assert poll.result().body == b"b"


def test_the_list_is_that_of_all_nodes(nodes):
    names = [f"list/{index}" for index in range(7)]
    for index, name in enumerate(names):
        nodes[index % 3].create(name=name)
    for node in nodes:
        listed = node.request("GET", "/v1/streams?prefix=list/").json["streams"]
        assert [stream["name"] for stream in listed] == names
    assert nodes[1].request("DELETE", "/v1/stream/list/0").status == 204
    for node in nodes:
        assert node.request("GET", "/v1/streams?prefix=list/&limit=1").json["streams"][0]["name"] == "list/1"
        assert node.read("/v1/stream/list/0").status == 404


def test_creating_and_forking_are_the_same_at_each_node(nodes):
    path = nodes[0].create(name="twice")
    assert nodes[1].request("PUT", path, {"Content-Type": "text/plain"}).status == 200
    assert nodes[2].request("PUT", path, {"Content-Type": "application/json"}).status == 409
    nodes[0].append(path, "shared")
    fork = nodes[1].request("PUT", "/v1/stream/twice-fork", {"Stream-Forked-From": "/v1/stream/twice"})
    assert fork.status == 201, fork
    nodes[2].append("/v1/stream/twice-fork", " and more")
    assert nodes[0].read("/v1/stream/twice-fork").body == b"shared and more"
    assert nodes[0].read(path).body == b"shared"


def test_an_idempotent_producer_may_repeat_itself_at_another_node(nodes):
    path = nodes[0].create()

    def send(node, sequence, epoch=0):
        headers = {"Producer-Id": "p", "Producer-Epoch": str(epoch), "Producer-Seq": str(sequence)}
        return node.append(path, f"{epoch}.{sequence} ", headers=headers).status

    assert [send(nodes[0], 0), send(nodes[1], 0), send(nodes[2], 1), send(nodes[0], 1)] == [200, 204, 200, 204]
    assert send(nodes[1], 0, epoch=1) == 200
    assert send(nodes[2], 2) == 403
    assert nodes[1].read(path).body == b"0.0 0.1 1.0 "


def test_a_stream_is_cancelled_at_any_node_and_its_producer_hears_of_it(nodes):
    path = nodes[0].create()
    with open_append(nodes[0], path) as producer, nodes[2].subscribe(path) as reader:
        assert reader.next().data == "a"
        assert nodes[1].cancel(path).status == 204
        answer = producer.read_answer("POST")
        assert (answer.status, answer["Stream-Closed"], answer["Stream-End-Reason"]) == (409, "true", "cancelled")
        assert json.loads(reader.next().data) == {"reason": "cancelled"}


def test_a_producer_that_takes_over_at_another_node_ends_the_one_before(nodes):
    path = nodes[0].create()
    with open_append(nodes[0], path, {"Stream-Producer": "w"}) as older, open_append(nodes[1], path, {"Stream-Producer": "w"}) as newer:
        answer = older.read_answer("POST")
        assert answer.status == 409 and answer.json["type"] == "urn:freshet:producer-replaced", answer
        newer.send_chunk("b")
        newer.send_chunk("")
        assert newer.read_answer("POST").status in (200, 204)
    assert nodes[2].read(path).body == b"aab"


def test_a_lease_is_one_for_all_nodes(nodes):
    path = nodes[0].create(headers={"Stream-Lease": "2"})
    for index in range(8):
        nodes[index % 3].append(path, "x")
        time.sleep(0.5)
    assert described(nodes[2], path)["end"] is None, "appends at any node renew it"
    with nodes[1].subscribe(path) as reader:
        events = reader.rest()
    assert [event.type for event in events] == ["message"] * 8 + ["end"]
    assert json.loads(events[-1].data)["reason"] == "abandoned"
    for node in nodes:
        assert described(node, path)["end"]["reason"] == "abandoned"


def test_a_reader_at_one_node_keeps_a_stream_from_expiring_at_all(nodes):
    read, unread = nodes[0].create(headers={"Stream-TTL": "2"}), nodes[0].create(headers={"Stream-TTL": "2"})
    with nodes[1].subscribe(read) as reader:
        # Asked for by description: that is no use of it.
        eventually(lambda: described(nodes[2], unread) is None, what="the other one expiring")
        time.sleep(2)
        assert nodes[2].append(read, "still here").status == 204
        assert reader.next().data == "still here"
    eventually(lambda: described(nodes[2], read) is None, what="its expiry when the reader is gone")


def test_the_relay_asks_the_provider_once_for_one_key(cluster):
    scripted = Scripted([], Answer(CHAT, stepped=True))
    scripted.server.stop()
    nodes = cluster(upstreams=[f"one openai-compatible {scripted.upstream.url}"])
    headers = {**JSON, "Idempotency-Key": "once"}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(nodes[index % 3].request, "POST", PATHS["chat"], headers, BODY) for index in range(6)]
        eventually(lambda: scripted.upstream.answers, what="the call")
        scripted.upstream.answers[0].let(len(CHAT))
        answers = [call.result() for call in calls]
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {b"".join(CHAT)}
    assert len(scripted.upstream.requests) == 1
    assert len({answer["Location"].rpartition("/")[2] for answer in answers}) == 1
    # And later, at any node.
    assert nodes[1].request("POST", PATHS["chat"], headers, BODY).body == b"".join(CHAT)
    assert len(scripted.upstream.requests) == 1


def test_a_session_s_cookie_counts_at_all_nodes(cluster, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"page {KEY} read *\n")
    keys.chmod(0o600)
    nodes = cluster(keys=keys)
    bearer = {"Authorization": f"Bearer {KEY}", **JSON}
    cookie = nodes[0].request("POST", "/v1/session", bearer, json.dumps({"for": 600}))["Set-Cookie"].split(";")[0]
    assert cookie
    for node in nodes:
        assert node.request("GET", "/v1/stream/none", {"Cookie": cookie}).status == 404
        assert node.request("GET", "/v1/stream/none").status == 401


# Nodes go away.


def test_a_reader_goes_on_at_another_node_with_its_id(cluster):
    nodes = cluster()
    path = nodes[0].create()
    with nodes[0].subscribe(path) as reader:
        nodes[1].append(path, "a")
        nodes[1].append(path, "b")
        first, second = reader.take(2)
        nodes.kill(0)
        with pytest.raises((Closed, ConnectionError)):
            reader.next()
    nodes[1].append(path, "c")
    with nodes[2].subscribe(path, {"Last-Event-ID": second.id}) as reader:
        assert reader.next().data == "c"
    with nodes[1].subscribe(path, {"Last-Event-ID": first.id}) as reader:
        assert [event.data for event in reader.take(2)] == ["b", "c"]


def test_a_streaming_append_that_dies_with_its_node_ends_and_is_told_once(cluster):
    nodes = cluster(torn_lease_seconds=1)
    path, other = nodes[0].create(), nodes[1].create()
    with open_append(nodes[0], path), open_append(nodes[1], other) as going_on, nodes[2].subscribe(path) as reader:
        nodes.kill(0)
        events = reader.rest()
        assert [event.type for event in events] == ["message", "end"]
        assert json.loads(events[-1].data)["reason"] == "abandoned"
        for node in (nodes[1], nodes[2]):
            assert described(node, path)["end"]["reason"] == "abandoned"
        # Only those of the node that died.
        going_on.send_chunk("b")
        eventually(lambda: nodes[2].read(other).body == b"ab")
        going_on.send_chunk("")
        assert going_on.read_answer("POST").status in (200, 204)


def test_an_answer_of_the_relay_ends_when_its_node_dies(cluster):
    scripted = Scripted([], Answer(CHAT, stepped=True))
    scripted.server.stop()
    nodes = cluster(upstreams=[f"one openai-compatible {scripted.upstream.url}"])
    connection = Connection(nodes[0].address)
    connection.send_head("POST", PATHS["chat"], {**JSON, "Content-Length": len(BODY)})
    connection.send(BODY)
    eventually(lambda: scripted.upstream.answers, what="the call")
    scripted.upstream.answers[0].let(3)
    path = "/v1/stream/" + connection.read_head()["Location"].partition("/v1/stream/")[2]
    with nodes[1].subscribe(path) as reader:
        reader.take(3)
        nodes.kill(0)
        end = reader.rest()[-1]
    assert end.type == "end" and json.loads(end.data)["reason"] == "failed", end
    assert described(nodes[2], path)["end"]["detail"] == "interrupted"


def test_a_node_that_stood_still_for_longer_than_others_wait_appends_no_more(cluster):
    nodes = cluster(torn_lease_seconds=1)
    path = nodes[0].create()
    with open_append(nodes[0], path) as producer, nodes[1].subscribe(path) as reader:
        nodes[0].process.send_signal(signal.SIGSTOP)
        try:
            events = reader.rest()
        finally:
            nodes[0].process.send_signal(signal.SIGCONT)
        assert [event.type for event in events] == ["message", "end"]
        producer.send_chunk("too late")
        answer = producer.read_answer("POST")
        assert answer.status == 409, answer
        assert nodes[2].read(path).body == b"a"
        # It is a node like others again.
        eventually(lambda: nodes[0].request("GET", "/health").json["store"]["state"] == "up", what="a node that is ready again")
        assert nodes[0].append(nodes[0].create(), "x").status == 204


def test_a_node_that_is_told_to_stop_sends_its_readers_to_others(cluster):
    nodes = cluster(drain_deadline_seconds=600)
    path = nodes[0].create()
    nodes[1].append(path, "a")
    with nodes[0].subscribe(path) as reader:
        first = reader.next()
        nodes[0].process.send_signal(signal.SIGTERM)
        event = reader.next()
        assert (event.type, event.json) == ("reconnect", {"why": "draining"})
    assert nodes[0].process.wait(60) == 0, nodes[0].logged()
    nodes[1].append(path, "b")
    with nodes[2].subscribe(path, {"Last-Event-ID": first.id}) as reader:
        assert reader.next().data == "b"


@pytest.mark.apart
@pytest.mark.long(30)
def test_nodes_that_are_killed_one_after_the_other_lose_double_and_reorder_nothing(cluster):
    nodes = cluster()
    dice = random.Random(18)
    with Work(nodes) as work:
        for _ in range(ROUNDS):
            work.goes_on()
            nodes.kill_and_start(dice.randrange(3))
        work.goes_on()


@pytest.mark.apart
@pytest.mark.long(30)
def test_a_rolling_restart_loses_nothing(cluster):
    nodes = cluster(drain_deadline_seconds=5)
    with Work(nodes) as work:
        for index in range(3):
            work.goes_on()
            assert nodes[index].stop(60) == 0, nodes[index].logged()
            nodes.nodes[index] = nodes.start(nodes[index].port)
        work.goes_on()


# Redis goes away.


@pytest.mark.apart
@pytest.mark.long(30)
def test_connections_that_redis_cuts_lose_nothing(cluster):
    nodes = cluster()
    with Work(nodes) as work, nodes.redis.client() as redis:
        for round in range(ROUNDS):
            work.goes_on()
            redis("CLIENT", "KILL", "TYPE", "pubsub" if round % 2 else "normal", "SKIPME", "yes")
        work.goes_on()


@pytest.mark.apart
@pytest.mark.long(40)
def test_a_redis_that_is_killed_and_comes_back_has_lost_nothing(cluster):
    nodes = cluster()
    with Work(nodes) as work:
        for _ in range(max(2, ROUNDS // 3)):
            work.goes_on()
            nodes.redis.kill()
            nodes.redis.start()
        work.goes_on()


@pytest.mark.apart
@pytest.mark.long(40)
def test_a_redis_that_stands_still_holds_everyone_up_and_ends_nothing(cluster):
    nodes = cluster(torn_lease_seconds=1)
    open_path = nodes[0].create()
    with open_append(nodes[0], open_path) as producer, Work(nodes) as work:
        work.goes_on()
        nodes.redis.process.send_signal(signal.SIGSTOP)
        try:
            # Longer than after which a node counts as dead: of nobody does it, who could not beat.
            time.sleep(8)
        finally:
            nodes.redis.process.send_signal(signal.SIGCONT)
        work.goes_on()
        producer.send_chunk("b")
        eventually(lambda: nodes[1].read(open_path).body == b"ab", what="the open append going on")
        assert described(nodes[2], open_path)["end"] is None


def test_without_redis_appends_are_503_and_readers_are_told_to_come_back(cluster):
    nodes = cluster()
    path = nodes[0].create()
    nodes[0].append(path, "a")
    with nodes[0].subscribe(path) as reader:
        event = reader.next()
        nodes.redis.kill()
        answer = eventually(lambda: (found := nodes[0].append(path, "b")).status == 503 and found, what="a refusal")
        assert answer["Retry-After"]
        # It stays in rotation: a balancer without any node would answer 503, of which no EventSource comes back.
        health = eventually(lambda: (found := nodes[1].request("GET", "/health")).json["store"]["state"] == "down" and found)
        assert health.status == 200 and health.json["status"] == "ready" and health.json["store"]["why"], health
        with nodes[2].subscribe(path) as told:
            assert told.next().json == {"why": "store"}
        nodes.redis.start()
        for node in nodes:
            eventually(lambda: node.request("GET", "/health").json["store"]["state"] == "up", what="a store that is there again")
        assert nodes[2].append(path, "c").status == 204
    with nodes[1].subscribe(path, {"Last-Event-ID": event.id}) as reader:
        assert reader.next().data == "c"


def test_a_full_redis_is_507_and_streams_can_still_be_ended_and_deleted(cluster):
    nodes = cluster(options=("--maxmemory", "8mb", "--maxmemory-policy", "noeviction"))
    path, other = nodes[0].create(), nodes[1].create()
    body = "x" * 100_000
    answer = eventually(lambda: (found := nodes[0].append(path, body)).status != 204 and found, what="the end of the room")
    assert answer.status == 507, answer
    assert nodes[1].end(other).status == 204
    assert nodes[2].request("DELETE", path).status == 204
    assert eventually(lambda: nodes[0].append(nodes[0].create(), "x").status == 204)


# What operators see.


def test_health_and_metrics_tell_of_redis(nodes):
    health = [node.request("GET", "/health").json for node in nodes]
    assert {state["store"]["state"] for state in health} == {"up"}
    assert len({state["store"]["session"] for state in health}) == 3, "each node has a session of its own"
    assert all(state["store"]["memory"] > 0 for state in health)
    for node in nodes:
        text = node.request("GET", "/metrics").text
        assert "freshet_redis_up 1" in text
        assert "freshet_redis_commands_total" in text and "freshet_redis_round_trip_seconds_bucket" in text


def test_info_says_which_node_writes(nodes):
    path = nodes[0].create()
    with open_append(nodes[0], path):
        session = nodes[0].request("GET", "/health").json["store"]["session"]
        shown = run("info", nodes[2].url + path)
        assert shown.returncode == 0, shown
        assert session in shown.stdout.decode(), shown
        assert described(nodes[1], path)["writers"] == [session]
    eventually(lambda: described(nodes[1], path)["writers"] == [], what="nobody who writes")


def test_a_start_says_what_redis_lacks_and_refuses_where_safety_is_required(serve):
    redis = RedisServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    try:
        server = serve(store=redis.url)
        logged = eventually(lambda: "noeviction" in (text := server.logged()) and text, what="the warnings")
        assert "appendonly" in logged and "no replica" in logged
        refused = serve(store=redis.url, redis_require_safe=True, wait=False)
        assert refused.process.wait(60) == 1
        assert "noeviction" in refused.logged()
    finally:
        redis.stop()


def test_a_redis_that_is_not_there_prevents_the_start(serve):
    server = serve(store=f"redis://127.0.0.1:{free_port()}", wait=False)
    assert server.process.wait(60) == 1
    assert "Redis" in server.logged()


def test_a_password_is_shown_nowhere(serve, tmp_path):
    redis = RedisServer("--requirepass", "a-secret-of-redis")
    try:
        password = tmp_path / "password"
        password.write_text("a-secret-of-redis\n")
        password.chmod(0o600)
        server = serve(store=redis.url, redis_password_file=password)
        assert server.still_serves()
        assert "a-secret-of-redis" not in server.logged()
        wrong = serve(store=redis.url.replace("//", "//:not-the-secret@"), wait=False)
        assert wrong.process.wait(60) == 1
        assert "password" in wrong.logged() and "not-the-secret" not in wrong.logged()
        checked = run("serve", "--check-config", "--store", redis.url.replace("//", "//:not-the-secret@"), "--redis-replicas", "x")
        assert checked.returncode == 64 and b"not-the-secret" not in checked.stdout + checked.stderr
    finally:
        redis.stop()


# Moving.


def test_streams_move_from_a_directory_to_redis_with_their_ids(serve, cluster, tmp_path):
    server = serve(data=tmp_path / "data")
    path = server.create()
    offsets = server.append_each(path, ["a", "b", "c"])
    headers = {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0"}
    assert server.append(path, "d", headers=headers).status == 200
    assert server.stop(60) == 0
    nodes = cluster(3)
    copied = run("copy", tmp_path / "data", nodes.redis.url)
    assert copied.returncode == 0 and b"Copied 1 stream" in copied.stdout, copied
    with nodes[1].subscribe(path, {"Last-Event-ID": offsets[1]}) as reader:
        assert [event.data for event in reader.take(2)] == ["c", "d"]
    assert nodes[2].append(path, "d", headers=headers).status == 204, "a repetition is known as one"
    again = run("copy", tmp_path / "data", nodes.redis.url)
    assert again.returncode == 0 and b"there already" in again.stdout, again
    # And back.
    assert nodes[0].append(path, "e").status == 204
    back = run("copy", nodes.redis.url, tmp_path / "back")
    assert back.returncode == 0, back
    server = serve(data=tmp_path / "back")
    with server.subscribe(path, {"Last-Event-ID": offsets[2]}) as reader:
        assert [event.data for event in reader.take(2)] == ["d", "e"]


def test_what_a_reader_holds_is_followed_over_many_nodes(nodes):
    """A reader that comes to another node for each event misses none."""
    path = nodes[0].create()
    last, seen = None, []
    for index in range(12):
        nodes[(index + 1) % 3].append(path, str(index))
        with Subscription(nodes[index % 3].address, path, {"Last-Event-ID": last} if last else {}) as reader:
            event = reader.next()
        last = event.id
        seen.append(event.data)
    assert seen == [str(index) for index in range(12)]


# The demonstration.


def children(pid):
    """The processes that a process has started, by number."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            if text.rpartition(")")[2].split()[1] == str(pid):
                found.append(int(status.parent.name))
    return found


def is_running(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(not shutil.which("haproxy", path="/usr/sbin:" + os.environ["PATH"]), reason="there is no HAProxy")
def test_the_demo_of_three_nodes_survives_one_and_ends_all_that_it_started():
    port = free_port()
    environment = {**os.environ, "FRESHET_PORT": str(port), "PATH": os.environ["PATH"] + ":/usr/sbin"}
    demo = processes.start([ROOT / "scripts" / "lib" / "demo-nodes", BINARY, 3], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in demo.stderr:
            said.append(line)
            if "Ctrl-C ends everything" in line:
                break
        started = children(demo.pid)
        assert len(started) == 5, said
        balancer = ("127.0.0.1", port)
        page = exchange(balancer, "GET", "/", {"Host": f"localhost:{port}"})
        assert page.status == 200 and b"<html" in page.body
        path = "/v1/stream/demo-nodes"
        assert exchange(balancer, "PUT", path, {"Content-Type": "text/plain"}).status == 201
        with Subscription(balancer, path) as reader:
            assert exchange(balancer, "POST", path, {"Content-Type": "text/plain"}, "a").status == 204
            event = reader.next()
        # A node for the chat is a crash away.
        os.kill(int(re.search(r"kill -9 (\d+)", "".join(said))[1]), signal.SIGKILL)
        eventually(lambda: exchange(balancer, "POST", path, {"Content-Type": "text/plain"}, "b").status == 204, what="another node")
        with Subscription(balancer, path, {"Last-Event-ID": event.id}) as reader:
            assert reader.next().data == "b"
    finally:
        processes.end(demo, 30)
    assert not [pid for pid in started if is_running(pid)]
