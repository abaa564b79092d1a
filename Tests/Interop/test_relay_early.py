"""Bytes before the upstream answers: a head in time, the beat, and what then comes of a refusal."""

import json
import threading

import anthropic
import openai
import pytest

from support.clients import over_transport
from support.freshet import Freshet
from support.upstream import CHAT, EVENTS, PATHS, Answer, Upstream
from support.wire import Closed, Connection

BODY = b'{"model":"m","stream":true}'
REFUSAL = json.dumps({"error": {"message": "Slow down", "type": "rate_limit", "code": "rate"}}).encode()


class Relayed:
    def __init__(self, **settings):
        self.script = lambda request: Answer(CHAT)
        self.upstream = Upstream(lambda request: self.script(request))
        kinds = [f"one openai-compatible {self.upstream.url} key=none", f"two anthropic {self.upstream.url} key=none"]
        self.server = Freshet("relay", memory=True, upstreams=kinds, environment={"NO_PROXY": "*"}, **settings)

    def open(self, script, format="chat", headers=None):
        self.script = script if callable(script) else lambda request: script
        self.upstream.requests.clear()
        connection = Connection(self.server.address, 30)
        fields = {"Content-Type": "application/json", "Content-Length": len(BODY), **(headers or {})}
        connection.send_head("POST", PATHS[format], fields)
        connection.send(BODY)
        return connection

    def end_of(self, head):
        with self.server.subscribe("/v1/stream/" + head["Location"].partition("/v1/stream/")[2]) as reader:
            return reader.rest()[-1].json


def rest_of(connection):
    """The body without the beats, and whether it came whole."""
    body = b""
    try:
        while chunk := connection.read_chunk():
            body += chunk
    except Closed:
        return body.replace(b":\n", b""), False
    return body.replace(b":\n", b""), True


@pytest.fixture(scope="module")
def relayed():
    both = Relayed(relay_early_seconds=0.2, heartbeat_seconds=0.1)
    yield both
    assert both.server.stop(60) == 0, both.server.logged()


