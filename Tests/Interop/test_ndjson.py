"""The same events as NDJSON: valid JSON at every line."""

import base64
import json

import pytest


def test_the_head_and_the_lines(server):
    path = server.create()
    offsets = server.append_each(path, ["one", 'two "quoted" \n line'])
    server.end(path)
    with server.lines(path) as reader:
        assert reader.head.status == 200
        assert reader.head["Content-Type"].split(";")[0] == "application/x-ndjson"
        assert reader.head["X-Accel-Buffering"] == "no"
        assert reader.connection.is_http2 or reader.head["Connection"].lower() == "close"
        one, two, end = reader.rest()
    assert one == {"id": offsets[0], "data": "one"}
    assert two == {"id": offsets[1], "data": 'two "quoted" \n line'}
    assert (end["event"], end["data"]) == ("end", {"reason": "done"})
    assert end["id"] > offsets[1]


def test_the_fields_of_a_line_are_in_order_and_without_spaces(server):
    path = server.create("text/event-stream")
    server.append(path, "event: token\ndata: x\n\n", "text/event-stream")
    server.end(path)
    with server.lines(path) as reader:
        offset = reader.next()["id"]
        reader.rest()
    lines = [line for line in reader.body.split(b"\n") if line]
    assert lines[0] == b'{"id":"%s","event":"token","data":"x"}' % offset.encode()


def test_json_streams_give_values_and_not_strings(server):
    path = server.create("application/json")
    server.append(path, '[{"a": [1, 2.5, null]}, "text", 7]', "application/json")
    server.end(path)
    with server.lines(path) as reader:
        events = reader.rest()
    assert [e["data"] for e in events[:-1]] == [{"a": [1, 2.5, None]}, "text", 7]


def test_binary_is_base64_and_says_so(server):
    path = server.create("application/octet-stream")
    data = bytes(range(256))
    server.append(path, data, "application/octet-stream")
    with server.lines(path) as reader:
        event = reader.next()
    assert event["base64"] is True
    assert base64.b64decode(event["data"]) == data


def test_the_heartbeat_is_an_empty_line(serve):
    server = serve(heartbeat_seconds=0.2)
    path = server.create()
    with server.lines(path) as reader:
        while reader.next_raw() != b"\n":
            pass
        server.append(path, "word")
        assert reader.next()["data"] == "word"


def test_position_gap_start_and_204_are_those_of_sse(server):
    path = server.create()
    first, second = server.append_each(path, ["a", "b"])
    with server.lines(path, {"Last-Event-ID": first}) as reader:
        assert reader.next() == {"id": second, "data": "b"}
    with server.lines(path, {"Last-Event-ID": "nonsense"}) as reader:
        gap = reader.next()
        assert gap["event"] == "gap" and gap["data"]["resumed"] == gap["id"]
        assert reader.next()["data"] == "a"
    with server.lines(f"{path}?offset=now") as reader:
        assert reader.next() == {"id": second, "event": "start", "data": {"offset": second}}
    server.end(path)
    with server.lines(path, {"Last-Event-ID": second}) as reader:
        (end,) = reader.rest()
    answer = server.request("GET", path, {"Accept": "application/x-ndjson", "Last-Event-ID": end["id"]})
    assert answer.status == 204


def test_a_deleted_stream_ends_without_an_id(server):
    path = server.create()
    with server.lines(path) as reader:
        server.append(path, "a")
        reader.next()
        server.request("DELETE", path)
        assert reader.next() == {"event": "end", "data": {"reason": "deleted"}}
        assert reader.next() is None


@pytest.mark.parametrize("type", ["text/plain", "text/event-stream", "application/x-ndjson", "application/json"])
def test_every_line_is_json_whatever_the_stream(server, type):
    path = server.create(type)
    body = {
        "text/plain": '\u2028\u0000\x1f"\\é😀',
        "text/event-stream": 'data: \x1f"\\é😀\ndata: more\n\n',
        "application/x-ndjson": '{"x": "\\u0000"}\n"two"\n',
        "application/json": '[{"x": "\\u2028"}]',
    }[type]
    assert server.append(path, body.encode(), type).status == 204
    server.end(path)
    with server.lines(path) as reader:
        reader.rest()
    for line in reader.body.split(b"\n"):
        if line:
            assert set(json.loads(line)) <= {"id", "event", "data", "base64"}
