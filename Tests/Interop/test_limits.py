"""Every limit and every malformed request has its clear answer, and the server goes on serving."""

import contextlib
import time

import pytest

from support.freshet import TRANSPORT
from support.pace import Memory
from support.waiting import eventually
from support.wire import Closed, Connection

KIB = 1024
# As little as a head may have to come in. Over TLS the handshake has no more, for which this machine may pause.
SHORT = 0.5 if TRANSPORT in ("clear", "h2c") else 5


def raw(server, data, half_close=False):
    """Sends bytes and returns everything the server says until it closes."""
    with Connection(server.address) as connection:
        connection.send(data)
        if half_close:
            connection.half_close()
        return connection.read_to_end()


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else answer


def is_problem(answer, code):
    assert answer.status == code, answer
    assert answer["Content-Type"].split(";")[0] == "application/problem+json"
    assert answer.json["status"] == code
    assert answer.json["detail"]
    return True


# Sizes


def test_a_head_that_is_too_large_is_431(serve):
    server = serve(header_bytes=2 * KIB)
    path = server.create()
    assert server.request("GET", path, {"X-Filler": "x" * 1000}).status == 200
    assert is_problem(server.request("GET", path, {"X-Filler": "x" * 3000}), 431)
    assert is_problem(server.request("GET", path, {f"X-{n}": "y" * 20 for n in range(200)}), 431)
    answer = server.request("GET", path + "?" + "z" * 5000)
    assert answer.status in (414, 431), answer
    assert server.still_serves()


def test_an_endless_head_is_cut_off(serve):
    server = serve(header_bytes=2 * KIB)
    with Connection(server.address) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        with pytest.raises((BrokenPipeError, ConnectionResetError, Closed)):
            while True:
                connection.send(b"X-Filler: " + b"x" * 500 + b"\r\n")
                connection.socket.setblocking(False)
                try:
                    connection.receive()
                except BlockingIOError:
                    pass
                connection.socket.setblocking(True)
        assert connection.buffer == b"" or status(connection.buffer) == 431
    assert server.still_serves()


def test_a_body_that_is_too_large_is_413_before_it_is_read(serve):
    server = serve(body_bytes=64 * KIB)
    path = server.create()
    assert server.append(path, "x" * 64 * KIB).status == 204

    def ends_without_a_reset():
        with Connection(server.address) as connection:
            asked = time.monotonic()
            connection.send_head("POST", path, {"Content-Type": "text/plain", "Content-Length": str(10 << 30)})
            assert is_problem(connection.read_answer(), 413)
            # A program that goes on sending still gets the answer, and the end of the connection instead of a reset.
            try:
                connection.send(b"x" * 300 * KIB)
                assert connection.read_to_end() == b""
            except ConnectionError:
                # The server waits 2 s for that; a busy machine may come later.
                assert time.monotonic() - asked >= 2
                return False
            return True

    eventually(ends_without_a_reset, 60)
    assert server.read(path).body == b"x" * 64 * KIB
    assert server.still_serves()


