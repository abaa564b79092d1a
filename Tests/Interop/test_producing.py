"""Creating, appending, ending, cancelling: one request at a time."""

import json
import time

import pytest

from support.waiting import eventually
from support.wire import Connection

OCTETS = "application/octet-stream"


def producer(id, epoch, seq):
    return {"Producer-Id": id, "Producer-Epoch": str(epoch), "Producer-Seq": str(seq)}


# Creating


def test_creating_is_idempotent_and_says_where_the_stream_is(server):
    headers = {"Content-Type": "text/plain"}
    first = server.request("PUT", "/v1/stream/created", headers)
    assert first.status == 201
    assert first["Location"].endswith("/v1/stream/created")
    assert first["Content-Type"].split(";")[0] == "text/plain"
    again = server.request("PUT", "/v1/stream/created", headers)
    assert again.status == 200
    assert again["Stream-Next-Offset"] == first["Stream-Next-Offset"]


def test_creating_otherwise_is_409(server):
    path = server.create("text/plain")
    assert server.request("PUT", path, {"Content-Type": "application/json"}).status == 409
    assert server.request("PUT", path, {"Content-Type": "text/plain", "Stream-TTL": "60"}).status == 409
    assert server.request("PUT", path, {"Content-Type": "text/plain", "Stream-Closed": "true"}).status == 409


def test_the_default_type_is_an_event_stream(server):
    server.request("PUT", "/v1/stream/default-type")
    head = server.request("HEAD", "/v1/stream/default-type")
    assert head["Content-Type"].split(";")[0] == "text/event-stream"


def test_a_stream_may_be_created_with_its_whole_content(server):
    path = server.create("text/plain", {"Stream-Closed": "true"}, "all of it")
    with server.subscribe(path) as reader:
        event, end = reader.rest()
    assert (event.data, end.json) == ("all of it", {"reason": "done"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Stream-TTL": "60", "Stream-Expires-At": "2099-01-01T00:00:00Z"},
        {"Stream-TTL": "060"},
        {"Stream-TTL": "+60"},
        {"Stream-TTL": "1e3"},
        {"Stream-TTL": "-1"},
        {"Stream-TTL": "soon"},
        {"Stream-Expires-At": "tomorrow"},
        {"Stream-Lease": "long"},
        {"Stream-Lease": "-1"},
        {"Content-Type": "not a type"},
    ],
    ids=lambda headers: ",".join(f"{k}={v}" for k, v in headers.items()),
)
def test_what_cannot_be_meant_is_400(server, headers):
    assert server.request("PUT", "/v1/stream/impossible", {"Content-Type": "text/plain", **headers}).status == 400
    assert server.request("HEAD", "/v1/stream/impossible").status == 404


def test_a_stream_expires_after_its_time_to_live_but_not_while_it_is_read(server):
    # The reader comes first, so that the stream is read from its first moment on.
    path = "/v1/stream/read-for-longer-than-its-time"
    with server.subscribe(path) as reader:
        assert server.create(headers={"Stream-TTL": "1"}, name="read-for-longer-than-its-time") == path
        server.append(path, "a")
        assert reader.next().data == "a"
        # Another stream with the same time goes first; ours is being read.
        other = server.create(headers={"Stream-TTL": "1"})
        eventually(lambda: server.request("HEAD", other).status == 404, what="the expiry of the unread stream")
        server.append(path, "b")
        assert reader.next().data == "b"
    eventually(lambda: server.request("HEAD", path).status == 404, what="the expiry of the stream")


def test_a_stream_that_reaches_its_moment_tells_its_readers(server):
    import datetime

    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    path = "/v1/stream/moment"
    assert server.request("PUT", path, {"Content-Type": "text/plain", "Stream-Expires-At": text}).status == 201
    eventually(lambda: server.request("HEAD", path).status == 404, what="the expiry of the stream")


# Appending


def test_an_append_answers_with_the_offset_after_it(server):
    path = server.create()
    first = server.append(path, "a")
    assert first.status == 204
    assert server.append(path, "b")["Stream-Next-Offset"] > first["Stream-Next-Offset"]


