"""A stream that does not say so, bodies that nobody asked to be packed, and requests that are: each is paid for once."""

import ctypes.util
import gzip
import json
import threading
import zlib

import openai
import pytest

from support.clients import over_transport
from support.raw_upstream import FRAMINGS, framed
from support.upstream import CHAT, EVENTS, PATHS
from support.waiting import eventually
from support.wire import Closed, Connection
from test_relay_oddities import Relayed

BODY = b'{"model":"m","stream":true}'
JSON_BODY = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[]}'


@pytest.fixture(scope="module")
def relayed():
    both = Relayed()
    yield both
    assert both.server.stop(60) == 0, both.server.logged()


def zstd(pieces):
    """Frames of raw blocks (RFC 8878), which any decoder reads: each piece is flushed."""
    output = [b"\x28\xb5\x2f\xfd\x00\x58"]
    for piece in pieces:
        for start in range(0, len(piece), 1000):
            block = piece[start : start + 1000]
            output.append((len(block) << 3).to_bytes(3, "little") + block)
    output[0] = output[0] + output.pop(1)
    return output + [(1).to_bytes(3, "little")]


def packed(coding, pieces):
    """The pieces, each flushed, and the end."""
    if coding == "zstd":
        return zstd(pieces)
    bits = {"gzip": 31, "deflate": 15, "raw deflate": -15}[coding]
    packer = zlib.compressobj(wbits=bits)
    return [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces] + [packer.flush()]


CODINGS = ["gzip", "deflate", "raw deflate"] + (["zstd"] if ctypes.util.find_library("zstd") else [])


# A stream under another name

TYPES = {
    "text": "Content-Type: text/plain\r\n",
    "json": "Content-Type: application/json\r\n",
    "none": "",
    "empty": "Content-Type:\r\n",
    "doubled": "Content-Type: text/event-stream, text/event-stream\r\n",
    "twice": "Content-Type: application/json\r\nContent-Type: text/event-stream\r\n",
}
OPENINGS = [b"", b"\xef\xbb\xbf", b"\n\n", b"\xef\xbb\xbf\r\n\r\n", b": hello\n\n", b"retry: 1\n", b"id: 7\n", b"event: message\n"]


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("type", TYPES)
def test_a_stream_is_one_under_any_name(relayed, type, framing):
    for format, path in PATHS.items():
        relayed.response = framed(framing, list(EVENTS[format]), fields=TYPES[type])
        head, body, whole = relayed.ask(path)
        assert (head.status, head["Content-Type"], body, whole) == (200, "text/event-stream; charset=utf-8", b"".join(EVENTS[format]), True)
        assert relayed.end_of(head) == {"reason": "done"}
        assert len(relayed.upstream.requests) == 1


@pytest.mark.parametrize("opening", OPENINGS)
def test_what_may_come_first(relayed, opening):
    for size in (1, 1000):
        text = opening + b"".join(CHAT)
        relayed.response = framed("chunked", [text[i : i + size] for i in range(0, len(text), size)], fields=TYPES["text"])
        head, body, whole = relayed.ask("/v1/chat/completions")
        assert (relayed.end_of(head), body, whole) == ({"reason": "done"}, b"".join(CHAT), True)


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("body", [JSON_BODY, b"datum", b"data {}", b"", b"\n\n{}", b"[1]", b"ev", b"\xef\xbb", b"<html>data: x</html>"])
def test_what_is_no_stream_is_passed_on_with_its_bytes(relayed, body, size):
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    relayed.response = framed("chunked", pieces, fields=TYPES["json"])
    head, received, whole = relayed.ask("/v1/chat/completions")
    assert (head.status, head["Content-Type"], received, whole) == (200, "application/json", body, True)
    assert "Location" not in head
    assert len(relayed.upstream.requests) == 1


def test_it_is_passed_on_as_it_arrives(relayed):
    for opening in (b'{"id":', b"\n" * 5000, b"\n"):
        go = threading.Event()
        first, rest = framed("chunked", [opening, b"1}"], fields=TYPES["json"])[:2], framed("chunked", [b"1}"])[1:]
        relayed.response = [*first, go, *rest]
        relayed.upstream.requests.clear()
        with Connection(relayed.server.address, 30) as connection:
            connection.send_head("POST", PATHS["chat"], {"Content-Type": "application/json", "Content-Length": len(BODY)})
            connection.send(BODY)
            assert connection.read_head().status == 200
            received = b""
            while len(received) < len(opening):
                received += connection.read_chunk()
            assert received == opening
            go.set()
            assert connection.read_chunk() == b"1}"
            assert connection.read_chunk() == b""


def test_a_torn_body_is_torn_and_a_length_passes(relayed):
    relayed.response = framed("length", [JSON_BODY], fields=TYPES["json"])
    head, body, _ = relayed.ask(PATHS["chat"])
    assert (head["Content-Length"], body) == (str(len(JSON_BODY)), JSON_BODY)
    relayed.response = framed("chunked", [JSON_BODY], "torn", TYPES["json"])
    head, body, whole = relayed.ask(PATHS["chat"])
    assert (head.status, body, whole) == (200, JSON_BODY, False)


