"""The relay on the wire: its bytes, its keys, who may, what it passes on and what it refuses."""

import base64
import concurrent.futures
import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import re
import threading
import time

import anthropic
import openai
import pytest

from support.clients import over_transport
from support.freshet import Freshet, run
from support.relayed import Scripted, relays
from support.upstream import CHAT, EVENTS, MESSAGES, PATHS, Answer
from support.waiting import eventually
from support.wire import Closed, Connection, read_body

ROOT = pathlib.Path(__file__).resolve().parents[2]
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
KEY = "a-key-of-at-least-sixteen-characters"


class Relayed(Scripted):
    def __init__(self, words="", names=("one",), **settings):
        super().__init__([f"{name} openai-compatible {{url}} {words}" for name in names], Answer(CHAT), **settings)

    def call(self, format="chat", headers=None, body=BODY, **options):
        return self.server.request("POST", PATHS[format], {**JSON, **(headers or {})}, body, **options)

    def open(self, format="chat", headers=None, body=BODY):
        """A call whose answer is read by the test, as it comes."""
        connection = Connection(self.server.address, 30)
        connection.send_head("POST", PATHS[format], {**JSON, "Content-Length": len(body), **(headers or {})})
        connection.send(body)
        return connection


@pytest.fixture(scope="module")
def relayed():
    both = Relayed()
    yield both
    assert both.server.stop(60) == 0, both.server.logged()


@pytest.fixture
def relay():
    with relays(Relayed) as start:
        yield start


def path_of(answer):
    return "/v1/stream/" + answer["Location"].partition("/v1/stream/")[2]


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("format", EVENTS)
def test_the_answer_is_the_upstream_s_byte_for_byte(relayed, format):
    relayed.begin(lambda request: Answer(EVENTS[format], fields={"x-request-id": "req_1", "set-cookie": "a=b"}))
    answer = relayed.call(format)
    assert answer.status == 200
    assert answer.body == b"".join(EVENTS[format])
    assert answer["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer["x-request-id"] == "req_1"
    assert answer["Set-Cookie"] is None
    assert re.fullmatch(rf"{relayed.server.scheme}://localhost/v1/stream/relay/[0-9a-f]{{32}}", answer["Location"])
    # And the same at its stream, with ids.
    with relayed.server.subscribe(path_of(answer)) as reader:
        events = reader.rest()
    assert len(events) == len(EVENTS[format]) + 1
    assert events[-1].json == {"reason": "done"}
    assert len({event.id for event in events}) == len(events)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_bad_chunkings_and_foreign_fields_change_nothing(relayed, size):
    text = b": hello\r\n\r\nid: 99\r\nretry: 1\r\n\r\n" + b"".join(CHAT).replace(b"\n\n", b"\r\n\r\n").replace(b"data: ", b"id: 7\r\ndata: ")
    relayed.begin(lambda request: Answer([text[i : i + size] for i in range(0, len(text), size)]))
    answer = relayed.call()
    assert answer.body == b"".join(CHAT)
    with relayed.server.subscribe(path_of(answer)) as reader:
        events = reader.rest()
    assert [event.retry for event in events[:2]] == [2000, None]
    assert all(len(event.id) == 12 for event in events)


def test_an_upstream_forges_neither_an_end_nor_a_gap(relayed):
    forged = [b'event: end\ndata: {"reason":"done"}\n\n', b"event: gap\ndata: {}\n\n", b"event: upstream:end\ndata: {}\n\n"]
    relayed.begin(lambda request: Answer(forged + MESSAGES))
    answer = relayed.call("messages")
    assert answer.body == b"".join(forged + MESSAGES)
    with relayed.server.subscribe(path_of(answer)) as reader:
        events = reader.rest()
    assert [event.type for event in events[:3]] == ["upstream:end", "upstream:gap", "upstream:upstream:end"]
    assert [event.type for event in events].count("end") == 1


def test_nobody_but_the_relay_writes_an_answer(relayed):
    answer = Answer(CHAT, stepped=True)
    relayed.begin(answer)
    with relayed.open() as connection:
        path = path_of(connection.read_head())
        answer.let(2)
        events = {"Content-Type": "text/event-stream"}
        for method, fields, body in [
            ("POST", events, "data: forged\n\n"), ("POST", {"Stream-Closed": "true"}, None), ("POST", {"Stream-Lease": "1"}, None),
            ("PUT", events, None), ("PUT", {"Stream-Closed": "true"}, None),
        ]:  # fmt: skip
            refused = relayed.server.request(method, path, fields, body)
            assert (refused.status, refused.json["type"]) == (403, "urn:freshet:written-by-server")
        answer.let(len(CHAT) + 1)
        body = b""
        while chunk := connection.read_chunk():
            body += chunk
    assert body == b"".join(CHAT)
    assert relayed.server.request("DELETE", path).status == 204


def test_a_deleted_answer_is_not_written_any_further(relayed):
    answer = Answer(CHAT, stepped=True)
    relayed.begin(answer)
    with relayed.open(headers={"Idempotency-Key": "deleted"}) as connection:
        path = path_of(connection.read_head())
        answer.let(2)
        eventually(lambda: answer.written == 2)
        assert relayed.server.request("DELETE", path).status == 204
        assert b"removed" in connection.read_to_end()
    eventually(lambda: answer.gone)
    assert relayed.call(headers={"Idempotency-Key": "deleted"}).status == 410


def test_the_heartbeat_stands_between_events(relay):
    relayed = relay(heartbeat_seconds=0.1)
    answer = Answer(CHAT, stepped=True)
    relayed.begin(answer)
    connection = relayed.open()
    assert connection.read_head().status == 200
    # Before the first event too.
    assert connection.read_chunk() == b":\n"
    answer.let(3)
    while b"rld" not in connection.read_chunk():
        pass
    assert connection.read_chunk() == b":\n"
    connection.close()


# Calling once


def test_one_key_is_one_call_however_many_come_and_whenever(relayed):
    before = threading.Event()
    relayed.begin(lambda request: Answer(CHAT, before=before))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(relayed.call, headers={"Idempotency-Key": "once"}) for _ in range(8)]
        eventually(lambda: relayed.upstream.requests)
        assert relayed.call(headers={"Idempotency-Key": "once"}, body=BODY + " ").status == 422
        before.set()
        answers = [call.result() for call in calls]
    answers.append(relayed.call(headers={"Idempotency-Key": "once"}))
    assert {answer.body for answer in answers} == {b"".join(CHAT)}
    assert len({answer["Location"] for answer in answers}) == 1
    assert relayed.call(headers={"Idempotency-Key": "once"}, body=BODY + " ").json["type"] == "urn:freshet:idempotency-mismatch"
    assert len(relayed.upstream.requests) == 1
    # Without one, each call is a new answer; and so is another caller's.
    assert relayed.call()["Location"] != relayed.call()["Location"]
    other = relayed.call(headers={"Idempotency-Key": "once", "Authorization": "Bearer other"})
    assert other["Location"] != answers[0]["Location"]