def test_a_chunked_body_that_grows_too_large_is_413(serve):
    server = serve(body_bytes=64 * KIB)
    path = server.create("application/json")
    with Connection(server.address) as connection:
        connection.send_head("POST", path, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        # The answer may come, and the connection be closed, before the last of them.
        with contextlib.suppress(ConnectionError):
            for _ in range(5):
                connection.send_chunk('"' + "x" * 16 * KIB)
        assert is_problem(connection.read_answer(), 413)
    assert server.read(path).body == b"[]"


@pytest.mark.parametrize("type", ["text/plain", "application/json", "application/octet-stream"])
def test_an_event_that_is_too_large_is_413(serve, type):
    server = serve(event_bytes=4 * KIB)
    path = server.create(type)
    assert is_problem(server.append(path, '"' + "x" * 5 * KIB + '"', type), 413)
    assert server.append(path, '"' + "x" * 3 * KIB + '"', type).status == 204
    assert server.still_serves()


def tiny(type, count):
    return {
        "application/json": "[" + ",".join("1" * count) + "]",
        "application/x-ndjson": "1\n" * count,
        "text/event-stream": "data:1\n\n" * count,
    }[type]


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("type", ["application/json", "application/x-ndjson", "text/event-stream"])
def test_a_body_of_too_many_events_is_413(serve, tmp_path, type, store):
    server = serve(**({} if store == "memory" else {"data": tmp_path}))
    path = server.create(type)
    # As many as are allowed are one commit.
    before = server.request("HEAD", path)["Stream-Next-Offset"]
    assert server.append(path, tiny(type, 50_000), type).status == 204
    kept = server.request("HEAD", path)["Stream-Next-Offset"]
    assert kept != before
    answer = server.append(path, tiny(type, 50_001), type)
    assert is_problem(answer, 413)
    assert answer.json["type"] == "urn:freshet:too-many-events"
    assert "`body-events`" in answer.json["detail"]
    assert server.request("HEAD", path)["Stream-Next-Offset"] == kept
    assert server.still_serves()


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("type", ["application/json", "application/x-ndjson", "text/event-stream"])
def test_four_bodies_of_8_mib_of_tiny_events_at_once_cost_little_more_than_the_bodies(serve, tmp_path, type, store):
    # Before they were bounded, four took 4.8 GB, and did not give them back.
    server = serve(**({} if store == "memory" else {"data": tmp_path}))
    path = server.create(type)
    memory = Memory(server.process.pid)
    # What the program holds from the first use on.
    assert is_problem(server.append(path, tiny(type, 50_001), type), 413)
    before = memory.settled()
    memory.forget_peak()
    size = len(tiny(type, 1000)) // 1000
    body = tiny(type, 8 * KIB * KIB // size - 1).encode()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(server.address)) for _ in range(4)]
        for connection in connections:
            connection.send_head("POST", path, {"Content-Type": type, "Content-Length": str(len(body))})
            connection.send(body[:-1])
        # All are complete at once.
        for connection in connections:
            connection.send(body[-1:])
        for connection in connections:
            answer = connection.read_answer()
            assert is_problem(answer, 413) and answer.json["type"] == "urn:freshet:too-many-events"
    print(f"{type}, {store}: peak {(memory.peak() - before) / KIB / KIB:.1f} MiB over the start for {4 * len(body) / KIB / KIB:.1f} MiB")
    assert memory.peak() - before < 3 * 4 * len(body)
    eventually(lambda: memory.now() - before < len(body), 10, "giving back")
    assert server.still_serves()


@pytest.mark.parametrize("type, mark", [("application/x-ndjson", '"'), ("text/event-stream", "data: ")])
def test_a_live_line_that_is_too_long_is_413(serve, type, mark):
    server = serve(line_bytes=4 * KIB, event_bytes=8 * KIB)
    path = server.create(type)
    with Connection(server.address) as producer:
        producer.send_head("POST", path, {"Content-Type": type, "Transfer-Encoding": "chunked"})
        good = "1\n" if type == "application/x-ndjson" else "data: 1\n\n"
        producer.send_chunk(good)
        eventually(lambda: server.read(path).body == good.encode())
        producer.send_chunk(mark + "x" * 5 * KIB)
        answer = producer.read_answer()
    assert is_problem(answer, 413)
    assert answer["Stream-Next-Offset"] == server.request("HEAD", path)["Stream-Next-Offset"]
    assert server.read(path).body == good.encode()
    assert server.still_serves()


def test_a_live_event_of_many_lines_that_is_too_large_is_413(serve):
    server = serve(line_bytes=4 * KIB, event_bytes=8 * KIB)
    path = server.create("text/event-stream")
    with Connection(server.address) as producer:
        producer.send_head("POST", path, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        producer.send_chunk(("data: " + "x" * KIB + "\n") * 20)
        assert is_problem(producer.read_answer(), 413)
    assert server.still_serves()


def test_a_large_piece_of_live_text_is_stored_in_events_of_bounded_size(serve):
    server = serve(event_bytes=4 * KIB)
    path = server.create()
    text = "é" * 20 * KIB
    with Connection(server.address) as producer:
        producer.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        producer.send_chunk(text)
        producer.send_chunk("")
        assert producer.read_answer().status in (200, 204)
    server.end(path)
    assert server.read(path).body == text.encode()
    with server.subscribe(path) as reader:
        *events, _ = reader.rest()
    assert all(len(e.data.encode()) <= 4 * KIB for e in events)
    assert "".join(e.data for e in events) == text


# Times


def test_a_head_that_comes_too_slowly_is_408(serve):
    server = serve(header_seconds=SHORT)
    with Connection(server.address) as connection:
        connection.send("GET / HTTP/1.1\r\nHost: local")
        assert is_problem(connection.read_answer(), 408)
        assert connection.read_to_end() == b""
    assert server.still_serves()


def test_a_head_that_comes_byte_by_byte_has_the_same_time(serve):
    server = serve(header_seconds=2 * SHORT)
    with Connection(server.address) as connection:
        connection.send("GET / HTTP/1.1\r\nHost: localhost\r\n")
        connection.socket.settimeout(0.1)
        for _ in range(200):
            connection.send("X: y\r\n")
            try:
                connection.receive()
                break
            except TimeoutError:
                pass
        connection.socket.settimeout(30)
        assert connection.read_answer().status == 408
    assert server.still_serves()


def test_a_connection_that_says_nothing_is_closed(serve):
    server = serve(header_seconds=SHORT, idle_seconds=0.5)
    with Connection(server.address) as connection:
        said = connection.read_to_end()
        assert said == b"" or status(said) == 408


def test_an_idle_connection_is_closed_between_requests(serve):
    server = serve(idle_seconds=0.5)

    def closed_after_an_answer():
        # What a busy machine asks may come when the connection has been idle for too long.
        with contextlib.suppress(Closed, ConnectionError), Connection(server.address) as connection:
            connection.send_head("GET", "/health")
            answer = connection.read_answer()
            assert answer.status == 200 and connection.read_to_end() == b""
            return True

    eventually(closed_after_an_answer, 60)


def test_a_body_that_stops_arriving_is_408_but_a_live_one_may_be_silent(serve):
    server = serve(body_idle_seconds=0.5)
    path = server.create()
    with Connection(server.address) as silent, Connection(server.address) as live:
        live.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        live.send_chunk("a")
        silent.send_head("POST", path, {"Content-Type": "text/plain", "Content-Length": "10"})
        silent.send("abc")
        assert is_problem(silent.read_answer(), 408)
        live.send_chunk("b")
        live.send_chunk("")
        assert live.read_answer().status in (200, 204)
    assert server.read(path).body == b"ab"


def test_a_reader_that_takes_nothing_is_closed_and_resumes_by_its_id(serve):
    server = serve(write_stall_seconds=0.5)
    path = server.create()
    payload = b"x" * 500 * KIB
    with server.subscribe(path) as slow:
        server.append(path, b"first")
        first = slow.next()
        for _ in range(30):
            assert server.append(path, payload).status == 204
        server.end(path)
        # It reads nothing more until the server has given it up; what is left is shorter than the whole.
        eventually(lambda: readers(server, path) == 0, what="the close of the stalled reader")
        received = 0
        with pytest.raises((Closed, ConnectionResetError, AssertionError)):
            while slow.next().type != "end":
                received += 1
    assert received < 30
    # A reader on a busy machine may be given up once more, and resumes as often.
    sizes, last, is_over = [], first, False
    while not is_over:
        with server.subscribe(path, {"Last-Event-ID": last.id}) as again:
            with contextlib.suppress(Closed, ConnectionResetError):
                while not (is_over := (event := again.next()).type == "end"):
                    sizes.append(len(event.data))
                    last = event
    assert sizes == [len(payload)] * 30


def readers(server, path):
    return server.request("GET", path.replace("/v1/stream/", "/v1/streams/")).json["readers"]


# Amounts


def a_stream_and_four_readers(server):
    """The first reads on the connection that made the stream: the server may see late that one was closed."""
    path, first = "/v1/stream/read-by-four", Connection(server.address)
    first.send_head("PUT", path, {"Content-Type": "text/plain", "Content-Length": "0"})
    assert first.read_answer().status == 201
    first.send_head("GET", path, {"Accept": "text/event-stream"})
    assert first.read_head().status == 200
    return path, [first, *(server.subscribe(path) for _ in range(3))]


def heard(ask):
    """What one connection too many is told: it is closed when it has asked for nothing for 2 s, for which this machine may pause."""

    def tell():
        with contextlib.suppress(Closed, OSError):
            return ask()

    return eventually(tell)


def test_too_many_connections_from_one_address_is_429_until_one_goes(serve):
    server = serve(connections_per_address=4)
    path, readers = a_stream_and_four_readers(server)
    answer = heard(lambda: server.request("GET", path))
    assert is_problem(answer, 429)
    assert int(answer["Retry-After"]) >= 1
    readers.pop().connection.reset()
    eventually(lambda: heard(lambda: server.request("GET", path)).status == 200, what="room after a reader is gone")
    for reader in readers:
        reader.close()
    eventually(server.still_serves_or_none, what="room after all readers are gone")


def test_too_many_connections_is_503_with_a_time_to_come_back(serve):
    server = serve(connections=4, connections_per_address=0)
    path, readers = a_stream_and_four_readers(server)
    answer = heard(lambda: server.request("GET", path))
    assert is_problem(answer, 503)
    assert int(answer["Retry-After"]) >= 1
    for reader in readers:
        reader.close()
    eventually(server.still_serves_or_none, what="room after the readers are gone")


def test_a_native_reader_is_not_sent_a_status_that_ends_it_for_good(serve):
    server = serve(connections_per_address=4)
    path, readers = a_stream_and_four_readers(server)

    def read():
        with server.subscribe(path) as late:
            assert late.head.status == 200
            return late.rest()

    (event,) = heard(read)
    assert (event.type, event.json, event.id) == ("reconnect", {"why": "overloaded"}, None)
    assert 5000 <= event.retry <= 30000
    for reader in readers:
        reader.close()


def test_too_many_streams_is_507(serve):
    server = serve(streams=3)
    paths = [server.create() for _ in range(3)]
    assert is_problem(server.request("PUT", "/v1/stream/one-too-many", {"Content-Type": "text/plain"}), 507)
    assert server.append(paths[0], "still").status == 204
    server.request("DELETE", paths[1])
    assert server.still_serves()


def test_too_many_bytes_is_507_and_nothing_unexpired_is_taken(serve):
    server = serve(kept_bytes=128 * KIB, event_bytes=64 * KIB)
    path, other = server.create(), server.create()
    server.append(other, "keep me")
    kept = 0
    while (answer := server.append(path, "x" * 10 * KIB)).status == 204:
        kept += 1
        assert kept < 20
    assert is_problem(answer, 507)
    assert server.read(other).body == b"keep me"
    assert len(server.read(path).body) == kept * 10 * KIB
    assert server.append(other, "x" * 10 * KIB).status == 507
    assert server.request("DELETE", path).status == 204
    assert server.still_serves()


def test_a_live_request_into_a_full_store_is_told_what_was_kept(serve):
    server = serve(kept_bytes=128 * KIB, event_bytes=64 * KIB)
    path = server.create()
    with Connection(server.address) as producer:
        producer.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        # The answer may come, and the connection be closed, before the last of them.
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                producer.send_chunk("x" * 10 * KIB)
        answer = producer.read_answer()
    assert is_problem(answer, 507)
    assert answer["Stream-Next-Offset"] == server.request("HEAD", path)["Stream-Next-Offset"]


def test_expired_data_makes_room(serve):
    server = serve(kept_bytes=128 * KIB, event_bytes=64 * KIB)
    old = server.create(headers={"Stream-TTL": "1"})
    while server.append(old, "x" * 10 * KIB).status == 204:
        pass
    path = server.create()
    eventually(lambda: server.append(path, "y" * 50 * KIB).status == 204, what="room from the expired stream")


@pytest.mark.parametrize("settings", [{"held_names": 2}, {"held_readers": 2}])
def test_held_readers_are_bounded_and_told_to_come_again(serve, settings):
    server = serve(**settings)
    held = [server.subscribe(f"/v1/stream/nobody-{n}") for n in range(2)]
    with server.subscribe("/v1/stream/nobody-else") as late:
        (event,) = late.rest()
    assert (event.type, event.json) == ("reconnect", {"why": "overloaded"})
    for reader in held:
        reader.close()
    assert server.still_serves()


# Malformed requests


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/1.1\nHost: localhost\n\x00\n\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n: empty\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"POST /v1/stream/m HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/stream/m HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e3\r\n\r\n",
        b"POST /v1/stream/m HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/stream/m HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /v1/stream/m HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\n\r\n",
        b"OPTIONS /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"OPTIONS /v1/stream/m HTTP/1.1\r\n\r\n",
        b"POST /v1/stream/m HTTP/1.1\r\nHost: localhost\r\nStream-Closed: true\r\nStream-Closed: true\r\n\r\n",
        b"POST /v1/stream/m HTTP/1.1\r\nHost: localhost\r\nStream-Closed: true, true\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n",
        b"GET /v1/stream/m?offset=-1&offset=-1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://user@localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health#top HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health?a#b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://localhost/health#top HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http:///health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET ftp://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health RTSP/1.0\r\nHost: localhost\r\n\r\n",
        b"GET /health http/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(server, request_bytes):
    said = raw(server, request_bytes, half_close=True)
    # Either a refusal or nothing at all; never a success.
    if said:
        assert 400 <= status(said) < 600, said
    assert server.still_serves()


@pytest.mark.parametrize(
    "method, target, headers, expected",
    [
        ("PATCH", "/v1/stream/x", {}, {405, 501}),
        ("TRACE", "/v1/stream/x", {}, {405, 501}),
        ("BREW", "/v1/stream/x", {}, {400, 405, 501}),
        ("GET", "/v1/stream/", {}, {400, 404}),
        ("GET", "/v1/stream/%zz", {}, {400, 404}),
        ("GET", "/v1/stream/%00", {}, {400, 404}),
        ("GET", "/v1/stream/%ff%fe", {}, {400, 404}),
        ("GET", "/v1/stream/../../etc/passwd", {}, {400, 404}),
        ("GET", "/v1/stream/a%2f..%2fb", {}, {400, 404}),
        ("GET", "/nothing/here", {}, {404}),
        ("PUT", "/v1/stream/" + "n" * 5000, {}, {400, 414}),
        ("POST", "/v1/stream/x", {"Transfer-Encoding": "gzip, chunked"}, {400, 404, 501}),
        ("GET", "/v1/stream/x?as=xml", {}, {400, 404, 406}),
    ],
)
def test_a_request_for_what_is_not_there_says_so(server, method, target, headers, expected):
    answer = server.request(method, target, headers)
    assert answer.status in expected, answer
    if method != "HEAD":
        assert is_problem(answer, answer.status)
    if answer.status == 405:
        assert "GET" in answer["Allow"]
    assert server.still_serves()


def test_another_version_of_http_is_505(server):
    said = raw(server, b"GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n", half_close=True)
    assert said == b"" or status(said) in (400, 505)
    assert server.still_serves()


def test_a_compressed_body_is_not_taken_for_text(server):
    path = server.create()
    answer = server.append(path, b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"})
    assert answer.status in (204, 400, 415)
    if answer.status == 204:
        assert server.read(path).body == b"\x1f\x8b\x08\x00"


def test_random_bytes_never_stop_the_server(server):
    import random

    chance = random.Random(7)
    for _ in range(200):
        good = b"POST /v1/stream/fuzz HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            raw(server, bytes(data[: chance.randint(1, len(data))]), half_close=True)
        except ConnectionResetError:
            pass
    assert server.still_serves()