def test_one_request_is_visible_as_a_whole(server):
    path = server.create("application/json")
    answer = server.append(path, "[1,2,[3,4]]", "application/json")
    with server.lines(path) as reader:
        events = [reader.next() for _ in range(3)]
    assert [e["data"] for e in events] == [1, 2, [3, 4]]
    assert events[-1]["id"] == answer["Stream-Next-Offset"]


def test_an_unknown_stream_is_404(server):
    answer = server.append("/v1/stream/unknown", "a")
    assert answer.status == 404
    assert server.request("HEAD", "/v1/stream/unknown").status == 404


def test_under_a_configured_prefix_an_append_creates(serve):
    server = serve(create_on_post="logs/")
    assert server.append("/v1/stream/logs/today", "line").status in (201, 204)
    assert server.read("/v1/stream/logs/today").body == b"line"
    assert server.request("HEAD", "/v1/stream/logs/today")["Content-Type"].split(";")[0] == "text/plain"
    assert server.append("/v1/stream/other", "line").status == 404


@pytest.mark.parametrize(
    "type, body, status",
    [
        ("text/plain", "", 400),
        ("application/json", "", 400),
        ("application/json", "[]", 400),
        ("application/json", "{", 400),
        ("application/json", '{"a":1} {"b":2}', 400),
        ("application/json", '{"a":\x01}', 400),
        ("application/json", b'"\xff"', 400),
        ("application/json", '"\\ud800"', None),
        ("application/x-ndjson", '{"a":1}\n{broken\n', 400),
        ("text/event-stream", "data: unfinished", 400),
        ("text/event-stream", "data: unfinished\n", 400),
        ("text/event-stream", "data: one\n\ndata: unfinished", 400),
        ("text/event-stream", ": only a comment\n\n", 400),
        ("text/event-stream", "event: end\ndata: x\n\n", 400),
        ("text/event-stream", "data: fine\n\nevent: gap\ndata: x\n\n", 400),
        ("text/event-stream", "event: start\ndata: x\n\n", 400),
        ("text/event-stream", "event: reconnect\ndata: x\n\n", 400),
        ("text/event-stream", "event: snapshot\ndata: x\n\n", 400),
        ("text/event-stream", "event: heartbeat\ndata: x\n\n", 400),
        ("text/event-stream", "event: ending\ndata: x\n\n", 204),
        ("text/event-stream", b"data: \xff\n\n", None),
    ],
)
def test_a_body_is_taken_whole_or_not_at_all(server, type, body, status):
    path = server.create(type)
    body = body.encode() if isinstance(body, str) else body
    answer = server.append(path, body, type)
    if status is None:
        assert answer.status in (204, 400)
    else:
        assert answer.status == status, answer
    if answer.status == 400:
        assert answer.json["status"] == 400 and answer.json["detail"]
        empty = b"[]" if type == "application/json" else b""
        assert server.read(path).body == empty, "nothing of a refused body is kept"
    assert server.still_serves()


def test_the_type_of_the_body_is_the_type_of_the_stream(server):
    path = server.create("text/plain")
    assert server.append(path, "{}", "application/json").status == 409
    assert server.append(path, "a", "Text/Plain; charset=utf-8").status in (204, 409)
    assert server.read(path).body in (b"", b"a")


def test_a_stream_seq_must_grow(server):
    path = server.create()
    assert server.append(path, "a", headers={"Stream-Seq": "002"}).status == 204
    assert server.append(path, "b", headers={"Stream-Seq": "001"}).status == 409
    assert server.append(path, "b", headers={"Stream-Seq": "002"}).status == 409
    assert server.append(path, "b", headers={"Stream-Seq": "0021"}).status == 204
    assert server.append(path, "c", headers={"Stream-Seq": "1"}).status == 204
    assert server.read(path).body == b"abc"


# Producers


def test_a_retry_never_doubles_an_event(server):
    path = server.create()
    first = server.append(path, "a", headers=producer("p", 0, 0))
    assert first.status == 200
    assert (first["Producer-Epoch"], first["Producer-Seq"]) == ("0", "0")
    again = server.append(path, "a", headers=producer("p", 0, 0))
    assert again.status == 204
    assert server.append(path, "b", headers=producer("p", 0, 1)).status == 200
    late = server.append(path, "a", headers=producer("p", 0, 0))
    assert (late.status, late["Producer-Seq"]) == (204, "1")
    assert server.read(path).body == b"ab"


