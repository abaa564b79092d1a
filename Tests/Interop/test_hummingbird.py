"""The Hummingbird application of Examples: the same streams inside somebody else's server."""

import http.client
import json
import pathlib
import re
import signal
import subprocess
from contextlib import closing

import pytest

from support.waiting import eventually

# The debug build that made the unit tests made the examples too.
BINARY = pathlib.Path(__file__).resolve().parents[2] / ".build" / "debug" / "HummingbirdApp"


class Application:
    def __init__(self):
        self.process = subprocess.Popen([BINARY, "0"], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"listening on 127\.0\.0\.1:(\d+)", line):
                self.port = int(found.group(1))
                return
        raise AssertionError(f"it did not start: {self.process.wait(10)}")

    def request(self, method, path, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body, headers=headers or {})
        return connection, connection.getresponse()

    def ask(self, method, path, headers=None, body=None):
        connection, response = self.request(method, path, headers, body)
        with closing(connection):
            return response.status, response.read().decode()

    def readers(self, name):
        return json.loads(self.ask("GET", f"/v1/streams/{name}")[1])["readers"]


@pytest.fixture
def application():
    application = Application()
    yield application
    if application.process.poll() is None:
        application.process.kill()
    application.process.wait()


def until(response, text):
    """Reads lines up to the one that begins with a text."""
    lines = []
    for line in response:
        lines.append(line.decode().rstrip("\n"))
        if lines[-1].startswith(text):
            return lines
    raise AssertionError(f"no line begins with {text!r}: {lines}")


def test_it_serves_a_stream_and_a_reader_resumes_with_its_last_id(application):
    assert application.ask("GET", "/") == (200, "Freshet in Hummingbird")
    assert application.ask("POST", "/count")[0] == 201
    connection, response = application.request("GET", "/v1/stream/count?as=sse")
    with closing(connection):
        assert response.getheader("Content-Type") == "text/event-stream"
        lines = until(response, "data: 3")
    last = [line for line in lines if line.startswith("id: ")][-1].removeprefix("id: ")
    connection, response = application.request("GET", "/v1/stream/count?as=sse", {"Last-Event-ID": last})
    with closing(connection):
        rest = response.read().decode()
    data = re.findall(r"^data: (.*)$", rest, re.MULTILINE)
    assert data == ["4", "5", "6", "7", "8", "9", "10", '{"reason":"done"}']
    assert application.ask("GET", "/v1/stream/count?as=sse", {"Last-Event-ID": re.findall(r"^id: (.*)$", rest, re.M)[-1]})[0] == 204


def test_a_reader_that_leaves_is_seen_before_the_next_heartbeat(application):
    application.ask("PUT", "/v1/stream/quiet")
    connection, response = application.request("GET", "/v1/stream/quiet?as=sse")
    until(response, ": ok")
    assert application.readers("quiet") == 1
    response.close()
    connection.close()
    # Heartbeats come every 10 s: nothing is written to it meanwhile.
    eventually(lambda: application.readers("quiet") == 0, seconds=8)


def test_sigterm_with_streams_open_asks_their_readers_to_come_back_and_ends_with_0(application):
    application.ask("PUT", "/v1/stream/quiet")
    connection, response = application.request("GET", "/v1/stream/quiet?as=sse")
    with closing(connection):
        until(response, ": ok")
        application.ask("POST", "/count")
        counting, counted = application.request("GET", "/v1/stream/count?as=sse")
        with closing(counting):
            until(counted, "data: 1")
            application.process.send_signal(signal.SIGTERM)
            # Nobody writes this one; the other is read to its end.
            assert until(response, 'data: {"why":"draining"}')[-3] == "event: reconnect"
            assert until(counted, 'data: {"reason":"done"}')[-3] == "event: end"
    assert application.process.wait(30) == 0
