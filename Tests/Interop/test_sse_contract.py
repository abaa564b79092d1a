"""`sse-contract-service`, driven as the harness launchdarkly/sse-contract-tests drives it: each of its features once.

The harness itself is run outside this repository: `docs/development.md` says how.
"""

import http.client
import http.server
import json
import pathlib
import queue
import re
import subprocess
import threading

import pytest

# The debug build that made the unit tests made the service too.
BINARY = pathlib.Path(__file__).resolve().parents[2] / ".build" / "debug" / "sse-contract-service"
PATIENCE = 60
BOM = b"\xef\xbb\xbf"


class Request:
    """One request of the service's event source; the response to it is written from `send` on, until `end`."""

    def __init__(self, handler, body):
        self.method, self.headers, self.body = handler.command, handler.headers, body
        self.chunks = queue.Queue()
        self.is_lost = threading.Event()

    def send(self, data):
        self.chunks.put(data if isinstance(data, bytes) else data.encode())

    def end(self):
        self.chunks.put(None)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind, name, *rest = self.path[1:].split("/")
        stream = self.server.streams[name]
        if kind == "callback":
            stream.told.put((int(rest[0]), json.loads(body)))
            self.plain(202)
        elif kind == "status":
            stream.requests.put(Request(self, body))
            self.plain(int(rest[0]), stream.location)
        else:
            self.stream(stream, Request(self, body))

    do_GET = do_POST = do_REPORT = answer

    def plain(self, status, location=None):
        self.send_response(status)
        if location is not None:
            self.send_header("Location", location)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def stream(self, stream, request):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        stream.requests.put(request)
        try:
            while (data := request.chunks.get()) is not None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                request.chunks.task_done()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
            request.is_lost.set()
            request.chunks.task_done()

    def log_message(self, *_):
        pass


class Stream:
    """A stream that the service was told to open, what it asks for, and what it tells."""

    def __init__(self, service, location=None, path="/stream/{}", **parameters):
        self.service, self.location = service, location
        self.name = str(len(service.server.streams))
        service.server.streams[self.name] = self
        self.requests, self.told, self.count = queue.Queue(), queue.Queue(), 0
        self.open = []
        self.url = service.origin + path.format(self.name)
        status, headers, _ = service.ask(
            "POST",
            "/",
            {
                "tag": "test",
                "streamUrl": self.url,
                "callbackUrl": f"{service.origin}/callback/{self.name}",
                "initialDelayMs": 0,
                **parameters,
            },
        )
        assert status == 201
        self.resource = headers["Location"]

    def request(self):
        request = self.requests.get(timeout=PATIENCE)
        self.open.append(request)
        return request

    def message(self):
        number, message = self.told.get(timeout=PATIENCE)
        self.count += 1
        assert number == self.count
        return message

    def event(self):
        message = self.message()
        assert message["kind"] == "event", message
        return message["event"]

    def data(self):
        return self.event()["data"]


class Service:
    def __init__(self, transport="async-http-client"):
        command = [BINARY, "0", transport]
        self.process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if found := re.search(r"listening on 127\.0\.0\.1:(\d+)", line):
                self.port = int(found.group(1))
                break
        else:
            raise AssertionError(f"it did not start: {self.process.wait(10)}")
        # Read on, so that it never waits for room.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.streams = {}
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, method, path, value=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        body = value if value is None or isinstance(value, str) else json.dumps(value)
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        result = response.status, response.headers, response.read().decode()
        connection.close()
        return result

    def stop(self):
        for stream in self.server.streams.values():
            for request in stream.open:
                request.end()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.server.shutdown()
        self.server.server_close()


# URLSession is compiled where warnings are errors, as scripts/test has it.
@pytest.fixture(scope="module", params=["async-http-client", "url-session"])
def service(request):
    service = Service(request.param)
    yield service
    service.stop()


def test_it_has_every_feature_that_the_harness_knows(service):
    status, _, body = service.ask("GET", "/")
    assert status == 200
    assert sorted(json.loads(body)["capabilities"]) == [
        "bom",
        "comments",
        "headers",
        "last-event-id",
        "post",
        "read-timeout",
        "report",
        "restart",
        "server-directed-shutdown-request",
    ]