def test_a_key_finds_what_was_passed_on(relayed):
    relayed.response = framed("chunked", [JSON_BODY[:9], JSON_BODY[9:]], fields=TYPES["json"])
    first = relayed.ask(PATHS["chat"], {"Idempotency-Key": "passed"})
    assert first[1:] == (JSON_BODY, True)
    assert len(relayed.upstream.requests) == 1
    again = relayed.ask(PATHS["chat"], {"Idempotency-Key": "passed"})
    assert (again[0].status, again[0]["Content-Type"], *again[1:]) == (200, "application/json", JSON_BODY, True)
    assert relayed.upstream.requests == []


def test_a_key_finds_it_although_its_caller_left(relayed):
    go = threading.Event()
    large = b'{"x":"' + b"y" * 500_000 + b'"}'
    response = framed("chunked", [large[:10], large[10:]], fields=TYPES["json"])
    relayed.response = [*response[:2], go, *response[2:]]
    relayed.upstream.requests.clear()
    fields = {"Content-Type": "application/json", "Content-Length": len(BODY), "Idempotency-Key": "left"}
    with Connection(relayed.server.address, 30) as connection:
        connection.send_head("POST", PATHS["chat"], fields)
        connection.send(BODY)
        assert connection.read_head().status == 200
    go.set()
    calls = len(relayed.upstream.requests)
    head, body, whole = relayed.ask(PATHS["chat"], {"Idempotency-Key": "left"})
    assert (head.status, body, whole, calls) == (200, large, True, 1)
    assert relayed.upstream.requests == []


def test_without_a_key_a_caller_who_leaves_ends_it(relayed):
    gone = []

    def script(head, body):
        yield from framed("chunked", [b'{"x":"'], fields=TYPES["json"])[:2]
        try:
            while True:
                yield b"1\r\ny\r\n"
        except GeneratorExit:
            gone.append(True)

    earlier, relayed.upstream.script = relayed.upstream.script, script
    try:
        with Connection(relayed.server.address, 30) as connection:
            connection.send_head("POST", PATHS["chat"], {"Content-Type": "application/json", "Content-Length": len(BODY)})
            connection.send(BODY)
            assert connection.read_head().status == 200
        eventually(lambda: gone)
    finally:
        relayed.upstream.script = earlier


# A response that is packed

@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("type", ["event-stream", "plain"])
def test_a_packed_stream_is_unpacked_as_it_arrives(relayed, coding, type):
    name = coding.removeprefix("raw ")
    pieces = packed(coding, CHAT)
    for size in (None, 1):
        whole = b"".join(pieces)
        cut = [whole[i : i + 1] for i in range(len(whole))] if size else pieces
        relayed.response = framed("chunked", cut, fields=f"Content-Type: text/{type}\r\nContent-Encoding: {name}\r\n")
        head, body, is_whole = relayed.ask(PATHS["chat"])
        assert (head["Content-Encoding"], body, is_whole) == (None, b"".join(CHAT), True)
        assert relayed.end_of(head) == {"reason": "done"}
    # Each piece gives its event before the next comes.
    gates = [threading.Event() for _ in CHAT]
    chunks = framed("chunked", pieces, fields=f"Content-Type: text/{type}\r\nContent-Encoding: {name}\r\n")
    relayed.response = chunks[:1] + [part for gate, chunk in zip(gates, chunks[1:]) for part in (gate, chunk)] + chunks[1 + len(gates) :]
    with Connection(relayed.server.address, 30) as connection:
        connection.send_head("POST", PATHS["chat"], {"Content-Type": "application/json", "Content-Length": len(BODY)})
        connection.send(BODY)
        received = b""
        for gate, event in zip(gates, CHAT):
            gate.set()
            if not received:
                connection.read_head()
            while not received.endswith(event):
                received += connection.read_chunk()
        assert received == b"".join(CHAT)


def test_a_packed_answer_that_is_cut_is_truncated(relayed):
    whole = b"".join(packed("gzip", CHAT[:8]))
    # Without its trailer: the body ends well, and what it packs does not.
    relayed.response = framed("chunked", [whole[:-8]], fields="Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n")
    head, body, is_whole = relayed.ask(PATHS["chat"])
    assert relayed.end_of(head) == {"reason": "failed", "detail": "truncated"}
    assert body.startswith(b"".join(CHAT[:8])) and not is_whole
    relayed.response = framed("chunked", [whole], fields="Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n")
    assert relayed.end_of(relayed.ask(PATHS["chat"])[0]) == {"reason": "done"}


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip", "gzip, br", "x-y"])
def test_what_cannot_be_unpacked_is_refused(relayed, coding):
    relayed.response = framed("chunked", [b"x"], fields=f"Content-Type: text/event-stream\r\nContent-Encoding: {coding}\r\n")
    head, body, _ = relayed.ask(PATHS["chat"])
    assert head.status == 502
    assert b"upstream-encoded" in body
    assert len(relayed.upstream.requests) == 1


