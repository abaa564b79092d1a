"""The plain form, as clients read it that know only a format of their own."""

import json
import subprocess

import pytest
from support.wire import Closed, Connection

JSON_EVENTS = [{"type": "start"}, {"type": "text-delta", "delta": "H\u00e4l\nlo"}, {"type": "finish"}]


class Torn(Exception):
    """The body did not come to its end."""


def strict(raw):
    """What a client makes of a body that throws on anything but data that is JSON or [DONE], as the AI SDK's does."""
    values = []
    for block in raw.decode().split("\n\n")[:-1]:
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        assert all(line.startswith("data: ") for line in lines), block
        data = "\n".join(line.removeprefix("data: ") for line in lines)
        if data and data != "[DONE]":
            values.append(json.loads(data))
    return values


def body_of(server, target, headers=None):
    with Connection(server.address) as connection:
        connection.send_head("GET", target, headers or {})
        assert connection.read_head().status == 200
        body = b""
        try:
            while data := connection.read_chunk():
                body += data
        except (Closed, ConnectionError) as error:
            raise Torn(body) from error
        return body


def said(server, **create):
    path = server.create("text/event-stream", **create)
    for event in JSON_EVENTS:
        server.append(path, f"data: {json.dumps(event)}\n\n", "text/event-stream")
    return path


def test_it_is_the_events_as_they_were_appended_and_nothing_else(server):
    path = said(server)
    server.append(path, "event: token\nid: 7\nretry: 1\ndata: 1\ndata: 2\n\ndata: [DONE]\n\n", "text/event-stream")
    server.end(path)
    expected = "".join(f"data: {json.dumps(event)}\n\n" for event in JSON_EVENTS)
    expected += "event: token\ndata: 1\ndata: 2\n\ndata: [DONE]\n\n"
    assert body_of(server, f"{path}?as=plain", {"Accept": "text/event-stream"}) == expected.encode()


def test_a_strict_client_reads_it_through_silence_and_to_the_end(serve):
    server = serve(heartbeat_seconds=0.5, heartbeat_event=True)
    path = said(server)
    with Connection(server.address) as connection:
        connection.send_head("GET", f"{path}?as=plain")
        assert "text/event-stream" == connection.read_head()["Content-Type"]
        body = b""
        # A first heartbeat may come before what was appended.
        while body.count(b"data: ") < len(JSON_EVENTS):
            assert (piece := connection.read_chunk()), body
            body += piece
        for _ in range(3):
            beat = connection.read_chunk()
            assert beat == b":\n"
            body += beat
        server.append(path, "data: [DONE]\n\n", "text/event-stream")
        server.end(path)
        while data := connection.read_chunk():
            body += data
    assert strict(body) == JSON_EVENTS


@pytest.mark.parametrize("how", ["failed", "cancelled", "deleted"])
def test_half_an_answer_is_never_taken_for_a_whole_one(server, how):
    path = said(server)
    with Connection(server.address) as live:
        live.send_head("GET", f"{path}?as=plain")
        assert live.read_head().status == 200
        live.read_chunk()
        {"failed": lambda: server.end(path, "failed"), "cancelled": lambda: server.cancel(path)}.get(
            how, lambda: server.request("DELETE", path)
        )()
        with pytest.raises((Closed, ConnectionError)):
            live.read_chunk()
    if how != "deleted":
        with pytest.raises(Torn) as torn:
            body_of(server, f"{path}?as=plain")
        assert strict(torn.value.args[0]) == JSON_EVENTS


def test_curl_tells_whole_from_half_with_either_version(server):
    for version in ["--http1.1", "--http1.0"]:
        for reason in ["done", "failed"]:
            path = said(server)
            server.end(path, reason)
            read = subprocess.run(["curl", "-sS", version, f"{server.url}{path}?as=plain"], capture_output=True, timeout=300)
            assert (read.returncode == 0) == (reason == "done"), (version, reason, read)
            if reason == "done":
                assert strict(read.stdout) == JSON_EVENTS


