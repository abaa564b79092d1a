"""HTTP/2, over TLS and in clear text: streams that neither wait for nor harm each other, and clients that do harm."""

import contextlib
import json
import random
import re
import signal

import h2.settings
import pytest

from support.freshet import Freshet
from support.http2 import CONTINUATION, DATA, GOAWAY, HEADERS, HTTP2, PING, SETTINGS, Stream, frame
from support.tls import Endpoint, usual
from support.waiting import eventually
from support.wire import Connection

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 2, 8, 11
SSE = {"accept": "text/event-stream"}
TEXT = {"content-type": "text/plain"}


@pytest.fixture(scope="module", params=["h2c", "h2"])
def transport(request):
    """The settings of a server that speaks HTTP/2, over TLS or in clear text."""
    over_tls = {"certificate": usual()} if request.param == "h2" else {"http2_clear_text": True}
    return {"http2": True, **over_tls}


@pytest.fixture(scope="module")
def server(transport):
    server = Freshet(line_bytes=4096, **transport)
    yield server
    server.stop()


@pytest.fixture
def clear(serve):
    """Starts a server that speaks HTTP/2 in clear text, with settings of the test's own."""

    def start(**settings):
        return serve(http2=True, http2_clear_text=True, **settings)

    return start


def events(connection, stream, count):
    """The data of so many events of a native read."""
    found = []

    def enough():
        found[:] = re.findall(rb"^data: (.*)$", b"".join(stream.pieces), re.MULTILINE)
        return len(found) >= count

    connection.wait(enough)
    return [data.decode() for data in found]


# What both sides say.


def test_a_reader_and_a_producer_share_a_connection(server):
    path = server.create()
    with HTTP2(server.address) as connection:
        reader = connection.begin("GET", path, SSE)
        connection.wait(lambda: reader.heads)
        for word in ("one", "two"):
            assert connection.ask("POST", path, TEXT, word)[0] == 204
        assert events(connection, reader, 2) == ["one", "two"]
        assert connection.ask("POST", path, {"stream-closed": "true"})[0] == 204
        status, head, body = connection.answer(reader)
    assert status == 200 and b"event: end" in body
    assert head["content-type"] == "text/event-stream"
    # No field of a connection, and none in capitals, which HTTP/2 does not have.
    assert not {"connection", "transfer-encoding", "keep-alive", "content-length"} & set(head)
    assert all(name == name.lower() for name in head) and "date" in head


def test_a_body_without_a_length_is_appended_while_it_arrives(server):
    path = server.create()
    with HTTP2(server.address) as connection:
        reader = connection.begin("GET", path, SSE)
        producer = connection.begin("POST", path, TEXT, ends=False)
        for index, word in enumerate(("Hello", ", ", "world"), 1):
            connection.send(producer, word)
            assert len(events(connection, reader, index)) == index
        connection.send(producer, "", ends=True)
        assert connection.answer(producer)[0] == 204
    assert server.read(path).body == b"Hello, world"


def test_one_that_waits_for_a_word_is_given_it(server):
    path = server.create()
    with HTTP2(server.address) as connection:
        producer = connection.begin("POST", path, {**TEXT, "expect": "100-continue"}, ends=False)
        connection.wait(lambda: producer.heads)
        assert dict(producer.heads.popleft()) == {":status": "100"}
        connection.send(producer, "one", ends=True)
        assert connection.answer(producer)[0] == 204


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}], ids=["nothing", "a length of 0"])
def test_a_head_and_an_empty_frame_are_no_body(server, headers):
    """As node sends it: no cancel takes a body."""
    path = server.create()
    with HTTP2(server.address) as connection:
        cancel = connection.begin("POST", path, {"stream-cancel": "true", **headers}, body=b"")
        assert connection.answer(cancel)[0] == 204


def test_a_stream_that_the_client_resets_is_a_torn_body(server):
    path = server.create("text/event-stream")
    with HTTP2(server.address) as connection:
        producer = connection.begin("POST", path, {"content-type": "text/event-stream"}, ends=False)
        connection.send(producer, "data: whole\n\ndata: ha")
        # Before the reset, which could overtake it in a server that has read neither yet.
        eventually(lambda: server.read(path).body)
        connection.cancel(producer)
        # Its end has not ended the stream, but has given it a lease; the connection goes on.
        described = path.replace("/v1/stream/", "/v1/streams/")
        eventually(lambda: json.loads(connection.ask("GET", described)[2]).get("lease") == 60)
        assert connection.ask("GET", path)[2] == b"data: whole\n\n"


