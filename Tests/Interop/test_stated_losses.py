"""Faults that destroy every copy which was confirmed: what is lost is said, to readers by `gap`, `end` or 404, and to producers by the sequence
that is expected.

The list stands in docs/operations.md. What one fault at a time does in the safe configuration is in test_faults.py.
"""

import contextlib
import pathlib
import shutil

import pytest

from support.sentinel import Watched
from support.waiting import eventually

pytestmark = pytest.mark.apart

BEFORE, AFTER = 3, 3


class Copies:
    """A master, and a replica where sentinels watch it. Each event is in the files of both before it is acknowledged."""

    def __init__(self, cluster, watched):
        if watched:
            self.redis = Watched(1, options=(*Watched.KEEPING, "--appendfsync", "always"))
            self.nodes = cluster(2, redis=self.redis, redis_replicas=1)
            self.servers = self.redis.servers
        else:
            self.nodes = cluster(2)
            self.redis = self.nodes.redis
            self.servers = [self.redis]

    @property
    def master(self):
        return self.redis.master() if len(self.servers) > 1 else self.redis

    def power_fails(self, older=None):
        """All copies at once. They come back with what their disks have: nothing, or what they had when `older` was copied."""
        for server in self.servers:
            server.kill()
        for index, server in enumerate(self.servers):
            kept = pathlib.Path(server.directory, "appendonlydir")
            shutil.rmtree(kept)
            if older:
                shutil.copytree(older / str(index), kept)
            server.start()

    def copy(self, directory):
        for index, server in enumerate(self.servers):
            shutil.copytree(pathlib.Path(server.directory, "appendonlydir"), directory / str(index))
        return directory

    def are_there(self):
        """Waits until an append would be acknowledged again."""
        if len(self.servers) > 1:
            eventually(self.redis.is_complete, what="a master, its replica and the sentinels")
        for node in self.nodes:
            eventually(lambda: node.request("GET", "/health").json["store"]["state"] == "up", what="a store that is there again")


@pytest.fixture(params=[False, True], ids=["one_redis", "master_and_replica"])
def copies(cluster, request):
    return Copies(cluster, request.param)


def append(node, path, number):
    headers = {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": str(number)}
    return node.append(path, f"{number} ", headers=headers)


def everything_is_removed(copies):
    with copies.master.client() as client:
        client("FLUSHALL")


def the_power_fails_and_the_disks_are_new(copies):
    copies.power_fails()


@pytest.mark.long(30)
@pytest.mark.parametrize("fault", [everything_is_removed, the_power_fails_and_the_disks_are_new], ids=lambda fault: fault.__name__)
def test_streams_that_are_lost_are_said_to_be_gone(copies, fault):
    nodes = copies.nodes
    path = nodes[0].create()
    with nodes[0].subscribe(path) as reader:
        shown = []
        for number in range(BEFORE):
            assert append(nodes[1], path, number).status == 200
            shown += reader.take(1)
        fault(copies)
        copies.are_there()
        # Who is connected is told, or is to come back, and then is told.
        told = reader.rest()
        assert [event.json for event in told] in ([{"reason": "deleted"}], [{"why": "store"}]), told
    assert nodes[1].request("GET", path, {"Accept": "text/event-stream", "Last-Event-ID": shown[-1].id}).status == 404
    for node in nodes:
        assert node.read(path).status == 404
        assert append(node, path, BEFORE).status == 404
    # One that is made anew under the name gives no offset twice, and is not taken for the one before.
    assert nodes[0].request("PUT", path, {"Content-Type": "text/plain"}).status == 201
    refused = append(nodes[1], path, BEFORE)
    assert (refused.status, refused["Producer-Expected-Seq"]) == (409, "0"), refused
    assert append(nodes[1], path, 0)["Stream-Next-Offset"] > shown[-1].id
    for event in shown:
        with nodes[0].subscribe(path, {"Last-Event-ID": event.id}) as reader:
            gap, message = reader.take(2)
            assert (gap.type, gap.json["requested"], message.data) == ("gap", event.id, "0 "), (gap, message)
        assert nodes[1].read(f"{path}?offset={event.id}").status == 410


@pytest.mark.long(30)
def test_the_last_events_that_are_lost_are_told_as_a_gap(copies, tmp_path):
    """As by a power cut with `appendfsync everysec`: the disks have the events before."""
    nodes = copies.nodes
    path = nodes[0].create()
    for number in range(BEFORE):
        assert append(nodes[1], path, number).status == 200
    older = copies.copy(tmp_path)
    for number in range(BEFORE, BEFORE + AFTER):
        assert append(nodes[0], path, number).status == 200
    with nodes[0].subscribe(path) as reader:
        shown = reader.take(BEFORE + AFTER)
        copies.power_fails(older)
        copies.are_there()
        # The producer is told which is the first that is lost, and may send it again.
        refused = eventually(lambda: (found := append(nodes[1], path, BEFORE + AFTER)).status != 503 and found, what="an answer")
        assert (refused.status, refused["Producer-Expected-Seq"]) == (409, str(BEFORE)), refused
        again = append(nodes[1], path, BEFORE)
        assert again.status == 200 and again["Stream-Next-Offset"] > shown[-1].id, "no offset is given twice"
        told = reader.next()
        # A node that was without Redis for long enough to notice sends its readers away; they come back with their id.
        is_away = told is None or told.type == "reconnect"
        with nodes[0].subscribe(path, {"Last-Event-ID": shown[-1].id}) if is_away else contextlib.nullcontext(reader) as reader:
            told = reader.next() if is_away else told
            assert (told.type, told.json["requested"]) == ("gap", shown[-1].id), told
            assert [event.data for event in reader.take(BEFORE + 1)] == [f"{number} " for number in range(BEFORE + 1)]
    for index, event in enumerate(shown):
        with nodes[1].subscribe(path, {"Last-Event-ID": event.id}) as reader:
            if index < BEFORE:
                # Of what is kept nobody is told that anything is missing.
                assert [one.data for one in reader.take(BEFORE - index)] == [f"{number} " for number in range(index + 1, BEFORE + 1)]
                continue
            gap, *all = reader.take(BEFORE + 2)
            assert (gap.type, gap.json["requested"]) == ("gap", event.id), gap
            assert [one.data for one in all] == [f"{number} " for number in range(BEFORE + 1)]
        assert nodes[0].read(f"{path}?offset={event.id}").status == 410


@pytest.mark.long(30)
def test_a_master_that_comes_back_empty_before_another_is_chosen_takes_its_replica_with_it(cluster):
    """What `appendonly no` does to a master whose process is started again at once: the replica copies what it has, nothing."""
    redis = Watched(1, options=(*Watched.KEEPING, "--appendonly", "no"), down_after=60_000)
    nodes = cluster(2, redis=redis, redis_replicas=1)
    path = nodes[0].create()
    answer = append(nodes[1], path, 0)
    assert answer.status == 200
    master = redis.master()
    master.kill()
    master.start()
    eventually(redis.is_complete, what="a replica that follows again")
    gone = eventually(lambda: (found := append(nodes[1], path, 1)).status != 503 and found, what="an answer")
    assert gone.status == 404
    headers = {"Accept": "text/event-stream", "Last-Event-ID": answer["Stream-Next-Offset"]}
    assert nodes[0].request("GET", path, headers).status == 404