def test_what_is_not_packed_as_it_says_is_not_asked_for_again(relayed):
    relayed.response = framed("chunked", [JSON_BODY], fields=TYPES["json"] + "Content-Encoding: gzip\r\n")
    head, body, _ = relayed.ask(PATHS["chat"])
    assert (head.status, head["X-Should-Retry"]) == (502, "false")
    assert b"is not the gzip" in body
    assert len(relayed.upstream.requests) == 1


def test_a_bomb_is_an_event_that_is_too_large():
    relayed = Relayed(relay_event_bytes="64KiB")
    try:
        bomb = packed("gzip", [b"data: " + b"x" * (64 << 20)])
        relayed.response = framed("chunked", bomb, fields="Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n")
        head, _, whole = relayed.ask(PATHS["chat"])
        assert (relayed.end_of(head), whole) == ({"reason": "failed", "detail": "event-too-large"}, False)
    finally:
        relayed.server.stop()


def test_a_packed_refusal_can_be_read(relayed):
    refusal = gzip.compress(b'{"error":{"message":"too many"}}')
    relayed.response = framed("chunked", [refusal], fields="Content-Type: application/json\r\nContent-Encoding: gzip\r\n", status="429 Slow")
    head, body, _ = relayed.ask(PATHS["chat"])
    assert (head.status, head["Content-Encoding"], json.loads(body)) == (429, None, {"error": {"message": "too many"}})


# A request that is packed

@pytest.mark.parametrize("coding", CODINGS)
def test_a_packed_request_is_a_streaming_call_like_any(relayed, coding):
    whole = b"".join(packed(coding, [BODY]))
    name = coding.removeprefix("raw ")
    relayed.response = framed("chunked", list(CHAT))
    fields = {"Content-Encoding": name, "Idempotency-Key": f"packed {coding}"}
    head, body, _ = relayed.ask(PATHS["chat"], fields, whole)
    assert (head.status, body) == (200, b"".join(CHAT))
    [(sent, sent_body)] = relayed.upstream.requests
    assert sent_body == BODY
    assert b"content-encoding" not in sent.lower()
    # The key knows it by what it says, packed or not.
    again = relayed.ask(PATHS["chat"], {"Idempotency-Key": f"packed {coding}"}, BODY)
    assert again[0]["Location"] == head["Location"]
    assert relayed.upstream.requests == []


@pytest.mark.parametrize("coding", ["br", "compress", "gzip, gzip", "x"])
def test_a_request_of_an_unknown_coding_is_415(relayed, coding):
    head, body, _ = relayed.ask(PATHS["chat"], {"Content-Encoding": coding}, BODY)
    assert head.status == 415
    assert head["Accept-Encoding"].startswith("gzip, deflate")
    assert relayed.upstream.requests == []


def test_a_byte_order_mark_hides_no_key(relayed):
    relayed.response = framed("chunked", list(CHAT))
    first, again = [relayed.ask(PATHS["chat"], {"Idempotency-Key": "marked"}, b"\xef\xbb\xbf" + BODY)[0] for _ in range(2)]
    assert first["Location"] == again["Location"]
    assert relayed.upstream.requests == []


def test_a_request_that_is_not_what_it_says_or_too_large_is_refused(relayed):
    for body in (BODY, gzip.compress(BODY)[:-3], b""):
        assert relayed.ask(PATHS["chat"], {"Content-Encoding": "gzip"}, body)[0].status == 400
    bomb = gzip.compress(b"[" * (33 << 20))
    assert relayed.ask(PATHS["chat"], {"Content-Encoding": "gzip"}, bomb)[0].status == 413
    assert relayed.upstream.requests == []


def test_identity_is_no_coding(relayed):
    relayed.response = framed("chunked", list(CHAT), fields="Content-Type: text/event-stream\r\nContent-Encoding: identity\r\n")
    head, body, _ = relayed.ask(PATHS["chat"], {"Content-Encoding": "identity"}, BODY)
    assert (head.status, body) == (200, b"".join(CHAT))


def test_the_openai_client_reads_a_packed_stream_without_a_name(relayed):
    relayed.response = framed("chunked", packed("gzip", CHAT), fields="Content-Type: text/plain\r\nContent-Encoding: gzip\r\n")
    with openai.OpenAI(base_url=f"{relayed.server.url}/v1", **over_transport(openai, api_key="k", timeout=30)) as client:
        text = "".join(c.choices[0].delta.content or "" for c in client.chat.completions.create(model="m", messages=[], stream=True) if c.choices)
    assert text == " Hello “wörld”\n\r "
