"""`freshet doctor` through a proxy that meddles: it names each meddling, and nothing else."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from support import processes
from support.freshet import BINARY, Freshet, run
from support.meddling_proxy import Meddling, MeddlingProxy
from support.ports import free_port
from support.waiting import eventually
from support.wire import Connection

pytestmark = [pytest.mark.long(70)]


class Origin:
    """`freshet doctor --listen`."""

    def __init__(self):
        self.process = processes.start([BINARY, "doctor", "--listen"], stdout=subprocess.PIPE, text=True)
        self.url, self.port = None, None
        for line in self.process.stdout:
            if found := re.search(r"listens on (http://127\.0\.0\.1:(\d+))", line):
                self.url, self.port = found[1], int(found[2])
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end(self.process)


@dataclasses.dataclass
class Row:
    """A meddling, and what the doctor must find: codes with figures, all that are not good and no others."""

    meddling: Meddling
    verdict: str
    codes: dict
    arguments: tuple = ()
    status: int = 1


def near(low, high):
    return lambda figure: figure is not None and low <= figure <= high


ROWS = {
    "nothing": Row(Meddling(), "LIVE", {}, status=0),
    "everything held": Row(Meddling(hold="all"), "FULL_BUFFER", {"FULL_BUFFER": {"fixed_by": []}}),
    "4 KB, unless X-Accel-Buffering": Row(
        Meddling(hold="size", size=4096, obeys=("xab",)),
        "LIVE",
        {"BUFFER": {"bytes": near(3500, 4700), "headers": "plain", "fixed_by": ["X-Accel-Buffering: no"]}},
        status=0,
    ),
    "16 KB": Row(Meddling(hold="size", size=16384), "BUFFER", {"BUFFER": {"bytes": near(15000, 18000)}}),
    "a timer": Row(Meddling(hold="timer", seconds=0.3), "BUFFER", {"BUFFER": {"period_ms": near(280, 420)}}),
    "one behind": Row(Meddling(hold="behind"), "ONE_EVENT_BEHIND", {"ONE_EVENT_BEHIND": {"share": near(0.7, 1)}}),
    "compression that holds": Row(
        Meddling(compress="hold"), "COMPRESSION_BUFFER", {"COMPRESSION_BUFFER": {"encoding": "gzip", "fixed_by": []}}
    ),
    "compression that heeds no-transform": Row(
        Meddling(compress="hold", obeys=("nt",)),
        "LIVE",
        {"COMPRESSION_BUFFER": {"headers": "plain", "fixed_by": ["Cache-Control: no-transform"]}},
        status=0,
    ),
    "compression that flushes": Row(Meddling(compress="flush"), "LIVE", {}, status=0),
    "compression one behind": Row(
        Meddling(compress="behind"), "ONE_EVENT_BEHIND", {"ONE_EVENT_BEHIND": {"encoding": "gzip"}}
    ),
    "brotli one behind": Row(
        Meddling(compress="behind", coding="br"),
        "ONE_EVENT_BEHIND",
        {"ONE_EVENT_BEHIND": {"encoding": "br", "share": near(0.7, 1), "headers": "freshet"}},
    ),
    "brotli that holds": Row(
        Meddling(compress="hold", coding="br"), "COMPRESSION_BUFFER", {"COMPRESSION_BUFFER": {"encoding": "br"}}
    ),
    "brotli that flushes": Row(Meddling(compress="flush", coding="br"), "LIVE", {}, status=0),
    "all but event streams held": Row(
        Meddling(hold="all", obeys=("sse",)), "LIVE", {"FULL_BUFFER": {"form": "ndjson", "fixed_by": []}}, status=0
    ),
    "compression inside": Row(
        Meddling(compress="hold", compresses_always=True, obeys=("ce",)),
        "BUFFER",
        {"BUFFER": {"bytes": near(28000, 36000), "fixed_by": ["Content-Encoding: identity"]}},
    ),
    "a filter of text": Row(
        Meddling(hold="all", obeys=("json",)),
        "FULL_BUFFER",
        {"FULL_BUFFER": {"fixed_by": ["Content-Type: application/json"]}},
    ),
    "heads held": Row(
        Meddling(holds_head=True), "LIVE", {"HEADERS_HELD": {"headers": "plain"}}, status=0
    ),
    "HTTP/1.0 to the server": Row(
        Meddling(speaks_http10=True, server="nginx/1.22.1"),
        "LIVE",
        {"HTTP10_UPSTREAM": {"http": "1.0"}, "DEATH_LOOKS_CLEAN": {"fin": "clean"}},
        status=0,
    ),
    "a field stripped": Row(
        Meddling(strips=("last-event-id",)), "STRIPPED", {"STRIPPED": {"fields": ["Last-Event-ID"]}}
    ),
    "Cache-Control taken from answers": Row(
        Meddling(strips_answer=("cache-control",)), "LIVE", {"STRIPPED": {"side": "answer"}}, status=0
    ),
    "a cache that ignores the query": Row(
        Meddling(cache="path"), "REPLAYED_FROM_CACHE", {"REPLAYED_FROM_CACHE": {}}
    ),
    "equal requests joined": Row(
        Meddling(cache="url"), "LIVE", {"SHARED_RESPONSE": {"no_cache": False, "answers": 1}}, status=0
    ),
    "equal requests joined, whatever they say": Row(
        Meddling(cache="url", heeds_no_cache=False),
        "SHARED_RESPONSE",
        {"SHARED_RESPONSE": {"no_cache": True, "answers": 1}},
    ),
    "a death that looks clean": Row(
        Meddling(death="clean"), "LIVE", {"DEATH_LOOKS_CLEAN": {"fin": "clean", "rst": "clean"}}, status=0
    ),
    "a death that hangs": Row(
        Meddling(death="hangs"), "LIVE", {"DEATH_LOOKS_CLEAN": {"fin": "hangs", "rst": "hangs"}}, status=0
    ),
    "departures seen on writing": Row(
        Meddling(departure="on-write"), "LIVE", {"DISCONNECT_ON_WRITE": {"writes": near(1, 4)}}, status=0
    ),
    "departures never seen": Row(
        Meddling(departure="never"), "LIVE", {"DISCONNECT_ON_WRITE": {"writes": "never"}}, status=0
    ),
    "three connections": Row(Meddling(most=3), "LIVE", {"CONCURRENCY": {"streams": 3, "of": 8}}, status=0),
    "uploads held": Row(Meddling(upload="held"), "LIVE", {"UPLOAD_BUFFERED": {"parts": near(1, 1)}}, status=0),
    "uploads refused": Row(Meddling(upload="refused"), "LIVE", {"UPLOAD_BUFFERED": {"status": 411}}, status=0),
    "a firewall that looks at the beginning": Row(
        Meddling(hold="size", size=2048, first=12000), "BUFFER", {"BUFFER": {"first_bytes": near(9000, 15000)}}
    ),
    "silence cut": Row(
        Meddling(idle_cut=4), "IDLE_CUT", {"IDLE_CUT": {"seconds": near(3.5, 7), "looks_clean": False}}, ("--idle", "9")
    ),
    "silence cut, which looks clean": Row(
        Meddling(idle_cut=4, cut_looks_clean=True),
        "IDLE_CUT",
        {"IDLE_CUT": {"looks_clean": True}},
        ("--idle", "9"),
    ),
    "all cut": Row(Meddling(cap=8), "LIVE", {"DURATION_CAP": {"seconds": near(7.5, 11)}}, ("--idle", "12"), status=0),
}


def examine(row):
    with Origin() as origin, MeddlingProxy(("127.0.0.1", origin.port), row.meddling) as proxy:
        return run("doctor", "--json", proxy.url, "--origin", origin.url, *row.arguments, timeout=180)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What every long run came to. They wait most of the time, so that many go on at once.

    The proxies between are programs of this machine too, and where it is busy they hold what they would pass on: the doctor is right
    then, and the row is not. What came out otherwise is run again, with fewer at once, for what the doctor gets wrong it gets wrong
    each time.
    """
    runs = {**{name: functools.partial(examine, row) for name, row in ROWS.items()}, **OTHERS}
    directory = tmp_path_factory.mktemp("doctor")
    results, waiting = {}, list(runs)
    for workers in (16, 8, 4, 2):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            futures = {
                name: pool.submit(runs[name], directory) if name in OTHERS else pool.submit(runs[name]) for name in waiting
            }
            results |= {name: future.result() for name, future in futures.items()}
        waiting = [name for names, test in measured() for name in names if not passes(test, results)]
        if not waiting:
            break
        print(f"not as expected with {workers} at once: {', '.join(waiting)}")
    return results


