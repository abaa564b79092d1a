"""Native SSE, byte by byte."""

import base64
import re
import socket
import statistics
import time

import pytest

from support.events import Subscription, parse_blocks
from support.wire import Closed, Connection

OFFSET = rb"[0-9A-Z_a-z~]{12}"


def test_the_head_comes_at_once_with_the_first_comment_in_the_same_write(server):
    path = server.create()
    with Connection(server.address) as connection:
        connection.send_head("GET", path, {"Accept": "text/event-stream"})
        connection.receive()
        assert connection.buffer.endswith(b": ok\n\n\r\n"), connection.buffer


def test_the_head_says_what_proxies_and_browsers_need(server):
    path = server.create()
    with server.subscribe(path) as reader:
        head = reader.head
        assert head.raw.startswith(b"HTTP/1.1 200 OK\r\n")
        assert head["Content-Type"] == "text/event-stream"
        assert head["Cache-Control"] == "no-cache, no-transform"
        assert head["X-Accel-Buffering"] == "no"
        assert head["Transfer-Encoding"] == "chunked"
        assert head["Connection"].lower() == "close"
        assert head["Vary"] == "Accept, Origin"
        assert head["X-Content-Type-Options"] == "nosniff"
        assert "Cross-Origin-Resource-Policy" in head
        assert "Content-Length" not in head
        assert "Content-Encoding" not in head


def test_an_event_is_one_block_with_its_id_and_its_data(server):
    path = server.create()
    with server.subscribe(path) as reader:
        assert reader.next_raw() == b": ok\n\n"
        server.append(path, "one")
        first = reader.next_raw()
        assert re.fullmatch(
            rb"(retry: 2000\nid: OFFSET|id: OFFSET\nretry: 2000)\ndata: one\n\n".replace(b"OFFSET", OFFSET), first
        )
        server.append(path, "two")
        assert re.fullmatch(rb"id: " + OFFSET + rb"\ndata: two\n\n", reader.next_raw())


def test_the_id_of_an_event_is_the_offset_its_append_was_answered_with(server):
    path = server.create()
    offsets = server.append_each(path, ["a", "b", "c"])
    with server.subscribe(path) as reader:
        events = reader.take(3)
    assert [e.id for e in events] == offsets
    assert offsets == sorted(offsets) and len(set(offsets)) == 3


def test_the_type_comes_first_and_only_when_it_is_not_message(server):
    path = server.create("text/event-stream")
    body = "data: plain\n\nevent: message\ndata: named\n\nevent: token\ndata: typed\n\n"
    assert server.append(path, body, "text/event-stream").status == 204
    with server.subscribe(path) as reader:
        plain, named, typed = reader.take(3)
    assert b"event:" not in plain.raw and b"event:" not in named.raw
    assert re.fullmatch(rb"event: token\nid: " + OFFSET + rb"\ndata: typed\n\n", typed.raw)


@pytest.mark.parametrize(
    "text, lines",
    [
        ("a\nb", ["a", "b"]),
        ("a\r\nb\rc", ["a", "b", "c"]),
        (" leading", [" leading"]),
        ("trailing\n", ["trailing", ""]),
        ("data: x\n\nid: forged", ["data: x", "", "id: forged"]),
        (":comment", [":comment"]),
        ("\ufeffbom, \u2028 and \x00", ["\ufeffbom, \u2028 and \x00"]),
    ],
    ids=["LF", "CRLF and CR", "leading space", "trailing LF", "forged fields", "colon", "odd characters"],
)
def test_a_payload_cannot_forge_an_event(server, text, lines):
    path = server.create()
    assert server.append(path, text.encode()).status == 204
    server.end(path)
    with server.subscribe(path) as reader:
        event, end = reader.rest()
    written = [line for line in event.raw.decode().split("\n") if line.startswith("data:")]
    assert [line.removeprefix("data:").removeprefix(" ") for line in written] == lines
    assert end.type == "end"


def test_invalid_utf8_is_shown_as_the_replacement_character_and_kept_exactly(server):
    path = server.create()
    assert server.append(path, b"a\xff\xfeb").status == 204
    with server.subscribe(path) as reader:
        assert reader.take(1)[0].data.replace("\ufffd", "") == "ab"
    with server.lines(path) as reader:
        assert reader.next()["data"].replace("\ufffd", "") == "ab"
    assert server.read(path).body == b"a\xff\xfeb"


