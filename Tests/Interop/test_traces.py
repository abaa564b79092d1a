"""Traces: what a collector of OpenTelemetry is sent, by what its own protocol buffers read, and what happens when it does not take it."""

import json
import pathlib
import re
import signal
import threading
import time

import pytest

from support.collector import CLIENT, ERROR, SERVER, UNSET, Collector
from support.freshet import run
from support.ports import free_port
from support.relayed import Scripted, relays
from support.upstream import CHAT, PATHS, Answer, block
from support.waiting import eventually
from support.wire import Connection

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r'number = "(.+)"', (ROOT / "Sources" / "FreshetServer" / "Service" / "FreshetVersion.swift").read_text())[1]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
JSON = {"Content-Type": "application/json"}
KEY = "a-key-of-at-least-sixteen-characters"
PROVIDER_KEY = "sk-of-the-provider-0123456789"
PROMPT = "What nobody else may read"
BODY = json.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": PROMPT}]})
FAILING = "Spans cannot be exported."
LOST = "Spans were not exported before the end."


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


@pytest.fixture
def relay():
    with relays(Scripted) as start:
        yield start


def caller(flags="01"):
    return {"traceparent": f"00-{TRACE}-{PARENT}-{flags}"}


def dropped(server):
    found = re.search(r"^freshet_spans_dropped_total (\d+)$", server.request("GET", "/metrics").body.decode(), re.MULTILINE)
    return found and int(found[1])


def test_a_request_is_a_span_while_the_server_runs(serve, collector):
    server = serve(otlp_endpoint=collector.url, otlp_service_name="chat streams")
    before = time.time_ns()
    path = server.create(name="answers/42", headers={**caller(), "Cookie": "secret", "User-Agent": "secret"})
    span = collector.span(http_request_method="PUT")
    assert before <= span.start <= span.end <= time.time_ns()
    assert (span.name, span.kind, span.status) == ("PUT /v1/stream/{name}", SERVER, UNSET)
    assert (span.trace, span.parent) == (TRACE, PARENT)
    # Sampled, and the parent is known to be somebody else's.
    assert span.flags == 0x301
    assert span.attributes == {
        "http.request.method": "PUT", "http.route": "/v1/stream/{name}", "url.path": path, "url.scheme": server.scheme,
        "http.response.status_code": 201, "network.protocol.name": "http",
        "network.protocol.version": "2" if server.http2 else "1.1",
        "server.address": "localhost", "server.port": 443 if server.scheme == "https" else 80, "freshet.end": "done",
    }  # fmt: skip
    call = collector.call(0)
    assert call.path == "/v1/traces" and call.headers["Content-Type"] == "application/json"
    assert call.resource["service.name"] == "chat streams" and call.scope.name == "freshet"
    assert call.resource["service.version"] == call.scope.version == VERSION
    # What the parser would take otherwise too, and OTLP says exactly.
    [written] = [one for one in call.json["resourceSpans"][0]["scopeSpans"][0]["spans"] if one["spanId"] == span.id]
    assert re.fullmatch(r"[0-9a-f]{16}", written["spanId"]) and re.fullmatch(r"[0-9a-f]{32}", written["traceId"])
    assert written["kind"] == 2 and isinstance(written["startTimeUnixNano"], str)
    assert {"key": "http.response.status_code", "value": {"intValue": "201"}} in written["attributes"]
    assert b"secret" not in call.body
    assert dropped(server) == 0