def test_so_is_a_connection_that_is_lost(server):
    path = server.create("text/event-stream")
    connection = HTTP2(server.address)
    producer = connection.begin("POST", path, {"content-type": "text/event-stream"}, ends=False)
    connection.send(producer, "data: whole\n\ndata: ha")
    eventually(lambda: server.read(path).body)
    connection.socket.close()
    name = path.rsplit("/", 1)[1]
    eventually(lambda: server.request("GET", f"/v1/streams/{name}").json.get("lease"))
    assert server.read(path).body == b"data: whole\n\n"


@pytest.mark.parametrize("body", ["short", "rather too long"], ids=["too little", "too much"])
def test_a_body_of_another_length_than_it_said_appends_nothing(server, body):
    path = server.create()
    with HTTP2(server.address) as connection:
        producer = connection.begin("POST", path, {**TEXT, "content-length": "10"}, ends=False)
        connection.machine.send_data(producer.number, body.encode(), end_stream=True)
        connection.flush()
        connection.wait(lambda: producer.reset is not None)
        assert producer.reset == PROTOCOL_ERROR
        assert connection.ask("GET", path)[2] == b""


def test_an_early_answer_is_whole_and_then_the_rest_is_not_wanted(server):
    path = server.create("application/x-ndjson")
    with HTTP2(server.address) as connection:
        producer = connection.begin("POST", path, {"content-type": "application/x-ndjson"}, ends=False)
        connection.send(producer, "[" * 5000)
        status, _, body = connection.answer(producer)
        assert status == 413 and json.loads(body)["status"] == 413
        connection.wait(lambda: producer.reset is not None)
        assert producer.reset == NO_ERROR
        assert connection.ask("GET", "/health")[0] == 200


def test_a_body_that_is_left_unfinished_is_reset_and_never_ended(server):
    path = server.create("text/event-stream")
    with HTTP2(server.address) as connection:
        reader = connection.begin("GET", path + "?as=plain", SSE)
        server.append(path, "data: one\n\n", "text/event-stream")
        assert events(connection, reader, 1) == ["one"]
        assert connection.ask("DELETE", path)[0] == 204
        connection.wait(lambda: reader.reset is not None or reader.ended)
        assert not reader.ended and reader.reset == INTERNAL_ERROR
        assert connection.ask("GET", "/health")[0] == 200


def test_the_answer_to_a_head_has_no_body(server):
    path = server.create(body="hello")
    with HTTP2(server.address) as connection:
        status, head, body = connection.ask("HEAD", path)
        assert (status, body) == (200, b"") and head["stream-next-offset"]
        status, head, body = connection.ask("HEAD", "/health")
        assert (status, body) == (200, b"") and int(head["content-length"]) > 0


def test_what_is_large_comes_whole_in_both_directions(server):
    path = server.create()
    body = b"0123456789abcdef" * 100_000
    with HTTP2(server.address) as connection:
        for part in (body[:800_000], body[800_000:]):
            assert connection.ask("POST", path, {**TEXT, "content-length": len(part)}, part)[0] == 204
        assert connection.ask("GET", path)[2] == body


