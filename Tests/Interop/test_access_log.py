"""Who did what: the lines of the access log, what is in them, and what is never."""

import json
import os
import re
import signal

import jwt
import pytest

from support import ports
from support.freshet import TRANSPORT, Freshet
from support.upstream import CHAT, Answer, Upstream
from support.waiting import eventually
from support.wire import Connection
from test_tokens import SECRET, claims, cookie, session, signed

KEY = "backend-key-0123456789"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CLEAR = pytest.mark.skipif(TRANSPORT != "clear", reason="speaks HTTP/1.1 in clear text")


@pytest.fixture
def log(tmp_path):
    return tmp_path / "access.log"


def lines(log, count=1):
    """What is in the file, once there are as many lines. All of it is whole lines of JSON. Those of one event loop, as these servers
    have, are in the order of the requests.
    """

    def find():
        text = log.read_text() if log.exists() else ""
        return text.endswith("\n") and text.count("\n") >= count and text

    return [json.loads(line) for line in eventually(find, what=f"{count} lines in {log}").splitlines()]


def end_of(log, path, count=1):
    """The last line of a read, or an append, once it has ended."""

    def find():
        found = [line for line in lines(log) if line["path"] == path and line["event"] == "end"]
        return len(found) >= count and found[-1]

    return eventually(find, what=f"the end of {path}")


def begun(log, path):
    return eventually(lambda: [line for line in lines(log) if line["path"] == path and line["event"] == "begin"])


def dropped(server):
    text = server.request("GET", "/metrics").text
    found = re.findall(r"^freshet_access_log_dropped_total (\d+)", text, re.MULTILINE)
    return [int(value) for value in found]


# Lines


def test_each_request_is_a_line(serve, log):
    server = serve(event_loops=1, access_log=log)
    path = server.create()
    assert server.append(path, "hello").status == 204
    assert "hello" in server.read(path).text
    assert server.request("GET", "/v1/stream/missing?offset=-1").status == 404
    found = lines(log, 4)
    assert [(line["method"], line["path"], line["status"]) for line in found] == [
        ("PUT", path, 201),
        ("POST", path, 204),
        ("GET", path, 200),
        ("GET", "/v1/stream/missing", 404),
    ]
    for line in found:
        assert list(line) == [
            "time", "event", "address", "method", "path", "status", "subject", "bytes", "duration_ms", "end"
        ]  # fmt: skip
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert (line["event"], line["address"], line["subject"], line["end"]) == ("request", "127.0.0.1", None, "done")
        assert line["duration_ms"] >= 0
    assert found[2]["bytes"] >= len("hello")
    assert [line["time"] for line in found] == sorted(line["time"] for line in found)
    assert dropped(server) == [0]


def test_without_a_file_nothing_is_counted(server):
    assert dropped(server) == []


def test_a_read_has_two_lines_of_one_number_and_a_reason(serve, log):
    server = serve(event_loops=1, access_log=log)
    path = server.create()
    with server.subscribe(path) as reader, server.lines(path) as other:
        server.append(path, "hello")
        assert reader.next().data == "hello"
        other.next()
        assert len(begun(log, path)) >= 1
        server.end(path)
        reader.rest()
        other.rest()
    end_of(log, path, 2)
    found = [line for line in lines(log) if line["event"] in ("begin", "end")]
    assert sorted(line["id"] for line in found) == [1, 1, 2, 2]
    for line in found:
        assert line["status"] == 200
        assert ("bytes" in line, line.get("end")) == ((True, "done") if line["event"] == "end" else (False, None))


def reader_leaves(server, path, reader):
    reader.close()


def stream_is_cancelled(server, path, reader):
    server.cancel(path)
    reader.rest()


def stream_is_deleted(server, path, reader):
    server.request("DELETE", path)
    reader.rest()


