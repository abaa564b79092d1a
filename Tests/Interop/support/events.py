"""Reading subscriptions: the blocks of native SSE and the lines of NDJSON, as they came and parsed."""

import dataclasses
import json

from .wire import Closed, Connection


HEARTBEAT = b":\n"
"""What a quiet reader gets: one line, without a blank one after it."""


@dataclasses.dataclass
class Event:
    """One block of an event stream, with the bytes it came as."""

    raw: bytes
    type: str = "message"
    id: str | None = None
    data: str | None = None
    retry: int | None = None

    @property
    def is_comment(self):
        return self.data is None and self.id is None and self.retry is None

    @property
    def json(self):
        return json.loads(self.data)


def parse_block(raw):
    """Parses one block, strictly: LF only, known fields only, one space after the colon."""
    if raw == HEARTBEAT:
        return Event(raw)
    assert raw.endswith(b"\n\n"), raw
    assert b"\r" not in raw, raw
    event = Event(raw)
    data = []
    for line in raw[:-2].decode("utf-8").split("\n"):
        name, colon, value = line.partition(":")
        assert colon, f"a line without a colon: {line!r}"
        assert value == "" or value.startswith(" "), f"no space after the colon: {line!r}"
        value = value[1:]
        if name == "":
            continue
        if name == "event":
            event.type = value
        elif name == "id":
            event.id = value
        elif name == "retry":
            event.retry = int(value)
        elif name == "data":
            data.append(value)
        else:
            raise AssertionError(f"an unknown field: {line!r}")
    event.data = "\n".join(data) if data else None
    return event


def parse_blocks(body):
    """Every block of a complete body, comments too."""
    blocks = []
    while body:
        raw, body = cut(body, b"\n\n")
        assert raw is not None, f"an unfinished block: {body[-200:]!r}"
        blocks.append(parse_block(raw))
    return blocks


def cut(body, separator):
    """The first block, or heartbeat, with what ends it, and the rest; None and everything when it has not come yet."""
    if body.startswith(HEARTBEAT):
        return HEARTBEAT, body[len(HEARTBEAT) :]
    before, found, after = body.partition(separator)
    return (before + found, after) if found else (None, body)


class Subscription:
    """A connection that reads one stream."""

    separator = b"\n\n"

    def __init__(self, address, target, headers=None, version="1.1", timeout=60):
        self.connection = Connection(address, timeout)
        self.connection.send_head("GET", target, {"Accept": "text/event-stream", **(headers or {})}, version)
        self.head = self.connection.read_head()
        self.chunked = self.connection.is_http2 or (self.head["Transfer-Encoding"] or "").lower() == "chunked"
        self.ended = False
        self.pending = b""
        # Appended to in place: added to bytes, each piece would copy all that came before it.
        self._body = bytearray()

    @property
    def body(self):
        """All that has come of the body."""
        return bytes(self._body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def close(self):
        self.connection.close()

    def more(self):
        """Waits for more of the body; False at its clean end."""
        if self.ended:
            return False
        if self.chunked:
            data = self.connection.read_chunk()
            if not data:
                assert self.connection.read_to_end() == b"", "bytes after the last chunk"
        else:
            if not self.connection.buffer:
                try:
                    self.connection.receive()
                except Closed:
                    pass
            data, self.connection.buffer = self.connection.buffer, b""
        self.ended = not data
        self.pending += data
        self._body += data
        return not self.ended

    def next_raw(self):
        """The next block with its separator, or None at the clean end."""
        while True:
            raw, self.pending = cut(self.pending, self.separator)
            if raw is not None:
                return raw
            if not self.more():
                assert self.pending == b"", f"an unfinished block at the end: {self.pending!r}"
                return None

    def next_block(self):
        """The next block, comments too, or None at the clean end."""
        raw = self.next_raw()
        return None if raw is None else parse_block(raw)

    def next(self):
        """The next event, comments skipped, or None at the clean end."""
        while True:
            block = self.next_block()
            if block is None or not block.is_comment:
                return block

    def take(self, count):
        events = [self.next() for _ in range(count)]
        assert None not in events, f"the stream ended early: {events}"
        return events

    def rest(self):
        """Every event up to the clean end."""
        events = []
        while (event := self.next()) is not None:
            events.append(event)
        return events


class Lines(Subscription):
    """A connection that reads one stream as NDJSON."""

    separator = b"\n"

    def __init__(self, address, target, headers=None, **options):
        super().__init__(address, target, {"Accept": "application/x-ndjson", **(headers or {})}, **options)

    def next(self):
        """The next line's object, heartbeats skipped, or None at the clean end."""
        while (raw := self.next_raw()) is not None:
            if raw != b"\n":
                return json.loads(raw)
        return None