# Who is asked.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(":authority", "localhost")], 200),
        ([(":authority", "localhost"), ("host", "localhost")], 200),
        ([(":authority", "localhost"), ("host", "LOCALHOST")], 200),
        ([(":authority", None), ("host", "localhost")], 200),
        ([(":authority", None)], 400),
        ([(":authority", "localhost"), ("host", "127.0.0.1")], 400),
        ([(":authority", None), ("host", "localhost"), ("host", "localhost")], 400),
        ([(":authority", "evil.example")], 403),
        ([(":authority", None), ("host", "evil.example")], 403),
        ([(":authority", "user@localhost")], 400),
    ],
    ids=["authority", "both", "both in other letters", "host", "neither", "different", "two", "foreign", "foreign host", "user"],
)
def test_the_authority_obeys_the_rules_of_host(server, headers, status):
    with HTTP2(server.address) as connection:
        assert connection.ask("GET", "/health", headers)[0] == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "*", 400),
        ("OPTIONS", "*", 204),
        ("GET", "http://localhost/health", 400),
        ("GET", "health", 400),
        ("GET", "/he alth", 400),
        ("G T", "/health", 501),
        ("BREW", "/health", 405),
    ],
)
def test_a_first_line_that_http_1_could_not_have_is_refused(server, method, path, status):
    with HTTP2(server.address) as connection:
        stream = connection.begin(method, path)
        connection.wait(lambda: stream.ended or stream.reset is not None)
        # Some of it is malformed in HTTP/2's own terms, and reset.
        assert stream.reset == PROTOCOL_ERROR or connection.answer(stream)[0] == status
        assert connection.ask("GET", "/health")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        [("connection", "close")],
        [("transfer-encoding", "chunked")],
        [("te", "gzip")],
        [("x-line", "a\r\nb: c")],
        [(":status", "200")],
    ],
    ids=["connection", "transfer-encoding", "te", "a line in a value", "a response's field"],
)
def test_fields_that_http_2_forbids_end_the_request_and_nothing_else(server, headers):
    with HTTP2(server.address) as connection:
        number = connection.machine.get_next_available_stream_id()
        head = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/health")]
        connection.streams[number] = Stream(number)
        connection.machine.send_headers(number, head + headers, end_stream=True)
        connection.flush()
        connection.wait(lambda: connection.streams[number].reset is not None)
        assert connection.streams[number].reset == PROTOCOL_ERROR
        assert connection.ask("GET", "/health")[0] == 200


def test_a_cookie_in_pieces_is_one(serve, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("app 0123456789abcdef0123456789abcdef all *\n")
    keys.chmod(0o600)
    server = serve(http2=True, http2_clear_text=True, keys=keys)
    with HTTP2(server.address) as connection:
        bearer = {"authorization": "Bearer 0123456789abcdef0123456789abcdef"}
        cookie = connection.ask("POST", "/v1/session", bearer)[1]["set-cookie"].split(";")[0]
        assert connection.ask("GET", "/v1/streams")[0] == 401
        assert connection.ask("GET", "/v1/streams", [("cookie", "a=b"), ("cookie", cookie)])[0] == 200


# Many at once.


def test_a_hundred_readers_of_one_connection_get_each_event(server):
    path = server.create()
    with HTTP2(server.address) as connection:
        readers = [connection.begin("GET", path, SSE) for _ in range(100)]
        connection.wait(lambda: all(reader.pieces for reader in readers))

        def are_counted():
            figures = connection.ask("GET", "/metrics")[2].decode()
            wanted = [r'^freshet_readers{form="sse"} 100$', r"^freshet_connections 1$"]
            return all(re.search(one, figures, re.MULTILINE) for one in wanted)

        # The server may be late to see that the connections of other tests were closed.
        eventually(are_counted, what="a hundred readers on one connection")
        assert connection.ask("POST", path, TEXT, "one")[0] == 204
        for reader in readers:
            assert events(connection, reader, 1) == ["one"]
        # Who stops one keeps the others.
        connection.cancel(readers[0])
        assert connection.ask("POST", path, TEXT, "two")[0] == 204
        for reader in readers[1:]:
            assert events(connection, reader, 2) == ["one", "two"]


def test_one_that_takes_nothing_neither_blocks_the_others_nor_costs_memory_and_goes_alone(serve, transport):
    # A server of its own: readers of other tests may be kept from reading for longer by a busy machine.
    server = serve(write_stall_seconds=1, **transport)
    path = server.create()
    with HTTP2(server.address, returns_room=False) as connection:
        stalled = connection.begin("GET", path, SSE)
        connection.wait(lambda: stalled.heads)
        before = server.resident_bytes()
        for _ in range(40):
            assert server.append(path, "x" * 500_000).status == 204
            assert connection.ask("GET", "/health")[0] == 200
        connection.wait(lambda: stalled.reset is not None)
        assert stalled.reset == INTERNAL_ERROR
        # What waited for its window was a page of it, not all.
        assert sum(map(len, stalled.pieces)) < 1 << 20
        assert server.resident_bytes() - before < 80 << 20
        assert connection.ask("GET", "/health")[0] == 200


def test_a_window_that_opens_late_loses_nothing(server):
    path = server.create()
    with HTTP2(server.address, settings={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0}) as connection:
        reader = connection.begin("GET", path, SSE)
        connection.wait(lambda: reader.heads)
        assert connection.ask("HEAD", path)[0] == 200
        for word in ("one", "two", "three"):
            server.append(path, word)
        assert not reader.pieces
        connection.machine.increment_flow_control_window(5, reader.number)
        connection.flush()
        connection.wait(lambda: sum(map(len, reader.pieces)) == 5)
        connection.machine.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 65_535})
        connection.flush()
        assert events(connection, reader, 3) == ["one", "two", "three"]


