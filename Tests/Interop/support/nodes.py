"""Several nodes over one Redis."""

import threading
import time

from .freshet import Freshet
from .ports import free_port
from .redis import RedisServer
from .waiting import eventually
from .wire import Closed, Connection


class Nodes:
    """Servers with the same store. A Redis that is killed loses nothing of what they acknowledge: with `everysec` it would, where the disk is busy."""

    KEEPING = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")

    def __init__(self, count=3, options=KEEPING, redis=None, **settings):
        self.redis = redis or RedisServer(*options)
        self.settings = settings
        self.nodes = []
        try:
            for _ in range(count):
                self.nodes.append(self.start())
        except BaseException:
            self.stop()
            raise

    def start(self, port=None, **settings):
        """One more node, or the one of a port again."""
        return Freshet(port=port or free_port(), store=self.redis.url, **{**self.settings, **settings})

    def __getitem__(self, index):
        return self.nodes[index]

    def __iter__(self):
        return iter(self.nodes)

    def kill(self, index):
        """Ends a node as a crash does."""
        self.nodes[index].process.kill()
        self.nodes[index].process.wait()

    def kill_and_start(self, index):
        """The same, and it comes back on its port."""
        self.kill(index)
        self.nodes[index] = self.start(self.nodes[index].port)
        return self.nodes[index]

    def stop(self):
        # Nobody waits for a node that cannot reach a Redis which a test has stopped.
        for node in self.nodes:
            node.process.kill()
            node.stop()
        self.redis.stop()


class Producer(threading.Thread):
    """Appends numbered events to a stream, idempotently, at any node, and remembers what was acknowledged."""

    def __init__(self, nodes, path):
        super().__init__(daemon=True)
        self.nodes = nodes
        self.path = path
        self.sent = 0
        self.acknowledged = []
        self.surprises = []
        self.stopping = threading.Event()

    def run(self):
        turn = 0
        while not self.stopping.is_set():
            headers = {"Content-Type": "text/plain", "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": str(self.sent)}
            try:
                node = self.nodes[turn % len(self.nodes.nodes)]
                answer = node.request("POST", self.path, headers, f"{self.sent} ", timeout=10)
            except (OSError, Closed):  # however the connection ended, the same request is sent again, to the next node
                turn += 1
                time.sleep(0.01)
                continue
            if answer.status in (200, 204):
                self.acknowledged.append(answer["Stream-Next-Offset"])
                self.sent += 1
            elif answer.status == 503:
                turn += 1
                time.sleep(0.02)
            else:
                self.surprises.append(answer)
                return


class Reader(threading.Thread):
    """Follows a stream over any number of connections to any node, from the last id it saw."""

    def __init__(self, nodes, path, first=0):
        super().__init__(daemon=True)
        self.nodes = nodes
        self.path = path
        self.turn = first
        self.events = []
        self.surprises = []
        self.subscription = None
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            headers = {"Last-Event-ID": self.events[-1][0]} if self.events else {}
            try:
                node = self.nodes[self.turn % len(self.nodes.nodes)]
                with node.subscribe(self.path, headers, timeout=30) as subscription:
                    while not self.stopping.is_set():
                        event = subscription.next()
                        if event is None:
                            break
                        if event.type == "message":
                            self.events.append((event.id, event.data))
                        elif event.type != "reconnect":
                            self.surprises.append(event)
            except (OSError, Closed):  # the same for a reader: it comes back with its last id
                time.sleep(0.01)
            self.turn += 1

    def numbers(self):
        return [int(data) for _, data in self.events]


class Work:
    """Producers and readers at work on streams of their own, while a test does something to the nodes or to Redis."""

    def __init__(self, nodes, streams=4, readers=2):
        self.nodes = nodes
        self.paths = [nodes[index % len(nodes.nodes)].create() for index in range(streams)]
        self.producers = [Producer(nodes, path) for path in self.paths]
        self.readers = [Reader(nodes, path, index) for path in self.paths for index in range(readers)]

    def __enter__(self):
        for worker in self.producers + self.readers:
            worker.start()
        return self

    def goes_on(self, events=5, seconds=120):
        """Waits until each producer has got so many more events acknowledged."""
        before = [producer.sent for producer in self.producers]
        eventually(
            lambda: all(producer.sent >= count + events for producer, count in zip(self.producers, before)),
            seconds,
            f"everyone going on from {before}, now {[producer.sent for producer in self.producers]}",
        )

    def __exit__(self, kind, *_):
        for producer in self.producers:
            producer.stopping.set()
        if kind is None:
            for producer in self.producers:
                producer.join(60)
            self._check()
        for reader in self.readers:
            reader.stopping.set()

    def _check(self):
        """Nothing that was acknowledged is lost, doubled or out of order; no reader was shown what is gone, and all have been shown everything."""
        for path, producer in zip(self.paths, self.producers):
            assert producer.surprises == [], producer.surprises
            kept = [[int(number) for number in node.read_whole(path).decode().split()] for node in self.nodes]
            assert all(numbers == kept[0] for numbers in kept), "every node tells the same"
            # The last one may have been kept without its acknowledgement.
            assert kept[0] == list(range(len(kept[0]))) and len(kept[0]) - producer.sent in (0, 1), (path, producer.sent, kept[0][-5:])
            assert producer.acknowledged == sorted(set(producer.acknowledged)), "no offset is given twice"
            for reader in self.readers:
                if reader.path != path:
                    continue
                eventually(lambda: len(reader.events) >= len(kept[0]), 120, f"a reader of {path} is shown {len(kept[0])} events")
                assert reader.numbers() == kept[0]
                assert reader.surprises == [], "no reader is told of a gap or an end"


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