def test_a_hole_in_the_sequence_is_409_and_says_what_is_expected(server):
    path = server.create()
    server.append(path, "a", headers=producer("p", 0, 0))
    answer = server.append(path, "c", headers=producer("p", 0, 2))
    assert answer.status == 409
    assert (answer["Producer-Expected-Seq"], answer["Producer-Received-Seq"]) == ("1", "2")


def test_an_older_epoch_is_403_and_a_newer_one_starts_at_0(server):
    path = server.create()
    assert server.append(path, "a", headers=producer("p", 1, 0)).status == 200
    old = server.append(path, "x", headers=producer("p", 0, 1))
    assert (old.status, old["Producer-Epoch"]) == (403, "1")
    assert server.append(path, "x", headers=producer("p", 2, 1)).status == 400
    assert server.append(path, "b", headers=producer("p", 2, 0)).status == 200
    assert server.append(path, "x", headers=producer("p", 1, 1)).status == 403
    assert server.read(path).body == b"ab"


def test_producers_do_not_share_a_sequence(server):
    path = server.create()
    assert server.append(path, "a", headers=producer("p", 0, 0)).status == 200
    assert server.append(path, "b", headers=producer("q", 0, 0)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Producer-Id": "p"},
        {"Producer-Id": "p", "Producer-Epoch": "0"},
        {"Producer-Epoch": "0", "Producer-Seq": "0"},
        {"Producer-Id": "", "Producer-Epoch": "0", "Producer-Seq": "0"},
        {"Producer-Id": "p", "Producer-Epoch": "-1", "Producer-Seq": "0"},
        {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "one"},
        {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "9007199254740992"},
        {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "99999999999999999999999"},
    ],
)
def test_incomplete_or_impossible_producer_headers_are_400(server, headers):
    path = server.create()
    assert server.append(path, "a", headers=headers).status == 400
    assert server.read(path).body == b""


def test_a_retry_of_the_closing_append_is_204_and_says_closed(server):
    path = server.create()
    headers = {**producer("p", 0, 0), "Stream-Closed": "true"}
    first = server.append(path, "a", headers=headers)
    assert first.status == 200 and first["Stream-Closed"] == "true"
    again = server.append(path, "a", headers=headers)
    assert again.status == 204 and again["Stream-Closed"] == "true"
    other = server.append(path, "b", headers=producer("p", 0, 1))
    assert other.status == 409 and other["Stream-Closed"] == "true"
    assert server.read(path).body == b"a"


# Ending


def test_append_and_end_are_one_step(server):
    path = server.create()
    answer = server.append(path, "last", headers={"Stream-Closed": "true"})
    assert answer.status == 204
    assert answer["Stream-Closed"] == "true"
    with server.subscribe(path) as reader:
        assert [e.data for e in reader.rest()] == ["last", '{"reason":"done"}']


def test_a_stream_ends_once(server):
    path = server.create()
    offset = server.append_each(path, ["a"])[0]
    assert server.end(path, "failed").status == 204
    assert server.end(path).status == 204, "closing a closed stream is idempotent"
    late = server.append(path, "b")
    assert late.status == 409
    assert late["Stream-Closed"] == "true"
    assert late["Stream-Next-Offset"] == offset
    with server.subscribe(path) as reader:
        assert reader.rest()[-1].json == {"reason": "failed"}


@pytest.mark.parametrize("reason", ["cancelled", "abandoned", "finished", ""])
def test_a_producer_ends_as_done_or_failed(server, reason):
    path = server.create()
    assert server.end(path, reason).status == 400
    assert "Stream-Closed" not in server.request("HEAD", path)


def test_closed_counts_only_when_it_is_true(server):
    path = server.create()
    assert server.append(path, "a", headers={"Stream-Closed": "false"}).status == 204
    assert server.append(path, "b", headers={"Stream-Closed": "yes"}).status == 204
    assert server.append(path, "c", headers={"Stream-Closed": "TRUE"}).status == 204
    assert server.append(path, "d").status == 409


# Cancelling


def test_anyone_who_may_can_ask_a_stream_to_stop(server):
    path = server.create()
    with server.subscribe(path) as reader:
        server.append(path, "a")
        reader.next()
        assert server.cancel(path).status == 204
        assert reader.next().json == {"reason": "cancelled"}
        assert reader.next() is None
    late = server.append(path, "b")
    assert late.status == 409
    assert (late["Stream-Closed"], late["Stream-End-Reason"]) == ("true", "cancelled")