@pytest.mark.parametrize("form", ["sse", "ndjson"])
def test_large_events_go_on_to_a_reader_with_a_large_window(server, form):
    """As browsers have. A connection that takes all of an event in two goes once told its reader, between the two, to stop."""
    path = server.create()
    window = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
    with HTTP2(server.address, settings={window: 6 << 20}) as connection:
        connection.machine.increment_flow_control_window(6 << 20)
        stream = connection.begin("GET", f"{path}?as={form}")
        connection.wait(lambda: stream.heads)
        for count in range(1, 6):
            # A letter would be in some ids too.
            assert server.append(path, "!" * 100_000).status == 204
            connection.wait(lambda: b"".join(stream.pieces).count(b"!") == count * 100_000)


def test_a_body_of_many_windows_comes_whole(clear):
    """That room comes only as a body is taken takes a store that waits: Tests/FreshetServerTests, HTTP2FlowControlTests."""
    server = clear()
    path = server.create()
    with HTTP2(server.address) as connection:
        producer = connection.begin("POST", path, TEXT, ends=False)
        connection.wait(lambda: connection.machine.local_flow_control_window(producer.number) == 65_535)
        sent = 0
        while sent < 4 << 20:
            connection.send(producer, "y" * 16_384)
            sent += 16_384
        connection.send(producer, "", ends=True)
        assert connection.answer(producer)[0] == 204
        assert server.read_whole(path) == b"y" * sent


# Two of everything at once.


def test_trailers_end_a_body(server):
    path = server.create()
    with HTTP2(server.address) as connection:
        stream = connection.begin("POST", path, TEXT, ends=False)
        connection.send(stream, "one")
        connection.machine.send_headers(stream.number, [("x-checksum", "1")], end_stream=True)
        connection.flush()
        assert connection.answer(stream)[0] == 204
        assert connection.ask("GET", path)[2] == b"one"


def test_a_cancel_between_the_pieces_of_two_producers_is_told_to_both(server):
    path = server.create()
    with HTTP2(server.address) as connection:
        follower = connection.begin("GET", path, SSE)
        producers = [connection.begin("POST", path, TEXT, ends=False) for _ in range(2)]
        for stream in producers:
            connection.send(stream, "word")
        assert events(connection, follower, 2) == ["word", "word"]
        # All of it is one write: what comes after the cancel has been sent before its answer.
        for stream in producers:
            connection.machine.send_data(stream.number, b"before")
        cancel = connection.machine.get_next_available_stream_id()
        connection.streams[cancel] = Stream(cancel)
        head = [(":method", "POST"), (":scheme", connection.scheme), (":authority", "localhost"), (":path", path)]
        connection.machine.send_headers(cancel, [*head, ("stream-cancel", "true")], end_stream=True)
        for stream in producers:
            connection.machine.send_data(stream.number, b"after")
        connection.flush()
        assert connection.answer(connection.streams[cancel])[0] == 204
        for stream in producers:
            status, fields, _ = connection.answer(stream)
            assert (status, fields["stream-end-reason"]) == (409, "cancelled")
            connection.wait(lambda: stream.reset is not None)
            assert stream.reset == NO_ERROR
        assert b"cancelled" in connection.answer(follower)[2]
        assert b"after" not in connection.ask("GET", path)[2]