def test_what_control_events_tell_is_a_status(server):
    assert server.request("GET", "/v1/stream/never-was?as=plain").status == 404
    path = server.create("text/plain", {"Stream-Retention": "events=2"})
    offsets = server.append_each(path, ["a", "b", "c", "d"])
    for query in ["", "&offset=-1", f"&offset={offsets[0]}", "&lastEventId=not-an-id"]:
        answer = server.request("GET", f"{path}?as=plain{query}")
        assert (answer.status, answer["Stream-Earliest-Offset"]) == (410, offsets[1]), query
    binary = server.create("application/octet-stream")
    assert server.request("GET", f"{binary}?as=plain").status == 406


def test_nothing_to_resume_is_204(server):
    assert server.request("GET", "/v1/stream/not-yet?as=plain&when=open").status == 204
    path = said(server)
    with Connection(server.address) as connection:
        connection.send_head("GET", f"{path}?as=plain&when=open")
        assert connection.read_head().status == 200
    server.end(path)
    answer = server.request("GET", f"{path}?as=plain&when=open")
    assert (answer.status, answer["Stream-End-Reason"], answer.body) == (204, "done", b"")


FIELDS = "X-Vercel-AI-UI-Message-Stream: v1, x-thread: 7"
KEPT = "x-thread: 7, x-vercel-ai-ui-message-stream: v1"


def test_a_torn_body_ends_with_what_is_no_chunk(server):
    """Where only the connection ends, node's fetch takes a body that was cut for a whole one."""
    path = said(server)
    with Connection(server.address) as connection:
        connection.send_head("GET", f"{path}?as=plain")
        assert connection.read_head()["Connection"] == "close"
        server.cancel(path)
        assert connection.read_to_end().endswith(b"\n\n\r\n\r\n")
    program = f"const r = await fetch('{server.url}{path}?as=plain'); console.log(await r.text().then(() => 'whole', () => 'torn'))"
    run = subprocess.run(["node", "--input-type=module", "-e", program], capture_output=True, text=True, timeout=300)
    assert run.stdout == "torn\n"


def test_fields_that_are_stored_at_creation_are_sent_with_it(serve, tmp_path):
    settings = {"memory": None, "data": tmp_path / "streams"}
    server = serve(**settings)
    path = said(server, headers={"Stream-Response-Headers": FIELDS})
    create = {"Content-Type": "text/event-stream"}
    for fields, status in [(FIELDS, 200), (KEPT, 200), ("x-thread: 7", 409), (None, 409)]:
        assert server.request("PUT", path, {**create, "Stream-Response-Headers": fields}).status == status, fields
    fork = server.request("PUT", f"{path}-fork", {"Stream-Forked-From": path})
    assert fork.status == 201 and "Stream-Response-Headers" not in fork
    server.end(path)
    server.stop()
    server = serve(**settings)
    assert server.request("HEAD", path)["Stream-Response-Headers"] == KEPT
    for target, said_them in [(f"{path}?as=plain", True), (f"{path}?as=sse", False), (path, False), (f"{path}-fork?as=plain&when=open", False)]:
        with Connection(server.address) as connection:
            connection.send_head("GET", target)
            head = connection.read_head()
        assert head.status == 200
        assert (head["x-vercel-ai-ui-message-stream"], head["x-thread"]) == (("v1", "7") if said_them else (None, None)), target


@pytest.mark.parametrize(
    "fields",
    ["x-a", "a: 1", "x-a: 1, x-a: 2", "x-a: \u00fc", "Content-Type: text/html", "Set-Cookie: a=b", "Cache-Control: x", "X-Accel-Buffering: yes",
     "Access-Control-Allow-Origin: *", "Content-Security-Policy: x", "Stream-Closed: true", "x-sendfile: /etc/passwd", "x-a: " + "1" * 1022,
     ", ".join(f"x-{n}: 1" for n in range(9))],
)  # fmt: skip
def test_fields_that_may_not_be_said_are_refused(server, fields):
    answer = server.request("PUT", "/v1/stream/never", {"Stream-Response-Headers": fields})
    assert (answer.status, answer.json["type"]) == (400, "urn:freshet:bad-header")
    assert server.request("HEAD", "/v1/stream/never").status == 404
