"""What providers really send, by public reports: how the relayed answer ends, what its caller gets, and that it is paid for once."""

import json
import pathlib

import anthropic
import openai
import pytest

from support.clients import over_transport
from support.freshet import Freshet
from support.raw_upstream import FRAMINGS, RawUpstream, framed
from support.wire import Closed, Connection

VECTORS = json.loads((pathlib.Path(__file__).parent / "vectors" / "provider-oddities.json").read_text())["cases"]


def chunk(choices, **more):
    return b"data: " + json.dumps({"id": "x1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}).encode() + b"\n\n"


def choice(content, finish=None, **more):
    return chunk([{"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish, **more}])


def case(name, pieces, end, detail=None, route="/v1/chat/completions", type="text/event-stream", ends="clean"):
    pieces = [piece if isinstance(piece, str) else piece.decode() for piece in pieces]
    return {
        "name": name, "route": route, "pieces": pieces, "ends": ends, "end": end, "detailContains": detail,
        "head": f"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nTransfer-Encoding: chunked\r\n\r\n",
    }  # fmt: skip


NULL = "without saying why"
# The neighbours of what was reported.
OWN = [
    case("length", [choice("Hel"), choice("", "length")], "done"),
    case("usage after the last choice", [choice("Hel"), choice("", "stop"), chunk([], usage={"completion_tokens": 3})], "done"),
    case("a filter's late word", [choice("Hel", "stop"), choice("", None, content_filter_results={})], "done"),
    case("an empty reason", [choice("Hel"), choice("", "")], "failed", "truncated"),
    case("nothing", [], "failed", "truncated"),
    case("comments only", [": x\n\n"], "failed", "truncated"),
    case("usage only", [chunk([], usage={"completion_tokens": 3})], "failed", "truncated"),
    case("the last event without its blank line", [choice("Hel"), choice("", "stop")[:-2]], "done"),
    case("half an event at the end", [choice("Hel"), choice("", "stop")[:-9]], "failed", "truncated"),
    case("choice error without a word", [choice("Hel"), choice("", "error"), "data: [DONE]\n\n"], "failed", NULL),
    case("an error in the choice alone", [choice("Hel", None, error={"message": "gone wrong"}), "data: [DONE]\n\n"], "failed", "gone wrong"),
    case("an array of errors", ['data: [{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]\n\n'], "failed", "overloaded"),
    case("a bare array of errors", ['[{\n "error": {\n  "message": "overloaded"\n }\n}\n]'], "failed", "overloaded"),
    case("a bare error in lines", ['{\n  "error": {\n    "message": "overloaded"\n  }\n}\n'], "failed", "overloaded"),
    case("a bare flat error", ['{"message":"overloaded","code":503}'], "failed", "overloaded"),
    case("an error field in words", [choice("Hel"), "error: overloaded\n\n", "data: [DONE]\n\n"], "failed", "overloaded"),
    case("an error that is nothing", [chunk([], error=None), choice("Hel", "stop"), "data: [DONE]\n\n"], "done"),
    case("an error of nulls", ['data: {"error":{"message":null,"code":null}}\n\n'], "failed", NULL),
    case("messages without their end", ['event: message_start\ndata: {"type":"message_start","message":{}}\n\n'], "failed", "truncated", "/v1/messages"),
    case("messages with a flat error", ['event: error\ndata: {"message":"too busy"}\n\n'], "failed", "too busy", "/v1/messages"),
    case("messages with an unnamed error", ['data: {"type":"error","error":{"message":"too busy"}}\n\n'], "failed", "too busy", "/v1/messages"),
    case("responses with a bare error", ['{"error":{"message":"too busy"}}'], "failed", "too busy", "/v1/responses"),
    case("responses with a flat error event", ['event: response.created\ndata: {"type":"response.created"}\n\n', 'event: error\ndata: {"message":"too busy","code":429}\n\n'], "failed", "too busy", "/v1/responses"),
    case("responses without their end", ['event: response.created\ndata: {"type":"response.created"}\n\n'], "failed", "truncated", "/v1/responses"),
]  # fmt: skip
CASES = {one["name"]: one for one in VECTORS + OWN}
EOL = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


class Relayed:
    def __init__(self, **settings):
        self.response = []
        self.upstream = RawUpstream(lambda head, body: self.response)
        kinds = [f"one openai-compatible {self.upstream.url} key=none", f"two anthropic {self.upstream.url} key=none"]
        self.server = Freshet("relay", memory=True, upstreams=kinds, environment={"NO_PROXY": "*"}, **settings)

    def ask(self, route, headers=None, body=b'{"model":"m","stream":true}'):
        """The head, the body as far as it came, and whether it came whole."""
        self.upstream.requests.clear()
        with Connection(self.server.address, 30) as connection:
            fields = {"Content-Type": "application/json", "Content-Length": len(body), **(headers or {})}
            connection.send_head("POST", route, fields)
            connection.send(body)
            head = connection.read_head()
            if "Content-Length" in head:
                return head, connection.read_exactly(int(head["Content-Length"])), True
            received = b""
            try:
                while piece := connection.read_chunk():
                    received += piece
            except Closed:
                return head, received, False
            return head, received, True

    def end_of(self, head):
        path = "/v1/stream/" + head["Location"].partition("/v1/stream/")[2]
        with self.server.subscribe(path) as reader:
            return reader.rest()[-1].json


@pytest.fixture(scope="module")
def relayed():
    both = Relayed()
    yield both
    assert both.server.stop(60) == 0, both.server.logged()


def pieces_of(one, eol="lf", size=None):
    pieces = [piece.encode().replace(b"\n", EOL[eol]) for piece in one["pieces"]]
    if size:
        whole = b"".join(pieces)
        pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
    return pieces


def events_of(one):
    """The blocks with data, as the relay writes them; what no blank line ends counts when it is whole JSON."""
    blocks = []
    for text in "".join(one["pieces"]).split("\n\n"):
        lines = [line for line in text.split("\n") if line.startswith(("data:", "event:"))]
        if any(line.startswith("data:") for line in lines):
            blocks.append("\n".join(lines).encode() + b"\n\n")
    return blocks


def check(relayed, one, head, body, whole):
    assert head.status == 200
    end = relayed.end_of(head)
    assert end["reason"] == one["end"], (end, body)
    assert len(relayed.upstream.requests) == 1
    events = events_of(one)
    if one["end"] == "done":
        assert (body, whole) == (b"".join(events), True)
        assert "detail" not in end
        return
    assert (one["detailContains"] or "") in end["detail"] != "null"
    # Each event that came stands there with its bytes; and somewhere the failure, as the provider's clients read it.
    for event in events:
        if event.startswith(b"data: [DONE]") or one["name"] == "half an event at the end" and event == events[-1]:
            continue
        assert event in body
    errors = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {")]
    assert any(error.get("error") or error.get("type") in ("error", "response.failed") for error in errors) or b"event: error" in body
    if one["detailContains"] == "truncated":
        assert not whole


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", CASES)
def test_each_in_every_framing(relayed, name, framing):
    one = CASES[name]
    type = one["head"].split("\r\n")[1] + "\r\n"
    relayed.response = framed(framing, pieces_of(one), one["ends"], type)
    check(relayed, one, *relayed.ask(one["route"]))


@pytest.mark.parametrize("eol", EOL)
@pytest.mark.parametrize("name", CASES)
def test_each_with_every_line_end_and_byte_by_byte(relayed, name, eol):
    one = CASES[name]
    type = one["head"].split("\r\n")[1] + "\r\n"
    for size in (None, 1):
        relayed.response = framed("chunked", pieces_of(one, eol, size), one["ends"], type)
        check(relayed, one, *relayed.ask(one["route"]))


@pytest.mark.parametrize("name", [n for n in CASES if CASES[n]["route"] != "/v1/messages"])
def test_the_openai_client_takes_no_half_for_a_whole(relayed, name):
    one = CASES[name]
    relayed.response = framed("chunked", pieces_of(one), one["ends"], one["head"].split("\r\n")[1] + "\r\n")
    relayed.upstream.requests.clear()
    client = openai.OpenAI(base_url=f"{relayed.server.url}/v1", **over_transport(openai, api_key="k", timeout=30))
    with client:
        def everything():
            if one["route"] == "/v1/responses":
                return list(client.responses.create(model="m", input="Hi", stream=True))
            return list(client.chat.completions.create(model="m", messages=[], stream=True))

        if one["end"] == "done":
            assert everything()
        elif one["name"] == "r_failed_null":
            assert everything()[-1].type == "response.failed"
        else:
            with pytest.raises(openai.APIError) as raised:
                everything()
            if one["detailContains"] not in (None, "truncated", NULL):
                assert one["detailContains"] in raised.value.message
    assert len(relayed.upstream.requests) == 1


@pytest.mark.parametrize("name", [n for n in CASES if CASES[n]["route"] == "/v1/messages"])
def test_the_anthropic_client_takes_no_half_for_a_whole(relayed, name):
    one = CASES[name]
    relayed.response = framed("chunked", pieces_of(one), one["ends"])
    client = anthropic.Anthropic(base_url=relayed.server.url, **over_transport(anthropic, api_key="k", timeout=30))
    with client, pytest.raises(anthropic.APIError) as raised:
        list(client.messages.create(model="m", max_tokens=9, messages=[], stream=True))
    if one["detailContains"] != "truncated":
        assert one["detailContains"] in str(raised.value)


def test_a_picture_in_one_event_passes(relayed):
    picture = "data: " + json.dumps({"choices": [{"index": 0, "delta": {"images": ["A" * (3 << 20)]}, "finish_reason": "stop"}]}) + "\n\n"
    relayed.response = framed("chunked", [picture.encode(), b"data: [DONE]\n\n"])
    head, body, whole = relayed.ask("/v1/chat/completions")
    # A slow machine may beat meanwhile.
    assert (body.replace(b":\n", b""), whole) == (picture.encode().replace(b":\n", b"") + b"data: [DONE]\n\n", True)
    assert relayed.end_of(head) == {"reason": "done"}


def test_an_event_that_is_too_large_names_the_setting():
    relayed = Relayed(relay_event_bytes="2KiB")
    try:
        for size, end in [(2048, {"reason": "done"}), (2049, {"reason": "failed", "detail": "event-too-large"})]:
            relayed.response = framed("chunked", [b"data: " + b"x" * size + b"\n\n", b"data: [DONE]\n\n"])
            head, body, whole = relayed.ask("/v1/chat/completions")
            assert relayed.end_of(head) == end
            assert whole == (size == 2048)
            assert (b"relay-event-bytes" in body) == (size == 2049)
            assert len(relayed.upstream.requests) == 1
    finally:
        relayed.server.stop()