def test_a_reset_at_any_time_leaves_nothing_behind(server):
    path = server.create()
    large = server.create(body="x" * 500_000)

    def at_once(connection):
        return connection.begin("GET", path, SSE)

    def after_the_head(connection):
        stream = connection.begin("GET", path, SSE)
        connection.wait(lambda: stream.heads)
        return stream

    def with_its_window_shut(connection):
        stream = connection.begin("GET", large)
        connection.wait(lambda: stream.pieces)
        return stream

    def before_the_body(connection):
        return connection.begin("POST", path, TEXT, ends=False)

    def within_the_body(connection):
        stream = before_the_body(connection)
        connection.send(stream, "word")
        return stream

    def before_a_body_of_known_length(connection):
        return connection.begin("POST", path, {**TEXT, "content-length": "10"}, ends=False)

    def waiting_for_a_word(connection):
        return connection.begin("POST", path, {**TEXT, "expect": "100-continue"}, ends=False)

    def after_the_request(connection):
        return connection.begin("POST", path, TEXT, body="word")

    with HTTP2(server.address, returns_room=False) as connection:
        for state in (
            at_once,
            after_the_head,
            with_its_window_shut,
            before_the_body,
            within_the_body,
            before_a_body_of_known_length,
            waiting_for_a_word,
            after_the_request,
        ):
            # Two at once, in either order.
            first, second = state(connection), state(connection)
            for stream in (second, first):
                connection.machine.reset_stream(stream.number, CANCEL)
            connection.flush()
            assert connection.ask("GET", "/health")[0] == 200, state.__name__
        described = path.replace("/v1/stream/", "/v1/streams/")

        def left():
            answer = json.loads(connection.ask("GET", described)[2])
            return answer["readers"], answer["producers"]

        eventually(lambda: left() == (0, 0))


def test_a_client_that_says_goodbye_is_served_to_the_end(server):
    path = server.create()
    with HTTP2(server.address) as connection:
        follower = connection.begin("GET", path, SSE)
        producer = connection.begin("POST", path, {**TEXT, "stream-closed": "true"}, ends=False)
        connection.send(producer, "one")
        assert events(connection, follower, 1) == ["one"]
        connection.socket.sendall(frame(GOAWAY, 0, 0, bytes(8)))
        connection.send(producer, "two")
        assert events(connection, follower, 2) == ["one", "two"]
        connection.send(producer, "", ends=True)
        assert connection.answer(producer)[0] == 204
        assert b"event: end" in connection.answer(follower)[2]


def test_windows_that_shrink_and_grow_lose_no_byte(server):
    """Also below zero, which a reader's window is when the setting shrinks after bytes were sent."""
    path = server.create()
    body = "".join(f"{index:05}," for index in range(40_000))
    window = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
    with HTTP2(server.address, settings={window: 1000}, returns_room=False) as connection:
        assert server.append(path, body).status == 204
        stream = connection.begin("GET", path)
        chance = random.Random(5)
        connection.wait(lambda: sum(map(len, stream.pieces)) == 1000)
        for size in (0, 1, 2_000, 3, 60_000, 0):
            connection.machine.update_settings({window: size})
            connection.flush()
            assert connection.ask("HEAD", "/health")[0] == 200
        # The client's library counts by its acknowledged settings, and sees to it that nothing comes without room.
        while not stream.ended:
            connection.machine.increment_flow_control_window(chance.choice([1, 7, 50_000]), stream.number)
            connection.flush()
            before = sum(map(len, stream.pieces))
            connection.machine.ping(b"12345678")
            pings = connection.pings
            connection.flush()
            connection.wait(lambda: connection.pings > pings or stream.ended)
            assert sum(map(len, stream.pieces)) >= before
        assert b"".join(stream.pieces).decode() == body


def test_a_window_of_one_byte_gives_one_byte(server):
    path = server.create(body="hello")
    window = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
    with HTTP2(server.address, settings={window: 1}, returns_room=False) as connection:
        streams = [connection.begin("GET", path) for _ in range(2)]
        for count in range(1, 6):
            for stream in streams:
                connection.wait(lambda: sum(map(len, stream.pieces)) == count)
                if count < 5:
                    connection.machine.increment_flow_control_window(1, stream.number)
                    connection.flush()
        assert [connection.answer(stream)[2] for stream in streams] == [b"hello"] * 2


