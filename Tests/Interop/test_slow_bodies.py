"""The body of a request: how slowly it may come, and which of its bytes count."""

import time

import pytest

from support.freshet import Freshet
from support.upstream import Answer, Upstream
from support.wire import Closed, Connection

KIB, MIB = 1 << 10, 1 << 20
# A byte each tenth of a second is slower than the least rate, and no silence. It holds for a body that has taken IDLE seconds.
IDLE = 2
RATE = {"body_idle_seconds": IDLE, "body_bytes_per_second": 1000}


def is_answered(connection, seconds):
    """Whether there is something of the answer, or the end of the connection; what else HTTP/2 has to say is none."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        connection.socket.settimeout(left)
        try:
            if not connection.is_http2:
                connection.receive()
                return True
            if connection.stream.heads or not connection.http2.receive():
                return True
        except TimeoutError:
            return False
        except (OSError, Closed):
            return True
    return False


def dribble(connection, send, seconds):
    """Sends a little ten times a second until there is an answer, or for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.socket.settimeout(60)
        try:
            send()
        except OSError:
            break
        if is_answered(connection, 0.1):
            break
    connection.socket.settimeout(60)


def is_too_slow(answer):
    assert answer.status == 408, answer
    assert "body-too-slow" in answer.text and "`body-bytes-per-second`" in answer.text
    return True


def test_a_body_that_dribbles_in_is_408_and_a_streaming_append_may(serve):
    server = serve(**RATE)
    path = server.create("text/plain")
    with Connection(server.address) as atomic:
        atomic.send_head("POST", path, {"Content-Type": "text/plain", "Content-Length": str(MIB)})
        dribble(atomic, lambda: atomic.send("x"), 30)
        answer = atomic.read_answer()
    assert is_too_slow(answer) and answer.json["type"] == "urn:freshet:body-too-slow"
    with Connection(server.address) as streaming:
        streaming.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        dribble(streaming, lambda: streaming.send_chunk("y"), 3 * IDLE)
        streaming.send_chunk("")
        assert streaming.read_answer().status == 204
    assert set(server.read(path).body) == {ord("y")}
    # Fast enough for what it is. A busy machine may pause for too long in the midst of it, but not each time.
    for _ in range(5):
        answer = in_pieces(server, path)
        if answer.status != 408:
            break
    assert answer.status == 204, answer


def in_pieces(server, path):
    """The response to a body of 40 KiB, a KiB of which is sent every 50 ms until there is one."""
    with Connection(server.address) as atomic:
        atomic.send_head("POST", path, {"Content-Type": "text/plain", "Content-Length": str(40 * KIB)})
        for _ in range(40):
            atomic.socket.settimeout(60)
            try:
                atomic.send("z" * KIB)
            except OSError:
                break
            if is_answered(atomic, 0.05):
                break
        atomic.socket.settimeout(60)
        return atomic.read_answer()


@pytest.fixture
def relay():
    """A relay with an upstream that answers each request, and the upstream."""
    with Upstream(lambda request: Answer([b"{}"], type="application/json")) as upstream:
        server = Freshet(
            "relay", memory=True, upstreams=[f"one openai-compatible {upstream.url} key=none"], environment={"NO_PROXY": "*"}, **RATE
        )
        yield server, upstream
        server.stop()


def test_a_call_to_a_model_that_dribbles_in_is_408_and_what_is_passed_on_may(relay):
    server, upstream = relay
    fields = {"Content-Type": "application/json", "Content-Length": str(MIB)}
    with Connection(server.address) as call:
        call.send_head("POST", "/v1/chat/completions", fields)
        dribble(call, lambda: call.send("x"), 30)
        assert is_too_slow(call.read_answer())
    assert upstream.requests == []
    # A body that is passed on is bounded by its silence, for which a busy machine may pause, but not each time.
    for _ in range(5):
        sent, answer = passed_on_slowly(server)
        if answer and answer.status == 200:
            break
    assert answer and answer.status == 200, answer
    assert upstream.requests[-1].body == b"y" * sent and sent > IDLE


def passed_on_slowly(server):
    """How much of a body that dribbles was sent, and the answer, if there is one."""
    sent = 0
    with Connection(server.address) as passed:
        passed.send_head("POST", "/v1/files", {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})

        def send():
            nonlocal sent
            passed.send_chunk("y")
            sent += 1

        dribble(passed, send, 3 * IDLE)
        try:
            passed.send_chunk("")
            return sent, passed.read_answer()
        except (OSError, Closed):
            return sent, None


@pytest.mark.parametrize("kind", ["chunk extensions", "trailers"])
def test_chunk_extensions_and_trailers_count_as_bytes_of_a_body(serve, kind):
    # What trailers may take by themselves is as much as a header may.
    server = serve(body_bytes=64 * KIB, header_bytes=256 * KIB)
    path = server.create("application/json")
    fields = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    # The body itself is a few bytes.
    before, piece, after = {
        "chunk extensions": (b"", b"1;" + b"x" * 4 * KIB + b"\r\n1\r\n", b"0\r\n\r\n"),
        "trailers": (b"1\r\n1\r\n0\r\n", b"X-Filler: " + b"x" * 4 * KIB + b"\r\n", b"\r\n"),
    }[kind]
    with Connection(server.address) as large:
        large.send_head("POST", path, fields)
        try:
            large.send(before)
            # It is not over: what comes after is never sent.
            for _ in range(40):
                large.send(piece)
        except OSError:
            pass
        answer = large.read_answer()
    assert answer.status == 413 and answer.json["type"] == "urn:freshet:body-too-large"
    assert server.read(path).body == b"[]"
    with Connection(server.address) as within:
        within.send_head("POST", path, fields)
        within.send(before + piece * 10 + after)
        assert within.read_answer().status == 204
    assert server.read(path).body == {"chunk extensions": b"[1111111111]", "trailers": b"[1]"}[kind]


def test_chunks_that_say_no_more_than_their_length_cost_nothing_however_small_they_are(serve):
    server = serve(body_bytes=64 * KIB)
    path = server.create("application/json")
    with Connection(server.address) as small:
        small.send_head("POST", path, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        small.send(b"1\r\n1\r\n" * 30_000 + b"0\r\n\r\n")
        assert small.read_answer().status == 204
    assert server.read(path).body == b"[" + b"1" * 30_000 + b"]"
