"""The relay at every event of an answer: the caller is cut off, the upstream is cut off, Freshet is killed.

Each time the upstream must have seen exactly one request, and what a reader had seen must still be there.
"""

import json

import pytest

from support.freshet import Freshet
from support.ports import free_port
from support.upstream import EVENTS, PATHS, Answer, Upstream
from support.waiting import eventually
from support.wire import Closed, Connection

POSITIONS = [(format, position) for format, events in EVENTS.items() for position in range(len(events) + 1)]
BODY = json.dumps({"model": "m", "stream": True})
# So many events of a chat completion tell that its one choice has finished.
FINISHED = next(n for n, piece in enumerate(EVENTS["chat"], 1) if b'"finish_reason":"tool_calls"' in piece)


class Relayed:
    def __init__(self, **settings):
        self.answer = None
        self.upstream = Upstream(lambda request: self.answer)
        self.server = Freshet(
            "relay", upstreams=[f"one openai-compatible {self.upstream.url}"], relay_idle_seconds=60, **settings
        )

    def ask(self, format, answer):
        """Calls, and returns the caller's connection once the head is there, and the stream's path."""
        self.answer = answer
        self.upstream.requests.clear()
        connection = Connection(self.server.address, 30)
        connection.send_head("POST", PATHS[format], {"Content-Type": "application/json", "Content-Length": len(BODY)})
        connection.send(BODY)
        head = connection.read_head()
        assert head.status == 200, head
        return connection, "/v1/stream/" + head["Location"].partition("/v1/stream/")[2]


@pytest.fixture(scope="module")
def relayed():
    both = Relayed(memory=True)
    yield both
    assert both.server.stop(60) == 0, both.server.logged()


def events_of(server, path):
    """What a native reader gets: the events, as a provider would write them, and the end."""
    with server.subscribe(path) as reader:
        events = reader.rest()
    assert events[-1].type == "end", events
    return [(event.type, event.data) for event in events[:-1]], events[-1].json


def script(format):
    """The events of a script as a reader gets them."""
    found = []
    for piece in EVENTS[format]:
        lines = piece.decode().strip("\n").split("\n")
        name = next((line[7:] for line in lines if line.startswith("event: ")), "message")
        found.append((name, "\n".join(line[6:] for line in lines if line.startswith("data: "))))
    return found


@pytest.mark.parametrize("format, position", POSITIONS)
def test_the_caller_is_cut_off(relayed, format, position):
    answer = Answer(EVENTS[format], stepped=True)
    caller, path = relayed.ask(format, answer)
    answer.let(position)
    eventually(lambda: answer.written == position)
    caller.close()
    answer.let(len(EVENTS[format]) + 1)
    assert events_of(relayed.server, path) == (script(format), {"reason": "done"})
    assert len(relayed.upstream.requests) == 1


@pytest.mark.parametrize("format, position", POSITIONS)
@pytest.mark.parametrize("end", ["clean", "close", "reset", "within"])
def test_the_upstream_is_cut_off(relayed, format, position, end):
    pieces = EVENTS[format][:position]
    if end == "within":
        # In the middle of the next event.
        pieces = pieces + [EVENTS[format][position][:-1]] if position < len(EVENTS[format]) else pieces
    # A reset takes what is still on its way: it comes when the relay has read everything.
    answer = Answer(pieces, stepped=True, end={"within": "close"}.get(end, end))
    caller, path = relayed.ask(format, answer)
    answer.let(len(pieces))
    eventually(lambda: answer.written == len(pieces))
    eventually(lambda: listed(relayed.server, path)["events"] >= position)
    answer.let()
    # A chat completion is whole once its choices have finished, if its body ends well.
    whole = position == len(EVENTS[format]) or (format, end) == ("chat", "clean") and position >= FINISHED
    expected = {"reason": "done"} if whole else {"reason": "failed", "detail": "truncated"}
    assert events_of(relayed.server, path) == (script(format)[:position], expected)
    assert len(relayed.upstream.requests) == 1
    # The caller's own answer: the same events, and a torn body unless it is whole.
    body = rest_of(caller)
    sent = b"".join(EVENTS[format][:position])
    assert body.startswith(sent)
    if whole:
        assert body == sent
    else:
        assert b'"error"' in body[len(sent):]
    caller.close()


def listed(server, path):
    return json.loads(server.request("GET", "/v1/streams/" + path.removeprefix("/v1/stream/")).body)


def rest_of(connection):
    """The body of a chunked answer as far as it came."""
    body = b""
    try:
        while chunk := connection.read_chunk():
            body += chunk
    except Closed:
        return body
    return body


# Every position once in each nightly run; a few of each format otherwise, since each takes two starts of the server.
KILLED = [(f, p) for f, p in POSITIONS if p in (0, 1, len(EVENTS[f]) // 2, len(EVENTS[f]) - 1)]
REST = [
    pytest.param(format, position, marks=pytest.mark.nightly)
    for format, position in POSITIONS
    if (format, position) not in KILLED and position < len(EVENTS[format])
]


@pytest.mark.parametrize("format, position", KILLED + REST)
def test_freshet_is_killed(tmp_path, format, position):
    port = free_port()
    relayed = Relayed(data=str(tmp_path / "data"), port=port)
    answer = Answer(EVENTS[format], stepped=True)
    caller, path = relayed.ask(format, answer)
    answer.let(position)
    with relayed.server.subscribe(path) as reader:
        seen = [reader.next() for _ in range(position)]
        relayed.server.process.kill()
        relayed.server.process.wait()
    caller.close()
    again = Freshet("relay", data=str(tmp_path / "data"), port=port, upstreams=[f"one openai-compatible {relayed.upstream.url}"])
    try:
        events, end = events_of(again, path)
        assert events[: len(seen)] == [(event.type, event.data) for event in seen] == script(format)[:position]
        assert events == script(format)[: len(events)]
        assert end == {"reason": "failed", "detail": "interrupted"}
        assert len(relayed.upstream.requests) == 1
    finally:
        again.stop()
        relayed.server.stop()
