"""What other clients of a server notice: the latency of their requests, and the memory of the process."""

import pathlib
import statistics
import threading
import time

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


class Neighbour:
    """A client that sends small appends to a stream of its own, one after the other, and notes how long each takes."""

    def __init__(self, server, pause=0.005):
        self.server = server
        self.path = server.create()
        self.pause = pause
        self.times = []
        self.refused = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        with Connection(self.server.address) as connection:
            while not self._over.is_set():
                started = time.monotonic()
                connection.send_head("POST", self.path, {"Content-Type": "text/plain", "Content-Length": "5"})
                connection.send(b"token")
                answer = connection.read_answer()
                self.times.append(time.monotonic() - started)
                if answer.status != 204:
                    self.refused.append(answer)
                self._over.wait(self.pause)

    def measured(self, count):
        """Waits until there are so many measurements."""
        return eventually(lambda: len(self.times) >= count, 60, f"{count} measurements of a neighbour")

    def p99(self):
        return statistics.quantiles(self.times, n=100)[98]
