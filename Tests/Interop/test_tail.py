"""What `freshet tail` reads: whatever the server takes, to the byte, and nothing that something on the way has coded."""

import contextlib
import gzip
import http.client
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.freshet import run


@contextlib.contextmanager
def compressor(address):
    """A proxy that compresses each response, asked or not; it gives its URL and the codings that it was asked for."""
    asked = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.add(self.headers["Accept-Encoding"])
            upstream = http.client.HTTPConnection(*address)
            upstream.request("GET", self.path, headers={"Accept": self.headers["Accept"] or "*/*"})
            response = upstream.getresponse()
            body = gzip.compress(response.read())
            upstream.close()
            self.send_response(response.status)
            self.send_header("Content-Type", response.headers["Content-Type"])
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}", asked
        proxy.shutdown()
        thread.join()


EVENT_BYTES = 1 << 20
# The type may be as long as a line may be, and the data as an event: in as many lines as that takes, with the line feeds between them.
SSE_DATA = b"\x01" * (EVENT_BYTES // 2) + b"\n" + b"\x01" * (EVENT_BYTES // 2 - 1)
SSE = b"event:" + b"\x01" * (EVENT_BYTES - len(b"event:")) + b"".join(b"\ndata: " + line for line in SSE_DATA.split(b"\n")) + b"\n\n"
JSON = b'"' + b"\\n" * (EVENT_BYTES // 2 - 1) + b'"'


@pytest.mark.parametrize(
    "type, data, printed",
    [
        ("application/octet-stream", bytes(range(256)) * (EVENT_BYTES // 256), None),
        ("text/plain", b"x" * EVENT_BYTES, None),
        ("text/plain", b"a\r\n\rb\n" * (EVENT_BYTES // 6), None),
        ("text/plain", b"\x01" * EVENT_BYTES, None),
        ("text/plain", b"\xff" * EVENT_BYTES, "\ufffd".encode() * EVENT_BYTES),
        ("text/plain", b'"\\' * (EVENT_BYTES // 2), None),
        ("application/json", JSON, JSON + b"\n"),
        ("application/x-ndjson", JSON + b"\n", None),
        ("text/event-stream", SSE, SSE_DATA + b"\n"),
        ("text/event-stream", b"data:\n" * (EVENT_BYTES + 1) + b"\n", b"\n" * (EVENT_BYTES + 1)),
    ],
    ids=[
        "binary", "text", "carriage returns", "control characters", "no UTF-8", "quotes", "json", "ndjson", "event stream",
        "event stream of empty lines",
    ],  # fmt: skip
)
def test_tail_reads_the_largest_event_that_the_server_takes(server, type, data, printed):
    path = server.create(type=type)
    assert server.append(path, data, type).status == 204
    server.end(path)
    done = run("tail", server.url + path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (printed or data)


def test_tail_reads_from_a_server_with_raised_limits(serve):
    server = serve(event_bytes="4MiB")
    path = server.create()
    assert server.append(path, b"\x01" * (4 << 20)).status == 204
    server.end(path)
    refused = run("tail", server.url + path)
    assert refused.returncode == 1
    assert b"--event-bytes" in refused.stderr
    done = run("tail", server.url + path, "--event-bytes", "4MiB")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"\x01" * (4 << 20)
    assert run("tail", server.url + path, "--event-bytes", "much").returncode == 64


@pytest.mark.parametrize("command", ["tail", "info", "ls"])
def test_a_coding_that_was_not_asked_for_is_told(server, command):
    path = server.create(body="x", headers={"Stream-Closed": "true"})
    with compressor(server.address) as (url, asked):
        if command == "ls":
            done = run("ls", env={**os.environ, "FRESHET_URL": url})
        else:
            done = run(command, url + path)
    assert done.returncode == 1
    assert b"'gzip', which was not asked for" in done.stderr
    assert done.stdout == b""
    assert asked == {"identity"}
