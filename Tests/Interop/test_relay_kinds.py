"""Upstreams of the kinds gemini, ollama and sse, each at its own paths, with the real clients where there are any."""

import json
import threading

import ollama
import pytest
from google import genai
from google.genai import errors

from support.relayed import Scripted, relays
from support.upstream import Answer, block
from support.waiting import eventually
from support.wire import Closed, Connection

WORDS = [" Hello", " wörld", "\n\r “all”"]


def candidate(text, finish=None):
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **({"finishReason": finish} if finish else {})}]}


GEMINI = [*[block(candidate(word)) for word in WORDS], block({**candidate("", "STOP"), "usageMetadata": {"candidatesTokenCount": 3}})]


def line(text, done=False, member="message"):
    said = {"message": {"role": "assistant", "content": text}} if member == "message" else {"response": text}
    return json.dumps({"model": "m", "created_at": "2026-01-01T00:00:00Z", **said, "done": done}).encode() + b"\n"


OLLAMA = {member: [*[line(word, member=member) for word in WORDS], line("", True, member)] for member in ("message", "response")}
LINES = "application/x-ndjson"


class Relayed(Scripted):
    def __init__(self, *upstreams, **settings):
        upstreams = upstreams or ["gemini gemini {root}", "ollama ollama {root}", "agents sse {root} last-event=RUN_FINISHED error-event=RUN_ERROR", "plain sse {root}"]
        super().__init__(upstreams, Answer(), **{"environment": {"NO_PROXY": "*", "OWN": "own-key"}, "heartbeat_seconds": 0.1, **settings})
        self.gemini = genai.Client(api_key="caller-key", http_options={"base_url": self.server.url, "retry_options": {"attempts": 1}})
        self.ollama = ollama.Client(host=self.server.url)

    def open(self, path, body=b"{}", headers=None):
        connection = Connection(self.server.address, 30)
        connection.send_head("POST", path, {"Content-Type": "application/json", "Content-Length": len(body), **(headers or {})})
        connection.send(body)
        return connection

    def end_of(self, head):
        with self.server.subscribe("/v1/stream/" + head["Location"].partition("/v1/stream/")[2]) as reader:
            return reader.rest()[-1].json


@pytest.fixture(scope="module")
def relayed():
    one = Relayed(relay_early_seconds=0.2)
    yield one
    assert one.server.stop(60) == 0, one.server.logged()


@pytest.fixture(scope="module")
def patient():
    """A relay that waits for the upstream's own response: on a busy machine it takes longer than the other one waits."""
    one = Relayed()
    yield one
    assert one.server.stop(60) == 0, one.server.logged()


@pytest.fixture
def relay():
    with relays(Relayed) as start:
        yield start


def rest_of(connection):
    """The body without the beats, which a busy machine may have anywhere, and whether it came whole."""
    body = b""
    try:
        while chunk := connection.read_chunk():
            if chunk not in (b":\n", b"\n", b" "):
                body += chunk
    except Closed:
        return body, False
    return body, True


