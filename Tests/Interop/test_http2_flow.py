"""The streams of one HTTP/2 connection beside each other: on a full socket, with windows that never open, and in one write."""

import itertools

import h2.events
import h2.settings
import pytest

from support.http2 import HTTP2
from support.tls import Endpoint, RecordingRelay, records, usual
from test_http2 import CANCEL, INTERNAL_ERROR, SSE, events

WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
LARGEST = (1 << 31) - 1


@pytest.fixture(params=["h2c", "h2"])
def transport(request):
    """The settings of a server that speaks HTTP/2, over TLS or in clear text."""
    over_tls = {"certificate": usual()} if request.param == "h2" else {"http2_clear_text": True}
    return {"http2": True, **over_tls}


class Ordered(HTTP2):
    """A client whose windows hold everything, so that only its socket can be full; it notes the stream of each frame of DATA, and each
    end."""

    def __init__(self, address):
        self.order = []
        super().__init__(address, settings={WINDOW: LARGEST}, receive_buffer=65_536)
        self.machine.increment_flow_control_window(LARGEST - 65_535)
        self.flush()

    def _take(self, event):
        if isinstance(event, h2.events.DataReceived):
            if event.data:
                self.order.append(event.stream_id)
                self.streams[event.stream_id].pieces.append(event.data)
            return
        if isinstance(event, h2.events.StreamEnded):
            self.order.append(("end", event.stream_id))
        super()._take(event)


def size(stream):
    return sum(map(len, stream.pieces))


@pytest.mark.parametrize("event", [10_000, 800_000], ids=["small events", "large events"])
def test_on_a_full_socket_the_streams_take_turns_and_events_go_between(serve, transport, event):
    """A page of small events is a few frames, after each of which a reader of the log has nothing to send until it is told to go on."""
    server = serve(**transport)
    large, quiet = server.create("text/event-stream"), server.create()
    block = b"data: " + b"x" * (event - 8) + b"\n\n"
    for _ in range(5):
        assert server.append(large, block * (800_000 // event), "text/event-stream").status == 204
    with Ordered(server.address) as connection:
        reader = connection.begin("GET", quiet, SSE)
        connection.wait(lambda: reader.pieces)
        bodies = [connection.begin("GET", large) for _ in range(2)]
        # They are under way, and then nothing is read: the socket is full of them.
        connection.wait(lambda: all(size(body) >= 200_000 for body in bodies))
        words = ["one" * 3000, "two" * 3000, "three" * 3000]
        for count, word in enumerate(words, 1):
            assert server.append(quiet, word).status == 204
            # The order says it, not the time: with either body to its end first, the event would be behind that.
            assert events(connection, reader, count) == words[:count]
            assert not any(body.ended for body in bodies)
        connection.wait(lambda: all(body.ended for body in bodies))
        assert [connection.answer(body)[2] == block * (4_000_000 // event) for body in bodies] == [True, True]

    # While there is something of both, neither has many frames where the other has one. On a busy machine one of them may wait for its next
    # page while the other goes on, hence a quarter; without turns, page after page, there would be some ten in four hundred.
    numbers = {body.number for body in bodies}
    begin = max(connection.order.index(number) for number in numbers)
    end = min(connection.order.index(("end", number)) for number in numbers)
    frames = [number for number in connection.order[begin:end] if number in numbers]
    turns = sum(one != other for one, other in itertools.pairwise(frames))
    assert turns > 0.25 * len(frames), f"{turns} turns in {len(frames)} frames"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (SSE, INTERNAL_ERROR),
        # Its request is done: there is nothing left to go wrong, and nobody takes the rest.
        ({}, CANCEL),
    ],
    ids=["a live reader", "a whole answer"],
)
def test_a_window_that_never_opens_ends_its_stream_and_no_other(serve, transport, headers, code):
    server = serve(write_stall_seconds=1, **transport)
    path = server.create(body="one")
    with HTTP2(server.address, settings={WINDOW: 0}) as connection:
        shut = connection.begin("GET", path, headers)
        other = connection.begin("GET", path, SSE)
        connection.machine.increment_flow_control_window(1 << 20, other.number)
        connection.flush()
        assert events(connection, other, 1) == ["one"]
        connection.wait(lambda: shut.reset is not None or shut.ended)
        assert (shut.reset, shut.ended, size(shut)) == (code, False, 0)
        assert dict(shut.heads[0])[":status"] == "200"
        # On the same connection the other reads on, and new requests are answered.
        assert server.append(path, "two").status == 204
        assert events(connection, other, 2) == ["one", "two"]
        assert connection.ask("HEAD", path)[0] == 200
        assert connection.goaway is None and other.reset is None


def test_an_event_for_all_readers_of_a_connection_is_one_write(serve):
    """Over TLS each write is a record."""
    # Nothing else is sent meanwhile.
    server = serve(http2=True, certificate=usual(), heartbeat_seconds=3600)
    path = server.create()
    relay = RecordingRelay(server.address)
    reached = Endpoint(("127.0.0.1", relay.port), usual().shared_context(("h2",)), http2=True)
    with HTTP2(reached) as connection:
        readers = [connection.begin("GET", path, SSE) for _ in range(50)]
        connection.wait(lambda: all(reader.pieces for reader in readers))
        assert connection.ask("GET", "/health")[0] == 200
        [recorded] = relay.from_server
        before = len(recorded)
        assert server.append(path, "to all of them").status == 204
        for reader in readers:
            assert events(connection, reader, 1) == ["to all of them"]
        # What the client has read has all been recorded.
        written = records(bytes(recorded[before:]))
    # One is right; fifty would be one for each reader.
    assert 1 <= len(written) <= 5, f"{len(written)} records"
    relay.finish()