def test_cancelling_an_ended_stream_tells_its_real_reason(server):
    path = server.create()
    server.end(path, "failed")
    answer = server.cancel(path)
    assert (answer.status, answer["Stream-End-Reason"]) == (204, "failed")


def test_cancelling_with_a_body_is_400_and_of_nothing_404(server):
    path = server.create()
    assert server.append(path, "x", headers={"Stream-Cancel": "true"}).status == 400
    assert server.append(path, "still open").status == 204
    assert server.cancel("/v1/stream/unknown").status == 404


# Leases


def test_a_stream_whose_producer_went_away_ends_as_abandoned(server):
    # In one request: an append of its own may come when the lease is over.
    path = server.create(headers={"Stream-Lease": "1"}, body="half an answ")
    with server.subscribe(path) as reader:
        word, end = reader.rest()
    assert end.json["reason"] == "abandoned"
    assert server.append(path, "er").status == 409


def test_a_lease_is_renewed_by_a_request_without_a_body(server):
    path = server.create()
    answer = server.request("POST", path, {"Stream-Lease": "1"})
    assert answer.status == 204
    with server.subscribe(path) as reader:
        assert reader.rest()[-1].json["reason"] == "abandoned"


def test_an_append_restarts_the_lease(server):
    def outlives_a_silent_one():
        before = time.monotonic()
        path, plain = server.create(headers={"Stream-Lease": "2"}), server.create(headers={"Stream-Lease": "2"})
        with server.subscribe(plain) as silent:
            while True:
                is_over, asked = silent.ended, time.monotonic()
                if (answer := server.append(path, "x")).status != 204:
                    # Only a machine that is too busy to append within the lease may find it over.
                    assert time.monotonic() - before >= 2, answer
                    return False
                if is_over:
                    return True
                before = asked
                silent.connection.socket.settimeout(0.25)
                try:
                    silent.more()
                except TimeoutError:
                    pass

    eventually(outlives_a_silent_one, 60)


def test_a_lease_does_not_run_while_a_live_request_is_open(server):
    path = server.create()
    other = server.create(headers={"Stream-Lease": "1"})
    with Connection(server.address) as live:
        # The lease is the request's own: one from before might be over when the request comes.
        live.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", "Stream-Lease": "1"})
        live.send_chunk("a")
        with server.subscribe(path) as reader:
            reader.next()
            with server.subscribe(other) as silent:
                assert silent.rest()[-1].json["reason"] == "abandoned"
            live.send_chunk("b")
            assert reader.next().data == "b"
            live.send_chunk("")
            assert live.read_answer().status in (200, 204)
            assert reader.rest()[-1].json["reason"] == "abandoned"


# Interim answers


def test_continue_is_said_when_asked_for_and_only_when_the_request_is_accepted(server):
    path = server.create()
    with Connection(server.address) as connection:
        connection.send_head(
            "POST", path, {"Content-Type": "text/plain", "Content-Length": "5", "Expect": "100-continue"}
        )
        word = connection.read_head()
        assert (word.status, word.fields) == (100, [])
        assert connection.is_http2 or word.raw == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send("hello")
        assert connection.read_head().status == 204
    assert server.read(path).body == b"hello"
    with Connection(server.address) as connection:
        connection.send_head(
            "POST",
            "/v1/stream/unknown",
            {"Content-Type": "text/plain", "Content-Length": "5", "Expect": "100-continue"},
        )
        assert connection.read_head().status == 404
    with Connection(server.address) as connection:
        connection.send_head("POST", path, {"Content-Type": "text/plain", "Content-Length": "1"})
        connection.send("x")
        assert connection.read_head().status == 204, "nobody asked for 100"


def test_other_expectations_are_417(server):
    path = server.create()
    answer = server.request("POST", path, {"Content-Type": "text/plain", "Expect": "miracles"}, "x")
    assert answer.status in (204, 417)
    assert server.still_serves()


def test_problems_say_what_to_do(server):
    answer = server.append("/v1/stream/unknown", "a")
    assert answer["Content-Type"].split(";")[0] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == 404
    assert problem["title"] and problem["type"]
    assert "PUT" in problem["detail"]