ASK = {
    "gemini": lambda relayed: "".join(c.text or "" for c in relayed.gemini.models.generate_content_stream(model="m", contents="Hi")),
    "chat": lambda relayed: "".join(
        part.message.content for part in relayed.ollama.chat(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
    ),
    "generate": lambda relayed: "".join(part.response for part in relayed.ollama.generate(model="m", prompt="Hi", stream=True)),
}
ANSWERS = {"gemini": (GEMINI, "text/event-stream"), "chat": (OLLAMA["message"], LINES), "generate": (OLLAMA["response"], LINES)}
TARGETS = {"gemini": "/v1/models/m:streamGenerateContent?alt=sse", "chat": "/api/chat", "generate": "/api/generate"}


def stepping(answer, steps):
    """Lets pieces go one by one, each after a silence."""

    def go():
        for step in steps:
            step()

    thread = threading.Thread(target=go)
    thread.start()
    return thread


@pytest.mark.parametrize("call", ASK)
def test_the_real_client_reads_an_answer_through_silences(relayed, call):
    pieces, type = ANSWERS[call]
    before = threading.Event()
    answer = Answer(pieces, type=type, stepped=True, before=before)
    relayed.begin(answer)

    def beats(count):
        """Returns when the server has written some heartbeats: it counts what it delivers."""
        sent = delivered(relayed)
        size = len(b"1\r\n \r\n")
        eventually(lambda: delivered(relayed) >= sent + count * size)

    thread = stepping(answer, [lambda: eventually(lambda: relayed.upstream.requests), lambda: beats(3), before.set, answer.let, lambda: eventually(lambda: answer.written == 1),
                               lambda: beats(3), lambda: answer.let(10)])  # fmt: skip
    try:
        assert ASK[call](relayed) == "".join(WORDS)
    finally:
        before.set()
        answer.let(10)
        thread.join()
    (request,) = relayed.upstream.requests
    assert request.target == TARGETS[call]


def delivered(relayed):
    text = relayed.server.request("GET", "/metrics").text
    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith("freshet_delivered_bytes_total")))


@pytest.mark.parametrize("call", ASK)
def test_an_answer_is_a_stream_that_can_be_read_again(relayed, call):
    pieces, type = ANSWERS[call]
    relayed.begin(Answer(pieces, type=type))
    with relayed.open(TARGETS[call]) as connection:
        head = connection.read_head()
        body, whole = rest_of(connection)
    assert whole and body == b"".join(pieces)
    assert head["Content-Type"].split(";")[0] == type
    path = "/v1/stream/" + head["Location"].partition("/v1/stream/")[2]
    with relayed.server.subscribe(path) as reader:
        events = reader.rest()
    sent = [json.loads(piece.removeprefix(b"data: ")) for piece in pieces]
    assert [event.json for event in events] == [*sent, {"reason": "done"}]
    # Gemini counts them; of Ollama's each line that says something is one.
    eventually(lambda: "tokens=3" in (relayed.server.request("HEAD", path)["Relay-Metrics"] or ""))


@pytest.mark.parametrize("call", ASK)
def test_a_slash_at_the_end_of_the_path_costs_no_stream(relayed, call):
    pieces, type = ANSWERS[call]
    relayed.begin(Answer(pieces, type=type))
    path, mark, query = TARGETS[call].partition("?")
    with relayed.open(path + "/" + mark + query) as connection:
        assert "Location" in connection.read_head()
        assert rest_of(connection) == (b"".join(pieces), True)
    (request,) = relayed.upstream.requests
    assert request.target == path + "/" + mark + query


@pytest.mark.parametrize("call", ASK)
@pytest.mark.parametrize("end", ["clean", "close", "reset"])
def test_half_an_answer_raises_in_the_real_client(relayed, call, end):
    pieces, type = ANSWERS[call]
    relayed.begin(Answer(pieces[:2], type=type, end=end))
    with pytest.raises((errors.APIError, ollama.ResponseError), match="ended before the answer was complete"):
        ASK[call](relayed)


@pytest.mark.parametrize("call", ASK)
def test_an_error_in_the_stream_is_raised_and_recorded(relayed, call):
    pieces, type = ANSWERS[call]
    error = block({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}) if call == "gemini" else b'{"error":"Overloaded"}\n'
    relayed.begin(lambda request: Answer([*pieces[:1], error], type=type))
    with pytest.raises((errors.ServerError, ollama.ResponseError), match="Overloaded"):
        ASK[call](relayed)
    with relayed.open(TARGETS[call]) as connection:
        head = connection.read_head()
        rest_of(connection)
    assert relayed.end_of(head) == {"reason": "failed", "detail": "Overloaded"}


