"""When something arrives at many readers at once: one thread looks at all their sockets, so that none waits for another's."""

import selectors
import time

from .events import Subscription
from .wire import Closed, Connection


class Arrivals:
    """Native reads of one stream, one for each named address."""

    def __init__(self, addresses, path, headers=None, timeout=60):
        self.selector = selectors.DefaultSelector()
        self.readers, self.bytes, self.last = {}, {}, {}
        # Opened before any of them is waited for: a proxy may hold the head of its answer back.
        for name, address in addresses.items():
            self.readers[name] = Reader(address, path, headers, timeout)
            self.bytes[name] = b""
            self.selector.register(self.readers[name].socket, selectors.EVENT_READ, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for reader in self.readers.values():
            reader.close()
        self.selector.close()

    def pump(self, until):
        """Takes what is there by `until`; returns after the first piece. Names whose connection ended are left out from then on."""
        for key, _ in self.selector.select(max(0, until - time.monotonic())):
            now = time.monotonic()
            try:
                data = key.fileobj.recv(65536)
            except ConnectionError:
                data = b""
            if data:
                self.bytes[key.data] += data
                self.last.setdefault(key.data, []).append(now)
            else:
                self.selector.unregister(key.fileobj)
                self.readers[key.data].ended = True

    @property
    def ended(self):
        return {name for name, reader in self.readers.items() if reader.ended}

    def of(self, marker, seconds=60, names=None):
        """When `marker` was there, by name; those that did not get it in time are missing."""
        marker, found = marker.encode(), {}
        waiting = set(names or self.readers)
        until = time.monotonic() + seconds
        while waiting and time.monotonic() < until:
            for name in list(waiting):
                if marker in self.bytes[name]:
                    found[name] = self.last[name][-1]
                    waiting.discard(name)
                elif self.readers[name].ended:
                    waiting.discard(name)
            if waiting:
                self.pump(until)
        return found


class Reader:
    """A request for a native read; nothing is waited for."""

    def __init__(self, address, path, headers, timeout):
        self.connection = Connection(address, timeout)
        self.connection.send_head("GET", path, {"Accept": "text/event-stream", **(headers or {})})
        self.socket = self.connection.socket
        self.ended = False

    def close(self):
        self.connection.close()


def follow(address, path, seen, connections, give_up):
    """Reads to `event: end` over any number of connections, as an EventSource does: the data of every event goes to `seen`.

    Every way that a connection can end before is followed by another connection with the last id. `connections` gets the last id
    that each began with.
    """
    last = None
    while time.monotonic() < give_up:
        try:
            with Subscription(address, path, {"Last-Event-ID": last}, timeout=5) as reader:
                if reader.head.status != 200:
                    # A proxy that has just started may not have found the server yet.
                    time.sleep(0.1)
                    continue
                connections.append(last)
                while event := reader.next():
                    if event.type == "end":
                        return True
                    if event.type == "message":
                        seen.append(event.data)
                        last = event.id
        except (OSError, Closed, AssertionError):
            # No proxy, a torn connection, or a body that ends within a block: the last id is still the last.
            time.sleep(0.05)
    return False
