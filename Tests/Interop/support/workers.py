"""Who appends and who reads while nodes and Redis come and go, each in a thread of its own."""

import threading

from .wire import Closed


class Worker(threading.Thread):
    """Asks one node after the other, counts what it got, and remembers what should not have come."""

    def __init__(self, nodes, path, first=0):
        super().__init__(daemon=True)
        self.nodes = nodes
        self.path = path
        self.turn = first
        self.surprises = []
        self.stopping = threading.Event()

    def __repr__(self):
        return f"<{type(self).__name__} of {self.path}, at {self.count}>"

    @property
    def node(self):
        return self.nodes[self.turn % len(self.nodes.nodes)]

    def run(self):
        try:
            self.work()
        except Exception as error:
            self.surprises.append(error)

    def ask(self, method, headers=None, body=None, path=None, fine=(200, 204), again=(503,)):
        """Repeats a request, at the next node after each failure, until it is answered; None where it is to stop, or for a surprise."""
        while not self.stopping.is_set():
            try:
                answer = self.node.request(method, path or self.path, headers, body, timeout=10)
            except (OSError, Closed):  # however the connection ended, the same request is sent again, to the next node
                self.turn += 1
                self.stopping.wait(0.01)
                continue
            if answer.status in fine:
                return answer
            if answer.status not in again:
                self.surprises.append(answer)
                return None
            self.turn += 1
            self.stopping.wait(0.02)
        return None


class Producer(Worker):
    """Appends numbered events to a stream, idempotently, at any node, and remembers what was acknowledged.

    `room` says whether Redis has room: without it an append may be refused for that.
    """

    def __init__(self, nodes, path, id="p", room=None, pace=0):
        super().__init__(nodes, path)
        self.id = id
        self.room = room
        self.pace = pace
        self.count = 0
        self.refusals = 0
        self.acknowledged = []

    def work(self):
        while not self.stopping.is_set():
            word = f"{self.id}:{self.count}"
            headers = {"Content-Type": "text/plain", "Producer-Id": self.id, "Producer-Epoch": "0", "Producer-Seq": str(self.count)}
            answer = self.ask("POST", headers, word + " ", fine=(200, 204, 507) if self.room.is_lacking else (200, 204))
            if answer is None:
                return
            if answer.status == 507:
                self.refusals += 1
                self.stopping.wait(0.05)
                continue
            # A repetition is told the tail of that moment, which may be another's.
            if answer.status == 200:
                self.acknowledged.append((answer["Stream-Next-Offset"], word))
            self.count += 1
            self.stopping.wait(self.pace)


class Reader(Worker):
    """Follows a stream over any number of connections to any node, from the last id it saw.

    With `ends` the stream may end, which it reads once more from before; without, an end is a surprise.
    """

    def __init__(self, nodes, path, first=0, ends=0):
        super().__init__(nodes, path, first)
        self.events = []
        self.awaited_ends = ends
        self.ends = []

    @property
    def count(self):
        return len(self.events)

    def work(self):
        while not self.stopping.is_set() and not (self.ends and len(self.ends) == self.awaited_ends):
            headers = {"Last-Event-ID": self.events[-1][0]} if self.events else {}
            try:
                with self.node.subscribe(self.path, headers, timeout=30) as subscription:
                    while not self.stopping.is_set():
                        event = subscription.next()
                        if event is None:
                            break
                        if event.type == "message":
                            self.events.append((event.id, event.data.strip()))
                        elif event.type == "end" and self.awaited_ends:
                            self.ends.append((event.id, event.json))
                        elif event.type != "reconnect":
                            self.surprises.append((event, headers))
            except (OSError, Closed):  # the same for a reader: it comes back with its last id
                self.stopping.wait(0.01)
            self.turn += 1


class Poller(Worker):
    """Reads what is stored by one request after the other, at any node, from the last offset it was told."""

    def __init__(self, nodes, path, first=0):
        super().__init__(nodes, path, first)
        self.body = b""
        self.offset = "-1"

    @property
    def words(self):
        return self.body.decode().split()

    @property
    def count(self):
        return len(self.words)

    def work(self):
        while not self.stopping.is_set():
            answer = self.ask("GET", path=f"{self.path}?offset={self.offset}", fine=(200,))
            if answer is None:
                return
            if "Stream-Gap" in answer:
                self.surprises.append(answer)
            self.body += answer.body
            self.offset = answer["Stream-Next-Offset"]
            self.turn += 1
            self.stopping.wait(0.05)
