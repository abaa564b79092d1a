"""A TCP proxy that cuts connections: the bad network between a client and the server."""

import contextlib
import random
import socket
import struct
import threading

from . import tls


class CutProxy:
    """Listens on a free port, forwards to `upstream`, and asks `plan(number)` what shall happen to connection `number`.

    A plan is a Cut, or None to leave the connection alone.
    """

    def __init__(self, upstream, plan=lambda number: None):
        self.upstream = upstream
        self.plan = plan
        self.connections = 0
        self.cuts = 0
        self.refused = 0
        self._open = set()
        self._muted = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        # What the server speaks, the proxy passes on.
        context, http2 = getattr(upstream, "context", None), getattr(upstream, "http2", False)
        self.address = ("127.0.0.1", self.port)
        if context or http2:
            self.address = tls.Endpoint(self.address, context, http2)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stops listening and ends every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    @contextlib.contextmanager
    def mute(self):
        """What is open stays open, and nothing passes on it any more: as after a change of network."""
        with self._lock:
            muted = set(self._open)
        self._muted |= muted
        yield
        for pair in muted:
            self._cut(pair, reset=True)
        self._muted -= muted

    def cut_all(self):
        with self._lock:
            pairs = list(self._open)
        for pair in pairs:
            self._cut(pair, reset=True)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = self.upstream
            try:
                server = socket.create_connection(upstream, 10)
            except OSError:
                # As good as a connection that nobody accepts.
                self.refused += 1
                _close(client, reset=True)
                continue
            server.settimeout(None)
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open.add(pair)
            if upstream is not self.upstream:
                # Who gave another upstream, and cut what was open, did not see this one yet.
                self._cut(pair, reset=True)
                continue
            cut = self.plan(number)
            threading.Thread(target=self._pump, args=(pair, 0, cut), daemon=True).start()
            threading.Thread(target=self._pump, args=(pair, 1, cut), daemon=True).start()

    def _pump(self, pair, side, cut):
        """Forwards from one side to the other; side 0 is the client's bytes."""
        source, sink = pair[side], pair[1 - side]
        try:
            while data := source.recv(65536):
                if pair in self._muted:
                    continue
                allowed = cut.up(data) if cut and side == 0 else cut.down(data) if cut else len(data)
                sink.sendall(data[:allowed])
                if allowed < len(data) or (cut and cut.due):
                    self._cut(pair, cut.reset)
                    return
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._cut(pair, reset=True)

    def _cut(self, pair, reset):
        with self._lock:
            if pair not in self._open:
                return
            self._open.discard(pair)
            self.cuts += 1
        _close(pair[0], reset)
        _close(pair[1], reset)


def _close(side, reset):
    try:
        if reset:
            side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Wakes the thread that waits in recv, which close() alone does not; a reset must not send a FIN first.
        side.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
    except OSError:
        pass
    side.close()


class CutAfterEvents:
    """Cuts an event stream after `count` events with an id, and `extra` bytes of what follows."""

    def __init__(self, count, extra=0, reset=False):
        self.count, self.extra, self.reset = count, extra, reset
        self.due = False
        self._seen = b""
        self._searched = 0
        self._limit = None

    def up(self, data):
        return len(data)

    def down(self, data):
        before = len(self._seen)
        self._seen += data
        while self._limit is None:
            end = self._seen.find(b"\n\n", self._searched)
            if end < 0:
                return len(data)
            block = self._seen[self._searched : end]
            self._searched = end + 2
            if block.startswith(b"id:") or b"\nid:" in block:
                self.count -= 1
                if self.count == 0:
                    self._limit = self._searched + self.extra
        allowed = min(len(data), self._limit - before)
        self.due = before + allowed >= self._limit
        return allowed


class CutAfterBytes:
    """Cuts after so many bytes from the client, or to it."""

    def __init__(self, up=None, down=None, reset=True):
        self._up, self._down, self.reset = up, down, reset
        self.due = False

    def up(self, data):
        if self._up is None:
            return len(data)
        allowed = min(len(data), self._up)
        self._up -= allowed
        self.due = self.due or self._up == 0
        return allowed

    def down(self, data):
        if self._down is None:
            return len(data)
        allowed = min(len(data), self._down)
        self._down -= allowed
        self.due = self.due or self._down == 0
        return allowed


def random_cuts(seed, down, up=None, spare=0):
    """A plan that cuts every connection but each `spare`-th after a random number of bytes in one direction.

    Without `up` it is always the server's bytes: whoever only reads sends too few to be cut by.
    """
    chance = random.Random(seed)

    def plan(number):
        if spare and number % spare == 0:
            return None
        reset = chance.random() < 0.5
        if up and chance.random() < 0.5:
            return CutAfterBytes(up=chance.randint(*up), reset=reset)
        return CutAfterBytes(down=chance.randint(*down), reset=reset)

    return plan
