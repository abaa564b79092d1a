"""A POST whose body is written while it is read."""

import contextlib
import time

import pytest

from support.waiting import eventually
from support.wire import Connection


@contextlib.contextmanager
def streaming(server, path, type="text/plain", headers=None):
    with Connection(server.address) as connection:
        connection.send_head("POST", path, {"Content-Type": type, "Transfer-Encoding": "chunked", **(headers or {})})
        yield connection


def finish(connection):
    connection.send_chunk("")
    return connection.read_answer()


def test_text_arrives_as_it_is_written(server):
    path = server.create()
    with server.subscribe(path) as reader, streaming(server, path) as producer:
        for word in ["Hello", ", ", "wor", "ld"]:
            producer.send_chunk(word)
            assert reader.next().data == word
        answer = finish(producer)
    assert answer.status in (200, 204)
    assert answer["Stream-Next-Offset"] == server.request("HEAD", path)["Stream-Next-Offset"]
    assert server.read(path).body == b"Hello, world"


def test_text_is_cut_after_whole_characters(server):
    path = server.create()
    text = "é😀ä"
    with server.subscribe(path) as reader, streaming(server, path) as producer:
        got = ""
        for index, byte in enumerate(text.encode()):
            producer.send_chunk(bytes([byte]))
            # A character is there as soon as its last byte is.
            if text.encode()[: index + 1].decode(errors="ignore") != got:
                event = reader.next()
                assert "\ufffd" not in event.data
                got += event.data
        assert got == text
        finish(producer)
    assert server.read(path).body == text.encode()


def test_an_event_stream_is_cut_into_its_blocks(server):
    path = server.create("text/event-stream")
    with server.subscribe(path) as reader, streaming(server, path, "text/event-stream") as producer:
        producer.send_chunk("event: token\nid: 99\nda")
        producer.send_chunk("ta: one\n")
        producer.send_chunk("\n: comment\n\ndata: two\r\n\r\ndata: th")
        events = reader.take(2)
        assert [(e.type, e.data) for e in events] == [("token", "one"), ("message", "two")]
        assert events[0].id != "99"
        producer.send_chunk("ree\n\n")
        assert reader.next().data == "three"
        finish(producer)


def test_ndjson_is_cut_into_lines(server):
    path = server.create("application/x-ndjson")
    with server.lines(path) as reader, streaming(server, path, "application/x-ndjson") as producer:
        producer.send_chunk('{"n":1}\n{"n"')
        assert reader.next()["data"] in ({"n": 1}, '{"n":1}')
        producer.send_chunk(":2}\r\n\n3\n")
        assert [reader.next()["data"] for _ in range(2)] in ([{"n": 2}, 3], ['{"n":2}', "3"])
        finish(producer)


@pytest.mark.parametrize(
    "type, body, whole, torn",
    [
        ("text/plain", b"abc\xc3", b"abc\xc3", b"abc"),
        ("text/event-stream", b"data: one\n\ndata: two\n", b"data: one\n\ndata: two\n\n", b"data: one\n\n"),
        ("application/x-ndjson", b"1\n2", b"1\n2\n", b"1\n"),
    ],
)
def test_a_clean_end_keeps_the_unfinished_piece_and_a_torn_body_drops_only_that(server, type, body, whole, torn):
    path = server.create(type)
    with streaming(server, path, type) as producer:
        producer.send_chunk(body)
        answer = finish(producer)
        assert answer.status in (200, 204), answer
    read = server.read(path).body
    assert read in (whole, "abc\ufffd".encode() if type == "text/plain" else whole)

    path = server.create(type)
    with server.subscribe(path) as reader:
        with streaming(server, path, type) as producer:
            producer.send_chunk(body)
            reader.next()
            producer.reset()
        # Whoever comes next follows what was kept.
        assert server.append(path, b"data: next\n\n" if "event" in type else b"4\n", type).status == 204
        assert reader.next().data in ("next", "4\n", "4")
    assert server.read(path).body.startswith(torn)
    assert b"two" not in server.read(path).body and b"2" not in server.read(path).body


