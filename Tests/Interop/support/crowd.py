"""Many readers and writers at once, on raw sockets in one event loop."""

import asyncio
import random
import resource

from .waiting import eventually
from .wire import Connection


def allow_many_sockets():
    """Raises this process's limit of open files, which what it starts inherits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Reader:
    """Reads one stream to its end, as `EventSource` would, over connections that are cut at random."""

    def __init__(self, address, path, seed, cut_after=None):
        self.address = address
        self.path = path
        self.chance = random.Random(seed)
        self.cut_after = cut_after
        self.last_id = None
        self.ids = []
        self.data = []
        self.end = None
        self.gaps = 0
        self.connections = 0

    async def run(self):
        while self.end is None:
            await self.connect()
        return self

    async def connect(self):
        reader, writer = await asyncio.open_connection(*self.address)
        self.connections += 1
        resume = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        writer.write(
            f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{resume}\r\n".encode()
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 429 ") or head.startswith(b"HTTP/1.1 503 "):
                return
            assert head.startswith(b"HTTP/1.1 200 "), head
            await self.read_body(reader)
        finally:
            if self.chance.random() < 0.5:
                writer.transport.abort()
            writer.close()

    async def read_body(self, reader):
        budget = self.chance.randint(*self.cut_after) if self.cut_after else None
        chunks, pending = Chunks(), b""
        while True:
            data = await reader.read(65536)
            if not data:
                return
            if budget is not None:
                data = data[:budget]
                budget -= len(data)
            pending += chunks.feed(data)
            *blocks, pending = pending.split(b"\n\n")
            for block in blocks:
                self.take(block)
            if self.end is not None or budget == 0:
                return

    def take(self, block):
        kind, id, data = "message", None, None
        for line in block.split(b"\n"):
            if line.startswith(b"data: "):
                data = line[6:]
            elif line.startswith(b"id: "):
                id = line[4:].decode()
            elif line.startswith(b"event: "):
                kind = line[7:].decode()
        if data is None:
            return
        if id is not None:
            self.last_id = id
        if kind == "message":
            self.ids.append(id)
            self.data.append(data)
        elif kind == "end":
            self.end = data
        elif kind == "gap":
            self.gaps += 1

    def missed_nothing(self, expected):
        assert self.gaps == 0, f"{self.path}: a gap"
        assert self.data == expected, f"{self.path}: {first_difference(self.data, expected)}"
        assert all(a < b for a, b in zip(self.ids, self.ids[1:])), f"{self.path}: ids out of order"
        assert self.end == b'{"reason":"done"}', self.end


class Crowd:
    """Readers of one stream that are connected and never read."""

    def __init__(self, server, path, count):
        self.server, self.path, self.count = server, path, count

    def __enter__(self):
        self.connections = []
        for _ in range(self.count):
            self.connections.append(Connection(self.server.address))
            self.connections[-1].send_head("GET", self.path, {"Accept": "text/event-stream"})
        name = self.path.removeprefix("/v1/stream/")
        eventually(lambda: self.server.request("GET", f"/v1/streams/{name}").json["readers"] == self.count, 60)
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.close()


class Chunks:
    """Takes the framing off a chunked body as it arrives; data counts before its chunk is whole."""

    def __init__(self):
        self.left = 0
        self.pending = b""

    def feed(self, data):
        data = self.pending + data
        body = []
        while data:
            if self.left > 2:
                part = data[: self.left - 2]
                body.append(part)
                self.left -= len(part)
                data = data[len(part) :]
            elif self.left > 0:
                # The line end after a chunk's data.
                skipped = min(self.left, len(data))
                self.left -= skipped
                data = data[skipped:]
            else:
                line = data.find(b"\r\n")
                if line < 0:
                    break
                self.left = int(data[:line], 16) + 2
                data = data[line + 2 :]
        self.pending = data
        return b"".join(body)


def first_difference(got, expected):
    for index, (a, b) in enumerate(zip(got, expected)):
        if a != b:
            return f"at {index}: {a!r} instead of {b!r}; {len(got)} of {len(expected)}"
    return f"{len(got)} events instead of {len(expected)}"


class Writer:
    """One kept connection that sends requests."""

    def __init__(self, address):
        self.address = address

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection(*self.address)
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def request(self, method, path, headers="", body=b""):
        self.writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
            + body
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        assert status in (200, 201, 204), head
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await self.reader.readexactly(int(line[15:]))

    async def create(self, path):
        await self.request("PUT", path, "Content-Type: text/plain\r\n")

    async def append(self, path, body):
        await self.request("POST", path, "Content-Type: text/plain\r\n", body)

    async def end(self, path):
        await self.request("POST", path, "Stream-Closed: true\r\n")
