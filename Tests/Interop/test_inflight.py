"""The memory of requests in progress is bounded over all of them, and whoever is small notices nothing of it."""

import gzip
import re
import socket
import threading

import pytest
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings

from support import tls
from support.freshet import IS_DEBUG, TRANSPORT
from support.listener import Listener
from support.pace import Memory, Neighbours, in_words, processor_seconds
from support.waiting import eventually
from support.wire import Closed, Connection

KIB, MIB = 1 << 10, 1 << 20
BUDGET = 64 * MIB
# What the program takes beside what is counted: threads, connections, the allocator's rests.
SLACK = 32 * MIB
# Over HTTP/2 bodies come in frames of 16 KiB, between which the allocator keeps what else a connection needs: 33 MiB after one such
# crowd, 44 after six of them, and no more (2026-11-30).
RESTS = 48 * MIB if TRANSPORT in ("h2", "h2c") else SLACK


@pytest.fixture(params=["memory", "sqlite"])
def server(request, serve, tmp_path):
    data = {} if request.param == "memory" else {"data": tmp_path / "data"}
    # Nobody is silent or stalls for too long while others are measured, however busy the machine is.
    return serve(
        inflight_bytes=BUDGET, write_stall_seconds=300, body_idle_seconds=300, connections_per_address=0, http2_clear_text=True, **data
    )


@pytest.fixture
def idle(request, serve, tmp_path):
    """A server of nobody but such neighbours, who wait there for the machine alone: for its processors, and for its disk."""
    return serve(**({} if request.node.callspec.params["server"] == "memory" else {"data": tmp_path / "idle"}))


def metric(server, name):
    return int(re.search(rf"^{re.escape(name)} (\d+)", server.request("GET", "/metrics").text, re.M)[1])


def never_refused(server):
    """What ends something finds room whatever is in flight."""
    assert server.request("GET", "/health").status == 200
    cancelled, ended, deleted = (server.create() for _ in range(3))
    assert server.cancel(cancelled).status == 204
    assert server.end(ended).status == 204
    assert server.request("DELETE", deleted).status == 204
    return True


def beside(server, idle, crowd):
    """What others notice while a crowd comes and stays: the control is the same server before, and an idle one meanwhile."""
    with Neighbours(server) as alone:
        alone.measured(100)
    with Neighbours(server) as neighbours, Neighbours(idle) as meanwhile:
        busy = processor_seconds(server.process.pid)
        crowd()
        assert never_refused(server)
        # So many that the hundredth part is not what a single one of the crowd's first moments makes of it.
        neighbours.measured(400)
        busy = processor_seconds(server.process.pid) - busy
    before, elsewhere, here = alone.p99(), meanwhile.p99(), neighbours.p99()
    print(f"p99 alone: {in_words(before)}; elsewhere: {in_words(elsewhere)}; beside: {in_words(here)}; processors {busy:.2f} s")
    assert IS_DEBUG or all(here[kind] <= 0.25 + 5 * max(before[kind], elsewhere[kind]) for kind in here)
    costs_nothing_while_it_waits(server, idle)


def costs_nothing_while_it_waits(server, idle):
    """A crowd of which nothing moves works no processor: requests beside it take as much of them as on a server of nobody."""
    spent = {}
    for name, one in {"idle": idle, "crowded": server}.items():
        before = processor_seconds(one.process.pid)
        with Connection(one.address) as connection:
            for _ in range(2000):
                connection.send_head("GET", "/health")
                assert connection.read_answer().status == 200
        spent[name] = processor_seconds(one.process.pid) - before
    print(f"processors for 2,000 requests: {spent['crowded']:.2f} s beside the crowd, {spent['idle']:.2f} s on an idle server")
    assert spent["crowded"] <= 2 * spent["idle"] + 0.1


def close(connections):
    for connection in connections:
        connection.close()


