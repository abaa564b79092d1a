"""Load over several nodes that knows what has to come of it."""

import collections
import itertools

from .endings import Ender
from .nodes import described
from .waiting import eventually, within
from .workers import Poller, Producer, Reader


class Room:
    """Whether Redis has any. Set by whoever fills it."""

    is_lacking = False


class Work:
    """Producers and readers at work on streams of their own, while a test does something to the nodes or to Redis.

    Everything is checked at the end, and by `verify` in between. `pace` is the pause between two events of a producer, in seconds.
    """

    _names = itertools.count(1)

    def __init__(self, nodes, streams=4, readers=2, producers=1, pollers=0, enders=0, pace=0):
        self.nodes = nodes
        self.room = Room()
        self.paths = [nodes[index % len(nodes.nodes)].create() for index in range(streams)]
        self.producers = [
            Producer(nodes, path, f"p{index}", self.room, pace) for path in self.paths for index in range(producers)
        ]
        self.readers = [Reader(nodes, path, index) for path in self.paths for index in range(readers)]
        self.pollers = [Poller(nodes, path, index) for path in self.paths for index in range(pollers)]
        prefix = f"endings/{next(self._names)}"
        self.enders = [Ender(nodes, f"/v1/stream/{prefix}/{index}", index, self.room) for index in range(enders)]
        self.told = {path: [] for path in self.paths}
        self.verified = [0 for _ in self.enders]

    @property
    def workers(self):
        return self.producers + self.readers + self.pollers + self.enders

    def __enter__(self):
        for worker in self.workers:
            worker.start()
        return self

    def goes_on(self, events=5, seconds=120):
        """Waits until each producer has got so many more events acknowledged, and each who ends streams has ended one."""
        before = [worker.count for worker in self.producers + self.enders]
        wanted = [count + events for count in before[: len(self.producers)]] + [count + 1 for count in before[len(self.producers) :]]

        def counts():
            self._no_surprises()
            return [worker.count for worker in self.producers + self.enders]

        if not within(seconds, lambda: all(count >= goal for count, goal in zip(counts(), wanted))):
            late = [worker for worker, goal in zip(self.producers + self.enders, wanted) if worker.count < goal]
            raise AssertionError(f"{late} did not go on from {before} in {seconds} s")

    def __exit__(self, kind, *_):
        for worker in self.producers + self.enders:
            worker.stopping.set()
        if kind is None:
            for worker in self.producers + self.enders:
                worker.join(120)
                assert not worker.is_alive(), worker
            self._check()
        for worker in self.workers:
            worker.stopping.set()

    def _no_surprises(self):
        for worker in self.workers:
            assert worker.surprises == [], f"{worker}: {worker.surprises}"

    def verify(self):
        """What was acknowledged so far is there once and in its order, all readers were shown that and nothing else, and streams that
        ended have one end."""
        self._no_surprises()
        for path, node in zip(self.paths, itertools.cycle(self.nodes)):
            producers = [producer for producer in self.producers if producer.path == path]
            goals = {producer.id: producer.count for producer in producers}
            told = self.told[path]
            seen = collections.Counter(data.partition(":")[0] for _, data in told)
            if any(seen[id] < goal for id, goal in goals.items()):
                for event in _messages(node, path, told[-1][0] if told else None):
                    id, _, number = event.data.strip().partition(":")
                    assert int(number) == seen[id], f"{path} has {event.data} after {seen[id]} events of {id}: {told[-5:]}"
                    seen[id] += 1
                    told.append((event.id, event.data.strip()))
                    if all(seen[id] >= goal for id, goal in goals.items()):
                        break
            self._everyone_was_told(path, told)
        for index, ender in enumerate(self.enders):
            for ended in ender.ended[self.verified[index] :]:
                ended.verify(self.nodes)
                self.verified[index] += 1

    def _everyone_was_told(self, path, told):
        assert len({id for id, _ in told}) == len(told) and told == sorted(told, key=lambda event: event[0]), "no offset is given twice"
        kept = dict(told)
        for producer in self.producers:
            for offset, data in list(producer.acknowledged) if producer.path == path else []:
                # What was acknowledged since then comes with the next look.
                if told and offset <= told[-1][0]:
                    assert kept.get(offset) == data, f"{path} has {kept.get(offset)} at {offset}, where {data} was acknowledged"
        for reader in self.readers:
            if reader.path == path:
                eventually(lambda: len(reader.events) >= len(told), 120, f"a reader of {path} is shown {len(told)} events")
                _are_the_same(reader.events[: len(told)], told, f"a reader of {path}")
        for poller in self.pollers:
            if poller.path == path:
                eventually(lambda: len(poller.words) >= len(told), 120, f"who polls {path} gets {len(told)} events")
                _are_the_same(poller.words[: len(told)], [data for _, data in told], f"who polls {path}")

    def _check(self):
        """The same when all is over: every node has the same, and nobody was shown more."""
        self.verify()
        for path in self.paths:
            kept = [node.read_whole(path).decode().split() for node in self.nodes]
            assert all(words == kept[0] for words in kept), "every node tells the same"
            told = [data for _, data in self.told[path]]
            # The last one of each may have been kept without its acknowledgement.
            rest = kept[0][len(told) :]
            assert kept[0][: len(told)] == told and len(rest) <= len({word.partition(":")[0] for word in rest}), (path, rest)
            messages = itertools.islice(_messages(self.nodes[0], path), len(kept[0]))
            self.told[path] = [(event.id, event.data.strip()) for event in messages]
            self._everyone_was_told(path, self.told[path])
            for worker in self.readers + self.pollers:
                if worker.path == path:
                    assert worker.count == len(kept[0]), f"{worker} was shown what is gone"
        for ended in [ended for ender in self.enders for ended in ender.ended]:
            assert described(self.nodes[0], ended.path)["end"]["reason"] == ended.reason
        self._no_surprises()


def _messages(node, path, id=None):
    """The messages after an id, over as many connections as the node wants: it sends readers away while it is not sure of Redis."""
    while True:
        with node.subscribe(path, {"Last-Event-ID": id} if id else {}) as subscription:
            while (event := subscription.next()) and event.type != "reconnect":
                assert event.type == "message", event
                id = event.id
                yield event


def _are_the_same(shown, kept, who):
    for index, (one, other) in enumerate(zip(shown, kept)):
        assert one == other, f"{who} was shown {shown[max(0, index - 2) : index + 3]}, where {kept[max(0, index - 2) : index + 3]} is kept"