# Which protocol it is.


def test_without_the_setting_a_preface_is_another_protocol(serve):
    server = serve()
    if server.http2 or server.certificate:
        pytest.skip("FRESHET_TRANSPORT turns it on")
    with Connection(server.address) as connection:
        connection.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert connection.read_answer().status in (400, 505)


def test_both_protocols_share_a_port_in_clear_text(clear):
    server = clear()
    with Connection(("127.0.0.1", server.port)) as old, HTTP2(server.address) as new:
        # In pieces, and beginning as the preface does.
        old.send("P")
        assert new.ask("GET", "/health")[0] == 200
        old.send("UT /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n")
        assert old.read_answer().status == 201
        assert new.ask("HEAD", "/v1/stream/a")[0] == 200


def test_half_a_preface_has_the_time_of_a_head(clear):
    server = clear(header_seconds=0.3)
    with Connection(("127.0.0.1", server.port)) as connection:
        connection.send("PRI * HTTP/2.0\r\n")
        assert connection.read_to_end() == b""
    assert server.still_serves()


def test_over_tls_it_can_be_turned_off(serve):
    server = serve(certificate=usual(), no_http2=True)
    if server.http2:
        pytest.skip("FRESHET_TRANSPORT turns it on")
    context = usual().context(("h2", "http/1.1"))
    with Connection(Endpoint(server.address, context)) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"


# Limits.


def test_what_a_connection_may_have_open_is_told_and_kept(clear):
    server = clear(http2_streams=3)
    path = server.create()
    with HTTP2(server.address) as connection:
        readers = [connection.begin("GET", path, SSE) for _ in range(3)]
        connection.wait(lambda: all(reader.heads for reader in readers))
        assert connection.machine.remote_settings.max_concurrent_streams == 3
        connection.machine.remote_settings.update({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100})
        connection.machine.remote_settings.acknowledge()
        connection.begin("GET", path, SSE)
        connection.read_to_end()
        assert connection.goaway == PROTOCOL_ERROR
    assert server.still_serves()


def test_what_an_address_may_have_open_is_answered_politely(clear):
    server = clear(streams_per_address=4)
    path = "/v1/stream/open-to-four"
    with HTTP2(server.address) as one, HTTP2(server.address) as two:
        # Made here, and not on a connection whose request may count for longer than its answer takes.
        assert one.ask("PUT", path, TEXT)[0] == 201
        readers = [one.begin("GET", path, SSE) for _ in range(2)] + [two.begin("GET", path, SSE) for _ in range(2)]
        one.wait(lambda: all(reader.heads for reader in readers[:2]))
        two.wait(lambda: all(reader.heads for reader in readers[2:]))
        assert two.ask("HEAD", path)[0] == 429
        status, _, body = two.ask("GET", path, SSE)
        assert status == 200 and b"event: reconnect" in body
        one.cancel(readers[0])
        eventually(lambda: two.ask("HEAD", path)[0] == 200)


def test_a_head_that_is_too_large_ends_the_connection(clear):
    server = clear(header_bytes=4096)
    with HTTP2(server.address) as connection:
        # What the server has said about it counts from its acknowledgement on.
        assert connection.ask("GET", "/health")[0] == 200
        connection.begin("GET", "/health", {"x-long": "y" * 8000})
        connection.read_to_end()
        assert connection.goaway == PROTOCOL_ERROR
    assert server.still_serves()


def flood(connection, data):
    """Sends until the server wants no more of it."""
    with contextlib.suppress(OSError):
        connection.socket.sendall(data)
    connection.read_to_end()


def hostile_resets(connection, path):
    # The server may have closed the connection before the last of them is sent.
    with contextlib.suppress(OSError):
        # More than a pause of this machine divides into seconds with few in each.
        for _ in range(200):
            connection.machine.reset_stream(connection.begin("GET", path, SSE).number, CANCEL)
    flood(connection, connection.machine.data_to_send())


def hostile_pings(connection, path):
    flood(connection, frame(PING, 0, 0, b"12345678") * 100)


