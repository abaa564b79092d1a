"""Three nodes over one Redis: nothing is lost when one of them, or Redis, goes away."""

import json
import random
import signal
import time

import pytest

from support.freshet import NIGHTLY
from support.nodes import described, open_append
from support.relayed import Scripted
from support.upstream import CHAT, PATHS, Answer
from support.waiting import eventually
from support.wire import Closed, Connection
from support.work import Work

ROUNDS = 60 if NIGHTLY else 6
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})


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
