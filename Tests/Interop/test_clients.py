"""The programs that people already have: curl and node's fetch, as the README shows them."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

from support import processes
from support.events import parse_blocks

NODE = pathlib.Path(__file__).parent / "node"
RESUMING = ["Last-Event-ID", "offset"]


@pytest.fixture
def program():
    """Starts programs with pipes; they end with the test."""
    started = []

    def start(*arguments):
        process = processes.start(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        processes.end(process, patience=1)


def feed(process, text):
    process.stdin.write(text.encode())
    process.stdin.flush()


def test_curl_reads_events_as_they_come(server, program):
    path = server.create()
    curl = program("curl", "-sN", "-H", "Accept: text/event-stream", server.url + path)
    assert curl.stdout.readline() == b": ok\n"
    assert curl.stdout.readline() == b"\n"
    for word in ("Hello", "world"):
        server.append(path, word)
        block = b""
        while not block.endswith(b"\n\n"):
            block += curl.stdout.readline()
        # A heartbeat may come before.
        assert parse_blocks(block)[-1].data == word
    server.end(path)
    assert b'data: {"reason":"done"}' in curl.stdout.read()
    assert curl.wait(60) == 0


def blocks_until(process, word):
    """The events of a program that prints an event stream, up to the one with this text."""
    printed = b""
    while True:
        line = process.stdout.readline()
        assert line, f"it ended before {word}: {printed!r} {process.stderr.read()!r}"
        printed += line
        if line == b"\n":
            events = [event for event in parse_blocks(printed) if not event.is_comment]
            if events and events[-1].data == word:
                return events


@pytest.mark.parametrize("how", RESUMING)
def test_curl_resumes_where_it_was_and_is_stopped(server, program, how):
    path = server.create()
    url = server.url + path
    follow = ["curl", "-sSN", "-H", "Accept: text/event-stream"]
    curl = program(*follow, url)
    server.append_each(path, ["one", "two"])
    seen = blocks_until(curl, "two")
    assert [event.data for event in seen] == ["one", "two"]
    processes.end(curl)
    server.append(path, "missed")

    last = seen[-1].id
    curl = program(*follow, "-H", f"Last-Event-ID: {last}", url) if how == "Last-Event-ID" else program(*follow, f"{url}?offset={last}")
    assert [event.data for event in blocks_until(curl, "missed")] == ["missed"]
    server.append(path, "live")
    assert [event.data for event in blocks_until(curl, "live")] == ["live"]

    answers = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}"]
    stop = [*answers, "-X", "POST", "-H", "Stream-Cancel: true", url]
    assert subprocess.run(stop, capture_output=True, timeout=60).stdout == b"204"
    end = blocks_until(curl, '{"reason":"cancelled"}')[-1]
    assert end.type == "end"
    assert curl.stdout.read() == b"" and curl.wait(60) == 0
    # Who comes back after that is told that there is no more.
    again = [*answers, "-H", "Accept: text/event-stream", "-H", f"Last-Event-ID: {end.id}", url]
    assert subprocess.run(again, capture_output=True, timeout=60).stdout == b"204"


def test_curl_is_a_live_producer(server, program):
    path = server.create()
    with server.subscribe(path) as reader:
        curl = program("curl", "-sS", "-X", "POST", "-T", "-", "-H", "Content-Type: text/plain", server.url + path)
        for word in ("Hello", ", ", "world"):
            feed(curl, word)
            assert reader.next().data == word
        curl.stdin.close()
        assert curl.wait(60) == 0
    assert server.read(path).body == b"Hello, world"


def test_curl_ends_the_stream_with_its_body(server, program):
    path = server.create()
    with server.subscribe(path) as reader:
        curl = program(
            "curl", "-sS", "-X", "POST", "-T", "-", "-H", "Content-Type: text/plain", "-H", "Stream-Closed: true",
            server.url + path,
        )  # fmt: skip
        feed(curl, "all")
        assert reader.next().data == "all"
        curl.stdin.close()
        assert reader.next().json == {"reason": "done"}
        assert curl.wait(60) == 0


def test_curl_learns_of_a_cancel_although_it_has_more_to_send(server, program):
    path = server.create()
    with server.subscribe(path) as reader:
        curl = program(
            "curl", "-sS", "-X", "POST", "-T", "-", "-w", "%{http_code}", "-o", "/dev/null",
            "-H", "Content-Type: text/plain", server.url + path,
        )  # fmt: skip
        feed(curl, "word")
        reader.next()
        server.cancel(path)
        assert reader.next().json == {"reason": "cancelled"}
        try:
            feed(curl, "more")
            curl.stdin.close()
        except BrokenPipeError:
            pass
        assert curl.stdout.read() == b"409"


def test_curl_sends_a_large_file_after_100_continue(server, tmp_path):
    path = server.create("application/octet-stream")
    data = bytes(range(256)) * 4000
    file = tmp_path / "large"
    file.write_bytes(data)
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "-v",
            "--data-binary",
            f"@{file}",
            "-H",
            "Content-Type: application/octet-stream",
            server.url + path,
        ],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert re.search(rb"^< HTTP/\S+ 204", done.stderr, re.MULTILINE)
    assert server.read(path).body == data


def test_curl_with_http_1_0(server):
    path = server.create()
    server.append(path, "word")
    server.end(path)
    done = subprocess.run(
        ["curl", "-sS", "--http1.0", "-H", "Accept: text/event-stream", server.url + path],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert [b.data for b in parse_blocks(done.stdout) if b.data] == ["word", '{"reason":"done"}']


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
def test_node_reads_with_fetch(server, program):
    path = server.create("application/json")
    node = program("node", NODE / "read.mjs", server.url + path)
    for number in range(5):
        server.append(path, json.dumps({"n": number}), "application/json")
        assert printed(node) == ("message", {"n": number})
    server.end(path)
    assert printed(node) == ("end", {"reason": "done"})
    assert node.wait(60) == 0


def printed(node):
    """What read.mjs prints of the next event, but for its id."""
    event = json.loads(node.stdout.readline())
    return event["event"], event["data"]


# The connection that is kept would keep node for seconds.
STOP = """
fetch(process.argv[1], { method: 'POST', headers: { 'Stream-Cancel': 'true' } }).then(({ status }) => {
  console.log(status);
  process.exit();
});
"""


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
@pytest.mark.parametrize("how", RESUMING)
def test_node_resumes_where_it_was_and_is_stopped(server, program, how):
    path = server.create()
    url = server.url + path
    node = program("node", NODE / "read.mjs", url)
    server.append(path, "one")
    last = json.loads(node.stdout.readline())
    assert last["data"] == "one"
    processes.end(node)
    server.append(path, "missed")

    node = program("node", NODE / "read.mjs", *([url, last["id"]] if how == "Last-Event-ID" else [f"{url}?offset={last['id']}"]))
    assert printed(node) == ("message", "missed")
    server.append(path, "live")
    assert printed(node) == ("message", "live")

    stop = subprocess.run(["node", "-e", STOP, url], capture_output=True, timeout=60)
    assert stop.stdout == b"204\n", stop
    end = json.loads(node.stdout.readline())
    assert (end["event"], end["data"]) == ("end", {"reason": "cancelled"})
    assert node.stdout.read() == b"" and node.wait(60) == 0
    # Who comes back after that is told that there is no more.
    again = subprocess.run(["node", NODE / "read.mjs", url, end["id"]], capture_output=True, timeout=60)
    assert (again.returncode, again.stdout) == (0, b""), again


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
def test_node_writes_with_fetch(server, program):
    path = "/v1/stream/from-node"
    with server.subscribe(path) as reader:
        node = program("node", NODE / "write.mjs", server.url + path)
        for word in ("Hello", "from", "node"):
            feed(node, word + "\n")
            assert reader.next().data == word
        node.stdin.close()
        assert reader.next().json == {"reason": "done"}
        said = json.loads(node.stdout.readline())
        assert said["status"] in (200, 204) and said["offset"]
        assert node.wait(60) == 0
    assert server.read(path).body == b"Hellofromnode"