@pytest.mark.parametrize("call", ASK)
def test_a_refusal_keeps_its_status_and_a_late_one_is_raised_in_the_stream(relayed, patient, call):
    body = {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}} if call == "gemini" else {"error": "Slow down"}
    refusal = {"pieces": [json.dumps(body).encode()], "status": 429, "type": "application/json", "fields": {"Retry-After": "7"}}
    patient.begin(Answer(**refusal))
    with pytest.raises((errors.ClientError, ollama.ResponseError), match="Slow down") as caught:
        ASK[call](patient)
    assert (getattr(caught.value, "code", None) or caught.value.status_code) == 429
    before = threading.Event()
    relayed.begin(Answer(**refusal, before=before))
    with relayed.open(TARGETS[call]) as connection:
        head = connection.read_head()
        before.set()
        told, whole = rest_of(connection)
    assert head.status == 200 and not whole
    error = json.loads(told.strip().removeprefix(b"data: "))
    if call == "gemini":
        assert error == {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED", "retry_after": 7}}
    else:
        assert error == {"error": "Slow down", "status": 429, "retry_after": 7}


def test_the_relay_s_own_refusals_read_well(patient):
    patient.begin(Answer(status=302, fields={"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(errors.ServerError, match="responded with a redirect") as caught:
        ASK["gemini"](patient)
    assert (caught.value.code, caught.value.status) == (502, "INTERNAL")
    with pytest.raises(ollama.ResponseError, match="responded with a redirect"):
        ASK["chat"](patient)


@pytest.mark.parametrize("call", ASK)
def test_stop_is_raised_in_the_real_client(relayed, call):
    pieces, type = ANSWERS[call]
    answer = Answer(pieces, type=type, stepped=True)
    relayed.begin(answer)
    answer.let(1)

    def stop():
        eventually(lambda: answer.written == 1)
        streams = json.loads(relayed.server.request("GET", "/v1/streams?prefix=relay/").body)["streams"]
        (running,) = [stream["name"] for stream in streams if not stream["end"]]
        assert relayed.server.cancel(f"/v1/stream/{running}").status == 204

    thread = stepping(answer, [stop])
    with pytest.raises((errors.APIError, ollama.ResponseError), match="stopped"):
        ASK[call](relayed)
    thread.join()
    eventually(lambda: answer.gone)


def test_ollama_streams_unless_it_is_told_not_to(relayed):
    whole = json.loads(line("".join(WORDS), True))
    relayed.begin(lambda request: Answer([json.dumps(whole).encode()], type="application/json"))
    assert relayed.ollama.chat(model="m", messages=[]).message.content == "".join(WORDS)
    assert relayed.upstream.requests[0].json["stream"] is False
    relayed.begin(Answer(OLLAMA["message"], type=LINES))
    # As curl sends it, from Ollama's own documentation.
    with relayed.open("/api/chat", b'{"model":"m"}', {"Content-Type": "application/x-www-form-urlencoded"}) as connection:
        assert "Location" in connection.read_head()
        assert rest_of(connection) == (b"".join(OLLAMA["message"]), True)
    relayed.begin(Answer([b'{"models":[]}'], type="application/json"))
    assert relayed.ollama.list().models == []
    assert relayed.upstream.requests[0].target == "/api/tags"


def test_gemini_streams_only_as_events(relayed):
    relayed.begin(Answer([b'[{"a":1}]'], type="application/json"))
    for target in ["/v1beta/models/m:streamGenerateContent", "/v1/models/m:streamGenerateContent?alt=json", "/v1beta/models/m:generateContent?alt=sse"]:
        with relayed.open(target) as connection:
            answer = connection.read_answer()
            assert "Location" not in answer and answer.body == b'[{"a":1}]'


def test_a_key_in_gemini_s_query_is_the_caller_s_only(relay):
    relayed = relay("gemini gemini {root}", "own gemini {root} key=env:OWN", "none gemini {root} key=none")
    for name, sent, key in [("gemini", "?alt=sse&key=theirs", None), ("own", "?alt=sse", "own-key"), ("none", "?alt=sse", None)]:
        relayed.begin(Answer(GEMINI))
        with relayed.open(f"/relay/{name}/v1beta/models/m:streamGenerateContent?alt=sse&key=theirs") as connection:
            head = connection.read_head()
            assert rest_of(connection)[1]
        assert "theirs" not in head["Location"]
        (request,) = relayed.upstream.requests
        assert request.target == f"/v1beta/models/m:streamGenerateContent{sent}"
        assert request.fields.get("x-goog-api-key") == key
    # So is one by another of its names.
    for written in ["Key", "KEY", "access_token", "Access%5FToken", "oauth_token"]:
        relayed.begin(Answer(GEMINI))
        with relayed.open(f"/relay/own/v1beta/models/m:streamGenerateContent?{written}=theirs&alt=sse") as connection:
            assert connection.read_head().status == 200
            assert rest_of(connection)[1]
        (request,) = relayed.upstream.requests
        assert request.target == "/v1beta/models/m:streamGenerateContent?alt=sse", written
    # It tells one caller from another.
    for written in ["key", "Key", "access_token"]:
        relayed.begin(Answer(GEMINI))
        for key in ["a", "b", "a"]:
            target = f"/v1beta/models/m:streamGenerateContent?alt=sse&{written}={key}"
            with relayed.open(target, headers={"Idempotency-Key": f"k-{written}"}) as connection:
                connection.read_head()
                rest_of(connection)
        assert len(relayed.upstream.requests) == 2, written
    assert "theirs" not in relayed.server.logged()


def test_agents_are_relayed_at_whatever_path(relayed):
    finished = [block({"type": "RUN_STARTED"}), block({"type": "TEXT_MESSAGE_CONTENT", "delta": "Hi"}), block({"type": "RUN_FINISHED"})]
    for pieces, end, whole in [
        (finished, {"reason": "done"}, True),
        (finished[:2], {"reason": "failed", "detail": "truncated"}, False),
        ([*finished[:1], block({"type": "RUN_ERROR", "message": "No tool"})], {"reason": "failed", "detail": "No tool"}, True),
    ]:
        relayed.begin(Answer(pieces))
        with relayed.open("/relay/agents/runs/7/stream?x=1", b"not json", {"Content-Type": "text/plain", "X-Run": "7"}) as connection:
            head = connection.read_head()
            body, isWhole = rest_of(connection)
        assert isWhole == whole and body.startswith(b"".join(pieces))
        if not whole:
            (error,) = [json.loads(line[6:]) for line in body[len(b"".join(pieces)) :].splitlines() if line.startswith(b"data: ")]
            assert (error["type"], error["code"]) == ("RUN_ERROR", "truncated")
        assert relayed.end_of(head) == end
        (request,) = relayed.upstream.requests
        assert (request.target, request.body, request.fields["x-run"]) == ("/runs/7/stream?x=1", b"not json", "7")


def test_a_last_event_counts_without_data(relayed):
    relayed.begin(Answer([block({"type": "RUN_STARTED"}), b"event: RUN_FINISHED\n\n"], end="close"))
    with relayed.open("/relay/agents/runs") as connection:
        head = connection.read_head()
        assert rest_of(connection) == (block({"type": "RUN_STARTED"}), True)
    assert relayed.end_of(head) == {"reason": "done"}


def test_without_a_last_word_a_clean_end_is_one(relayed):
    for end, reason in [("clean", {"reason": "done"}), ("close", {"reason": "failed", "detail": "truncated"})]:
        relayed.begin(Answer([block("one"), block("two", "end")], end=end))
        with relayed.open("/relay/plain/v1/anything") as connection:
            head = connection.read_head()
            body, whole = rest_of(connection)
        # An event that is named like one of Freshet's is shown as it came.
        assert body.startswith(block("one") + block("two", "end")) and whole == (end == "clean")
        assert relayed.end_of(head) == reason


def test_a_type_that_stands_there_twice_is_still_a_stream(relayed):
    relayed.begin(Answer([block("one"), block("two")], type="text/event-stream, text/event-stream"))
    with relayed.open("/relay/plain/runs") as connection:
        head = connection.read_head()
        assert rest_of(connection) == (block("one") + block("two"), True)
    assert head["Content-Type"] == "text/event-stream; charset=utf-8" and relayed.end_of(head) == {"reason": "done"}


@pytest.mark.parametrize("status", [201, 202])
def test_a_run_that_was_created_is_a_stream_too(relayed, status):
    relayed.begin(Answer([block("one"), block("two")], status=status))
    with relayed.open("/relay/plain/runs") as connection:
        head = connection.read_head()
        assert (head.status, rest_of(connection)) == (200, (block("one") + block("two"), True))
    assert relayed.end_of(head) == {"reason": "done"}


def test_what_is_no_stream_passes_and_leaves_none(relayed):
    before = len(json.loads(relayed.server.request("GET", "/v1/streams?prefix=relay/").body)["streams"])
    for status in [200, 201, 404]:
        relayed.begin(Answer([b'{"thread_id":"1"}'], status=status, type="application/json"))
        with relayed.open("/relay/plain/threads") as connection:
            answer = connection.read_answer()
        assert (answer.status, answer.body) == (status, b'{"thread_id":"1"}')
    # A call that does not ask for events is not answered by some before the upstream has.
    late = threading.Event()
    relayed.begin(Answer([b"{}"], type="application/json", before=late))
    with relayed.open("/relay/plain/slow") as connection:
        connection.socket.settimeout(0.6)
        with pytest.raises(TimeoutError):
            connection.read_head()
        connection.socket.settimeout(30)
        late.set()
        assert connection.read_answer().body == b"{}"
    count = lambda: len(json.loads(relayed.server.request("GET", "/v1/streams?prefix=relay/").body)["streams"])  # noqa: E731
    # One that was passed on before this test may have been there still.
    eventually(lambda: count() <= before)
    relayed.begin(Answer([b"{}"], type="application/json"))
    assert relayed.server.request("GET", "/relay/plain/threads/1").body == b"{}"


def test_paths_of_kinds_that_are_not_there_are_nobody_s(relay):
    relayed = relay("one openai-compatible {root}/v1")
    for path in ["/api/chat", "/v1beta/models/m:streamGenerateContent?alt=sse", "/relay/one/api/chat"]:
        with relayed.open(path) as connection:
            assert connection.read_answer().status == 404
    only = relay("ollama ollama {root}")
    with only.open("/v1/chat/completions", b'{"stream":true}') as connection:
        answer = connection.read_answer()
    assert (answer.status, answer.json["error"]["code"]) == (404, "no-upstream")
    assert only.upstream.requests == relayed.upstream.requests == []


def test_the_list_has_the_built_in_model_whatever_is_wrong_with_the_others(relay):
    def listed(relayed):
        answer = relayed.server.request("GET", "/v1/models")
        return answer.status, [model["id"] for model in answer.json["data"]]

    relayed = relay("one openai-compatible {root}/v1", "builtin")
    relayed.begin(lambda request: Answer([b'{"object":"list","data":[{"id":"m"}]}'], type="application/json"))
    assert listed(relayed) == (200, ["builtin", "m"])
    for status in (401, 403, 302, 500):
        relayed.begin(lambda request: Answer([b"{}"], status=status, type="application/json"))  # noqa: B023
        assert listed(relayed) == (200, ["builtin"])
    # Asked alone, or for something else, it says what it has to say.
    for path in ("/relay/one/v1/models", "/v1/models/m", "/v1/files"):
        assert relayed.server.request("GET", path).status == 500
    for upstream in ("{root}/v1 allow=/chat/completions", "http://127.0.0.1:1/v1"):
        assert listed(relay(f"one openai-compatible {upstream}", "builtin")) == (200, ["builtin"])