def test_what_is_there_at_the_end_is_exported_and_a_read_says_why_it_is_over(serve):
    expected = {("peer-left", 200, UNSET), ("done", 200, UNSET), ("drained", 200, UNSET), ("done", 404, UNSET)}

    def are_all_exported():
        with Collector() as collector:
            server = serve(otlp_endpoint=collector.url + "/")
            path = server.create()
            with server.subscribe(path) as reader:
                server.append(path, "one")
                assert reader.next().data == "one"
            eventually(lambda: server.request("GET", path.replace("/stream/", "/streams/")).json["readers"] == 0)
            left = server.subscribe(path)
            server.append(path, "two", headers={"Stream-Closed": "true"})
            with left:
                left.rest()
            other = server.create()
            with server.subscribe(other):
                assert server.request("GET", "/v1/stream/not-there").status == 404
                assert server.stop(30) == 0, server.logged()
        assert not collector.failures
        if LOST in server.logged():
            # A collector has 2 s for what is left at the end: only a machine that is too busy for that may lose it.
            return False
        reads = [span for span in collector.spans if span.name.startswith("GET /v1/stream/")]
        assert {(span["freshet.end"], span["http.response.status_code"], span.status) for span in reads} == expected
        assert {call.path for call in collector.calls} == {"/v1/traces"}
        assert FAILING not in server.logged()
        return True

    assert any(are_all_exported() for _ in range(5)), "five times this machine took two seconds for one export"


def test_a_request_the_call_it_comes_to_and_what_the_upstream_is_told_are_one_trace(relay, collector, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"app {KEY} all *\n")
    keys.chmod(0o600)
    relayed = relay(["one openai {url} key=env:PROVIDER_KEY"], Answer(CHAT), otlp_endpoint=collector.url, keys=keys,
                    environment={"PROVIDER_KEY": PROVIDER_KEY})  # fmt: skip
    fields = {**JSON, **caller(), "tracestate": "vendor=1", "Freshet-Key": KEY}
    answer = relayed.server.request("POST", PATHS["chat"], fields, BODY)
    assert answer.status == 200 and answer.body == b"".join(CHAT)
    [asked] = relayed.upstream.requests
    request, call = collector.span(name="POST /v1/chat/completions"), collector.span(name="chat gpt-4o")
    assert (request.trace, request.parent, request.kind) == (TRACE, PARENT, SERVER)
    assert (call.trace, call.parent, call.kind) == (TRACE, request.id, CLIENT)
    told = {name.lower(): value for name, value in dict(asked.fields).items()}
    assert told["traceparent"] == f"00-{TRACE}-{call.id}-01"
    assert told["tracestate"] == "vendor=1"
    # The parent is one of this program.
    assert call.flags == 0x101
    host, port = re.fullmatch(r"http://([^:]+):(\d+)/v1", relayed.upstream.url).groups()
    assert call.attributes == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "m", "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 12, "freshet.upstream": "one", "freshet.end": "done",
        "http.response.status_code": 200, "server.address": host, "server.port": int(port),
    }  # fmt: skip
    assert call.start <= call.events["first_token"] <= call.end
    assert request["http.route"] == "/v1/chat/completions" and request["http.response.status_code"] == 200
    exported = b"".join(call.body for call in collector.calls)
    for secret in (KEY, PROVIDER_KEY, PROMPT, " Hello", "Oslo"):
        assert secret.encode() not in exported and json.dumps(secret)[1:-1].encode() not in exported


def test_a_call_that_is_refused_or_passed_on_is_a_span_without_the_provider_s_words(relay, collector):
    refusal = Answer([b'{"error":{"message":"a word"}}'], status=429, type="application/json")
    relayed = relay(["one openai-compatible {url} key=none"], refusal, otlp_endpoint=collector.url)
    assert relayed.server.request("POST", PATHS["chat"], JSON, BODY).status == 429
    relayed.begin(Answer([b'{"choices":[],"secret":"a word"}'], type="application/json"))
    whole = json.dumps({**json.loads(BODY), "stream": False})
    assert relayed.server.request("POST", PATHS["chat"], {**JSON, **caller()}, whole).status == 200
    [asked] = relayed.upstream.requests
    assert relayed.server.request("GET", "/v1/files/file-0123?key=secret").status == 200
    refused = collector.span(error_type="429", gen_ai_operation_name="chat")
    assert (refused.status, refused["http.response.status_code"], refused["freshet.end"]) == (ERROR, 429, "failed")
    passed = collector.span(http_response_status_code=200, gen_ai_operation_name="chat")
    assert (passed.trace, passed.status, passed["gen_ai.request.model"]) == (TRACE, UNSET, "gpt-4o")
    assert dict(asked.fields)["traceparent"] == f"00-{TRACE}-{passed.id}-01"
    # What asks no model for anything is a call all the same.
    other = collector.span(name="GET")
    assert (other.kind, other["http.request.method"], other["freshet.upstream"]) == (CLIENT, "GET", "one")
    assert "gen_ai.operation.name" not in other.attributes
    assert collector.span(name="GET /v1/{path...}").id == other.parent
    exported = b"".join(call.body for call in collector.calls)
    assert b"a word" not in exported and b"secret" not in exported