def test_it_asks_as_the_standard_says_and_delivers(service):
    stream = Stream(service)
    request = stream.request()
    assert request.method == "GET"
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Cache-Control"] == "no-cache"
    assert "Last-Event-ID" not in request.headers
    request.send("data: Hello\n\nevent: greeting\nid: abc\ndata: a\ndata:b\n\n")
    assert stream.event() == {"type": "message", "data": "Hello", "id": ""}
    assert stream.event() == {"type": "greeting", "data": "a\nb", "id": "abc"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_lines_end_in_each_way_in_pieces_of_any_size(service, end, size):
    stream = Stream(service)
    request = stream.request()
    text = f"data: €豆腐{end}{end}{end}data:{end}data: line 2{end}{end}".encode()
    for start in range(0, len(text), size):
        request.send(text[start : start + size])
    assert stream.data() == "€豆腐"
    assert stream.data() == "\nline 2"


def test_bom_is_stripped_at_the_start_only(service):
    stream = Stream(service)
    request = stream.request()
    for piece in (b"\xef", b"\xbb", b"\xbf", b"data: " + BOM + b"a\n\ndata: b\n\n"):
        request.send(piece)
    assert stream.data() == "\ufeffa"
    assert stream.data() == "b"


def test_comments_are_told_before_the_event_around_them(service):
    stream = Stream(service)
    stream.request().send(":Hello\ndata: x\n\n")
    assert stream.message() == {"kind": "comment", "comment": "Hello"}
    assert stream.data() == "x"


def test_headers_and_the_first_last_event_id(service):
    request = Stream(service, headers={"header-name-1": "value-1"}, lastEventId="abc").request()
    assert request.headers["header-name-1"] == "value-1"
    assert request.headers["Last-Event-ID"] == "abc"


@pytest.mark.parametrize("method", ["POST", "REPORT"])
def test_a_body_is_sent_again_after_a_cut(service, method):
    body = json.dumps({"hello": "world"})
    stream = Stream(service, method=method, body=body, headers={"content-type": "application/json; charset=utf-8"})
    for _ in range(2):
        request = stream.request()
        assert (request.method, request.body.decode()) == (method, body)
        assert request.headers["Content-Type"] == "application/json; charset=utf-8"
        request.end()


def test_an_unfinished_message_is_discarded_and_the_last_id_asked_for(service):
    stream = Stream(service)
    request = stream.request()
    request.send("id: abc\ndata: Hello\n\nid: def\ndata: Goodbye")
    assert stream.event() == {"type": "message", "data": "Hello", "id": "abc"}
    request.end()
    request = stream.request()
    assert request.headers["Last-Event-ID"] == "abc"
    request.send("id:\ndata: again\n\n")
    assert stream.event() == {"type": "message", "data": "again", "id": ""}
    request.end()
    assert "Last-Event-ID" not in stream.request().headers


def test_restart_reads_on_over_a_new_connection(service):
    stream = Stream(service)
    stream.request().send("id: 7\ndata: Hello\n\n")
    assert stream.data() == "Hello"
    assert service.ask("POST", stream.resource, {"command": "restart"})[0] == 202
    request = stream.request()
    assert request.headers["Last-Event-ID"] == "7"
    request.send("data: Thanks\n\n")
    assert stream.data() == "Thanks"


def test_silence_longer_than_the_read_timeout_is_an_error_and_a_new_connection(service):
    stream = Stream(service, readTimeoutMs=200)
    stream.request().send("data: Hello\n\n")
    assert stream.data() == "Hello"
    assert stream.message()["kind"] == "error"
    assert stream.request().method == "GET"


def test_204_is_asked_once(service):
    stream = Stream(service, path="/status/{}/204")
    assert stream.request().method == "GET"
    # It would come back at once: two more streams come and go meanwhile.
    for _ in range(2):
        other = Stream(service)
        other.request().send("data: x\n\n")
        assert other.data() == "x"
    assert stream.requests.empty()
    assert stream.told.empty()


@pytest.mark.parametrize("status", [301, 307])
def test_redirects_are_followed(service, status):
    target = Stream(service)
    target.request()
    stream = Stream(service, path=f"/status/{{}}/{status}", location=target.url)
    target.request().send("data: Hello\n\n")
    assert stream.data() == "Hello"


@pytest.mark.parametrize("location", [None, ""])
def test_a_redirect_to_nowhere_is_an_error(service, location):
    stream = Stream(service, path="/status/{}/307", location=location)
    assert "redirects to" in stream.message()["error"]


def test_messages_of_7_and_14_megabytes_arrive_whole(service):
    stream = Stream(service)
    request = stream.request()
    part = "0123456789abcdef" * (7_000_000 // 16)
    request.send(f"data: {part}\n\ndata: {part}")
    request.send(f"{part}\n\n")
    assert stream.data() == part
    assert stream.data() == part + part


def test_requests_that_it_cannot_follow(service):
    stream = Stream(service)
    assert service.ask("POST", stream.resource, {"command": "dance"})[0] == 400
    assert service.ask("POST", "/", {"streamUrl": 1})[0] == 400
    assert service.ask("POST", "/", "{")[0] == 400
    assert service.ask("DELETE", stream.resource)[0] == 204
    assert service.ask("DELETE", stream.resource)[0] == 404
    assert service.ask("POST", stream.resource, {"command": "restart"})[0] == 404


def test_a_closed_stream_closes_its_connection(service):
    stream = Stream(service)
    request = stream.request()
    assert service.ask("DELETE", stream.resource)[0] == 204
    # Writing fails as soon as nobody reads any more.
    while not request.is_lost.is_set():
        request.send(":" + "x" * 65536 + "\n")
        request.chunks.join()
    assert stream.requests.empty()


def test_it_stops_when_it_is_told_to():
    service = Service()
    try:
        assert service.ask("DELETE", "/")[0] == 204
        assert service.process.wait(PATIENCE) == 0
    finally:
        service.stop()