def test_binary_is_base64(server):
    path = server.create("application/octet-stream")
    data = bytes(range(256))
    assert server.append(path, data, "application/octet-stream").status == 204
    with server.subscribe(path) as reader:
        assert base64.b64decode(reader.next().data, validate=True) == data


def test_retry_is_in_the_first_block_of_each_connection_and_in_no_other(server):
    path = server.create()
    server.append_each(path, ["a", "b", "c"])
    server.end(path)
    for headers in ({}, {"Last-Event-ID": server.read(path)["Stream-Next-Offset"]}):
        with server.subscribe(path, headers) as reader:
            events = reader.rest()
        assert [e.retry for e in events] == [2000] + [None] * (len(events) - 1)


def test_no_block_is_without_data_unless_it_is_a_comment(server):
    path = server.create()
    server.append_each(path, ["a", "b"])
    server.end(path)
    with server.subscribe(path) as reader:
        reader.rest()
        for block in parse_blocks(reader.body):
            assert block.is_comment or block.data is not None, block
        assert not reader.body.startswith(b"\xef\xbb\xbf")


def test_a_reader_resumes_strictly_after_its_last_event(server):
    path = server.create()
    offsets = server.append_each(path, [f"word {n}" for n in range(20)])
    server.end(path)
    for index, offset in enumerate(offsets):
        with server.subscribe(path, {"Last-Event-ID": offset}) as reader:
            assert [e.data for e in reader.rest()][:-1] == [f"word {n}" for n in range(index + 1, 20)]


def test_last_event_id_wins_over_the_offset_of_the_url(server):
    path = server.create()
    first, second, _ = server.append_each(path, ["a", "b", "c"])
    server.end(path)
    with server.subscribe(f"{path}?offset={first}") as reader:
        assert [e.data for e in reader.rest()][:-1] == ["b", "c"]
    with server.subscribe(f"{path}?offset={first}", {"Last-Event-ID": second}) as reader:
        assert [e.data for e in reader.rest()][:-1] == ["c"]


def test_an_event_arrives_when_it_is_appended_and_not_later(server):
    path = server.create()
    answers, arrivals = [], []
    with server.subscribe(path) as reader:
        for number in range(20):
            started = time.monotonic()
            server.append(path, f"{number}")
            answers.append(time.monotonic() - started)
            assert reader.next().data == f"{number}", "it came before the next was sent"
            arrivals.append(time.monotonic() - started)
    # Whatever waits for a timer does so for each; what a busy machine takes, the answers to the appends take too.
    assert statistics.median(arrivals) < 0.05 + 2 * statistics.median(answers), (arrivals, answers)


def test_a_heartbeat_is_a_comment_after_silence_and_only_then(serve):
    server = serve(heartbeat_seconds=0.3)
    path = server.create()
    started = time.monotonic()
    with server.subscribe(path) as reader:
        assert reader.next_raw() == b": ok\n\n"
        for _ in range(3):
            # One line, without a blank one: decoders that take every blank line for an event's end die of an empty event.
            assert reader.next_raw() == b":\n"
        # Counted from before the request, so that no machine is too slow for it. By default the first would be waited for longer
        # than this reader waits for anything.
        assert time.monotonic() - started > 0.89
        server.append(path, "word")
        while (block := reader.next_block()).is_comment:
            pass
        assert block.data == "word"


def test_the_last_events_id_may_come_in_the_query(server):
    path = server.create()
    offsets = server.append_each(path, ["a", "b", "c"])
    server.end(path)
    for name in ["lastEventId", "last_event_id"]:
        for query, headers, seen in [
            (f"?{name}={offsets[1]}&offset=-1", {}, ["c"]),
            (f"?{name}={offsets[2]}", {"Last-Event-ID": offsets[0]}, ["b", "c"]),
            (f"?{name}=&offset={offsets[0]}", {}, ["b", "c"]),
            (f"?{name}=", {"Last-Event-ID": ""}, ["a", "b", "c"]),
        ]:
            with server.subscribe(path + query, headers) as reader:
                assert [event.data for event in reader.rest()[:-1]] == seen, query
    for query in ["lastEventId=a&last_event_id=a", "lastEventId=&lastEventId=a", "last_event_id=a&last_event_id=a"]:
        answer = server.request("GET", f"{path}?as=sse&{query}")
        assert (answer.status, answer.json["type"]) == (400, "urn:freshet:repeated-parameter"), query