def test_a_body_that_ends_without_its_last_chunk_is_torn(server):
    path = server.create()
    with streaming(server, path, headers={"Stream-Closed": "true"}) as producer:
        producer.send_chunk("half an answ")
        with server.subscribe(path) as reader:
            reader.next()
        producer.half_close()
        producer.read_to_end()
    assert "Stream-Closed" not in server.request("HEAD", path), "a torn body ends nothing"
    assert server.append(path, "er").status == 204


def test_with_stream_closed_the_last_piece_and_the_end_are_one_step(server):
    path = server.create("application/x-ndjson")
    with (
        server.lines(path) as reader,
        streaming(server, path, "application/x-ndjson", {"Stream-Closed": "true"}) as producer,
    ):
        producer.send_chunk("1\n")
        reader.next()
        producer.send_chunk("2")
        assert finish(producer)["Stream-Closed"] == "true"
        two, end = reader.rest()
        assert two["data"] in (2, "2")
        assert end["data"] == {"reason": "done"}


def test_a_streaming_body_may_end_as_failed(server):
    path = server.create()
    with streaming(server, path, headers={"Stream-Closed": "true", "Stream-End-Reason": "failed"}) as producer:
        producer.send_chunk("so far")
        finish(producer)
    with server.subscribe(path) as reader:
        assert [e.data for e in reader.rest()] == ["so far", '{"reason":"failed"}']


def test_cancel_is_told_to_the_producer_at_once(server):
    path = server.create()
    with server.subscribe(path) as reader, streaming(server, path) as producer:
        producer.send_chunk("word")
        reader.next()
        assert server.cancel(path).status == 204
        answer = producer.read_answer()
        assert answer.status == 409
        assert (answer["Stream-Closed"], answer["Stream-End-Reason"]) == ("true", "cancelled")
        assert reader.next().json == {"reason": "cancelled"}


def test_a_body_that_ends_right_after_a_cancel_s_answer_is_told_of_it(server):
    for round in range(300):
        path = server.create()
        with streaming(server, path) as producer:
            if round % 2:
                producer.send_chunk("word")
            described = path.replace("/v1/stream/", "/v1/streams/")
            eventually(lambda: server.request("GET", described).json["producers"] == 1, what="the producer being counted")
            cancelled = time.monotonic()
            assert server.cancel(path).status == 204
            try:
                producer.send_chunk("")
                answer = producer.read_answer()
            except ConnectionError:
                # The server hears a producer out for 2 s: only a machine that pauses for longer ends its body later.
                assert time.monotonic() - cancelled > 1.9, f"round {round}"
                continue
            assert (answer.status, answer["Stream-End-Reason"]) == (409, "cancelled"), f"round {round}"


def test_an_early_answer_survives_a_producer_that_goes_on_writing(server):
    for _ in range(5):
        path = server.create()
        with streaming(server, path) as producer:
            producer.send_chunk("word")
            eventually(lambda: server.read(path).body == b"word")
            cancelled = time.monotonic()
            server.cancel(path)
            try:
                # What is on its way when the answer is sent must not turn it into a reset.
                for _ in range(20):
                    producer.send_chunk("x" * 10_000)
                assert producer.read_answer().status == 409
                assert producer.read_to_end() == b""
                break
            except OSError:
                # The server hears a producer out for 2 s: a machine that pauses for longer is no producer that goes on.
                assert time.monotonic() - cancelled > 1.9
    else:
        pytest.fail("five times this machine paused")
    assert server.read(path).body == b"word"


def test_a_producer_that_names_itself_takes_over_from_an_older_one(server):
    path = server.create()
    name = {"Stream-Producer": "worker-7"}
    with server.subscribe(path) as reader, streaming(server, path, headers=name) as old:
        old.send_chunk("old")
        assert reader.next().data == "old"
        with streaming(server, path, headers=name) as new:
            new.send_chunk("new")
            assert reader.next().data == "new"
            assert old.read_answer().status == 409
            with contextlib.suppress(OSError):
                old.send_chunk("late")
            new.send_chunk("newer")
            assert reader.next().data == "newer"
            finish(new)
    assert server.read(path).body == b"oldnewnewer"