@pytest.mark.parametrize("format", EVENTS)
def test_a_head_and_beats_come_before_the_upstream_answers(relayed, format):
    before = threading.Event()
    with relayed.open(Answer(EVENTS[format], before=before, fields={"x-request-id": "late"}), format) as connection:
        head = connection.read_head()
        assert (head.status, head["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert "x-request-id" not in head
        assert connection.read_chunk() == connection.read_chunk() == b":\n"
        before.set()
        assert rest_of(connection) == (b"".join(EVENTS[format]), True)
        assert relayed.end_of(head) == {"reason": "done"}
    assert len(relayed.upstream.requests) == 1


def test_a_call_says_itself_how_long_it_waits(relayed):
    before = threading.Event()
    with relayed.open(Answer(CHAT, before=before, fields={"x-request-id": "in-time"}), headers={"Freshet-Early": "0"}) as connection:
        connection.socket.settimeout(0.6)
        with pytest.raises(TimeoutError):
            connection.read_head()
        connection.socket.settimeout(30)
        before.set()
        assert connection.read_head()["x-request-id"] == "in-time"
    for value in ["-1", "x", "", "1e3", "86401", "1.", "1, 2"]:
        with relayed.open(Answer(CHAT), headers={"Freshet-Early": value}) as connection:
            assert connection.read_answer().status == 400, value
        assert relayed.upstream.requests == []


def test_an_answer_in_time_is_what_it_was(relayed):
    refusal = Answer([REFUSAL], status=429, type="application/json", fields={"Retry-After": "7"})
    with relayed.open(refusal, headers={"Freshet-Early": "20"}) as connection:
        answer = connection.read_answer()
    assert (answer.status, answer["Retry-After"], answer.body) == (429, "7", REFUSAL)


@pytest.mark.parametrize("format", EVENTS)
@pytest.mark.parametrize("status", [400, 429, 503])
def test_a_refusal_is_told_in_the_stream(relayed, format, status):
    before = threading.Event()
    refusal = Answer([REFUSAL], status=status, type="application/json", before=before, fields={"Retry-After": "7"})
    with relayed.open(refusal, format) as connection:
        head = connection.read_head()
        before.set()
        body, whole = rest_of(connection)
    assert not whole
    data = json.loads(body.split(b"data: ")[1])
    error = {key: data["error"][key] for key in ("message", "code", "status", "retry_after")}
    assert error == {"message": "Slow down", "code": "rate", "status": status, "retry_after": 7}
    assert (b"event: error\n" in body) == (format != "chat")
    assert relayed.end_of(head) == {"reason": "failed", "detail": f"the upstream answered {status}: Slow down"}


@pytest.mark.parametrize("body", ['{"message":"Slow down"}', '{"detail":"Slow down"}', '[{"error":{"message":"Slow down"}}]', '{"error":"Slow down"}'])
def test_a_late_refusal_keeps_the_words_of_whatever_form(relayed, body):
    before = threading.Event()
    with relayed.open(Answer([body.encode()], status=429, type="application/json", before=before)) as connection:
        head = connection.read_head()
        before.set()
        told = json.loads(rest_of(connection)[0].split(b"data: ")[1])["error"]
    assert (told["message"], told["status"]) == ("Slow down", 429)
    assert relayed.end_of(head) == {"reason": "failed", "detail": "the upstream answered 429: Slow down"}


def test_what_cannot_be_used_is_not_paid_for_again(relayed):
    before = threading.Event()
    fields = {"Idempotency-Key": "late coding"}
    with relayed.open(Answer([b"x"], fields={"Content-Encoding": "x-y"}, before=before), headers=fields) as connection:
        assert connection.read_head().status == 200
        before.set()
        assert not rest_of(connection)[1]
    with relayed.open(Answer(CHAT), headers=fields) as connection:
        answer = connection.read_answer()
    assert (answer.status, answer["X-Should-Retry"]) == (502, "false")
    assert relayed.upstream.requests == []


@pytest.mark.parametrize("late", ["json", "redirect", "gone"])
def test_what_is_no_stream_is_told_likewise(relayed, late):
    before = threading.Event()
    answer = {
        "json": Answer([b"{}"], type="application/json", before=before),
        "redirect": Answer(status=302, fields={"Location": "http://127.0.0.1:9/"}, before=before),
        "gone": Answer(status=700, before=before),
    }[late]
    with relayed.open(answer) as connection:
        head = connection.read_head()
        before.set()
        body, whole = rest_of(connection)
    assert not whole
    error = json.loads(body.split(b"data: ")[1])["error"]
    code = "upstream-unreachable" if late == "gone" else "no-stream"
    assert (error["code"], error["status"]) == (code, 502)
    assert relayed.end_of(head) == {"reason": "failed", "detail": code}


@pytest.mark.parametrize("status, bound", [(400, True), (401, True), (408, False), (409, False), (429, False), (500, False), (503, False)])
def test_a_refusal_that_may_be_over_is_not_bound_to_the_key(relayed, status, bound):
    before = threading.Event()
    fields = {"Idempotency-Key": f"late {status}"}
    with relayed.open(Answer([REFUSAL], status=status, type="application/json", before=before), headers=fields) as connection:
        assert connection.read_head().status == 200
        before.set()
        assert not rest_of(connection)[1]
    # At once: a client that tries again does not wait.
    with relayed.open(Answer(CHAT), headers=fields) as connection:
        answer = connection.read_head()
        if bound:
            assert (answer.status, connection.read_exactly(int(answer["Content-Length"]))) == (status, REFUSAL)
        else:
            assert (answer.status, rest_of(connection)) == (200, (b"".join(CHAT), True))
    assert len(relayed.upstream.requests) == (0 if bound else 1)


def test_one_key_two_patiences(relayed):
    before = threading.Event()
    refusal = Answer([REFUSAL], status=429, type="application/json", before=before)
    patient = relayed.open(refusal, headers={"Idempotency-Key": "two", "Freshet-Early": "0"})
    hasty = Connection(relayed.server.address, 30)
    hasty.send_head("POST", PATHS["chat"], {"Content-Type": "application/json", "Content-Length": len(BODY), "Idempotency-Key": "two"})
    hasty.send(BODY)
    assert hasty.read_head().status == 200
    before.set()
    assert b"Slow down" in rest_of(hasty)[0]
    answer = patient.read_answer()
    assert (answer.status, answer.body) == (429, REFUSAL)
    assert len(relayed.upstream.requests) == 1
    patient.close()
    hasty.close()


def test_the_clients_raise_what_came_late(relayed):
    def late(call):
        """A call whose head is there before the upstream refuses."""
        before = threading.Event()
        relayed.script = lambda request: Answer([REFUSAL], status=429, type="application/json", before=before)
        stream = call()
        before.set()
        return list(stream)

    with openai.OpenAI(base_url=f"{relayed.server.url}/v1", **over_transport(openai, api_key="k", timeout=30)) as client:
        for call in (
            lambda: client.chat.completions.create(model="m", messages=[], stream=True),
            lambda: client.responses.create(model="m", input="x", stream=True),
        ):
            with pytest.raises(openai.APIError) as raised:
                late(call)
            assert (raised.value.message, raised.value.body["status"]) == ("Slow down", 429)
    with anthropic.Anthropic(base_url=relayed.server.url, **over_transport(anthropic, api_key="k", timeout=30)) as client:
        with pytest.raises(anthropic.APIError) as raised:
            late(lambda: client.messages.create(model="m", max_tokens=9, messages=[], stream=True))
        assert raised.value.body["error"]["status"] == 429


def test_the_default_leaves_time():
    relayed = Relayed()
    try:
        before = threading.Event()
        threading.Timer(1, before.set).start()
        with relayed.open(Answer([REFUSAL], status=429, type="application/json", before=before)) as connection:
            assert connection.read_answer().status == 429
    finally:
        relayed.server.stop()