def test_a_call_goes_on_when_its_request_is_over_and_is_of_its_trace(relay, collector):
    answer = Answer(CHAT, stepped=True)
    relayed = relay(["one openai-compatible {url} key=none"], answer, otlp_endpoint=collector.url)
    with Connection(relayed.server.address, 30) as connection:
        connection.send_head("POST", PATHS["chat"], {**JSON, **caller(), "Content-Length": len(BODY)})
        connection.send(BODY)
        answer.let(2)
        connection.read_head()
    request = collector.span(name="POST /v1/chat/completions")
    assert request["freshet.end"] == "peer-left"
    assert not [span for span in collector.spans if span.kind == CLIENT]
    answer.let(len(CHAT))
    call = collector.span(name="chat gpt-4o")
    assert (call.parent, call["freshet.end"]) == (request.id, "done") and call.end > request.end


def test_the_access_log_names_the_trace_of_a_request_whether_or_not_that_came_with_it(serve, collector, tmp_path):
    log = tmp_path / "access.log"
    server = serve(otlp_endpoint=collector.url, access_log=log)
    for name, headers in [("called", caller()), ("begun", {})]:
        server.create(name=name, headers=headers)
    eventually(lambda: len(collector.spans) == 2)
    assert server.stop(30) == 0, server.logged()
    logged = {line["path"]: line["trace_id"] for line in map(json.loads, log.read_text().splitlines())}
    assert logged == {span["url.path"]: span.trace for span in collector.spans}
    assert logged["/v1/stream/called"] == TRACE != logged["/v1/stream/begun"]


@pytest.mark.parametrize("share", ["0", "1"])
def test_a_share_of_the_traces_that_begin_here_is_recorded_and_what_a_caller_has_decided_holds(serve, collector, share):
    server = serve(otlp_endpoint=collector.url, otlp_sample=share)
    for name, headers in [("none", {}), ("unrecorded", caller("00")), ("recorded", caller("01"))]:
        server.create(name=name, headers=headers)
    expected = {"recorded"} if share == "0" else {"none", "recorded"}

    def recorded():
        return {span["url.path"].rpartition("/")[2] for span in collector.spans}

    eventually(lambda: recorded() >= expected)
    # What is left comes with the end.
    assert server.stop(30) == 0, server.logged()
    assert recorded() == expected


def test_a_collector_that_asks_for_time_is_given_it_and_gets_the_same_spans_again(serve):
    with Collector((429, {"Retry-After": "1"}), 503) as collector:
        server = serve(otlp_endpoint=collector.url)
        server.create()
        calls = [collector.call(number) for number in range(3)]
        assert len({tuple(span.id for span in call.spans) for call in calls}) == 1
        eventually(lambda: "Spans are exported again." in server.logged())
        assert server.logged().count(FAILING) == 1 and "it answered 429" in server.logged()
        assert dropped(server) == 0


