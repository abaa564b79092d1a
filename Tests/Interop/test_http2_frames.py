"""What RFC 9113 says that a server must not let pass, and what it must, in frames that no library would send."""

import contextlib

import pytest

from support.freshet import Freshet
from support.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Frames,
    field,
    frame,
)
from support.tls import usual

PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, CANCEL, COMPRESSION_ERROR = 1, 3, 5, 6, 8, 9


@pytest.fixture(scope="module", params=["h2c", "h2"])
def server(request):
    server = Freshet(http2=True, certificate=usual() if request.param == "h2" else None)
    yield server
    server.stop()


BEGINNING = field(":method", "GET") + field(":scheme", "http") + field(":authority", "localhost")
LIVE = field("accept", "text/event-stream")


def reader(stream, path, extra=b""):
    """A request that is whole, and whose answer goes on."""
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, BEGINNING + field(":path", path) + LIVE + extra)


def request(fields, stream=1):
    head = b"".join(field(*each) for each in fields)
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, head)


def producer(stream, path):
    head = field(":method", "POST") + field(":scheme", "http") + field(":authority", "localhost") + field(":path", path)
    return frame(HEADERS, END_HEADERS, stream, head + field("content-type", "text/plain"))


def number(value, size=4):
    return value.to_bytes(size, "big")


def setting(name, value):
    return frame(SETTINGS, 0, 0, number(name, 2) + number(value))


WHOLE = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/health")]

# The section, what is sent where `path` is a stream, and the error codes that are right.
OF_THE_CONNECTION = {
    "4.2 a frame that is too large": (lambda path: producer(1, path) + frame(DATA, 0, 1, b"x" * 16_385), {FRAME_SIZE_ERROR}),
    "4.3 an index that is in no table": (lambda path: frame(HEADERS, 5, 1, b"\xc8"), {COMPRESSION_ERROR}),
    "5.1 data on an idle stream": (lambda path: frame(DATA, END_STREAM, 1, b"x"), {PROTOCOL_ERROR}),
    "5.1 a reset of an idle stream": (lambda path: frame(RST_STREAM, 0, 1, number(CANCEL)), {PROTOCOL_ERROR}),
    "5.1 room for an idle stream": (lambda path: frame(WINDOW_UPDATE, 0, 1, number(1)), {PROTOCOL_ERROR}),
    "5.1.1 a stream of the server's": (lambda path: reader(2, path), {PROTOCOL_ERROR}),
    "5.1.1 a stream before the last": (lambda path: reader(5, path) + reader(3, path), {PROTOCOL_ERROR, STREAM_CLOSED}),
    "6.1 data on no stream": (lambda path: frame(DATA, 0, 0, b"x"), {PROTOCOL_ERROR}),
    "6.1 more padding than there is": (lambda path: producer(1, path) + frame(DATA, 8, 1, b"\5ab"), {PROTOCOL_ERROR}),
    "6.2 a head on no stream": (lambda path: reader(0, path), {PROTOCOL_ERROR}),
    "6.2 another frame inside a head": (
        lambda path: frame(HEADERS, END_STREAM, 1, BEGINNING) + frame(PING, 0, 0, b"12345678"),
        {PROTOCOL_ERROR},
    ),
    "6.3 a priority on no stream": (lambda path: frame(PRIORITY, 0, 0, bytes(5)), {PROTOCOL_ERROR}),
    "6.4 a reset of no stream": (lambda path: frame(RST_STREAM, 0, 0, number(CANCEL)), {PROTOCOL_ERROR}),
    "6.4 a reset of another size": (lambda path: reader(1, path) + frame(RST_STREAM, 0, 1, b"abc"), {FRAME_SIZE_ERROR}),
    "6.5 settings of a stream": (lambda path: frame(SETTINGS, 0, 1), {PROTOCOL_ERROR}),
    "6.5 settings of another size": (lambda path: frame(SETTINGS, 0, 0, bytes(5)), {FRAME_SIZE_ERROR}),
    "6.5 an acknowledgement with settings": (lambda path: frame(SETTINGS, ACK, 0, bytes(6)), {FRAME_SIZE_ERROR}),
    "6.5.2 push 2": (lambda path: setting(2, 2), {PROTOCOL_ERROR}),
    "6.5.2 a window that is too large": (lambda path: setting(4, 1 << 31), {FLOW_CONTROL_ERROR}),
    "6.5.2 frames that are too small": (lambda path: setting(5, 100), {PROTOCOL_ERROR}),
    "6.6 a promise of the client's": (lambda path: frame(PUSH_PROMISE, END_HEADERS, 1, number(2)), {PROTOCOL_ERROR}),
    "6.7 a ping of a stream": (lambda path: frame(PING, 0, 1, b"12345678"), {PROTOCOL_ERROR}),
    "6.7 a ping of another size": (lambda path: frame(PING, 0, 0, b"1234567"), {FRAME_SIZE_ERROR}),
    "6.8 a goodbye on a stream": (lambda path: frame(GOAWAY, 0, 1, bytes(8)), {PROTOCOL_ERROR}),
    "6.9 no room for the connection": (lambda path: frame(WINDOW_UPDATE, 0, 0, number(0)), {PROTOCOL_ERROR}),
    "6.9 room of another size": (lambda path: frame(WINDOW_UPDATE, 0, 0, b"abc"), {FRAME_SIZE_ERROR}),
    "6.9.1 more room than there may be": (lambda path: frame(WINDOW_UPDATE, 0, 0, number((1 << 31) - 1)), {FLOW_CONTROL_ERROR}),
    "6.10 a head that nothing begins": (lambda path: frame(CONTINUATION, END_HEADERS, 1, BEGINNING), {PROTOCOL_ERROR}),
    "6.10 a head that goes on elsewhere": (
        lambda path: frame(HEADERS, END_STREAM, 1, BEGINNING) + frame(CONTINUATION, END_HEADERS, 3, field(":path", "/")),
        {PROTOCOL_ERROR},
    ),
}