def server_drains(server, path, reader):
    server.process.send_signal(signal.SIGTERM)
    reader.rest()
    server.process.wait(60)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (reader_leaves, "peer-left"),
        (stream_is_cancelled, "cancelled"),
        (stream_is_deleted, "removed"),
        (server_drains, "drained"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_why_a_read_ended(serve, log, act, why):
    server = serve(event_loops=1, access_log=log)
    path = server.create()
    with server.subscribe(path) as reader:
        begun(log, path)
        act(server, path, reader)
        assert end_of(log, path)["end"] == why


def test_a_reader_that_takes_nothing_was_evicted(serve, log):
    server = serve(event_loops=1, access_log=log, write_stall_seconds=0.5)
    path = server.create()
    with server.subscribe(path):
        begun(log, path)
        for _ in range(8):
            server.append(path, "a" * (1 << 20))
        assert end_of(log, path)["end"] == "evicted"


def test_a_long_poll_is_one_line(serve, log):
    server = serve(event_loops=1, access_log=log, long_poll_seconds=0.5)
    path = server.create()
    tail = server.request("HEAD", path)["Stream-Next-Offset"]
    assert server.request("GET", f"{path}?live=long-poll&offset={tail}").status == 204
    line = lines(log, 3)[2]
    assert (line["event"], line["status"], line["path"]) == ("request", 204, path)
    assert line["duration_ms"] >= 450


@CLEAR
def test_a_streaming_append_has_two_lines(serve, log):
    server = serve(event_loops=1, access_log=log)
    path = server.create()
    head = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
    ends = {
        "done": lambda connection: connection.send_chunk(""),
        "peer-left": lambda connection: connection.reset(),
        "cancelled": lambda connection: server.cancel(path),
    }
    for count, (end, act) in enumerate(ends.items(), 1):
        with Connection(server.address) as connection:
            connection.send_head("POST", path, head)
            connection.send_chunk("hello\n")
            eventually(lambda count=count: len(begun(log, path)) == count)
            act(connection)
            assert end_of(log, path, count)["end"] == end


# Who, and from where


def test_the_key_is_named_and_not_told(serve, log, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"backend {KEY} all *\n")
    keys.chmod(0o600)
    server = serve(event_loops=1, access_log=log, keys=keys)
    authorised = {"Authorization": f"Bearer {KEY}"}
    assert server.request("PUT", "/v1/stream/a", {"Content-Type": "text/plain", **authorised}).status == 201
    assert server.request("GET", f"/v1/stream/{KEY}?key={KEY}", {"Cookie": f"a={KEY}"}).status == 401
    assert server.request("GET", "/health").status == 200
    assert server.request("POST", "/v1/session", authorised).status == 204
    found = lines(log, 4)
    assert [line["subject"] for line in found] == ["backend", None, None, "backend"]
    assert found[1]["path"] == "/v1/stream/(key)"
    assert KEY not in log.read_text()


def test_a_token_and_its_session_are_named_by_issuer_and_subject_and_not_told(serve, log, tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    keys = tmp_path / "keys"
    keys.write_text(f"backend {KEY} all *\n")
    keys.chmod(0o600)
    issuer = {"jwt_secret_file": tmp_path / "secret", "jwt_issuer": "app", "jwt_audience": "freshet"}
    server = serve(event_loops=1, access_log=log, log_level="trace", keys=keys, **issuer)
    subject = "u 42#\u202e"
    token = signed(sub=subject)
    by_token = cookie(session(server, token))
    by_key = cookie(session(server, {"Authorization": f"Bearer {KEY}"}))
    narrowed = cookie(session(server, {"Authorization": f"Bearer {KEY}"}, {"read": ["a"]}))
    path = server.create(name="a", headers=token)
    secrets = [token["Authorization"].split()[1], *(one["Cookie"].partition("=")[2] for one in (by_token, by_key, narrowed))]
    assert len(set(secrets)) == 4
    # Who is known, by one of each, and for as long as a read is open.
    for number, who in enumerate((token, by_token, by_key, narrowed), 1):
        assert server.append(path, f"{number}", headers=token).status == 204
        with server.subscribe(path, who) as reader:
            assert reader.next().data == "1"
        assert end_of(log, path, number)["end"] == "peer-left"
    # Where no secret belongs.
    for word in secrets:
        for target in (f"{path}?token={word}", f"/v1/stream/{word}", f"/v1/{word}.json", f"/v1/stream/a/x={word}/b"):
            fields = {"Cookie": f"other={word}; freshet_session={word}x", "X-Other": word, "Referer": f"http://a.example/?{word}"}
            assert server.request("GET", target, fields).status in (401, 404)
    # What nobody signed here is not known, and no less a secret: it is in a query, or in a header field.
    stranger = jwt.encode(claims(), "another-secret-of-at-least-32-bytes", "HS256")
    assert server.request("GET", f"{path}?token={stranger}", {"Authorization": f"Bearer {stranger}"}).status == 401
    count = 3 + 1 + 4 + 8 + 16 + 1
    found = lines(log, count)
    assert len(found) == count
    named = [(line["event"], line["subject"]) for line in found]
    me = "app#u%2042%23%E2%80%AE"
    assert named[:4] == [("request", me), ("request", "backend"), ("request", "backend"), ("request", me)]
    assert [who for event, who in named if event == "begin"] == [me, me, "backend", "backend"]
    assert [who for event, who in named if event == "end"] == [me, me, "backend", "backend"]
    assert {who for _, who in named[-17:]} == {None}
    assert [line["path"] for line in found[-17:-1]] == [path, "/v1/stream/(key)", "/v1/(key).json", "/v1/stream/a/x=(key)/b"] * 4
    text = log.read_text() + server.logged()
    for word in [*secrets, stranger, SECRET, KEY]:
        assert word not in text
        # Neither a part of one: its claims, or its signature.
        assert not [part for part in word.split(".") if len(part) > 16 and part in text]


@pytest.mark.parametrize(
    ("proxies", "told"),
    [
        ([], "127.0.0.1"),
        (["10.0.0.0/8"], "127.0.0.1"),
        (["127.0.0.0/8"], "192.0.2.7"),
        (["127.0.0.1,192.0.2.7"], "198.51.100.1"),
    ],
    ids=["none", "others", "this", "two"],
)
@pytest.mark.parametrize("field", ["X-Forwarded-For", "Forwarded"])
def test_only_a_trusted_proxy_says_where_a_request_comes_from(serve, log, proxies, told, field):
    server = serve(event_loops=1, access_log=log, trusted_proxies=proxies)
    value = "198.51.100.1, 192.0.2.7" if field == "X-Forwarded-For" else "for=198.51.100.1, for=192.0.2.7;proto=https"
    server.request("GET", "/health", {field: value})
    assert lines(log)[0]["address"] == told


@pytest.mark.parametrize(("value", "trace"), [(TRACEPARENT, TRACE), (TRACEPARENT[:-1], None), (TRACEPARENT.upper(), None)])
def test_the_trace_of_a_request_is_in_its_lines(serve, log, value, trace):
    server = serve(event_loops=1, access_log=log, log_format="json")
    server.request("GET", "/v1/stream/missing", {"traceparent": value})
    assert lines(log)[0].get("trace_id") == trace
    failed = eventually(lambda: [line for line in server.logged().splitlines() if "A request failed." in line])
    assert json.loads(failed[0]).get("trace_id") == trace


def test_the_trace_of_a_call_goes_on_to_the_upstream(serve, log):
    upstream = Upstream(lambda request: Answer(CHAT))
    server = serve(command="relay", access_log=log, memory=True, upstreams=[f"one openai-compatible {upstream.url} key=none"])
    call = json.dumps({"model": "some-model", "stream": True})
    fields = {"Content-Type": "application/json", "traceparent": TRACEPARENT, "X-Forwarded-For": "192.0.2.7"}
    assert server.request("POST", "/v1/chat/completions", fields, call).status == 200
    assert upstream.requests[0].fields["traceparent"] == TRACEPARENT
    assert {line["trace_id"] for line in lines(log, 2)} == {TRACE}
    assert end_of(log, "/v1/chat/completions")["end"] == "done"


@CLEAR
def test_what_strangers_send_begins_no_line(serve, log):
    server = serve(event_loops=1, access_log=log)
    for request in (b"GET /v1/stream/\xe2\x80\xae\xc2\x9b HTTP/1.1\r\nHost: localhost\r\n\r\n", b"nonsense\r\n\r\n"):
        with Connection(server.address) as connection:
            connection.send(request)
            assert connection.read_answer().status >= 400
    text = eventually(lambda: log.exists() and log.read_text().count("\n") == 2 and log.read_text())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert all(json.loads(line)["status"] >= 400 for line in text.splitlines())


# Where it goes


def test_the_file_is_reopened_whatever_is_wrong_elsewhere(serve, log, tmp_path):
    settings = tmp_path / "freshet.yaml"
    settings.write_text("log-level: info\n")
    server = serve(event_loops=1, access_log=log, config=settings)
    server.request("GET", "/health")
    lines(log)
    log.rename(tmp_path / "access.log.1")
    settings.write_text("log-level: nonsense\n")
    server.process.send_signal(signal.SIGHUP)
    eventually(log.exists)
    server.request("GET", "/v1/streams")
    assert [line["path"] for line in lines(log)] == ["/v1/streams"]
    assert [line["path"] for line in lines(tmp_path / "access.log.1")] == ["/health"]


def test_sighup_ends_no_server_that_has_a_file_alone(serve, log):
    server = serve(event_loops=1, access_log=log)
    server.request("GET", "/health")
    lines(log)
    log.unlink()
    server.process.send_signal(signal.SIGHUP)
    eventually(log.exists)
    assert server.request("GET", "/health").status == 200
    assert server.stop(patience=60) == 0


def test_a_file_that_cannot_be_opened_is_told_before_anything_listens(tmp_path):
    server = Freshet(access_log=tmp_path / "none" / "access.log", wait=False)
    assert server.process.wait(60) == 1
    assert "access.log cannot be opened: No such file or directory" in server.logged()


def test_standard_output_has_nothing_but_lines():
    port = ports.free_port()
    server = Freshet(access_log="-", port=port, wait=False)
    try:
        server.host, server.port = "127.0.0.1", port
        eventually(lambda: f":{port}" in server.logged())
        assert server.request("GET", "/health").status == 200
        assert json.loads(server.process.stdout.readline())["path"] == "/health"
        server.process.terminate()
        assert all(json.loads(line) for line in server.process.stdout)
    finally:
        server.stop()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_once_and_stops_nobody(serve):
    server = serve(access_log="/dev/full")
    for _ in range(20):
        assert server.request("GET", "/health").status == 200
    eventually(lambda: dropped(server)[0] >= 20)
    # It is counted before it is told.
    eventually(lambda: "The access log cannot be written" in server.logged())
    assert server.logged().count("The access log cannot be written") == 1


def test_a_reader_that_does_not_read_stops_nobody(serve, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        server = serve(access_log=pipe)
        # More than a pipe takes.
        with Connection(server.address) as connection:
            for _ in range(600):
                connection.send_head("GET", "/health")
                assert connection.read_answer().status == 200
        assert server.request("GET", "/health").status == 200
        assert server.stop(patience=60) == 0
    finally:
        os.close(reader)