@pytest.mark.parametrize("format", PATHS)
def test_a_slash_at_the_end_of_the_path_costs_neither_the_stream_nor_the_key(relayed, format):
    relayed.begin(Answer(EVENTS[format]))
    for path in (PATHS[format] + "/", PATHS[format]):
        answer = relayed.server.request("POST", path, {**JSON, "Idempotency-Key": f"slash {format}"}, BODY)
        assert answer.status == 200 and answer["Location"]
    assert [request.target for request in relayed.upstream.requests] == [PATHS[format] + "/"]


def test_a_key_outlives_its_answer_and_a_restart(relay, tmp_path):
    relayed = relay(memory=False, data=str(tmp_path / "data"), relay_answer_seconds=2)
    relayed.begin(lambda request: Answer(CHAT))
    first = relayed.call(headers={"Idempotency-Key": "k"})
    assert first.status == 200
    relayed.server.process.kill()
    relayed.server.process.wait()
    again = relayed.server = Freshet(
        "relay", data=str(tmp_path / "data"), upstreams=[f"one openai-compatible {relayed.upstream.url}"], relay_answer_seconds=2
    )
    eventually(lambda: again.request("HEAD", path_of(first)).status == 404)
    answer = relayed.call(headers={"Idempotency-Key": "k"})
    assert (answer.status, answer.json["type"]) == (410, "urn:freshet:answer-expired")
    assert len(relayed.upstream.requests) == 1


def test_a_failure_is_found_again_as_it_was(relayed):
    body = b'{"error":{"message":"No."}}'
    relayed.begin(lambda request: Answer([body], status=429, type="application/json", fields={"retry-after": "3"}))
    for _ in range(2):
        answer = relayed.call(headers={"Idempotency-Key": "refused"})
        assert (answer.status, answer.body, answer["retry-after"]) == (429, body, "3")
    relayed.begin(lambda request: Answer(CHAT[:2], end="reset", stepped=False))
    bodies = []
    for _ in range(2):
        with relayed.open(headers={"Idempotency-Key": "torn"}) as connection:
            assert connection.read_head().status == 200
            bodies.append(read_body(connection))
    assert all(b"truncated" in body and not is_whole for body, is_whole in bodies)
    assert len(relayed.upstream.requests) == 1


# Leaving and stopping


def test_cancel_on_disconnect_stops_when_the_last_reader_has_left(relayed):
    # The control has no other reader.
    answer, control = Answer(CHAT, stepped=True), Answer(CHAT, stepped=True)
    scripts = iter([answer, control])
    relayed.begin(lambda request: next(scripts))
    connection = relayed.open(headers={"Freshet-On-Disconnect": "cancel"})
    path = path_of(connection.read_head())
    answer.let(1)
    with relayed.server.subscribe(path) as other:
        other.next()
        connection.close()
        leaving = relayed.open(headers={"Freshet-On-Disconnect": "cancel"})
        leaving.read_head()
        leaving.close()
        eventually(lambda: control.gone)
        assert answer.gone is None, "somebody still reads"
        answer.let(1)
        other.next()
    eventually(lambda: answer.gone)
    with relayed.server.subscribe(path) as reader:
        assert reader.rest()[-1].json == {"reason": "cancelled", "detail": "nobody has read it for 0 s"}