def hostile_settings(connection, path):
    flood(connection, frame(SETTINGS, 0, 0) * 100)


def hostile_empty_data(connection, path):
    producer = connection.begin("POST", path, TEXT, ends=False)
    flood(connection, frame(DATA, 0, producer.number) * 100)


def hostile_continuations(connection, path):
    flood(connection, frame(HEADERS, 0, 1, b"\x82\x86\x84") + frame(CONTINUATION, 0, 1) * 100)


@pytest.mark.parametrize(
    "attack",
    [hostile_resets, hostile_pings, hostile_settings, hostile_empty_data, hostile_continuations],
    ids=lambda attack: attack.__name__,
)
def test_a_flood_closes_its_connection_and_no_other(clear, attack):
    server = clear(http2_resets=20, http2_control_frames=20, http2_empty_frames=5)
    path = server.create()
    with HTTP2(server.address) as victim, HTTP2(server.address) as attacker:
        reader = victim.begin("GET", path, SSE)
        victim.wait(lambda: reader.heads)
        attack(attacker, path)
        assert attacker.goaway == ENHANCE_YOUR_CALM
        assert victim.ask("POST", path, TEXT, "still here")[0] == 204
        assert events(victim, reader, 1) == ["still here"]

        def figures():
            return victim.ask("GET", "/metrics")[2].decode()

        eventually(lambda: re.search(r"^freshet_http2_connections_failed_total 1$", figures(), re.MULTILINE))


def test_less_than_a_flood_is_let_through(clear):
    server = clear()
    path = server.create()
    with HTTP2(server.address) as connection:
        # A page with many readers that is closed.
        for reader in [connection.begin("GET", path, SSE) for _ in range(100)]:
            connection.cancel(reader)
        for _ in range(50):
            connection.machine.ping(b"12345678")
        connection.flush()
        connection.wait(lambda: connection.pings == 50)
        assert connection.ask("GET", "/health")[0] == 200


def test_random_frames_never_stop_the_server(clear):
    server = clear()
    chance = random.Random(7)
    for _ in range(60):
        with HTTP2(server.address) as connection:
            kinds = [chance.randrange(12) for _ in range(8)]
            data = b"".join(
                frame(kind, chance.randrange(256), chance.choice([0, 1, 3, 2]), chance.randbytes(chance.randrange(40)))
                for kind in kinds
            )
            connection.socket.settimeout(5)
            with contextlib.suppress(OSError):
                connection.socket.sendall(data)
    assert server.still_serves()


def test_an_idle_connection_is_closed_with_a_word(clear):
    server = clear(idle_seconds=0.3)

    def closed_after_an_answer():
        with contextlib.suppress(OSError), HTTP2(server.address) as connection:
            asked = connection.begin("GET", "/health")
            connection.read_to_end()
            assert not asked.ended or connection.goaway == NO_ERROR
            return asked.ended

    # What a busy machine asks may come when the connection has been idle for too long.
    eventually(closed_after_an_answer, 60)


# The end.


def test_a_drain_tells_each_connection_and_waits_for_what_is_written(clear):
    server = clear(drain_deadline_seconds=600)
    quiet, busy = server.create(), server.create()
    with HTTP2(server.address) as connection:
        still = connection.begin("GET", quiet, SSE)
        live = connection.begin("GET", busy, SSE)
        producer = connection.begin("POST", busy, TEXT, ends=False)
        connection.send(producer, "one")
        assert events(connection, live, 1) == ["one"]
        server.process.send_signal(signal.SIGTERM)
        connection.wait(lambda: still.ended)
        assert b"event: reconnect" in b"".join(still.pieces)
        connection.wait(lambda: connection.goaway is not None)
        assert connection.goaway == NO_ERROR and connection.goaway_last == producer.number
        connection.send(producer, "two")
        assert events(connection, live, 2) == ["one", "two"]
        # New requests are answered on new connections.
        with HTTP2(server.address) as late:
            assert late.ask("GET", "/health")[0] == 503
            late.read_to_end()
            assert late.goaway == NO_ERROR
        connection.send(producer, "", ends=True)
        assert connection.answer(producer)[0] == 204
        connection.read_to_end()
    assert server.process.wait(60) == 0