def test_what_is_refused_or_rejected_is_dropped_and_counted(serve):
    rejected = b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}'
    with Collector(400, rejected) as collector:
        server = serve(otlp_endpoint=collector.url)
        server.create()
        refused = len(collector.call(0).spans)
        # On a busy machine the next export may be over before this is asked.
        eventually(lambda: dropped(server) in (refused, refused + 1))
        collector.call(1)
        eventually(lambda: dropped(server) == refused + 1)
        assert server.logged().count(FAILING) == 1


def test_a_collector_that_is_away_is_told_of_once_and_gets_later_what_still_waits(serve):
    port = free_port()
    server = serve(otlp_endpoint=f"http://127.0.0.1:{port}")
    path = server.create()
    eventually(lambda: FAILING in server.logged())
    for number in range(50):
        assert server.append(path, str(number)).status == 204
    with Collector(port=port) as collector:
        eventually(lambda: len([span for span in collector.spans if span["http.request.method"] == "POST"]) == 50, 180)
        assert collector.span(http_request_method="PUT")["http.response.status_code"] == 201
        eventually(lambda: "Spans are exported again." in server.logged())
    assert server.logged().count(FAILING) == 1
    assert dropped(server) == 0


def test_a_collector_that_does_not_answer_delays_neither_requests_nor_the_end(serve):
    silence = threading.Event()
    with Collector(*[silence] * 20) as collector:
        server = serve(otlp_endpoint=collector.url)
        path = server.create()
        collector.call(0)
        for number in range(20):
            assert server.append(path, str(number)).status == 204
        assert server.request("GET", "/health").status == 200
        # Long before the collector's silence is over.
        assert server.stop(10) == 0, server.logged()
        assert LOST in server.logged()
        silence.set()


def test_the_fields_of_a_file_are_sent_and_read_again(serve, collector, tmp_path):
    file = tmp_path / "collector"
    file.write_text("# of the collector\nAuthorization: Bearer first-secret\nX-Team: streams\n")
    file.chmod(0o644)
    server = serve(otlp_endpoint=collector.url, otlp_headers_file=file)
    server.create()
    first = collector.call(0)
    assert (first.headers["Authorization"], first.headers["X-Team"]) == ("Bearer first-secret", "streams")
    assert "The file of the collector's header fields" in server.logged() and "chmod 600" in server.logged()
    file.write_text("Authorization: Bearer second-secret\n")
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "The configuration was reloaded." in server.logged())
    server.create()
    assert collector.call(1).headers["Authorization"] == "Bearer second-secret"
    # What is wrong changes nothing, and is not shown.
    file.write_text("third-secret\n")
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "line 1 has no colon" in server.logged())
    server.create()
    assert collector.call(2).headers["Authorization"] == "Bearer second-secret"
    assert "-secret" not in server.logged()


def test_settings_that_cannot_be_are_told_at_the_start(tmp_path):
    file = tmp_path / "collector"
    file.write_text("third-secret\n")
    for flags, words in [
        (["--otlp-headers-file", file], "Set otlp-endpoint"),
        (["--otlp-endpoint", "127.0.0.1:4318"], "is not http://host"),
        (["--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-headers-file", tmp_path / "none"], "cannot be read"),
        (["--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-headers-file", file], "line 1 has no colon"),
        (["--otlp-sample", "2"], "is not a number from 0 to 1"),
    ]:
        refused = run("serve", "--check-config", *map(str, flags))
        assert refused.returncode == 64 and words in refused.stderr.decode(), refused
        assert "secret" not in refused.stderr.decode()


def test_without_a_collector_nothing_is_traced(serve, relay):
    server = serve()
    server.create()
    assert dropped(server) is None
    relayed = relay(["one openai-compatible {url} key=none"], Answer([*CHAT[:1], block("[DONE]")]))
    relayed.server.request("POST", PATHS["chat"], {**JSON, **caller()}, BODY)
    [asked] = relayed.upstream.requests
    assert dict(asked.fields)["traceparent"] == f"00-{TRACE}-{PARENT}-01"