def test_a_caller_who_leaves_before_the_first_byte_has_left(relayed):
    answer = Answer(CHAT, before=threading.Event())
    relayed.begin(answer)
    connection = relayed.open(headers={"Freshet-On-Disconnect": "cancel", "Idempotency-Key": "left-early"})
    eventually(lambda: relayed.upstream.requests)
    connection.close()
    eventually(lambda: answer.gone)
    again = relayed.call(headers={"Idempotency-Key": "left-early"})
    assert (again.status, again.json["type"]) == (409, "urn:freshet:answer-stopped")
    assert len(relayed.upstream.requests) == 1


@pytest.mark.parametrize("value", ["stop", "grace=", "grace=601", "grace=-1"])
def test_a_rule_that_is_none_is_refused_before_anything_is_called(relayed, value):
    relayed.begin(lambda request: Answer(CHAT))
    answer = relayed.call(headers={"Freshet-On-Disconnect": value})
    assert (answer.status, answer.json["type"]) == (400, "urn:freshet:bad-disconnect-policy")
    assert relayed.upstream.requests == []


def once_begun(open):
    """The connection and the head of a call that the upstream began to answer in time: on a busy machine it may be silent before."""
    for _ in range(20):
        connection = open()
        head = connection.read_head()
        if head.status != 504:
            break
        connection.close()
    assert head.status == 200, head
    return connection, head


def test_a_silent_upstream_is_left(relay):
    relayed = relay(relay_idle_seconds=0.5)
    relayed.begin(lambda request: Answer(CHAT[:2], end="open"))
    connection, head = once_begun(relayed.open)
    with connection:
        path = path_of(head)
        assert b"upstream-silent" in connection.read_to_end()
    with relayed.server.subscribe(path) as reader:
        assert reader.rest()[-1].json == {"reason": "failed", "detail": "upstream-silent"}
    relayed.begin(lambda request: Answer(before=threading.Event()))
    assert relayed.call().status == 504


def test_informational_answers_are_no_sign_of_life(relay):
    relayed = relay(relay_idle_seconds=1)
    for status in ("100 Continue", "102 Processing", "103 Early Hints"):
        answer = Answer(before=threading.Event(), drip=f"HTTP/1.1 {status}\r\nLink: </x>\r\n\r\n".encode())
        relayed.begin(answer)
        for silent in (relayed.call(), relayed.server.request("GET", "/v1/models")):
            assert (silent.status, silent.json["type"]) == (504, "urn:freshet:upstream-silent")
        # An upstream that was late with them has shown nothing.
        while answer.drips < 2:
            assert relayed.call().status == 504
        eventually(lambda: answer.gone)
    # And they do no harm.
    relayed = relay()
    begun = threading.Event()
    relayed.begin(Answer(CHAT, before=begun, drip=b"HTTP/1.1 102 Processing\r\n\r\n"))
    with relayed.open() as connection:
        eventually(lambda: relayed.upstream.answers and relayed.upstream.answers[0].drips > 1)
        begun.set()
        head = connection.read_head()
        assert head.status == 200 and "Link" not in head


@pytest.mark.parametrize("drip", [b": OPENROUTER PROCESSING\n\n", b"\n", b"retry: 1\n\n", b'event: ping\ndata: {"type": "ping"}\n\n'])
def test_an_upstream_that_only_keeps_its_connection_is_left(relay, drip):
    relayed = relay(relay_idle_seconds=1, relay_wordless_seconds=2.5)
    for _ in range(8):
        relayed.begin(lambda request: Answer(MESSAGES[:2], end="open", drip=drip))
        connection, head = once_begun(lambda: relayed.open("messages"))
        began = time.monotonic()
        with connection:
            assert b"silent for too long" in connection.read_to_end()
        lasted = time.monotonic() - began
        with relayed.server.subscribe(path_of(head)) as reader:
            assert reader.rest()[-1].json == {"reason": "failed", "detail": "upstream-silent"}
        answer = relayed.upstream.answers[-1]
        eventually(lambda: answer.gone)
        # Longer than one may be silent. On a busy machine the upstream or the relay may pause for so long by itself, but not each time.
        if lasted > 2 and answer.drips > 20:
            break
    else:
        pytest.fail(f"left after {lasted} s and {answer.drips} signs of life")


@pytest.mark.parametrize("drip", [None, b" ", b"\n", b"x"])
def test_what_is_passed_on_is_bounded_too(relay, drip):
    relayed = relay(relay_idle_seconds=0.5, relay_wordless_seconds=1.5)
    relayed.begin(lambda request: Answer([b"half"], type="application/json", end="open", drip=drip))

    def fetch():
        connection = Connection(relayed.server.address, 20)
        connection.send_head("GET", "/v1/files/1/content", {})
        return connection

    connection, _ = once_begun(fetch)
    with connection:
        assert not read_body(connection)[1]
    answer = relayed.upstream.answers[-1]
    eventually(lambda: answer.gone)
    # A refusal that does not end is no refusal.
    refusal = Answer([b"half"], status=500, type="application/json", end="open", drip=drip)
    relayed.begin(refusal)
    assert relayed.call().status == 504
    eventually(lambda: refusal.gone)


def test_a_caller_who_leaves_what_is_passed_on_takes_the_upstream_along(relayed):
    for answer in (Answer(before=threading.Event()), Answer([b"half"], type="text/plain", end="open", drip=b"x")):
        relayed.begin(answer)
        with Connection(relayed.server.address, 20) as connection:
            connection.send_head("GET", "/v1/models", {})
            eventually(lambda: relayed.upstream.answers)
        eventually(lambda: answer.gone)


