"""OpenAI's own way to come back to a response, through its unmodified client: retrieve, stream, starting_after, cancel."""

import json

import openai
import pytest

from support.clients import over_transport
from support.relayed import Scripted, relays
from support.upstream import Answer, block
from support.waiting import eventually

QUESTION = {"model": "m", "input": "Hi"}
WORDS = [f" word{n}" for n in range(35)]


def response(id, status, output=(), **more):
    return {
        "id": id, "object": "response", "created_at": 1, "status": status, "error": None, "incomplete_details": None,
        "instructions": None, "metadata": {}, "model": "m", "output": list(output), "parallel_tool_calls": True, "temperature": 1.0,
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": None, **more,
    }  # fmt: skip


def events(id, words=WORDS, numbered=True, last="completed"):
    """A response as OpenAI streams it."""
    place = {"item_id": "msg", "output_index": 0, "content_index": 0}
    item = {"id": "msg", "type": "message", "role": "assistant"}
    text = "".join(words)
    whole = {**item, "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}
    parts = [
        ("response.created", {"response": response(id, "in_progress")}),
        ("response.output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress", "content": []}}),
        ("response.content_part.added", {**place, "part": {"type": "output_text", "text": "", "annotations": []}}),
        *[("response.output_text.delta", {**place, "delta": word, "logprobs": []}) for word in words],
        ("response.output_text.done", {**place, "text": text, "logprobs": []}),
        ("response.output_item.done", {"output_index": 0, "item": whole}),
    ]
    # Some providers leave the items out of their last event.
    parts.append((f"response.{last}", {"response": response(id, last, incomplete_details={"reason": "max_output_tokens"} if last == "incomplete" else None)}))
    return [block({"type": name, **({"sequence_number": n} if numbered else {}), **data}, name) for n, (name, data) in enumerate(parts)]


class Relayed(Scripted):
    def __init__(self, *upstreams, **settings):
        upstreams = upstreams or ["one openai-compatible {url}"]
        super().__init__(upstreams, Answer(events("resp_1")), **{"environment": {"NO_PROXY": "*", "OWN": "own-key"}, **settings})

    def client(self, key="alice", upstream=None):
        base = f"{self.server.url}/relay/{upstream}/v1" if upstream else f"{self.server.url}/v1"
        return openai.OpenAI(base_url=base, **over_transport(openai, api_key=key, max_retries=0, timeout=30))

    def posts(self, path="/v1/responses"):
        return [request for request in self.upstream.requests if request.method == "POST" and request.target == path]


@pytest.fixture
def relay():
    with relays(Relayed) as start:
        yield start


@pytest.fixture(scope="module")
def relayed():
    one = Relayed()
    yield one
    assert one.server.stop(60) == 0, one.server.logged()


