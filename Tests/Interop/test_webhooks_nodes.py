"""Webhooks of several nodes over one Redis: one node tells for all, and whatever becomes of it, all is told."""

import json
import os
import queue
import random
import signal
import threading

import pytest

from support.freshet import NIGHTLY, run
from support.hooks import SECRET, Receiver, all_told, finished, listed, metric
from support.nodes import Nodes, open_append
from support.ports import free_port
from support.sentinel import Watched
from support.waiting import eventually
from support.workers import Worker


@pytest.fixture
def nodes_with(secret):
    """Starts nodes with one hook, for streams below chat/."""
    started = []

    def start(url, count=3, **settings):
        started.append(Nodes(count, hook=url, hook_secret_file=secret, hook_prefix="chat/", **settings))
        return started[-1]

    yield start
    for nodes in started:
        nodes.stop()


def teller(nodes):
    """The index of the node that tells: the one that counts calls which were taken."""

    def find():
        counts = [metric(node, 'freshet_hook_deliveries_total{result="delivered"}') for node in nodes]
        return [index for index, count in enumerate(counts) if count]

    [index] = eventually(find, what="a node that has told")
    return index


def told(receiver, names):
    """Waits until the streams of these names were told, and returns the calls; one may come twice."""
    calls, missing = {}, set(names)
    while missing:
        try:
            call = receiver.next()
        except queue.Empty:
            raise AssertionError(f"{len(missing)} of {len(names)} were not told: {sorted(missing)[:20]}") from None
        assert call.is_signed_by(SECRET)
        before = calls.setdefault(call.data["stream"], call)
        assert before.id == call.id
        missing.discard(call.data["stream"])
    return calls


def test_an_end_at_any_node_is_told_once_by_one(nodes_with):
    with Receiver() as receiver:
        nodes = nodes_with(receiver.url)
        names = [f"chat/{index}" for index in range(9)]
        for index, name in enumerate(names):
            finished(nodes[index % 3], name, f"text of {name}")
        finished(nodes[0], "other/1")
        for name, call in told(receiver, names).items():
            assert [event["data"] for event in call.data["content"]] == [f"text of {name}"]
        for node in nodes:
            all_told(node)
        assert receiver.calls.empty()
        index = teller(nodes)
        assert metric(nodes[index], 'freshet_hook_deliveries_total{result="delivered"}') == 9


def test_what_time_ends_and_a_producer_that_died_are_told(nodes_with):
    with Receiver() as receiver:
        nodes = nodes_with(receiver.url, torn_lease_seconds=1)
        nodes[0].create(name="chat/lease", headers={"Stream-Lease": "1"})
        nodes[1].create(name="chat/ttl", headers={"Stream-TTL": "1"}, body="what it held")
        path = nodes[2].create(name="chat/torn")
        open_append(nodes[2], path)
        nodes.kill(2)
        calls = told(receiver, ["chat/lease", "chat/ttl", "chat/torn"])
        assert [calls[name].data["reason"] for name in ("chat/lease", "chat/ttl", "chat/torn")] == ["abandoned", "expired", "abandoned"]
        assert [event["data"] for event in calls["chat/ttl"].data["content"]] == ["what it held"]
        for node in (nodes[0], nodes[1]):
            all_told(node)


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_another_node_tells_when_the_one_that_does_is_gone(nodes_with, signal_):
    with Receiver() as receiver:
        nodes = nodes_with(receiver.url)
        finished(nodes[0], "chat/first")
        told(receiver, ["chat/first"])
        index = teller(nodes)
        nodes[index].process.send_signal(signal_)
        rest = [node for node in nodes if node is not nodes[index]]
        names = [f"chat/{number}" for number in range(4)]
        for number, name in enumerate(names):
            finished(rest[number % 2], name)
        told(receiver, names)
        for node in rest:
            all_told(node)


def test_a_teller_that_stands_still_is_replaced_and_tells_no_more(nodes_with):
    with Receiver() as receiver:
        nodes = nodes_with(receiver.url)
        finished(nodes[0], "chat/first")
        told(receiver, ["chat/first"])
        index = teller(nodes)
        still = nodes[index]
        rest = [node for node in nodes if node is not still]
        still.process.send_signal(signal.SIGSTOP)
        try:
            finished(rest[0], "chat/1")
            told(receiver, ["chat/1"])
        finally:
            still.process.send_signal(signal.SIGCONT)
        finished(rest[1], "chat/2")
        # As soon as it is back in the cluster it takes part again.
        eventually(lambda: finished_or_not(still, "chat/3"), what="an end at the node that stood still")
        told(receiver, ["chat/2", "chat/3"])
        all_told(still)
        assert metric(still, 'freshet_hook_deliveries_total{result="delivered"}') == 1


def finished_or_not(node, name):
    """Whether a stream could be ended there, which a node that has just been found dead may refuse for a moment."""
    try:
        finished(node, name)
        return True
    except AssertionError:
        return False


def test_kill_9_of_every_node_between_the_end_and_the_call_loses_nothing(nodes_with):
    port = free_port()
    nodes = nodes_with(f"http://127.0.0.1:{port}/told")
    names = [f"chat/{index}" for index in range(12)]
    for index, name in enumerate(names):
        finished(nodes[index % 3], name, f"text of {name}")
    for index in range(3):
        nodes.kill(index)
    for index in range(3):
        nodes.nodes[index] = nodes.start(nodes[index].port)
    with Receiver(port=port) as receiver:
        for name, call in told(receiver, names).items():
            assert [event["data"] for event in call.data["content"]] == [f"text of {name}"]
        for node in nodes:
            all_told(node)