def test_the_end_says_why_and_closes_the_answer(server):
    path = server.create()
    server.append(path, "word")
    assert server.end(path, "failed", "the model is gone").status == 204
    with server.subscribe(path) as reader:
        word, end = reader.rest()
    assert end.type == "end"
    assert end.json == {"reason": "failed", "detail": "the model is gone"}
    assert end.id > word.id


def test_a_connected_reader_sees_the_end_at_once(server):
    path = server.create()
    with server.subscribe(path) as reader:
        server.append(path, "word")
        assert reader.next().data == "word"
        server.end(path)
        end = reader.next()
        assert end.raw.startswith(b"event: end\nid: ") and end.raw.endswith(b'\ndata: {"reason":"done"}\n\n')
        assert reader.next() is None


def test_a_request_with_the_id_of_the_end_is_204_so_that_a_browser_stops(server):
    path = server.create()
    server.append(path, "word")
    server.end(path)
    with server.subscribe(path) as reader:
        end = reader.rest()[-1]
    answer = server.request("GET", path, {"Accept": "text/event-stream", "Last-Event-ID": end.id})
    assert answer.status == 204
    assert answer.body == b""


def test_a_reader_of_everything_but_the_end_gets_the_end(server):
    path = server.create()
    offset = server.append_each(path, ["word"])[0]
    server.end(path)
    with server.subscribe(path, {"Last-Event-ID": offset}) as reader:
        assert [e.type for e in reader.rest()] == ["end"]


@pytest.mark.parametrize("id", ["ZZZZZZZZZZZZ", "000000000000", "nonsense", "1", "../../etc/passwd", "é", "x" * 300])
def test_an_id_this_stream_never_gave_is_a_gap_and_then_everything(server, id):
    path = server.create()
    server.append_each(path, ["a", "b"])
    server.end(path)
    with server.subscribe(path, {"Last-Event-ID": id}) as reader:
        gap, *events = reader.rest()
    assert gap.type == "gap"
    assert set(gap.json) == {"requested", "resumed"}
    assert gap.json["resumed"] == gap.id
    assert re.fullmatch(OFFSET, gap.id.encode())
    assert [e.data for e in events] == ["a", "b", '{"reason":"done"}']
    assert gap.id < events[0].id


def test_the_id_of_another_stream_is_a_gap(server):
    other, path = server.create(), server.create()
    foreign = server.append_each(other, ["x"])[0]
    server.append_each(path, ["a"])
    later = server.append_each(other, ["y"])[0]
    for id in (foreign, later):
        with server.subscribe(path, {"Last-Event-ID": id}) as reader:
            gap, event = reader.take(2)
        assert (gap.type, event.data) == ("gap", "a")


def test_the_position_a_gap_gives_is_a_position_to_resume_from(server):
    path = server.create()
    server.append(path, "a")
    with server.subscribe(path, {"Last-Event-ID": "nonsense"}) as reader:
        gap = reader.next()
    with server.subscribe(path, {"Last-Event-ID": gap.id}) as reader:
        assert reader.next().data == "a"


def test_a_read_from_now_begins_with_its_position(server):
    path = server.create()
    offset = server.append_each(path, ["past"])[0]
    with server.subscribe(f"{path}?offset=now") as reader:
        start = reader.next()
        assert start.type == "start" and start.id == offset and start.json == {"offset": offset}
        server.append(path, "future")
        assert reader.next().data == "future"
    with server.subscribe(f"{path}?offset=now", {"Last-Event-ID": start.id}) as reader:
        assert reader.next().data == "future"


def test_a_read_from_the_start_may_say_so(server):
    path = server.create()
    server.append(path, "a")
    with server.subscribe(f"{path}?offset=-1") as reader:
        assert reader.next().data == "a"


def test_a_malformed_offset_in_the_url_is_400(server):
    path = server.create()
    for offset in ("nonsense", "-2", "", "%00", "é"):
        answer = server.request("GET", f"{path}?offset={offset}", {"Accept": "text/event-stream"})
        assert answer.status == 400, (offset, answer)


def test_a_reader_may_come_before_the_producer(server):
    path = "/v1/stream/before-the-producer"
    with server.subscribe(path) as reader:
        assert reader.head.status == 200
        assert reader.next_raw() == b": ok\n\n"
        assert server.request("HEAD", path).status == 404, "holding a reader creates nothing"
        server.create(name="before-the-producer")
        server.append(path, "now there is one")
        assert reader.next().data == "now there is one"