def text_of(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def refused(call):
    """The error of a call that a client makes, in the provider's form."""
    with pytest.raises(openai.APIStatusError) as caught:
        call()
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.body["message"] and caught.value.body["type"] and caught.value.body["code"]
    return caught.value.status_code, caught.value.body["code"]


GONE = (404, "no-such-response")


def test_a_cut_at_every_tenth_event_loses_and_doubles_nothing(relayed):
    relayed.begin(Answer(events("resp_cut")))
    client = relayed.client()
    everything = list(client.responses.create(**QUESTION, stream=True, background=True))
    assert text_of(everything) == "".join(WORDS)
    for cut in range(10, len(everything), 10):
        # The client filters by itself what it says it has; what it is sent begins right after it.
        rest = list(client.responses.retrieve("resp_cut", stream=True, starting_after=everything[cut - 1].sequence_number))
        assert [event.model_dump() for event in rest] == [event.model_dump() for event in everything[cut:]]
        with client.responses.stream(response_id="resp_cut", starting_after=everything[cut - 1].sequence_number) as stream:
            assert [event.sequence_number for event in stream] == [event.sequence_number for event in everything[cut:]]
            assert stream.get_final_response().output_text in ("", "".join(WORDS))
    assert [event.model_dump() for event in client.responses.retrieve("resp_cut", stream=True)] == [event.model_dump() for event in everything]
    assert len(relayed.upstream.requests) == 1


def test_an_answer_that_is_still_written_is_followed_to_its_end(relayed):
    pieces = events("resp_live")
    answer = Answer(pieces, stepped=True)
    relayed.begin(answer)
    client = relayed.client()
    answer.let(10)
    stream = client.responses.create(**QUESTION, stream=True, background=True)
    seen = []
    while len(seen) < len(pieces):
        for event in stream:
            seen.append(event)
            if len(seen) == len(pieces):
                break
            if len(seen) % 10 == 0:
                stream.close()
                break
        if len(seen) < len(pieces):
            stream = client.responses.retrieve("resp_live", stream=True, starting_after=seen[-1].sequence_number)
            answer.let(10)
    answer.let(1)
    assert [event.sequence_number for event in seen] == list(range(len(pieces)))
    assert text_of(seen) == "".join(WORDS)
    assert len(relayed.upstream.requests) == 1


def test_the_object_is_what_the_events_have_told_so_far(relayed):
    answer = Answer(events("resp_object"), stepped=True)
    relayed.begin(answer)
    client = relayed.client()
    answer.let(5)
    stream = client.responses.create(**QUESTION, stream=True)
    for _ in range(5):
        next(stream)
    assert client.responses.retrieve("resp_object").status == "in_progress"
    answer.let(100)
    for _ in stream:
        pass
    whole = client.responses.retrieve("resp_object")
    assert (whole.status, whole.output_text, whole.error) == ("completed", "".join(WORDS), None)
    assert len(relayed.upstream.requests) == 1


@pytest.mark.parametrize("how", ["client", "stream"])
@pytest.mark.parametrize("background", [True, False])
def test_a_cancelled_response_stops_here_and_in_the_background(relayed, how, background):
    id = f"resp_cancel_{how}_{background}"
    answer = Answer(events(id), stepped=True)
    relayed.begin(lambda request: answer if request.target == "/v1/responses" else Answer([b"{}"], type="application/json"))
    client = relayed.client("carol")
    answer.let(6)
    stream = client.responses.create(**QUESTION, stream=True, background=background)
    for _ in range(6):
        next(stream)
    if how == "client":
        assert client.responses.cancel(id).status == "cancelled"
    else:
        location = stream.response.headers["Location"].removeprefix(relayed.server.url)
        assert relayed.server.cancel(location).status == 204
    eventually(lambda: answer.gone)
    with pytest.raises(openai.APIError, match="stopped"):
        list(stream)
    stopped = client.responses.retrieve(id)
    assert (stopped.status, stopped.id) == ("cancelled", id)
    # Once more, it is what it was.
    assert client.responses.cancel(id).status == "cancelled"
    with pytest.raises(openai.APIError, match="stopped"):
        list(client.responses.retrieve(id, stream=True))
    path = f"/v1/responses/{id}/cancel"
    if background:
        eventually(lambda: relayed.posts(path))
        (cancel,) = relayed.posts(path)
        assert cancel.fields["authorization"] == "Bearer carol"
        assert cancel.body == b""
    assert len(relayed.posts()) == 1
    assert len(relayed.upstream.requests) == (2 if background else 1)


def test_a_response_that_has_ended_is_not_cancelled(relayed):
    relayed.begin(Answer(events("resp_ended")))
    client = relayed.client()
    list(client.responses.create(**QUESTION, stream=True, background=True))
    assert client.responses.cancel("resp_ended").status == "completed"
    assert len(relayed.upstream.requests) == 1


def test_half_a_response_is_failed_and_ends_as_it_did(relayed):
    relayed.begin(Answer(events("resp_half")[:20]))
    client = relayed.client()
    seen = []
    with pytest.raises(openai.APIError) as first:
        for event in client.responses.create(**QUESTION, stream=True):
            seen.append(event)
    for after in [None, 11, 19, 99]:
        again = []
        with pytest.raises(openai.APIError) as later:
            for event in client.responses.retrieve("resp_half", stream=True, **({} if after is None else {"starting_after": after})):
                again.append(event)
        assert (str(later.value), later.value.body) == (str(first.value), first.value.body)
        assert [event.sequence_number for event in again] == [n for n in range(20) if n > (-1 if after is None else after)]
    half = client.responses.retrieve("resp_half")
    assert (half.status, half.error.code) == ("failed", "server_error")
    assert half.error.message == "The connection to the upstream ended before the answer was complete."


def test_what_the_provider_calls_incomplete_or_failed_stays_so(relayed):
    client = relayed.client()
    relayed.begin(Answer(events("resp_incomplete", last="incomplete")))
    list(client.responses.create(**QUESTION, stream=True))
    incomplete = client.responses.retrieve("resp_incomplete")
    assert (incomplete.status, incomplete.incomplete_details.reason, incomplete.error) == ("incomplete", "max_output_tokens", None)
    relayed.begin(Answer(events("resp_failed", last="failed")))
    list(client.responses.create(**QUESTION, stream=True))
    assert client.responses.retrieve("resp_failed").status == "failed"


def raw(relayed, path, key="alice"):
    return relayed.server.request("GET", path, {"Authorization": f"Bearer {key}"})


def test_events_without_a_number_are_counted_ours_included(relayed):
    pieces = events("resp_plain", numbered=False)
    # An error in a form that OpenAI's clients would miss is followed by one that they raise.
    relayed.begin(Answer([*pieces[:12], block({"object": "error", "message": "Out of memory"})]))
    with pytest.raises(openai.APIError, match="Out of memory"):
        list(relayed.client().responses.create(**QUESTION, stream=True))
    answer = raw(relayed, "/v1/responses/resp_plain?stream=true&starting_after=9")
    assert answer.body.startswith(b"".join(pieces[10:12]))
    (error,) = [json.loads(line[6:]) for line in answer.text.splitlines() if '"type":"error"' in line]
    assert (error["sequence_number"], error["message"]) == (13, "Out of memory")
    assert raw(relayed, "/v1/responses/resp_plain?stream=true&starting_after=13").body == b""
    for bad in ["x", "", "1.5", "1e3"]:
        assert raw(relayed, f"/v1/responses/resp_plain?stream=true&starting_after={bad}").status == 400
    for twice in ("starting_after=1&starting_after=9&stream=true", "starting_after=9&stream=true&stream=false"):
        answer = raw(relayed, f"/v1/responses/resp_plain?{twice}")
        assert answer.status == 400 and answer.json["type"] == "urn:freshet:repeated-parameter"


def test_another_caller_s_response_is_not_there_and_is_not_asked_for(relayed):
    relayed.begin(Answer(events("resp_alice")))
    list(relayed.client("alice").responses.create(**QUESTION, stream=True))
    relayed.upstream.requests.clear()
    mallory = relayed.client("mallory").responses
    for call in [
        lambda: mallory.retrieve("resp_alice"),
        lambda: mallory.retrieve("resp_alice", stream=True),
        lambda: mallory.cancel("resp_alice"),
        lambda: mallory.delete("resp_alice"),
        lambda: mallory.input_items.list("resp_alice"),
    ]:
        assert refused(call) == GONE
    for path in ["/v1/responses/%72esp_alice", "/v1/%72esponses/resp_alice", "/v1/responses/%2572esp_alice", "/v1/Responses/resp_alice", "/v1/responses/resp_alice/"]:
        assert raw(relayed, path, "mallory").status == 404, path
    assert relayed.upstream.requests == []
    # What nobody was given here may be anybody's at the provider.
    relayed.begin(Answer([json.dumps(response("resp_elsewhere", "completed")).encode()], type="application/json"))
    assert mallory.retrieve("resp_elsewhere").id == "resp_elsewhere"
    assert relayed.upstream.requests[0].fields["authorization"] == "Bearer mallory"


def test_an_id_belongs_to_its_upstream(relay):
    relayed = relay("one openai-compatible {url}", "two openai-compatible {url}")
    for name in ["one", "two"]:
        relayed.begin(Answer(events("resp_same", [f" from {name}"])))
        list(relayed.client(upstream=name).responses.create(**QUESTION, stream=True))
    for name in ["one", "two"]:
        assert relayed.client(upstream=name).responses.retrieve("resp_same").output_text == f" from {name}"
    assert relayed.client().responses.retrieve("resp_same").output_text == " from one"
    assert refused(lambda: relayed.client("bob", "two").responses.retrieve("resp_same")) == GONE
    assert len(relayed.upstream.requests) == 1


def test_of_two_with_one_id_the_caller_s_newest_counts(relayed):
    for key, word in [("dora", " first"), ("emil", " of emil"), ("dora", " second")]:
        relayed.begin(Answer(events("resp_twice", [word])))
        list(relayed.client(key).responses.create(**QUESTION, stream=True))
    assert relayed.client("dora").responses.retrieve("resp_twice").output_text == " second"
    assert relayed.client("emil").responses.retrieve("resp_twice").output_text == " of emil"


def test_the_server_s_own_key_fetches_nobody_s_response(relay):
    relayed = relay("own openai-compatible {url} key=env:OWN", "open openai-compatible {url} key=env:OWN allow=/responses allow=/responses/*")
    relayed.begin(Answer(events("resp_own")))
    mine = relayed.client().responses
    list(mine.create(**QUESTION, stream=True))
    assert mine.retrieve("resp_own").status == "completed"
    relayed.begin(Answer([b'{"object": "list", "data": []}'], type="application/json"))
    for call in [
        lambda: mine.retrieve("resp_guessed"),
        lambda: mine.retrieve("resp_guessed", stream=True),
        lambda: mine.cancel("resp_guessed"),
        lambda: mine.delete("resp_guessed"),
        lambda: mine.input_items.list("resp_guessed"),
        lambda: relayed.client("bob").responses.input_items.list("resp_own"),
    ]:
        assert refused(call) == GONE
    for path in ["/v1/responses", "/v1/responses/", "/v1/Responses?limit=1", "/v1/%72esponses", "/relay/own/v1/responses"]:
        answer = raw(relayed, path)
        assert (answer.status, answer.json["error"]["code"]) == GONE, path
    assert relayed.upstream.requests == []
    assert raw(relayed, "/relay/open/v1/responses").json["data"] == []
    assert mine.input_items.list("resp_own").data == []
    assert relayed.client(upstream="open").responses.input_items.list("resp_guessed").data == []
    assert {request.fields["authorization"] for request in relayed.upstream.requests} == {"Bearer own-key"}
    assert len(relayed.upstream.requests) == 3


def test_after_its_time_a_response_is_the_provider_s_or_nobody_s(relay):
    relayed = relay("one openai-compatible {url}", "own openai-compatible {url} key=env:OWN", relay_answer_seconds=1)
    for name in ["one", "own"]:
        relayed.begin(Answer(events("resp_old")))
        stream = relayed.client(upstream=name).responses.create(**QUESTION, stream=True)
        own = stream.response.headers["Location"].removeprefix(relayed.server.url)
        list(stream)
    relayed.begin(Answer([json.dumps(response("resp_old", "completed", metadata={"from": "provider"})).encode()], type="application/json"))
    passed = eventually(lambda: relayed.client().responses.retrieve("resp_old").metadata)
    assert passed == {"from": "provider"}
    eventually(lambda: relayed.server.request("HEAD", own).status == 404)
    relayed.upstream.requests.clear()
    assert refused(lambda: relayed.client(upstream="own").responses.retrieve("resp_old")) == GONE
    assert refused(lambda: relayed.client("bob").responses.retrieve("resp_old")) == GONE
    assert relayed.upstream.requests == []


def test_a_restart_forgets_no_response(relay, tmp_path):
    relayed = relay(memory=None, data=tmp_path / "streams")
    relayed.begin(Answer(events("resp_whole")))
    list(relayed.client().responses.create(**QUESTION, stream=True))
    half = Answer(events("resp_torn"), stepped=True)
    relayed.begin(half)
    half.let(10)
    stream = relayed.client().responses.create(**QUESTION, stream=True)
    for _ in range(10):
        next(stream)
    relayed.server.process.kill()
    relayed.server.process.wait()
    relayed.server = relayed.start()
    relayed.upstream.requests.clear()
    client = relayed.client()
    assert client.responses.retrieve("resp_whole").output_text == "".join(WORDS)
    assert text_of(client.responses.retrieve("resp_whole", stream=True, starting_after=9)) == "".join(WORDS[7:])
    torn = client.responses.retrieve("resp_torn")
    assert (torn.status, torn.error.message) == ("failed", "The relay was interrupted in the middle of the answer.")
    with pytest.raises(openai.APIError, match="interrupted"):
        list(client.responses.retrieve("resp_torn", stream=True))
    assert refused(lambda: relayed.client("bob").responses.retrieve("resp_whole")) == GONE
    assert relayed.upstream.requests == []


def test_the_built_in_model_s_responses_are_resumed_too(relay):
    relayed = relay("one openai-compatible {url}", "builtin")
    client = relayed.client()
    everything = list(client.responses.create(model="builtin", input="What is the JSON trap?", stream=True, extra_body={"words_per_second": 1000}))
    id = everything[0].response.id
    rest = list(client.responses.retrieve(id, stream=True, starting_after=9))
    assert [event.sequence_number for event in rest] == [event.sequence_number for event in everything][10:]
    assert client.responses.retrieve(id).output_text == text_of(everything)
    assert refused(lambda: relayed.client("bob").responses.retrieve(id)) == GONE
    assert relayed.upstream.requests == []