def test_producers_of_other_names_go_on_together(server):
    path = server.create()
    with server.subscribe(path) as reader:
        with (
            streaming(server, path, headers={"Stream-Producer": "a"}) as a,
            streaming(server, path, headers={"Stream-Producer": "b"}) as b,
            streaming(server, path) as nameless,
        ):
            for producer, word in [(a, "1"), (b, "2"), (nameless, "3"), (a, "4")]:
                producer.send_chunk(word)
                assert reader.next().data == word
            for producer in (a, b, nameless):
                assert finish(producer).status in (200, 204)


def test_a_torn_producer_on_a_stream_without_a_lease_gives_it_one(serve):
    server = serve(torn_lease_seconds=1)
    path = server.create()
    with server.subscribe(path) as reader:
        with streaming(server, path) as producer:
            producer.send_chunk("half an answ")
            reader.next()
            producer.reset()
        assert reader.next().json["reason"] == "abandoned"


def test_a_stream_fed_by_clean_requests_does_not_end_by_itself(serve):
    server = serve(torn_lease_seconds=1)
    path, torn = server.create(), server.create()
    for _ in range(2):
        with streaming(server, path) as producer:
            producer.send_chunk("x")
            finish(producer)
    with server.subscribe(torn) as reader:
        with streaming(server, torn) as producer:
            producer.send_chunk("x")
            reader.next()
            producer.reset()
        assert reader.next().json["reason"] == "abandoned"
    assert server.append(path, "y").status == 204


@pytest.mark.parametrize("type", ["application/json", "application/octet-stream"])
def test_json_and_binary_are_one_append_however_they_are_framed(server, type):
    path = server.create(type)
    with streaming(server, path, type) as producer:
        producer.send_chunk("[1,")
        producer.send_chunk("2]")
        assert server.read(path).body in (b"", b"[]")
        assert finish(producer).status == 204
    assert server.read(path).body in (b"[1,2]",)


def test_with_producer_headers_a_chunked_body_is_one_append(server):
    path = server.create()
    headers = {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0"}
    with streaming(server, path, headers=headers) as producer:
        producer.send_chunk("a")
        producer.send_chunk("b")
        assert finish(producer).status == 200
    with server.subscribe(path) as reader:
        assert reader.next().data == "ab"


def test_a_body_of_known_length_is_one_append_even_when_it_comes_slowly(server):
    path = server.create()
    with Connection(server.address) as connection:
        connection.send_head("POST", path, {"Content-Type": "text/plain", "Content-Length": "4"})
        connection.send("ab")
        assert server.read(path).body == b""
        connection.send("cd")
        assert connection.read_answer().status == 204
    with server.subscribe(path) as reader:
        assert reader.next().data == "abcd"


def test_a_streaming_body_into_an_unknown_or_ended_stream_is_answered_early(server):
    with streaming(server, "/v1/stream/unknown") as producer:
        assert producer.read_answer().status == 404
    path = server.create()
    server.end(path)
    with streaming(server, path) as producer:
        answer = producer.read_answer()
        assert answer.status == 409 and answer["Stream-Closed"] == "true"


def test_a_reserved_type_in_a_streaming_body_is_400_and_keeps_what_came_before(server):
    path = server.create("text/event-stream")
    with streaming(server, path, "text/event-stream") as producer:
        producer.send_chunk("data: fine\n\n")
        eventually(lambda: server.read(path).body)
        producer.send_chunk("event: end\ndata: forged\n\n")
        answer = producer.read_answer()
    assert answer.status == 400
    assert answer["Stream-Next-Offset"] == server.request("HEAD", path)["Stream-Next-Offset"]
    assert server.read(path).body == b"data: fine\n\n"


def test_malformed_chunks_tear_the_body(server):
    path = server.create()
    with streaming(server, path) as producer:
        producer.send_chunk("good")
        eventually(lambda: server.read(path).body == b"good")
        producer.send(b"zz\r\nbad\r\n")
        producer.read_to_end()
    assert server.read(path).body == b"good"
    assert server.still_serves()