def test_a_reader_who_had_seen_events_of_a_stream_that_is_gone_gets_404(server):
    answer = server.request(
        "GET", "/v1/stream/never-was", {"Accept": "text/event-stream", "Last-Event-ID": "0123456789AB"}
    )
    assert answer.status == 404


def test_a_held_reader_is_asked_to_come_again(serve):
    server = serve(hold_seconds=1)
    with server.subscribe("/v1/stream/nobody") as reader:
        events = reader.rest()
    assert [e.type for e in events] == ["reconnect"]
    assert events[0].id is None
    assert events[0].retry >= 1000


def test_http_1_0_gets_the_same_bytes_without_framing(server):
    path = server.create()
    server.append(path, "word")
    server.end(path)
    with server.subscribe(path) as framed:
        framed.rest()
    with server.subscribe(path, version="1.0") as plain:
        assert "Transfer-Encoding" not in plain.head
        assert plain.head["Connection"].lower() == "close"
        plain.rest()
    assert plain.body == framed.body


def test_bytes_after_the_request_of_a_subscription_are_discarded(server):
    path, other = server.create(), server.create()
    with Connection(server.address) as connection:
        connection.send_head("GET", path, {"Accept": "text/event-stream"})
        assert connection.read_head().status == 200
        connection.send(
            f"POST {other} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx"
        )
        connection.send(b"\x00garbage" * 1000)
        server.append(path, "word")
        connection.read_until(b"data: word\n\n")
        server.end(path)
        assert connection.read_to_end().endswith(b"0\r\n\r\n")
    assert server.read(other).body == b""


def test_a_request_pipelined_behind_a_subscription_is_not_answered(server):
    path = server.create()
    server.end(path)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    with Connection(server.address) as connection:
        connection.send(request + f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.read_to_end().count(b"HTTP/1.1 ") == 1


def test_delete_tells_connected_readers_without_an_id(server):
    path = server.create()
    with server.subscribe(path) as reader:
        server.append(path, "word")
        assert reader.next().data == "word"
        assert server.request("DELETE", path).status == 204
        assert reader.next().raw == b'event: end\ndata: {"reason":"deleted"}\n\n'
        assert reader.next() is None
    assert server.request("HEAD", path).status == 404


def test_a_reader_that_disconnects_cancels_nothing(server):
    path = server.create()
    with server.subscribe(path) as reader:
        server.append(path, "a")
        reader.next()
        reader.connection.reset()
    assert server.append(path, "b").status == 204
    assert server.read(path).body == b"ab"


def test_a_stream_made_again_under_the_same_name_repeats_no_offset(server):
    path = server.create(name="again")
    old = server.append_each(path, ["a", "b"])
    server.request("DELETE", path)
    server.create(name="again")
    new = server.append_each(path, ["c"])
    assert new[0] > old[-1]
    with server.subscribe(path, {"Last-Event-ID": old[-1]}) as reader:
        assert [e.type for e in reader.take(2)] == ["gap", "message"]


def test_a_reader_that_closes_its_side_is_let_go(server):
    path = server.create()
    with server.subscribe(path) as reader:
        reader.next_raw()
        reader.connection.half_close()
        server.append(path, "word")
        # Either it is served to the end or it is closed; it is not left hanging.
        server.end(path)
        try:
            reader.connection.read_to_end()
        except (Closed, ConnectionResetError):
            pass
        except socket.timeout:
            pytest.fail("the connection hangs")


def test_subscribers_read_independently(server):
    path = server.create()
    readers = [server.subscribe(path) for _ in range(20)]
    try:
        server.append_each(path, ["a", "b"])
        readers.pop().connection.reset()
        server.append_each(path, ["c"])
        server.end(path)
        for reader in readers:
            assert [e.data for e in reader.rest()] == ["a", "b", "c", '{"reason":"done"}']
    finally:
        for reader in readers:
            reader.close()


def test_a_slow_reader_delays_nobody(server):
    path = server.create()
    block = b"x" * 200_000
    slow = Subscription(server.address, path)
    with slow, server.subscribe(path) as reader:
        for number in range(50):
            assert server.append(path, block).status == 204
            assert len(reader.next().data) == len(block), number
        server.end(path)
        assert reader.next().type == "end"
        # The slow one reads the log at its own pace and misses nothing.
        assert [len(e.data) for e in slow.take(50)] == [len(block)] * 50