def test_unfinished_bodies_take_half_and_the_largest_give_way(server, idle):
    memory = Memory(server.process.pid)
    path = server.create("application/octet-stream")
    eventually(lambda: server.still_serves())
    before = memory.now()
    memory.forget_peak()
    bodies = []

    def crowd():
        for _ in range(120):
            body = Connection(server.address)
            bodies.append(body)
            body.send_head(
                "POST", path, {"Content-Type": "application/octet-stream", "Content-Length": str(8 * MIB)}
            )
            try:
                body.send(b"x" * (8 * MIB - 1))
            except OSError:
                pass
        eventually(lambda: metric(server, 'freshet_inflight_bytes{kind="body"}') <= BUDGET // 2)

    beside(server, idle, crowd)
    print(f"peak {(memory.peak() - before) / MIB:.0f} MiB")

    def refused():
        return metric(server, 'freshet_inflight_refused_total{kind="body"}')

    eventually(lambda: refused() >= 120 - BUDGET // 2 // (8 * MIB) - 1, 30)
    answers = {}

    def all_answered():
        """Who is counted as refused may still wait for the response."""
        answers.update({body: answer for body in bodies if body not in answers and (answer := answer_of(body))})
        return len(answers) >= refused()

    eventually(all_answered, 30)
    assert len(answers) == refused()
    for answer in answers.values():
        assert answer.status == 503 and answer["Retry-After"] and answer.json["type"] == "urn:freshet:overloaded"
        assert "`inflight-bytes`" in answer.json["detail"]
    assert memory.peak() - before <= BUDGET + SLACK
    close(bodies)
    eventually(lambda: metric(server, 'freshet_inflight_bytes{kind="body"}') == 0)
    eventually(lambda: memory.now() - before <= RESTS, 30, "giving back")
    assert server.still_serves()


def answer_of(connection):
    """The response, if one has come."""
    connection.socket.settimeout(0.2)
    try:
        return connection.read_answer()
    except (TimeoutError, Closed, OSError):
        return None


def stalled(server, request):
    """A reader whose kernel takes next to nothing, and who never reads."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(server.address)
    reader.sendall(request)
    return reader


def by_http1(target, headers):
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode()


def by_http2(target, headers):
    """A whole connection with one request, which has room for everything: its bytes are the same for every reader."""
    machine = H2Connection()
    machine.local_settings = Settings(initial_values={SettingCodes.INITIAL_WINDOW_SIZE: (1 << 31) - 1})
    machine.initiate_connection()
    machine.increment_flow_control_window(1 << 30)
    pseudo = {":method": "GET", ":scheme": "http", ":authority": "localhost", ":path": target}
    fields = [(name.lower(), value) for name, value in {**pseudo, **headers}.items()]
    machine.send_headers(1, fields, end_stream=True)
    return machine.data_to_send()


@pytest.mark.skipif(IS_DEBUG, reason="a debug build encodes too slowly")
@pytest.mark.parametrize(
    "count, form, headers",
    [
        # Before pages were read in turn, 500 readers have read 113 MiB at once where 96 are allowed, and others have waited
        # 0.5 to 1.2 s (2026-11-29).
        pytest.param(500, by_http1, {}, id="catch-up"),
        pytest.param(300, by_http1, {"Accept": "text/event-stream"}, id="sse"),
        # Of what waits in a connection below its streams, 64 KiB are not counted.
        pytest.param(200, by_http2, {"Accept": "text/event-stream"}, id="sse-http2"),
    ],
)
def test_what_stalled_readers_have_not_taken_is_bounded(server, idle, count, form, headers):
    memory = Memory(server.process.pid)
    path = server.create("text/plain")
    event = "y" * (MIB - 100)
    for _ in range(3):
        assert server.append(path, event).status == 204
    assert server.read(path).body == event.encode() * 3
    before = memory.now()
    memory.forget_peak()
    readers, request = [], form(path, headers)

    def crowd():
        for _ in range(count):
            readers.append(stalled(server, request))
        # Each of them got a page, and all but those that fit gave way.
        eventually(
            lambda: metric(server, 'freshet_inflight_refused_total{kind="output"}') >= count - BUDGET // MIB, 60
        )
        # Whoever does read gets everything, though between two pages they hold more than anybody else.
        with Connection(server.address) as reader:
            reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KIB)
            for _ in range(10):
                reader.send_head("GET", path)
                assert reader.read_answer().body == event.encode() * 3

    beside(server, idle, crowd)
    print(f"peak {(memory.peak() - before) / MIB:.0f} MiB")
    assert metric(server, 'freshet_inflight_bytes{kind="output"}') <= BUDGET
    assert memory.peak() - before <= BUDGET + SLACK
    close(readers)
    eventually(lambda: metric(server, 'freshet_inflight_bytes{kind="output"}') == 0)
    eventually(lambda: memory.now() - before <= SLACK, 30, "giving back")
    assert server.still_serves()


SSE = {"Accept": "text/event-stream"}


def follow(server, path, count, found):
    """Reads so many events from now on, as `EventSource` does: whoever had to give way comes back for what follows."""
    position = "now"
    while len(found) < count:
        try:
            with server.lines(f"{path}?offset={position}", timeout=60) as reader:
                while len(found) < count and (line := reader.next()):
                    assert line.get("event") != "gap"
                    position = line.get("id", position)
                    if line.get("event") not in ("start", "reconnect"):
                        found.append(line["data"])
        except (Closed, ConnectionError):
            continue


def append(server, path, body):
    """Whether the body was taken; it may be refused for want of memory."""
    answer = server.append(path, body, "application/x-ndjson")
    assert answer.status in (204, 503), answer
    return answer.status == 204


@pytest.mark.skipif(IS_DEBUG, reason="a debug build encodes too slowly")
@pytest.mark.parametrize(
    "over_tls, metric_of_form, query, headers",
    [
        (True, 'freshet_readers{form="sse"}', "?offset=now", SSE),
        (True, 'freshet_readers{form="long-poll"}', "?offset=-1&live=long-poll", {}),
        (False, 'freshet_readers{form="long-poll"}', "?offset=-1&live=long-poll", {}),
    ],
    ids=["sse-tls", "long-poll-tls", "long-poll"],
)  # fmt: skip
def test_one_commit_for_many_who_do_not_take_it_is_bounded(serve, over_tls, metric_of_form, query, headers):
    """8 MiB for each of 100 readers, who wait for it, and who each would hold a copy: 800 MiB where 64 are allowed."""
    count = 100
    certificate = tls.usual() if over_tls else None
    server = serve(
        inflight_bytes=BUDGET, write_stall_seconds=60, connections_per_address=0, event_loops=1, certificate=certificate
    )
    memory = Memory(server.process.pid)
    path = server.create("application/x-ndjson")
    text = "y" * (MIB - 100)
    body = f'"{text}"\n' * 8
    request = by_http1(path + query, headers)
    readers = []
    for _ in range(count):
        reader = stalled(server, b"" if over_tls else request)
        if over_tls:
            reader = certificate.shared_context().wrap_socket(reader, server_hostname="localhost")
            reader.sendall(request)
        readers.append(reader)
    found = []
    one = threading.Thread(target=follow, args=(server, path, 16, found), daemon=True)
    one.start()
    eventually(lambda: metric(server, metric_of_form) >= count, 60)
    eventually(lambda: metric(server, 'freshet_readers{form="ndjson"}') == 1)
    before = memory.now()
    memory.forget_peak()
    with Neighbours(server):
        # The second comes while the first is on its way to some of them. Its body is as large as what each of them holds, and may
        # have to give way before it is complete: then it comes again.
        for _ in range(2):
            eventually(lambda: append(server, path, body), 60)
        one.join(60)
    assert found == [text] * 16
    print(f"peak {(memory.peak() - before) / MIB:.0f} MiB")
    # Beside what is in flight there are what the store keeps, the bytes that all readers share, and what one reader is just
    # handed, as it is and encrypted.
    assert memory.peak() - before <= BUDGET + SLACK + 6 * len(body)
    close(readers)
    eventually(lambda: metric(server, 'freshet_inflight_bytes{kind="output"}') == 0, 30)
    assert server.still_serves()


class SilentUpstream(Listener):
    """Reads what it is sent, keeps none of it, and says nothing."""

    def __init__(self):
        self.connections = []
        super().__init__()

    def _serve(self, connection):
        self.connections.append(connection)
        try:
            while connection.recv(MIB):
                pass
        except OSError:
            pass

    def close(self):
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("reads", [True, False], ids=["reading", "not-reading"])
def test_calls_to_a_silent_upstream_hold_no_more_than_half(serve, reads):
    """40 calls of 15 KB, 15 MiB when they are unpacked: what they keep until their answers are over is counted."""
    # Nobody accepts the connections of the other: its kernel does, and takes a little of what comes.
    upstream = SilentUpstream() if reads else socket.create_server(("127.0.0.1", 0), backlog=64)
    port = upstream.port if reads else upstream.getsockname()[1]
    server = serve(
        command="relay", memory=True, inflight_bytes=BUDGET, connections_per_address=0,
        upstreams=[f"one openai-compatible http://127.0.0.1:{port}/v1 key=none"], environment={"NO_PROXY": "*"},
    )  # fmt: skip
    size = 15 * MIB
    body = gzip.compress(b'{"model":"m","stream":true,"x":"' + b"y" * size + b'"}')
    assert len(body) < 20 * KIB
    memory = Memory(server.process.pid)
    assert server.still_serves()
    before = memory.now()
    memory.forget_peak()
    fields = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Content-Length": str(len(body))}
    calls = []
    with Neighbours(server) as neighbours:
        for _ in range(40):
            call = Connection(server.address)
            calls.append(call)
            call.send_head("POST", "/v1/chat/completions", fields)
            call.send(body)
        refused = 'freshet_inflight_refused_total{kind="work"}'
        begun = "freshet_relay_started_total"
        eventually(lambda: metric(server, refused) + metric(server, begun) == 40, 60)
        assert never_refused(server)
        assert metric(server, 'freshet_inflight_bytes{kind="work"}') <= BUDGET // 2
        assert metric(server, begun) == BUDGET // 2 // size
        neighbours.measured(20)
    print(f"peak {(memory.peak() - before) / MIB:.0f} MiB, {metric(server, refused)} refused")
    assert memory.peak() - before <= BUDGET + SLACK
    answers = [answer for call in calls if (answer := answer_of(call))]
    assert len(answers) == metric(server, refused)
    for answer in answers:
        assert answer.status == 503 and answer["Retry-After"] and "`inflight-bytes`" in answer.text
    close(calls)
    upstream.close()
    eventually(lambda: metric(server, 'freshet_inflight_bytes{kind="work"}') == 0, 60)
    assert server.still_serves()
