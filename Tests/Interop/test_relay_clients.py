"""The relay, through the real clients of OpenAI and Anthropic, with nothing changed but their base URL."""

import concurrent.futures
import json
import threading

import anthropic
import openai
import pytest

from support.clients import over_transport
from support.relayed import Scripted
from support.upstream import CHAT, EVENTS, MESSAGES, RESPONSES, Answer, block
from support.waiting import eventually

TEXT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
RESPONSE = {"model": "m", "input": "Hi"}
MESSAGE = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}


class Relayed(Scripted):
    """An upstream, a relay before it, and clients of each."""

    def __init__(self):
        super().__init__(["one openai-compatible {url}", "two anthropic {url}"], Answer(CHAT), environment={"NO_PROXY": "*"})
        base = self.upstream.url
        caller = {"api_key": "caller-key", "max_retries": 0, "timeout": 30}
        self.openai = openai.OpenAI(base_url=f"{self.server.url}/v1", **over_transport(openai, **caller))
        self.anthropic = anthropic.Anthropic(base_url=self.server.url, **over_transport(anthropic, **caller))
        self.direct_openai = openai.OpenAI(base_url=base, **caller)
        self.direct_anthropic = anthropic.Anthropic(base_url=base.removesuffix("/v1"), **caller)


@pytest.fixture(scope="module")
def relayed():
    both = Relayed()
    yield both
    assert both.server.stop(60) == 0, both.server.logged()


def calls(client):
    """Every streaming call of a client, by its format."""
    return {
        "chat": lambda c: c.chat.completions.create(**TEXT, stream=True, stream_options={"include_usage": True}),
        "responses": lambda c: c.responses.create(**RESPONSE, stream=True),
        "messages": lambda c: c.messages.create(**MESSAGE, stream=True),
    }[client]


def client_of(relayed, format, direct=False):
    kind = "anthropic" if format == "messages" else "openai"
    return getattr(relayed, f"direct_{kind}" if direct else kind)


@pytest.mark.parametrize("format", EVENTS)
def test_a_stream_is_what_it_is_without_the_relay(relayed, format):
    relayed.begin(lambda request: Answer(EVENTS[format]))
    both = [
        [event.model_dump() for event in calls(format)(client_of(relayed, format, direct))] for direct in (True, False)
    ]
    assert len(both[0]) >= 8
    assert both[0] == both[1]
    direct, relay = relayed.upstream.requests
    assert direct.target == relay.target
    assert direct.json == relay.json
    own = {"host", "connection", "accept-encoding", "content-length", "transfer-encoding"}
    assert {k: v for k, v in direct.fields.items() if k not in own} == {k: v for k, v in relay.fields.items() if k not in own}
    assert relay.fields["accept-encoding"] == "identity"


def test_tool_calls_and_usage_arrive_whole(relayed):
    relayed.begin(lambda request: Answer(CHAT))
    with relayed.openai.chat.completions.stream(**TEXT) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content == " Hello “wörld”\n\r "
    assert final.choices[0].message.tool_calls[0].function.arguments == '{"city": "Oslo"}'
    assert final.usage.completion_tokens == 12

    relayed.begin(lambda request: Answer(RESPONSES))
    with relayed.openai.responses.stream(**RESPONSE) as stream:
        assert stream.get_final_response().output_text == " Hello wörld"

    relayed.begin(lambda request: Answer(MESSAGES))
    with relayed.anthropic.messages.stream(**MESSAGE) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == " Hello wörld"
    assert final.content[1].input == {"city": "Oslo"}
    assert final.usage.output_tokens == 12