def test_calls_are_listed_told_now_and_dropped_at_any_node(nodes_with):
    port = free_port()
    nodes = nodes_with(f"http://127.0.0.1:{port}/told")
    finished(nodes[0], "chat/1")
    finished(nodes[1], "chat/2")
    for node in nodes:
        eventually(lambda: metric(node, "freshet_hook_backlog") == 2, what="that both are known to wait")
        assert [json.loads(line)["stream"] for line in listed(node, "--waiting", "--json").splitlines()] == ["chat/1", "chat/2"]
    eventually(lambda: sum(metric(node, 'freshet_hook_deliveries_total{result="failed"}') for node in nodes) >= 2, what="that both failed")
    calls = [json.loads(line) for line in listed(nodes[2], "--waiting", "--json").splitlines()]

    def drop(number):
        return run("hooks", "--drop", number, env={**os.environ, "FRESHET_URL": nodes[2].url}).returncode == 0

    eventually(lambda: drop(calls[0]["number"]), what="that it is dropped")
    with Receiver(port=port) as receiver:
        # At whichever node: that one, or another, is the one that tells.
        listed(nodes[2], "--retry", str(calls[1]["number"]))
        told(receiver, ["chat/2"])
        for node in nodes:
            all_told(node)


def test_a_copy_says_that_calls_are_not_copied(nodes_with, tmp_path):
    nodes = nodes_with(f"http://127.0.0.1:{free_port()}/told", count=1)
    finished(nodes[0], "chat/1")
    copied = run("copy", nodes.redis.url, tmp_path / "data")
    assert copied.returncode == 0 and b"1 calls of webhooks that have not succeeded are in redis://" in copied.stdout + copied.stderr


def test_a_redis_that_is_killed_and_back_loses_no_call(nodes_with):
    port = free_port()
    nodes = nodes_with(f"http://127.0.0.1:{port}/told")
    names = [f"chat/{index}" for index in range(6)]
    for index, name in enumerate(names):
        finished(nodes[index % 3], name)
    nodes.redis.process.kill()
    nodes.redis.process.wait()
    nodes.redis.start()
    with Receiver(port=port) as receiver:
        told(receiver, names)
        for node in nodes:
            all_told(node)


def test_what_was_taken_while_redis_is_away_is_not_told_again_by_the_same_node(nodes_with):
    gate = threading.Event()
    with Receiver(gate) as receiver:
        nodes = nodes_with(receiver.url, count=1)
        finished(nodes[0], "chat/1")
        first = receiver.next()
        nodes.redis.process.kill()
        nodes.redis.process.wait()
        gate.set()
        eventually(lambda: metric(nodes[0], 'freshet_hook_deliveries_total{result="delivered"}') == 1, what="that it was taken")
        nodes.redis.start()
        all_told(nodes[0])
        assert receiver.calls.empty(), first.id


class Endings(Worker):
    """Creates and ends one stream after the other, at any node, and remembers those whose end it was told."""

    ended = ()

    @property
    def count(self):
        return len(self.ended)

    def work(self):
        self.ended = []
        while not self.stopping.is_set():
            path = f"{self.path}/{len(self.ended)}"
            for method, headers in ("PUT", {}), ("POST", {"Stream-Closed": "true"}):
                headers = {"Content-Type": "text/plain", **headers}
                if not self.ask(method, headers, path=path, fine=(200, 201, 204)):
                    return
                self.turn += 1
            self.ended.append(path.removeprefix("/v1/stream/"))


@pytest.mark.long(120 if NIGHTLY else 20)
def test_whatever_is_killed_all_that_ended_is_told(nodes_with):
    """Streams end at any node while nodes and Redis are killed, and the receiver fails one call in four."""
    dice = random.Random(20)
    with Receiver(*[dice.choice((204, 204, 204, 503)) for _ in range(20_000)]) as receiver:
        nodes = nodes_with(receiver.url)
        workers = [Endings(nodes, f"/v1/stream/chat/{first}", first) for first in range(3)]
        for worker in workers:
            worker.start()
        for _ in range(30 if NIGHTLY else 4):
            before = [worker.count for worker in workers]
            eventually(lambda: all(w.count >= b + 5 for w, b in zip(workers, before)), what="streams that end")
            if dice.random() < 0.2:
                nodes.redis.process.kill()
                nodes.redis.process.wait()
                nodes.redis.start()
            else:
                nodes.kill_and_start(dice.randrange(3))
        for worker in workers:
            worker.stopping.set()
        for worker in workers:
            worker.join()
            assert worker.surprises == []
        told(receiver, [name for worker in workers for name in worker.ended])
        for node in nodes:
            all_told(node)


@pytest.mark.apart
@pytest.mark.long(60)
def test_a_failover_loses_no_call(nodes_with):
    port = free_port()
    watched = Watched()
    nodes = nodes_with(f"http://127.0.0.1:{port}/told", redis=watched, redis_replicas=2)
    names = [f"chat/{index}" for index in range(6)]
    for index, name in enumerate(names):
        finished(nodes[index % 3], name)
    old = watched.master()
    old.kill()
    watched.replaced(old)
    old.start()
    eventually(watched.is_whole, what="two replicas")
    with Receiver(port=port) as receiver:
        told(receiver, names)
        for node in nodes:
            all_told(node)