# The same, where only a stream is to blame. A server may take it for the connection's (section 5.4.2).
OF_A_STREAM = {
    "5.1 data after the end": (lambda path: reader(1, path) + frame(DATA, 0, 1, b"x"), {STREAM_CLOSED}),
    # STREAM_CLOSED, says the section; NIO's state machine takes both ends of a stream for a malformed message (swift-nio-http2 1.x).
    "5.1 a head after the end": (
        lambda path: reader(1, path) + frame(HEADERS, END_HEADERS | END_STREAM, 1, field("x-sum", "1")),
        {STREAM_CLOSED, PROTOCOL_ERROR},
    ),
    "6.3 a priority of another size": (lambda path: reader(1, path) + frame(PRIORITY, 0, 1, bytes(4)), {FRAME_SIZE_ERROR}),
    "6.9 no room": (lambda path: reader(1, path) + frame(WINDOW_UPDATE, 0, 1, number(0)), {PROTOCOL_ERROR}),
    "6.9.1 too much room": (
        lambda path: reader(1, path) + frame(WINDOW_UPDATE, 0, 1, number((1 << 31) - 1)),
        {FLOW_CONTROL_ERROR},
    ),
    "8.1 trailers before the end": (
        lambda path: producer(1, path) + frame(HEADERS, END_HEADERS, 1, field("x-sum", "1")),
        {PROTOCOL_ERROR},
    ),
    "8.1 trailers with a request's field": (
        lambda path: producer(1, path) + frame(HEADERS, END_HEADERS | END_STREAM, 1, field(":path", "/")),
        {PROTOCOL_ERROR},
    ),
    "8.2.1 a name in capitals": (lambda path: request(WHOLE + [("X-Word", "1")]), {PROTOCOL_ERROR}),
    "8.2.1 a name with a space": (lambda path: request(WHOLE + [("x word", "1")]), {PROTOCOL_ERROR}),
    "8.2.2 keep-alive": (lambda path: request(WHOLE + [("keep-alive", "1")]), {PROTOCOL_ERROR}),
    "8.2.2 proxy-connection": (lambda path: request(WHOLE + [("proxy-connection", "close")]), {PROTOCOL_ERROR}),
    "8.2.2 upgrade": (lambda path: request(WHOLE + [("upgrade", "h2c")]), {PROTOCOL_ERROR}),
    "8.3 a request's field after others": (lambda path: request([*WHOLE[:3], ("a", "b"), WHOLE[3]]), {PROTOCOL_ERROR}),
    "8.3 a field of no request": (lambda path: request([*WHOLE, (":word", "x")]), {PROTOCOL_ERROR}),
    "8.3 one of them twice": (lambda path: request([*WHOLE, WHOLE[3]]), {PROTOCOL_ERROR}),
    "8.3.1 no method": (lambda path: request(WHOLE[1:]), {PROTOCOL_ERROR}),
    "8.3.1 no scheme": (lambda path: request([WHOLE[0], *WHOLE[2:]]), {PROTOCOL_ERROR}),
    "8.3.1 no path": (lambda path: request(WHOLE[:3]), {PROTOCOL_ERROR}),
    "8.3.1 an empty path": (lambda path: request([*WHOLE[:3], (":path", "")]), {PROTOCOL_ERROR}),
    "8.5 a tunnel with a path": (lambda path: request([(":method", "CONNECT"), *WHOLE[1:]]), {PROTOCOL_ERROR}),
}