def test_what_is_no_stream_passes(relayed):
    whole = {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
    }  # fmt: skip
    relayed.begin(lambda request: Answer([json.dumps(whole).encode()], type="application/json", fields={"x-request-id": "req_1"}))
    answer = relayed.openai.chat.completions.with_raw_response.create(**TEXT)
    assert answer.headers["x-request-id"] == "req_1"
    assert answer.parse().choices[0].message.content == "Hello"

    model = {"id": "m", "object": "model", "created": 1, "owned_by": "x"}
    relayed.begin(lambda request: Answer([json.dumps({"object": "list", "data": [model]}).encode()], type="application/json"))
    assert [m.id for m in relayed.openai.models.list()] == ["m"]
    assert relayed.upstream.requests[0].target == "/v1/models"

    vector = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
              "usage": {"prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
    relayed.begin(lambda request: Answer([json.dumps(vector).encode()], type="application/json"))
    embedding = relayed.openai.embeddings.create(model="m", input="x", encoding_format="float")
    assert embedding.data[0].embedding == [0.5, 1.0]
    assert relayed.upstream.requests[0].json["input"] == "x"


@pytest.mark.parametrize("status, error", [(400, openai.BadRequestError), (429, openai.RateLimitError), (503, openai.InternalServerError)])
def test_an_error_before_the_first_byte_keeps_its_status(relayed, status, error):
    body = json.dumps({"error": {"message": "No.", "type": "x", "param": None, "code": "y"}}).encode()
    relayed.begin(lambda request: Answer([body], status=status, type="application/json", fields={"retry-after": "7"}))
    with pytest.raises(error) as caught:
        calls("chat")(relayed.openai)
    assert caught.value.status_code == status
    assert caught.value.body["message"] == "No."
    assert caught.value.response.headers["retry-after"] == "7"
    with pytest.raises(anthropic.APIStatusError) as caught:
        calls("messages")(relayed.anthropic)
    assert caught.value.status_code == status


def failing(format, error):
    """Three events, then the provider's own error, in the way of the format."""
    first = EVENTS[format][:3]
    return {
        "chat": first + [block({"error": error}), block("[DONE]")],
        "responses": first + [block({**error, "type": "error", "sequence_number": 3, "error": error}, "error")],
        "messages": first + [block({"type": "error", "error": error}, "error")],
    }[format]


@pytest.mark.parametrize("format", EVENTS)
def test_an_error_in_the_middle_is_raised_as_without_the_relay(relayed, format):
    error = {"message": "Overloaded", "type": "overloaded_error", "param": None, "code": None}
    relayed.begin(lambda request: Answer(failing(format, error)))
    seen = []
    for direct in (True, False):
        events = []
        with pytest.raises((openai.APIError, anthropic.APIError)) as caught:
            for event in calls(format)(client_of(relayed, format, direct)):
                events.append(event.model_dump())
        seen.append((type(caught.value), str(caught.value), events))
    assert seen[0] == seen[1]
    answer = last_answer(relayed)
    assert (answer["end"]["reason"], answer["end"]["detail"]) == ("failed", "Overloaded")


@pytest.mark.parametrize("format", EVENTS)
@pytest.mark.parametrize("end", ["clean", "close", "reset"])
def test_a_truncated_answer_is_never_taken_for_a_whole_one(relayed, format, end):
    relayed.begin(lambda request: Answer(EVENTS[format][:4], end=end))
    events = []
    with pytest.raises((openai.APIError, anthropic.APIError)):
        for event in calls(format)(client_of(relayed, format)):
            events.append(event)
    end = last_answer(relayed)["end"]
    assert (end["reason"], end["detail"]) == ("failed", "truncated")


@pytest.mark.parametrize("format", EVENTS)
def test_a_caller_who_leaves_stops_nothing_and_stop_does(relayed, format):
    answer = Answer(EVENTS[format], stepped=True)
    relayed.begin(answer)
    answer.let(4)
    stream = calls(format)(client_of(relayed, format))
    location = stream.response.headers["Location"].removeprefix(relayed.server.url)
    next(iter(stream))
    stream.close()
    answer.let(1)
    eventually(lambda: answer.written == 5)
    with relayed.server.subscribe(location) as reader:
        for _ in range(5):
            reader.next()
        assert answer.gone is None
        assert relayed.server.cancel(location).status == 204
        assert json.loads(reader.next().data) == {"reason": "cancelled"}
    eventually(lambda: answer.gone)
    assert len(relayed.upstream.requests) == 1


@pytest.mark.parametrize("format", EVENTS)
def test_a_stopped_answer_raises_in_the_caller(relayed, format):
    answer = Answer(EVENTS[format], stepped=True)
    relayed.begin(answer)
    answer.let(4)
    stream = calls(format)(client_of(relayed, format))
    location = stream.response.headers["Location"].removeprefix(relayed.server.url)
    with pytest.raises((openai.APIError, anthropic.APIError), match="stopped"):
        for _ in stream:
            relayed.server.cancel(location)


@pytest.mark.parametrize("format", EVENTS)
def test_a_call_that_is_stopped_before_its_first_byte_is_not_made_again_by_the_client(relayed, format):
    relayed.begin(lambda request: Answer(EVENTS[format], before=threading.Event()))
    client = client_of(relayed, format).with_options(max_retries=2)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(calls(format), client)
        eventually(lambda: relayed.upstream.requests)
        streams = json.loads(relayed.server.request("GET", "/v1/streams?prefix=relay/").body)["streams"]
        (running,) = [stream["name"] for stream in streams if not stream["end"]]
        assert relayed.server.cancel(f"/v1/stream/{running}").status == 204
        with pytest.raises((openai.ConflictError, anthropic.ConflictError)):
            call.result()
    assert len(relayed.upstream.requests) == 1


def test_one_line_makes_a_repeated_call_find_its_answer(relayed):
    relayed.begin(lambda request: Answer(CHAT))
    texts = []
    for _ in range(3):
        stream = relayed.openai.chat.completions.create(**TEXT, stream=True, extra_headers={"Idempotency-Key": "order-7"})
        texts.append("".join(c.choices[0].delta.content or "" for c in stream if c.choices))
    assert texts == [" Hello “wörld”\n\r "] * 3
    assert len(relayed.upstream.requests) == 1


def last_answer(relayed):
    """What the list says of the newest answer, once it has ended."""

    def ended():
        streams = json.loads(relayed.server.request("GET", "/v1/streams?prefix=relay/").body)["streams"]
        newest = max(streams, key=lambda stream: stream["earliest"])
        return newest["end"] and newest

    return eventually(ended)
