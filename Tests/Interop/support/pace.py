"""What other clients of a server notice: the latency of their requests; and what the process takes: its memory and processor time."""

import itertools
import os
import pathlib
import statistics
import threading
import time

from .events import Subscription
from .waiting import eventually
from .wire import Connection


class Memory:
    """The resident memory of a process, and the most that it was since the last look."""

    def __init__(self, pid):
        self.root = pathlib.Path(f"/proc/{pid}")

    def now(self):
        return self._field("VmRSS")

    def settled(self):
        """What it is once nothing has been given back or taken for half a second."""
        seen, since = self.now(), time.monotonic()

        def is_settled():
            nonlocal seen, since
            if (now := self.now()) != seen:
                seen, since = now, time.monotonic()
            return time.monotonic() - since >= 0.5

        eventually(is_settled, 60, "memory that stays as it is")
        return seen

    def forget_peak(self):
        (self.root / "clear_refs").write_text("5")

    def peak(self):
        return self._field("VmHWM")

    def _field(self, name):
        for line in (self.root / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}")


def processor_seconds(pid):
    """The time that processors have worked for a process, all its threads together; in steps of 10 ms."""
    # The name of the program, in parentheses, may have spaces (proc_pid_stat(5)).
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """Does one thing again and again on connections of its own, in a thread of its own, and notes how long each took.

    What it expects it checks each time; what was wrong is raised when it is over.
    """

    pause = 0.005

    def __init__(self, server):
        self.server = server
        self.times = []
        self._error = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._over.set()
        self._thread.join()
        if kind is None:
            self.raise_error()

    def _run(self):
        try:
            with Connection(self.server.address) as self.connection:
                self.begin()
                while not self._over.is_set():
                    self.times.append(self.once())
                    self._over.wait(self.pause)
                self.finish()
        except Exception as error:
            self._error = error

    def begin(self):
        """What is done once, before anything is measured."""

    def once(self):
        """One round; how long what is measured of it took."""
        raise NotImplementedError

    def finish(self):
        """What is done once, at the end."""

    def ask(self, method, path, expected, headers=None, body=b""):
        """A request on its connection, and how long it took."""
        started = time.monotonic()
        length = {} if method == "GET" else {"Content-Length": str(len(body))}
        self.connection.send_head(method, path, {**(headers or {}), **length})
        if body:
            self.connection.send(body)
        answer = self.connection.read_answer(method)
        took = time.monotonic() - started
        assert answer.status == expected, answer
        return took

    def raise_error(self):
        if self._error:
            raise self._error

    def p99(self):
        return statistics.quantiles(self.times, n=100, method="inclusive")[98]

    def p95(self):
        return statistics.quantiles(self.times, n=20, method="inclusive")[18]


class Health(Client):
    """Asks for the server's health."""

    pause = 0.01

    def once(self):
        return self.ask("GET", "/health", 200)


class Appends(Client):
    """Sends small appends to a stream of its own, one after the other."""

    def begin(self):
        self.path = self.server.create()

    def once(self):
        return self.ask("POST", self.path, 204, {"Content-Type": "text/plain"}, b"token")


class Cancels(Client):
    """Cancels one stream after the other, each made for it and deleted afterwards; the cancel is what is measured."""

    pause = 0.01
    numbers = itertools.count()

    def once(self):
        path = f"/v1/stream/to-cancel-{next(self.numbers)}"
        self.ask("PUT", path, 201, {"Content-Type": "text/plain"})
        took = self.ask("POST", path, 204, {"Stream-Cancel": "true"})
        self.ask("DELETE", path, 204)
        return took


class SlowProducer(Client):
    """A streaming append that sends a token now and then, and a reader, who gets each as an event: that is what is measured."""

    pause = 0.02

    def begin(self):
        self.path = self.server.create()
        self.sent = []
        self.connection.send_head("POST", self.path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        self.reader = Subscription(self.server.address, self.path)

    def once(self):
        self.sent.append(f"token {len(self.sent)} ")
        started = time.monotonic()
        self.connection.send_chunk(self.sent[-1])
        event = self.reader.next()
        took = time.monotonic() - started
        assert event and (event.type, event.data) == ("message", self.sent[-1]), event
        return took

    def finish(self):
        with self.reader:
            self.connection.send_chunk("")
            answer = self.connection.read_answer()
            assert answer.status == 204, answer
            assert self.server.read(self.path).text == "".join(self.sent)
            assert self.server.end(self.path).status == 204
            assert [event.type for event in self.reader.rest()] == ["end"]


class Neighbours:
    """Such clients of one server, all at once: one asks for its health, one appends, one cancels, and one is a slow producer."""

    def __init__(self, server):
        self.clients = {"health": Health(server), "append": Appends(server), "cancel": Cancels(server), "token": SlowProducer(server)}

    def __enter__(self):
        for client in self.clients.values():
            client.__enter__()
        return self

    def __exit__(self, kind, *_):
        # All of them are over before one of them says what was wrong.
        errors = []
        for client in self.clients.values():
            try:
                client.__exit__(kind)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def has_measured(self, count):
        """Whether each has measured so often; what was wrong with one is raised."""
        for client in self.clients.values():
            client.raise_error()
        return all(len(client.times) >= count for client in self.clients.values())

    def measured(self, count):
        """Waits until each has measured so often."""
        eventually(lambda: self.has_measured(count), 120, f"{count} measurements of each neighbour")

    def p99(self):
        return {kind: client.p99() for kind, client in self.clients.items()}

    def p95(self):
        return {kind: client.p95() for kind, client in self.clients.items()}

    def slowest(self):
        return max(max(client.times) for client in self.clients.values())


def in_words(times):
    """Times of each kind of client, in milliseconds."""
    return ", ".join(f"{kind} {seconds * 1000:.1f} ms" for kind, seconds in times.items())
