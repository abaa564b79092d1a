"""SIGTERM: nobody is cut off, nobody waits for ever."""

import signal

import pytest

from support.waiting import eventually
from support.wire import Closed, Connection

# For tests that end before: a busy machine takes longer than the usual 20 s.
PATIENT = {"drain_deadline_seconds": 600}


def live(server, path):
    """A live producer that has already appended a word."""
    connection = Connection(server.address)
    connection.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
    connection.send_chunk("a")
    eventually(lambda: server.read(path).body == b"a")
    return connection


def drain(server):
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: not_ready(server), what="draining on /health")


def not_ready(server):
    try:
        answer = server.request("GET", "/health")
    except (OSError, Closed):
        # A connection that had said nothing yet when the signal came is closed.
        return False
    return answer.status == 503 and b"draining" in answer.body


def exit_status(server):
    return server.process.wait(60)


def test_an_idle_server_stops_at_once_with_0(serve):
    # With a deadline that the test would not live to see.
    server = serve(drain_deadline_seconds=600)
    server.create()
    server.process.send_signal(signal.SIGTERM)
    assert exit_status(server) == 0


def test_readers_of_idle_streams_are_asked_to_reconnect_at_once(serve):
    server = serve(**PATIENT)
    idle, busy = server.create(), server.create()
    server.append(idle, "word")
    with live(server, busy), server.subscribe(idle) as reader, server.lines(idle) as lines:
        assert reader.next().data == "word"
        lines.next()
        server.process.send_signal(signal.SIGTERM)
        event = reader.next()
        assert (event.type, event.json, event.id) == ("reconnect", {"why": "draining"}, None)
        assert 1000 <= event.retry <= 10000
        assert reader.next() is None
        assert lines.next() == {"event": "reconnect", "data": {"why": "draining"}}
        assert lines.next() is None


def test_an_open_producer_and_its_readers_go_on_to_the_end(serve):
    server = serve(**PATIENT)
    path = server.create()
    with live(server, path) as producer, server.subscribe(path) as reader:
        assert reader.next().data == "a"
        drain(server)
        for word in ("b", "c", "d"):
            producer.send_chunk(word)
            assert reader.next().data == word
        # Appends on new connections are taken too, for a stream that is being produced.
        assert server.append(path, "e").status == 204
        assert reader.next().data == "e"
        assert server.end(path).status == 204
        assert reader.next().json == {"reason": "done"}
        assert reader.next() is None
    assert exit_status(server) == 0


def test_a_stream_with_a_running_lease_goes_on(serve):
    server = serve(**PATIENT)
    path = server.create(headers={"Stream-Lease": "600"})
    with server.subscribe(path) as reader:
        server.append(path, "a")
        reader.next()
        drain(server)
        assert server.append(path, "b").status == 204
        assert reader.next().data == "b"
        assert server.append(path, "c", headers={"Stream-Closed": "true"}).status == 204
        assert reader.next().data == "c"
        assert reader.next().json == {"reason": "done"}
    assert exit_status(server) == 0


def test_new_native_reads_are_asked_to_reconnect(serve):
    server = serve(**PATIENT)
    path = server.create()
    with live(server, path) as producer:
        drain(server)
        for read in ("/v1/stream/nobody", path, f"{path}?offset=now"):
            with server.subscribe(read) as reader:
                assert reader.head.status == 200
                (event,) = reader.rest()
            assert (event.type, event.json) == ("reconnect", {"why": "draining"})
        producer.send_chunk("")
        producer.read_answer()
    assert exit_status(server) == 0


def test_other_changes_are_503_with_a_time_to_come_back(serve):
    server = serve(**PATIENT)
    busy, idle = server.create(), server.create()
    with live(server, busy):
        drain(server)
        for answer in (
            server.request("PUT", "/v1/stream/new", {"Content-Type": "text/plain"}),
            server.append(idle, "x"),
        ):
            assert answer.status == 503
            assert int(answer["Retry-After"]) >= 1


def test_at_the_deadline_producers_are_told_what_was_kept(serve):
    server = serve(drain_deadline_seconds=1)
    path = server.create()
    with live(server, path) as producer, server.subscribe(path) as reader:
        offset = reader.next().id
        server.process.send_signal(signal.SIGTERM)
        answer = producer.read_answer()
        assert answer.status == 503
        assert answer["Stream-Next-Offset"] == offset
        assert reader.next().type == "reconnect"
        assert reader.next() is None
    assert exit_status(server) == 0


def test_a_second_signal_closes_now(serve):
    server = serve(drain_deadline_seconds=600)
    path = server.create()
    with live(server, path):
        drain(server)
        server.process.send_signal(signal.SIGTERM)
        exit_status(server)


def test_the_log_says_how_many_streams_are_lost(serve):
    server = serve()
    for _ in range(3):
        server.create()
    server.process.send_signal(signal.SIGTERM)
    assert exit_status(server) == 0
    said = server.logged() + "".join(server.output)
    assert "3 streams" in said or '"3"' in said or "=3" in said, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_drain(serve, number):
    server = serve()
    path = server.create()
    with server.subscribe(path) as reader:
        server.process.send_signal(number)
        assert reader.next().type == "reconnect"
    assert exit_status(server) == 0