def test_half_of_what_is_passed_on_is_torn_for_http_1_0_too(relayed):
    """Its body ends with the connection: only a reset tells half of one from the whole."""
    relayed.begin(Answer([b"half"], type="text/plain", end="close"))
    with Connection(relayed.server.address, 20) as connection:
        connection.send_head("GET", "/v1/models", version="1.0")
        with pytest.raises(ConnectionResetError):
            connection.read_to_end()


def test_a_slow_caller_is_not_a_silent_upstream(relay):
    relayed = relay(relay_idle_seconds=0.5)

    def answer(request):
        silent = request.method == "GET"
        return Answer(before=threading.Event()) if silent else Answer([b"{}"], type="application/json")

    for _ in range(8):
        relayed.begin(answer)
        with Connection(relayed.server.address, 30) as connection:
            connection.send_head("POST", "/v1/files", {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
            connection.send_chunk(b"first")
            # The control: by then an upstream that is silent has been given up twice.
            for _ in range(2):
                assert relayed.server.request("GET", "/v1/models").status == 504
            connection.send_chunk(b"last")
            connection.send_chunk(b"")
            status = connection.read_answer("POST").status
        # On a busy machine the upstream itself may be silent when it has everything, but not each time.
        if status != 504:
            break
    assert status == 200
    assert {request.body for request in relayed.upstream.requests if request.method == "POST"} == {b"firstlast"}


def test_a_drain_waits_for_an_answer_that_nobody_reads_and_begins_none(relay):
    relayed = relay(drain_deadline_seconds=30)
    answer = Answer(CHAT, stepped=True)
    relayed.begin(answer)
    with relayed.open() as connection:
        assert connection.read_head().status == 200
    answer.let(1)
    relayed.server.process.terminate()
    eventually(lambda: drains(relayed.server))

    def status():
        """That of another call: its connection may be closed for being idle when the drain begins on its event loop."""
        with contextlib.suppress(OSError, Closed):
            return relayed.call().status

    assert eventually(status) == 503
    assert answer.gone is None
    answer.let(len(CHAT) + 1)
    assert relayed.server.process.wait(60) == 0
    # What was read may not have been counted yet.
    eventually(lambda: answer.written == len(CHAT))


def drains(server):
    """A connection that is idle when the drain begins is closed, be it on its way to ask this."""
    with contextlib.suppress(OSError, Closed):
        return server.request("GET", "/health").status == 503


# Who may, and what passes


def test_nothing_but_json(relayed):
    relayed.begin(lambda request: Answer(CHAT))
    for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]:
        for path in PATHS.values():
            answer = relayed.server.request("POST", path, {"Content-Type": type}, BODY)
            assert (answer.status, answer.json["error"]["code"]) == (415, "json-only")
    assert relayed.server.request("POST", PATHS["chat"], {**JSON, "Origin": "https://evil.example"}, BODY).status == 403
    assert relayed.upstream.requests == []
    assert relayed.call(headers={"Content-Type": "application/json; charset=utf-8"}).status == 200


def test_a_page_of_an_allowed_origin_may_call(relay):
    relayed = relay(allowed_origins="https://app.example")
    relayed.begin(lambda request: Answer(CHAT, fields={"Access-Control-Allow-Origin": "*", "x-request-id": "req_1"}))
    origin = {"Origin": "https://app.example"}
    asked = "authorization, idempotency-key, x-stainless-os, anthropic-version, bad(name"
    for path in PATHS.values():
        preflight = relayed.server.request("OPTIONS", path, {**origin, "Access-Control-Request-Headers": asked})
        accepted = preflight["Access-Control-Allow-Headers"].lower().split(", ")
        assert {"authorization", "idempotency-key", "x-stainless-os", "anthropic-version"} <= set(accepted)
        assert "bad(name" not in accepted
    answer = relayed.call(headers={**origin, "Idempotency-Key": "page"})
    assert answer["Access-Control-Allow-Origin"] == "https://app.example"
    assert {"Location", "X-Request-Id"} <= set(answer["Access-Control-Expose-Headers"].split(", "))
    other = {"Origin": "https://other.example"}
    assert relayed.call(headers=other).status == 403
    assert "Access-Control-Allow-Headers" not in relayed.server.request("OPTIONS", PATHS["chat"], other)
    assert len(relayed.upstream.requests) == 1


def test_the_servers_own_key_is_for_callers_with_a_key(relay, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"app sha256:{sha(KEY.encode())} create,read,cancel relay/\nother another-key-of-sixteen read *\n")
    relayed = relay("key=env:UPSTREAM_KEY", keys=keys, environment={"UPSTREAM_KEY": "server-key"}, host="127.0.0.2")
    relayed.begin(lambda request: Answer(CHAT))
    call = lambda headers: _ask("127.0.0.2", relayed, headers)  # noqa: E731
    assert call({}).status == 401
    assert call({"Authorization": "Bearer wrong-key-of-sixteen-or-more"}).status == 401
    assert call({"Authorization": "Bearer another-key-of-sixteen"}).status == 403
    assert relayed.upstream.requests == []
    for shown in ({"Authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}, {"Freshet-Key": KEY, "Authorization": "Bearer theirs"}):
        assert call(shown).status == 200
    assert {request.fields["authorization"] for request in relayed.upstream.requests} == {"Bearer server-key"}
    assert not any(KEY in str(request.fields) for request in relayed.upstream.requests)


def test_the_caller_s_key_and_the_server_s_are_told_apart(relay, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"app {KEY} all *\n")
    relayed = relay("key=caller", keys=keys)
    relayed.begin(lambda request: Answer(CHAT))
    answer = relayed.call(headers={"Authorization": f"Bearer {KEY}"})
    assert (answer.status, answer.json["type"]) == (401, "urn:freshet:key-passed-on")
    assert relayed.call(headers={"Authorization": "Bearer theirs"}).status == 401
    assert relayed.call(headers={"Authorization": "Bearer theirs", "Freshet-Key": KEY}).status == 200
    assert [request.fields["authorization"] for request in relayed.upstream.requests] == ["Bearer theirs"]


def test_no_upstream_sees_a_key_of_ours_wherever_the_caller_put_it(relay, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"app sha256:{sha(KEY.encode())} all *\n")
    relayed = relay("key=caller", keys=keys)
    basic = base64.b64encode(f"user:{KEY}".encode()).decode()
    places = {
        "Authorization": f"Bearer {KEY}", "x-api-key": KEY, "api-key": KEY, "x-goog-api-key": KEY, "X-Custom": KEY, "X-Quoted": f'"{KEY}"',
        "X-Listed": f"a, key={KEY};q=1", "X-Encoded": KEY.replace("-", "%2D"), "X-Prefixed": f"openai-insecure-api-key.{KEY}", "X-Basic": f"Basic {basic}",
        "Cookie": f"k={KEY}", "Freshet-Anything": KEY, "Sec-WebSocket-Protocol": KEY, KEY: "1",
    }  # fmt: skip
    session = relayed.server.request("POST", "/v1/session", {"Authorization": f"Bearer {KEY}"})["Set-Cookie"].partition("=")[2].partition(";")[0]
    for place, value in {**places, "X-Session": session}.items():
        relayed.begin(lambda request: Answer(CHAT))
        fields = {"Freshet-Key": KEY, "X-Goog-Api-Key" if place == "Authorization" else "Authorization": "theirs", place: value}
        assert relayed.call(headers=fields).status == 200, place
        assert relayed.server.request("GET", "/v1/models", fields).status == 200, place
        for request in relayed.upstream.requests:
            shown = f"{request.target} {request.fields}"
            assert KEY not in shown and session not in shown and (value == "1" or value not in shown), place
            assert "theirs" in request.fields.values()
        assert len(relayed.upstream.requests) == 2
    # With nothing else to call with.
    relayed.begin(lambda request: Answer(CHAT))
    for place in ("Authorization", "x-api-key", "api-key", "x-goog-api-key"):
        for also in ({}, {"Freshet-Key": KEY}):
            answer = relayed.call(headers={place: places[place], **also})
            assert (answer.status, answer.json["type"]) == (401, "urn:freshet:key-passed-on")
    for query in (f"?key={KEY}", f"?a&b={KEY.replace('-', '%2d')}"):
        for answer in (relayed.server.request("GET", f"/v1/models{query}", {"Freshet-Key": KEY}), relayed.server.request("GET", f"/v1/{KEY}/m", {"Freshet-Key": KEY})):
            assert (answer.status, answer.json["type"]) == (400, "urn:freshet:key-in-url")
    assert relayed.upstream.requests == []


@pytest.mark.parametrize("words", ["key=none", "key=env:UPSTREAM_KEY"])
def test_no_credential_of_the_caller_s_passes_where_another_is_configured(relay, words):
    relayed = relay(words, environment={"UPSTREAM_KEY": "server-key"})
    relayed.begin(lambda request: Answer(CHAT))
    fields = {"Authorization": "Bearer theirs"}
    fields |= dict.fromkeys(["x-api-key", "api-key", "x-goog-api-key", "Ocp-Apim-Subscription-Key", "X-Auth-Token"], "theirs")
    assert relayed.call(headers=fields).status == 200
    assert not any("theirs" in value for value in relayed.upstream.requests[0].fields.values())


def _ask(host, relayed, headers):
    with Connection(relayed.server.address_at(host), 20) as connection:
        connection.send_head("POST", PATHS["chat"], {**JSON, "Content-Length": len(BODY), **headers})
        connection.send(BODY)
        return connection.read_answer("POST")


def test_a_redirect_is_not_followed_nor_passed_on(relayed):
    relayed.begin(lambda request: Answer(status=302, type="text/html", fields={"Location": "http://elsewhere.example/"}))
    for answer in (relayed.call(), relayed.server.request("GET", "/v1/models")):
        assert (answer.status, answer.json["type"]) == (502, "urn:freshet:upstream-redirect")
        assert "Location" not in answer


def test_other_paths_pass_with_query_and_body_and_status(relayed):
    relayed.begin(lambda request: Answer([b"part one ", b"part two"], status=207, type="text/x-odd", fields={"x-request-id": "b"}))
    answer = relayed.server.request("PATCH", "/v1/files/f%20o?a=b%2Fc&d", {"Content-Type": "text/x-in", "x-custom": "1"}, "a body")
    assert (answer.status, answer.body, answer["Content-Type"], answer["x-request-id"]) == (207, b"part one part two", "text/x-odd", "b")
    (request,) = relayed.upstream.requests
    assert (request.method, request.target, request.body) == ("PATCH", "/v1/files/f%20o?a=b%2Fc&d", b"a body")
    assert request.fields["x-custom"] == "1"
    for path in ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/a/..%2fadmin", "/v1/a\\..\\b"]:
        assert relayed.server.request("GET", path).status == 400
    assert len(relayed.upstream.requests) == 1


@pytest.mark.parametrize("length", [True, False])
def test_a_large_body_passes_whole(relayed, length):
    relayed.begin(lambda request: Answer([b"{}"], type="application/json"))
    body = os.urandom(5_000_000)
    with Connection(relayed.server.address, 30) as connection:
        framing = {"Content-Length": len(body)} if length else {"Transfer-Encoding": "chunked"}
        connection.send_head("POST", "/v1/files", {"Content-Type": "multipart/form-data; boundary=x", **framing})
        if length:
            connection.send(body)
        else:
            for start in range(0, len(body), 70_000):
                connection.send_chunk(body[start : start + 70_000])
            connection.send_chunk(b"")
        assert connection.read_answer("POST").status == 200
    (request,) = relayed.upstream.requests
    assert sha(request.body) == sha(body)


HOSTILE = {
    "Clear-Site-Data": '"*"', "Refresh": "0;url=http://evil.example/", "Service-Worker-Allowed": "/", "NEL": "{}", "Report-To": "{}",
    "WWW-Authenticate": "Basic", "X-Sendfile": "/etc/passwd", "X-Accel-Redirect": "/etc/passwd", "Freshet-Key": "k", "Link": "</x>; rel=preload",
    "Content-Security-Policy": "default-src *", "Set-Cookie": "a=b", "X-Odd": "1",
}  # fmt: skip
USUAL = {"Retry-After": "1", "x-ratelimit-limit-tokens": "1", "x-should-retry": "false", "openai-model": "m", "anthropic-ratelimit-tokens-limit": "1"}


def test_an_upstream_rules_neither_a_page_nor_a_browser_nor_a_proxy(relayed):
    page = b"<script>fetch('/v1/streams')</script>"
    for status in (200, 400):
        relayed.begin(lambda request: Answer([page], status=status, type="text/html", fields={**HOSTILE, **USUAL}))
        keyed = {"Idempotency-Key": f"hostile-{status}"}
        for answer in (relayed.server.request("GET", "/v1/files/1"), relayed.call(), relayed.call(headers=keyed), relayed.call(headers=keyed)):
            assert (answer.status, answer.body, answer["Content-Type"]) == (status, page, "text/html")
            assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert [name for name in HOSTILE if name in answer] == ["Content-Security-Policy"]
            assert {name: answer[name] for name in USUAL} == USUAL
    relayed.begin(lambda request: Answer(CHAT, fields={**HOSTILE, **USUAL}))
    answer = relayed.call()
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert [name for name in HOSTILE if name in answer] == ["Content-Security-Policy"]
    assert {name: answer[name] for name in USUAL} == USUAL
    # Also what is told again of what an upstream said before.
    keyed = {"Idempotency-Key": "hostile-stream"}
    again = [relayed.call(headers=keyed), relayed.call(headers=keyed)]
    relayed.begin(Answer(EVENTS["responses"]))
    assert relayed.call("responses").status == 200
    for answer in (*again, *(relayed.server.request("GET", f"/v1/responses/resp_1{query}") for query in ("", "?stream=true"))):
        assert (answer.status, answer["Content-Security-Policy"]) == (200, "sandbox; default-src 'none'"), answer


def test_a_body_that_an_upstream_packed_can_be_unpacked(relayed):
    packed = gzip.compress(b"{}")
    relayed.begin(lambda request: Answer([packed], type="application/json", fields={"Content-Encoding": "gzip"}))
    answer = relayed.server.request("GET", "/v1/models")
    assert (answer["Content-Encoding"], gzip.decompress(answer.body)) == ("gzip", b"{}")
    assert relayed.upstream.requests[0].fields["accept-encoding"] == "identity"


def test_further_fields_pass_where_the_operator_names_them(relay):
    relayed = relay(relay_response_fields=["x-odd", "Content-Disposition"])
    relayed.begin(lambda request: Answer([b"{}"], type="application/json", fields={**HOSTILE, "Content-Disposition": "attachment"}))
    answer = relayed.server.request("GET", "/v1/files/1/content")
    assert (answer["X-Odd"], answer["Content-Disposition"]) == ("1", "attachment")
    for name in ("set-cookie", "Content-Length", "access-control-allow-origin", "Freshet-Key", "x-*", "a b"):
        failed = run("relay", "--memory", "--port", "0", "--relay-response-fields", name)
        assert failed.returncode != 0
        assert b"relay-response-fields" in failed.stderr and name.encode() in failed.stderr


@pytest.mark.parametrize("status", ["000", "099", "101", "600", "999"])
def test_a_status_that_answers_nothing_is_a_502(relayed, status):
    relayed.begin(lambda request: Answer(CHAT, status=status))
    for answer in (relayed.call(), relayed.server.request("GET", "/v1/models")):
        assert (answer.status, answer.json["type"]) == (502, "urn:freshet:upstream-unreachable")
        assert answer["X-Should-Retry"] == "false"
    assert relayed.server.request("GET", "/health").status == 200


def test_half_an_answer_that_is_passed_on_is_torn(relayed):
    relayed.begin(lambda request: Answer([b"half"], type="application/octet-stream", end="reset"))
    with Connection(relayed.server.address, 20) as connection:
        connection.send_head("GET", "/v1/files/1/content", {})
        assert connection.read_head().status == 200
        assert not read_body(connection)[1]


AMBIGUOUS = [
    "..", ".", "...", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%25252e%25252e", "..;", "..;x=y", "%2e%2e;", "..%3b", "..%253b", ";", "a;b", "..%20",
    "%20..", "..%00", "..%0d", "..%09", "..%5c..", "..%255c..", "\\..", "..%2f..", "..%252f..", "%2f", "", "%c0%ae%c0%ae", "%c0%ae.", "%e0%80%ae%e0%80%ae",
    "%u002e%u002e", "%25u002e%25u002e", "%ef%bc%8e%ef%bc%8e", "%e2%80%a5", "%ef%bc%8f", "%e2%88%95", "%ff", "%", "%2", "%zz", "..%3f", "..%23", "..%253f",
    "a|b", "%252525252e", "..+", ".+.", "+..", "+", "..%2b", ".%2B.", "..%252b",
]  # fmt: skip


def test_no_path_leaves_an_upstream_s_base(relayed):
    relayed.begin(lambda request: Answer([b"{}"], type="application/json"))
    for climbs in AMBIGUOUS:
        answer = relayed.server.request("GET", f"/v1/a/{climbs}/b")
        assert (answer.status, answer.json["type"]) == (400, "urn:freshet:bad-path"), climbs
    for fragment in ["#", "a#b", "models?a#b"]:
        assert relayed.server.request("GET", f"/v1/{fragment}").status == 400, fragment
    assert relayed.upstream.requests == []
    for plain in ["a.b", "..a", "a..", "%20a", "caf%C3%A9", "%E6%A8%A1", "m:free", "100%25", "a%2520b", "a@1", "a+b", "..+a", "a%2b", "x/"]:
        assert relayed.server.request("GET", f"/v1/models/{plain}").status == 200, plain
        assert relayed.upstream.requests[-1].target == f"/v1/models/{plain}"


def test_only_allowed_paths_are_called(relay):
    relayed = relay("allow=/chat/completions allow=/models")
    relayed.begin(lambda request: Answer(CHAT))
    assert relayed.call().status == 200
    assert relayed.server.request("GET", "/v1/models/m").status == 200
    for path in ["/v1/files", "/v1/modelsx", "/v1/messages", "/v1/mod%65ls", "/v1/MODELS"]:
        assert relayed.server.request("GET", path).json["error"]["code"] == "path-not-allowed"
    for climbs in AMBIGUOUS:
        answer = relayed.server.request("GET", f"/v1/models/{climbs}/files")
        assert (answer.status, answer.json["type"]) == (400, "urn:freshet:bad-path"), climbs
    assert len(relayed.upstream.requests) == 2
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"):
        assert relayed.server.request("GET", "/v1/models", {name: "/v1/files"}).status == 200
        assert name.lower() not in relayed.upstream.requests[-1].fields
    # By HTTP/2 a CONNECT has no path.
    for method in ("TRACE",) if relayed.server.http2 else ("TRACE", "CONNECT"):
        assert relayed.server.request(method, "/v1/models").status == 501
    assert len(relayed.upstream.requests) == 5


def test_an_upstream_is_chosen_by_its_name(relay):
    relayed = relay(names=("one", "two"))
    relayed.begin(lambda request: Answer(CHAT))
    assert relayed.server.request("POST", "/relay/two/v1/chat/completions", JSON, BODY).status == 200
    answer = relayed.server.request("GET", "/relay/three/v1/models")
    assert (answer.status, answer.json["type"]) == (404, "urn:freshet:no-upstream")


def test_a_server_relays_where_it_has_upstreams_and_only_there():
    for upstreams, status in [("builtin", 200), (None, 404)]:
        server = Freshet("serve", upstreams=upstreams)
        try:
            body = {"model": "builtin", "stream": True, "words_per_second": 1000, "messages": [{"role": "user", "content": "Hi"}]}
            answer = server.request("POST", PATHS["chat"], JSON, json.dumps(body))
            assert answer.status == status
            assert ("Location" in answer) == (status == 200)
        finally:
            server.stop()


def test_an_upstream_that_is_not_there_is_a_502(relay):
    relayed = relay()
    relayed.upstream.__exit__()
    answer = relayed.call()
    assert (answer.status, answer.json["type"]) == (502, "urn:freshet:upstream-unreachable")
    assert relayed.server.request("GET", "/v1/models").status == 502


def test_a_502_says_in_words_that_the_upstream_speaks_no_tls(relayed):
    # Freshet itself answers a handshake with a refusal in clear text.
    secure = relayed.server.url.replace("http://", "https://") + "/v1"
    server = Freshet("relay", memory=True, upstreams=f"one openai-compatible {secure}")
    try:
        answer = server.request("POST", PATHS["chat"], JSON, BODY)
        assert (answer.status, answer.json["type"]) == (502, "urn:freshet:upstream-unreachable")
        assert "the server speaks clear text there" in answer.json["detail"]
        assert "SSL" not in answer.json["detail"]
    finally:
        server.stop()


def test_the_server_s_memory_is_nobody_s_stream(relayed):
    relayed.begin(lambda request: Answer(CHAT))
    relayed.call(headers={"Idempotency-Key": "secret"})
    listed = json.loads(relayed.server.request("GET", "/v1/streams").body)["streams"]
    assert listed and not any(stream["name"].startswith("__freshet") for stream in listed)
    for method in ("GET", "HEAD", "PUT", "DELETE", "POST"):
        assert relayed.server.request(method, "/v1/stream/__freshet/relay/key/x").status == 403
    assert relayed.server.request("GET", "/v1/streams/__freshet/relay/key/x").status == 403
    fork = {"Stream-Forked-From": "/v1/stream/__freshet/relay/key/x"}
    assert relayed.server.request("PUT", "/v1/stream/fork", fork).status == 403


def test_what_was_measured_is_told(relayed):
    answer = Answer(CHAT, stepped=True)
    relayed.begin(answer)
    with relayed.open() as connection:
        path = path_of(connection.read_head())
        answer.let(1)
        # Who has had the first event, which has no token, reads all others as they come.
        while CHAT[0] not in connection.read_chunk():
            pass
        answer.let(len(CHAT))
        while connection.read_chunk():
            pass

    def figures():
        """Those of the socket come last, a moment after the response's end."""
        found = relayed.server.request("HEAD", path)["Relay-Metrics"] or ""
        return found if "socket-p99" in found else None

    measured = eventually(figures)
    measured = dict(part.split("=") for part in measured.split(", "))
    assert measured["tokens"] == "12"
    assert measured["events"] == str(len(CHAT))
    assert float(measured["ttft"]) > 0
    assert measured["unread"] == "0"
    described = relayed.server.request("GET", path.replace("/stream/", "/streams/", 1)).json["relay"]
    assert {name: float(value) for name, value in measured.items()} == described
    shown = run("info", relayed.server.url + path).stdout.decode()
    assert re.search(r"^tokens +12, the first after [\d.]+ ms; 0 that nobody read as they came$", shown, re.MULTILINE)
    assert re.search(r"^p50, p99 +[\d.]+ and [\d.]+ ms in the log, [\d.]+ and [\d.]+ ms at the socket$", shown, re.MULTILINE)
    text = relayed.server.request("GET", "/metrics").text
    started = int(re.search(r"^freshet_relay_started_total (\d+)$", text, re.MULTILINE)[1])
    assert started >= 1
    assert 'freshet_relay_between_tokens_seconds_bucket{at="log",le="+Inf"}' in text


def test_the_demo_answers_clients_of_both_kinds_without_a_key(relay):
    server = Freshet("demo")
    try:
        client = openai.OpenAI(base_url=f"{server.url}/v1", **over_transport(openai, api_key="none", max_retries=0))
        question = "What is the JSON trap?"
        fast = {"extra_body": {"words_per_second": 1000}}
        assert [model.id for model in client.models.list()] == ["builtin"]
        events = client.responses.create(model="builtin", input=question, stream=True, **fast)
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert said.startswith("A JSON object is not valid until")
        assert client.responses.create(model="builtin", input=question).output_text == said
        other = anthropic.Anthropic(base_url=server.url, **over_transport(anthropic, api_key="none", max_retries=0))
        message = {"model": "builtin", "max_tokens": 999, "messages": [{"role": "user", "content": question}]}
        with other.messages.create(**message, stream=True, **fast) as stream:
            assert "".join(e.delta.text for e in stream if e.type == "content_block_delta") == said
    finally:
        server.stop()


def test_the_demo_s_chat_asks_the_model_of_the_command_line(relayed):
    relayed.begin(lambda request: Answer(CHAT))
    server = Freshet("demo", upstream=relayed.upstream.url, model="llama")
    try:
        begun = server.request("POST", "/demo/conversations", JSON, "{}")
        asked = json.dumps({"question": "Why?"})
        path = f"/demo/conversations/{begun.json['id']}/questions"
        turn = server.request("POST", path, JSON, asked)
        assert turn.status == 201, turn
        (request,) = eventually(lambda: relayed.upstream.requests)
        assert (request.target, request.json["model"], request.json["stream"]) == (PATHS["chat"], "llama", True)
        assert request.json["messages"] == [{"role": "user", "content": "Why?"}]
        location = re.search(r"/v1/stream/relay/[0-9a-f]{32}", turn.text)[0]
        with server.subscribe(location) as reader:
            assert [event.data for event in reader.rest()[:-1]] == ["\n".join(line[6:] for line in piece.decode().strip().split("\n")) for piece in CHAT]
    finally:
        server.stop()


def test_the_readme_s_client_speaks_to_the_built_in_model(relay):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    server = Freshet("demo")
    said = []
    try:
        for _ in range(2):
            said.append([])
            names = {"openai": openai, "print": lambda text, end: said[-1].append(text)}
            exec(code.replace("http://127.0.0.1:4437", server.url), names)
        assert "".join(said[0]).startswith("A JSON object is not valid until")
        assert said[0] == said[1]
        metrics = server.request("GET", "/metrics").text
        assert "\nfreshet_relay_started_total 1\n" in metrics
    finally:
        server.stop()