def passes(test, results):
    try:
        test(results)
        return True
    except (AssertionError, LookupError, TypeError, ValueError):
        return False


def measured():
    """The runs that a busy machine may make come out otherwise, with the test of each."""
    yield from (([name], functools.partial(test_the_doctor_names_what_meddles, name=name)) for name in ROWS)
    yield ["with a key"], test_a_key_makes_its_own_token
    yield ["for people"], test_people_see_a_drawing
    through = ["HTTP/2", "HTTP/2 with three streams", "HTTP/1.1 through TLS", "a certificate that nobody signed"]
    yield through, test_http2_is_spoken_through_tls
    yield ["a limit of the server"], test_a_limit_of_the_server_is_not_taken_for_one_of_a_proxy
    yield ["from outside"], test_any_event_stream_is_judged_from_outside
    yield ["lines from outside", "lines from outside, one behind"], test_ndjson_is_judged_from_outside_as_events_are
    for code in FROM_OUTSIDE:
        yield [f"from outside, {code}"], functools.partial(test_a_stream_of_anybody_s_is_held_against_its_origin, code=code)
    yield ["batches from outside"], test_batches_of_one_size_are_told_without_an_origin


@pytest.mark.parametrize("name", ROWS)
def test_the_doctor_names_what_meddles(ran, name):
    row, result = ROWS[name], ran[name]
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    found = {finding["code"]: finding for finding in report["findings"] if finding["severity"] != "good"}
    assert set(found) == set(row.codes), result.stdout.decode()
    for code, figures in row.codes.items():
        for figure, wanted in figures.items():
            got = found[code]["figures"].get(figure)
            assert wanted(got) if callable(wanted) else got == wanted, (code, figure, found[code])
        assert found[code]["evidence"] and found[code]["layer"]
    assert report["verdict"] == row.verdict
    assert result.returncode == row.status