# What a server must let pass.
OF_NOBODY = {
    "4.1 a kind of frame that nobody knows": lambda path: frame(99, 255, 0, b"abc") + frame(99, 0, 1, b"abc"),
    "4.1 the bit that is kept for later": lambda path: reader((1 << 31) | 1, path),
    "4.1 flags that mean nothing": lambda path: frame(PING, 0xFE, 0, b"12345678"),
    "5.1 room for a stream that is over": lambda path: reader(1, path)
    + frame(RST_STREAM, 0, 1, number(CANCEL))
    + frame(WINDOW_UPDATE, 0, 1, number(9))
    + frame(RST_STREAM, 0, 1, number(CANCEL)),
    "5.3 priorities": lambda path: frame(PRIORITY, 0, 1, number(3) + b"\20")
    + frame(HEADERS, END_HEADERS | END_STREAM | 32, 1, number(0) + b"\20" + BEGINNING + field(":path", path) + LIVE)
    + frame(PRIORITY, 0, 1, number(9) + b"\20"),
    "6.1 padding": lambda path: producer(1, path) + frame(DATA, 8, 1, b"\2ab\0\0"),
    "6.5.2 a setting that nobody knows": lambda path: setting(0xFFFF, 7),
    "6.8 a goodbye": lambda path: reader(1, path) + frame(GOAWAY, 0, 0, bytes(8)),
    "8.2.2 te: trailers": lambda path: request(WHOLE + [("te", "trailers")]),
}


@pytest.mark.parametrize("what", OF_THE_CONNECTION)
def test_what_breaks_the_connection_ends_it_and_says_why(server, what):
    sent, right = OF_THE_CONNECTION[what]
    with Frames(server.address) as connection:
        whose, code = connection.verdict(sent(server.create()))
        assert whose == "connection" and code in right, (whose, code)
    assert server.request("GET", "/health").status == 200


@pytest.mark.parametrize("what", OF_A_STREAM)
def test_what_breaks_a_stream_ends_that(server, what):
    sent, right = OF_A_STREAM[what]
    path = server.create()
    with Frames(server.address) as connection:
        whose, code = connection.verdict(sent(path))
        assert whose in ("stream", "connection") and code in right, (whose, code)
    assert server.read(path).body == b""


@pytest.mark.parametrize("what", OF_NOBODY)
def test_what_is_allowed_is_no_error(server, what):
    with Frames(server.address) as connection:
        assert connection.verdict(OF_NOBODY[what](server.create())) == ("goes on", None)


# Time.

CALM = 11


@pytest.fixture
def hasty(serve):
    """A server that waits for a head no longer than a second."""
    return serve(http2=True, http2_clear_text=True, header_seconds=1)


def dribble(connection, pieces):
    """Sends a piece every tenth of a second. The code that the server ends the connection with; None if it takes them all."""
    connection.socket.settimeout(0.1)
    for piece in pieces:
        # What ends it may have come already, and is read below.
        with contextlib.suppress(OSError):
            connection.send(piece)
        try:
            while found := connection.next():
                if found[0] == GOAWAY:
                    return int.from_bytes(found[3][4:8], "big")
            return "closed"
        except TimeoutError:
            continue
    return None


def each(data):
    return [data[at : at + 1] for at in range(len(data))]


# What follows a stream that is read meanwhile.
SLOW = {
    "the bytes of a head": lambda path: each(reader(3, path)),
    "the frames of a head": lambda path: [frame(HEADERS, END_STREAM, 3, BEGINNING)]
    + [frame(CONTINUATION, 0, 3, field("x-a", "b"))] * 60,
    "trailers": lambda path: [producer(3, path), *each(frame(HEADERS, END_HEADERS | END_STREAM, 3, field("x-a", "b" * 60)))],
    "another frame": lambda path: each(frame(GOAWAY, 0, 0, bytes(60))),
}


@pytest.mark.parametrize("what", SLOW)
def test_a_head_that_dribbles_ends_the_connection(hasty, what):
    path = hasty.create()
    with Frames(hasty.address) as connection:
        connection.send(reader(1, path))
        assert dribble(connection, SLOW[what](path)) == CALM
    assert hasty.still_serves()


def test_a_body_may_dribble(hasty):
    path = hasty.create()
    with Frames(hasty.address) as connection:
        body = frame(DATA, END_STREAM, 1, b"x" * 30)
        assert dribble(connection, [producer(1, path), body[:9], *each(body[9:])]) is None
    assert hasty.read(path).body == b"x" * 30