# The probe of a server


PROBE = "/v1/probe?id=a1&n=3&gaps=10&hints=nc,ok"
KEY = "a-key-of-the-doctor-s-tests"


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"one {KEY} read a/\n")
    return path


def test_a_probe_can_do_no_harm(server):
    answer = server.request("GET", PROBE)
    assert answer.status == 200
    assert answer["Content-Type"] == "text/event-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.body.startswith(b": ok\n\nevent: meta\ndata: {")
    assert answer.body.count(b"\ndata: ") == 5
    assert server.request("GET", PROBE + "&form=html").status == 400
    assert server.request("GET", "/v1/probe?id=a1&n=2001").status == 400
    assert server.request("POST", PROBE).status == 405
    assert server.request("POST", "/v1/probe/upload?id=a", body=b"x" * (300 << 10)).status == 413
    assert json.loads(server.request("POST", "/v1/probe/upload?id=a", body=b"x" * 1000).body)["bytes"] == 1000
    assert server.request("GET", PROBE, {"Host": "elsewhere.example"}).status == 403
    assert server.still_serves()


def test_probes_are_counted(server):
    connections = [Connection(server.address) for _ in range(65)]
    statuses = []
    for index, connection in enumerate(connections):
        connection.send_head("GET", f"/v1/probe?id=b{index}&n=2&gaps=60000&hints=ok")
        statuses.append(connection.read_head().status)
    assert statuses == [200] * 64 + [429]
    for connection in connections:
        connection.close()
    assert eventually(lambda: server.request("GET", PROBE).status == 200)


def test_a_server_with_keys_wants_a_token(serve, keys):
    server = serve(keys=keys)
    refused = run("doctor", server.url)
    assert refused.returncode == 2 and b"Probe token required" in refused.stderr
    token = run("doctor", "--print-token", env={**os.environ, "FRESHET_KEY": KEY}).stdout.decode().strip()
    assert server.request("GET", PROBE, {"Freshet-Probe": token}).status == 200
    assert server.request("GET", PROBE, {"Freshet-Probe": token[:-2]}).status == 403
    assert server.request("GET", PROBE, {"Authorization": f"Bearer {KEY}"}).status == 403


def test_a_key_makes_its_own_token(ran):
    assert ran["with a key"].returncode == 0, ran["with a key"].stderr
    assert json.loads(ran["with a key"].stdout)["verdict"] == "LIVE"


def test_beyond_loopback_the_probe_is_off_until_it_is_turned_on(serve, keys):
    off = serve(host="0.0.0.0", keys=keys)
    assert off.request("GET", PROBE).json["type"] == "urn:freshet:probe-off"
    on = serve(host="0.0.0.0", keys=keys, probe="true")
    assert on.request("GET", PROBE).json["type"] == "urn:freshet:probe-token"


# What there is to examine


def test_what_cannot_be_examined_is_told(ran, serve):
    assert run("doctor").returncode == 64
    assert run("doctor", "ftp://example").returncode == 64
    assert run("doctor", "http://example:99999").returncode == 64
    secret = run("doctor", "http://somebody:secret@example")
    assert secret.returncode == 64 and b"Authorization" in secret.stderr and b"secret" not in secret.stderr
    nobody = run("doctor", f"http://127.0.0.1:{free_port()}")
    assert nobody.returncode == 2 and b"no connection" in nobody.stderr
    off = serve(probe="false")
    refused = run("doctor", off.url)
    assert refused.returncode == 2 and b"Probe disabled" in refused.stderr
    with Speaker(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as speaker:
        strange = run("doctor", speaker.url)
    assert strange.returncode == 2 and b"did not answer as an HTTP server does" in strange.stderr
    with Speaker(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n") as speaker:
        other = run("doctor", speaker.url)
    assert other.returncode == 2 and b"nor a probe" in other.stderr
    with Speaker(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n") as speaker:
        locked = run("doctor", speaker.url)
    assert locked.returncode == 2 and b"Authorization" in locked.stderr
    silent = ran["TLS to one who is silent"]
    assert silent.returncode == 2 and b"TLS handshake" in silent.stderr


@pytest.mark.parametrize(
    "status, fields, body, said",
    [
        ("401 Unauthorized", b"www-authenticate: Basic realm=x\r\n", b"", [b"/events was answered 401", b"(Basic realm=x)", b"--header 'Authorization"]),
        ("403 Forbidden", b"", b"", [b"/events was answered 403", b"refuses these credentials"]),
        ("405 Method Not Allowed", b"allow: POST\r\n", b"", [b"it takes POST, not GET", b"--method POST --data FILE"]),
        ("301 Moved", b"location: https://elsewhere.example/events\r\n", b"", [b"redirects to https://elsewhere.example/events. Give that URL"]),
        ("302 Found", b"", b"", [b"a redirect without a Location"]),
        ("502 Bad Gateway", b"content-type: text/html\r\n", b"<h1>Bad", [b"answered 502: the proxy does not reach its server"]),
        ("504 Timeout", b"", b"", [b"said nothing in time"]),
        ("200 OK", b"content-type: text/html\r\n", b"<html>", [b"a web page (text/html), not with a stream", b"under Network"]),
        ("200 OK", b"content-type: text/plain\r\n", b"data: x\n\n", [b"events as text/plain", b"Content-Type: text/event-stream"]),
        ("200 OK", b"content-type: text/plain\r\n", b"Hello", [b"with text/plain, not with a stream", b"It says: Hello"]),
        ("200 OK", b"", b"{}", [b"with no Content-Type, not with a stream"]),
    ],
)
def test_what_the_url_itself_answered_is_told(status, fields, body, said):
    text = b"HTTP/1.1 %s\r\ncontent-length: %d\r\n%s\r\n%s" % (status.encode(), len(body), fields, body)
    with Speaker(text) as speaker:
        done = run("doctor", speaker.url + "/events")
    assert done.returncode == 2
    assert b"/v1/probe/" not in done.stderr
    for words in said:
        assert words in done.stderr, done.stderr


def test_a_post_endpoint_is_examined_with_one_request(tmp_path):
    asked = []

    def say(connection, head):
        head, body = head.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += connection.recv(65536)
        asked.append((head, body))
        if b"Bearer k" not in head:
            return connection.sendall(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for index in itertools.islice(Ticker.moments(time.monotonic()), 12):
            connection.sendall(b"data: %d\n\n" % index)

    request = tmp_path / "request.json"
    request.write_text('{"stream":true}')
    with Speaker(say=say) as speaker:
        ask = ["doctor", "--json", speaker.url + "/v1/chat", "--method", "POST", "--data", request, "--watch", "6"]
        # A busy machine may be late with an event: the doctor is right then, and is asked again.
        for _ in range(4):
            asked.clear()
            report, found = report_of(run(*ask, "--header", "Authorization: Bearer k"))
            if (report["verdict"], set(found)) == ("LIVE", {"LIVE"}):
                break
        refused = run(*ask)
    assert (report["verdict"], set(found)) == ("LIVE", {"LIVE"})
    assert refused.returncode == 2 and b"POST " in refused.stderr and b"was answered 401" in refused.stderr
    assert [body for _, body in asked] == [b'{"stream":true}'] * 2
    assert all(head.startswith(b"POST /v1/chat HTTP/1.1\r\n") and b"content-type: application/json" in head for head, _ in asked)


def test_a_method_and_its_body_go_together(tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    for arguments in (["--data", __file__], ["--method", "post"], ["--method", "POST", "--data", tmp_path / "none"], ["--method", "POST", "--origin", url]):
        assert run("doctor", url, *arguments).returncode == 64
    nobody = run("doctor", url, "--method", "POST")
    assert nobody.returncode == 2 and b"no connection" in nobody.stderr


def test_people_see_a_drawing(ran):
    shown = ran["for people"].stdout.decode()
    assert "LIVE: Events arrive as they are sent." in shown
    rows = {row.split()[0]: row.split()[1] for row in shown.splitlines() if row.startswith("  sent") or row.startswith("  arrived")}
    assert rows["sent"].count("|") >= 8 and rows["arrived"].count("|") >= 8


def test_http2_is_spoken_through_tls(ran):
    report = json.loads(ran["HTTP/2"].stdout)
    assert (report["http"], report["verdict"]) == ("2", "LIVE"), ran["HTTP/2"].stderr
    assert {finding["code"] for finding in report["findings"]} == {"LIVE"}
    assert any("on one HTTP/2 connection" in note for note in report["notes"])
    report = json.loads(ran["HTTP/2 with three streams"].stdout)
    (found,) = [finding for finding in report["findings"] if finding["code"] == "CONCURRENCY"]
    assert (found["figures"]["streams"], found["figures"]["connections"]) == (3, 1), report
    assert report["verdict"] == "LIVE"
    report = json.loads(ran["HTTP/1.1 through TLS"].stdout)
    assert (report["http"], report["verdict"]) == ("1.1", "LIVE"), report
    refused = ran["a certificate that nobody signed"]
    assert refused.returncode == 2 and b"TLS" in refused.stderr


def test_a_limit_of_the_server_is_not_taken_for_one_of_a_proxy(ran):
    report = json.loads(ran["a limit of the server"].stdout)
    (found,) = [finding for finding in report["findings"] if finding["code"] == "CONCURRENCY"]
    assert found["figures"]["limit"] == "server" and found["layer"] == "the server itself", report
    assert found["figures"]["streams"] == 6 and "connections-per-address" in found["remedy"]


# A stream that is not Freshet's


class Speaker:
    """Says the same to everybody, or what `say` writes."""

    def __init__(self, text=b"", say=None):
        self.say = say or (lambda connection, head: connection.sendall(text))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536) or b"\r\n\r\n"
                self.say(connection, head)
            except OSError:
                pass


class Ticker(Speaker):
    """A stream of anybody's: an event at each uneven moment, the same for all who read, with ids that resume."""

    GAPS = (0.06, 0.14, 0.3, 0.1, 0.45, 0.2)

    def __init__(self, chunk=None, lines=False):
        self.lines = lines
        self.begun = time.monotonic()
        self.chunk = chunk
        super().__init__(say=self._tell)

    @classmethod
    def moments(cls, due):
        """Numbers, each at its moment: the pace of what is examined."""
        for index in itertools.count():
            due += cls.GAPS[index % len(cls.GAPS)]
            time.sleep(max(0, due - time.monotonic()))
            yield index

    def _tell(self, connection, head):
        if b"GET /events " not in head:
            return connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        found = re.search(rb"(?i)last-event-id: (\d+)", head)
        last = int(found[1]) if found else -1
        kind = b"application/x-ndjson; charset=utf-8" if self.lines else b"text/event-stream"
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\ntransfer-encoding: chunked\r\n\r\n")
        pending = b""
        for index in self.moments(self.begun):
            if index > last:
                pending += (b'{"event":%d}\r\n' % index) if self.lines else b"id: %d\ndata: event %d\n\n" % (index, index)
            while pending and len(pending) >= (self.chunk or 1):
                size = self.chunk or len(pending)
                connection.sendall(b"%x\r\n%s\r\n" % (size, pending[:size]))
                pending = pending[size:]


def outside(url, *arguments):
    return run("doctor", "--json", url + "/events", "--watch", "6", *arguments, timeout=180)


def report_of(result):
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    assert report["mode"] == "outside"
    return report, {finding["code"]: finding for finding in report["findings"]}


def test_any_event_stream_is_judged_from_outside(ran):
    report, found = report_of(ran["from outside"])
    assert (report["verdict"], set(found), ran["from outside"].returncode) == ("LIVE", {"LIVE"}, 0)
    assert any("continues after that event" in note for note in report["notes"])
    assert any("no-transform" in note for note in report["notes"])


def test_ndjson_is_judged_from_outside_as_events_are(ran):
    report, found = report_of(ran["lines from outside"])
    assert (report["verdict"], set(found), ran["lines from outside"].returncode) == ("LIVE", {"LIVE"}, 0), report
    assert any("stream of lines" in note for note in report["notes"]) and not any("id" in n.split() for n in report["notes"])
    report, found = report_of(ran["lines from outside, one behind"])
    assert report["verdict"] == "ONE_EVENT_BEHIND", report


FROM_OUTSIDE = {
    "ONE_EVENT_BEHIND": Meddling(hold="behind"),
    "BUFFER": Meddling(hold="size", size=120),
    "FULL_BUFFER": Meddling(hold="all"),
    "COMPRESSION_BUFFER": Meddling(compress="hold"),
    "STRIPPED": Meddling(strips=("last-event-id",)),
}


@pytest.mark.parametrize("code", FROM_OUTSIDE)
def test_a_stream_of_anybody_s_is_held_against_its_origin(ran, code):
    result = ran[f"from outside, {code}"]
    report, found = report_of(result)
    assert code in found, report
    assert report["verdict"] == code and result.returncode == 1


def test_batches_of_one_size_are_told_without_an_origin(ran):
    report, found = report_of(ran["batches from outside"])
    assert found["BUFFER"]["figures"]["bytes"] == 88 and found["BUFFER"]["severity"] == "warning", report
    assert ran["batches from outside"].returncode == 3


# The long runs of the tests above


def with_a_key(directory):
    keys = directory / "keys"
    keys.write_text(f"one {KEY} read a/\n")
    with contextlib.closing(Running(keys=keys)) as server:
        return run("doctor", "--json", server.url, env={**os.environ, "FRESHET_KEY": KEY}, timeout=180)


class Running(Freshet):
    close = Freshet.stop


def limited(directory):
    with contextlib.closing(Running(connections_per_address=6)) as server:
        return run("doctor", "--json", server.url, timeout=180)


def for_people(directory):
    with Origin() as origin:
        return run("doctor", origin.url, timeout=180)


def through_tls(directory, name, *arguments, options=()):
    """Behind nghttpx, which speaks HTTP/2 through TLS, with a certificate that nobody signed."""
    key, certificate = directory / f"{name}-key.pem", directory / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    port = free_port()

    def answers():
        with socket.socket() as probing:
            return probing.connect_ex(("127.0.0.1", port)) == 0

    with Origin() as origin:
        proxy = processes.start(
            [shutil.which("nghttpx"), f"--frontend=127.0.0.1,{port}", f"--backend=127.0.0.1,{origin.port}"]
            + ["--workers=1", "--conf=/dev/null", *options, key, certificate],
            stderr=subprocess.DEVNULL,
        )
        try:
            eventually(answers, 60)
            return run("doctor", "--json", *arguments, f"https://localhost:{port}", timeout=180)
        finally:
            processes.end(proxy)


def from_outside(directory):
    with Ticker() as ticker:
        return outside(ticker.url)


def silent_through_tls(directory):
    with Speaker(say=lambda connection, head: None) as speaker:
        return run("doctor", speaker.url.replace("http:", "https:"), timeout=180)


def lines_from_outside(directory):
    with Ticker(lines=True) as ticker:
        return outside(ticker.url)


def meddled_from_outside(meddling, directory, lines=False):
    with Ticker(lines=lines) as ticker, MeddlingProxy(("127.0.0.1", ticker.port), meddling, everything=True) as proxy:
        return outside(proxy.url, "--origin", ticker.url + "/events")


def batches_from_outside(directory):
    with Ticker(chunk=88) as ticker:
        return outside(ticker.url)


OTHERS = {
    "with a key": with_a_key,
    "a limit of the server": limited,
    "for people": for_people,
    "HTTP/2": lambda directory: through_tls(directory, "h2", "--insecure"),
    "HTTP/2 with three streams": lambda directory: through_tls(
        directory, "h2-3", "--insecure", options=["--frontend-http2-max-concurrent-streams=3"]
    ),
    "HTTP/1.1 through TLS": lambda directory: through_tls(directory, "h1", "--insecure", "--http1"),
    "a certificate that nobody signed": lambda directory: through_tls(directory, "unsigned"),
    "from outside": from_outside,
    "batches from outside": batches_from_outside,
    "TLS to one who is silent": silent_through_tls,
    "lines from outside": lines_from_outside,
    "lines from outside, one behind": functools.partial(meddled_from_outside, Meddling(hold="behind"), lines=True),
    **{
        f"from outside, {code}": functools.partial(meddled_from_outside, meddling)
        for code, meddling in FROM_OUTSIDE.items()
    },
}
