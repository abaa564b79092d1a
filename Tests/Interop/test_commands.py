"""`freshet append`, `tail`, `cancel`, `delete`, `ls` and `info`, also while their connections are cut at random."""

import os
import re
import signal
import subprocess
import sys

import pytest

from support import processes
from support.cut_proxy import CutProxy, random_cuts
from support.freshet import NIGHTLY, command, run
from support.waiting import eventually

# A program that writes lines at its own pace, now and then all at once.
WRITER = """
import sys, time
for number in range(int(sys.argv[1])):
    sys.stdout.write(f"line {number} of an answer, with \\u00e9 and \\U0001f600\\n")
    sys.stdout.flush()
    if number % 7 == 0:
        time.sleep(float(sys.argv[2]))
"""


def written(count):
    return "".join(f"line {n} of an answer, with \u00e9 and \U0001f600\n" for n in range(count)).encode()


@pytest.fixture
def program():
    """Starts `freshet` commands with pipes; they end with the test."""
    started = []

    def start(*arguments):
        process = processes.start(
            command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        processes.end(process, patience=1)


def feed(process, text):
    process.stdin.write(text.encode())
    process.stdin.flush()


# append


def test_append_makes_a_stream_of_its_input(server):
    url = server.url + "/v1/stream/appended"
    done = run("append", url, input="Hello\nworld\n".encode())
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    answer = server.read("/v1/stream/appended")
    assert answer.body == b"Hello\nworld\n"
    assert answer["Stream-Closed"] == "true"
    with server.subscribe("/v1/stream/appended") as reader:
        assert reader.rest()[-1].json == {"reason": "done"}


def test_append_may_end_as_failed(server):
    done = run("append", server.url + "/v1/stream/append-failed", "--end", "failed", input=b"so far\n")
    assert done.returncode == 0, done.stderr
    with server.subscribe("/v1/stream/append-failed") as reader:
        assert reader.rest()[-1].json["reason"] == "failed"


def test_append_sends_at_once_when_it_is_idle(server, program):
    path = "/v1/stream/append-idle"
    with server.subscribe(path) as reader:
        append = program("append", server.url + path)
        for word in ("one\n", "two\n", "three\n"):
            feed(append, word)
            assert reader.next().data.rstrip("\n") == word.rstrip("\n")
        append.stdin.close()
        assert reader.next().json == {"reason": "done"}
        assert append.wait(60) == 0


def test_append_of_nothing_is_an_empty_stream_that_ended(server):
    done = run("append", server.url + "/v1/stream/append-nothing", input=b"")
    assert done.returncode == 0, done.stderr
    answer = server.read("/v1/stream/append-nothing")
    assert (answer.body, answer["Stream-Closed"]) == (b"", "true")


def test_append_stops_when_the_stream_is_cancelled(server, program):
    path = "/v1/stream/append-cancelled"
    with server.subscribe(path) as reader:
        append = program("append", server.url + path)
        feed(append, "word\n")
        reader.next()
        server.cancel(path)
        try:
            feed(append, "more\n")
        except BrokenPipeError:
            pass
        assert append.wait(60) != 0
        assert b"cancel" in append.stderr.read().lower()


def test_append_to_an_ended_stream_says_so(server):
    path = server.create("text/plain")
    server.end(path)
    done = run("append", server.url + path, input=b"late\n")
    assert done.returncode != 0
    assert b"takes no more" in done.stderr
    assert server.read(path).body == b""


@pytest.mark.parametrize(
    "content_type, given, kept, line",
    [
        ("application/x-ndjson", b"1\n2\nxx\n3\n", b"1\n2\n", b"line 3"),
        ("application/json", b"1\n2\nxx\n3\n", b"[1,2]", b"line 3"),
        ("text/event-stream", b"data: a\n\nevent: end\ndata: b\n\ndata: c\n\n", b"data: a\n\n", b"line 3"),
    ],
)
def test_append_of_input_that_no_stream_holds_keeps_what_came_before(server, content_type, given, kept, line):
    path = "/v1/stream/append-bad-" + content_type.split("/")[1]
    done = run("append", server.url + path, "--content-type", content_type, input=given)
    assert done.returncode == 1
    assert line in done.stderr and b"ended as failed" in done.stderr
    answer = server.read(path)
    assert answer["Stream-Closed"] == "true"
    assert answer.body == kept
    with server.subscribe(path) as reader:
        end = reader.rest()[-1].json
        assert end["reason"] == "failed" and line.decode() in end["detail"]


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json", "text/event-stream"])
def test_append_sends_smaller_bodies_to_a_server_that_takes_few_events(serve, content_type):
    server = serve(body_events=7)
    path = "/v1/stream/append-few"
    given = b"".join(b"data: %d\n\n" % n if content_type == "text/event-stream" else b"%d\n" % n for n in range(500))
    done = run("append", server.url + path, "--content-type", content_type, input=given)
    assert done.returncode == 0, done.stderr
    with server.subscribe(path) as reader:
        *events, end = reader.rest()
    assert [int(event.data) for event in events] == list(range(500))
    assert end.json == {"reason": "done"}


def test_append_of_input_that_this_server_refuses_ends_the_stream(server):
    # Within what `append` itself takes, and beyond the server's limit of an event.
    path = "/v1/stream/append-too-large"
    block = b"data: " + b"x" * (1 << 19) + b"\n"
    done = run("append", server.url + path, "--content-type", "text/event-stream", input=block * 3 + b"\n")
    assert done.returncode == 1
    assert b"ended as failed" in done.stderr
    with server.subscribe(path) as reader:
        assert reader.rest()[-1].json["reason"] == "failed"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_append_that_is_hung_up_ends_the_stream_as_failed(server, program, number):
    path = f"/v1/stream/append-signal-{number}"
    with server.subscribe(path) as reader:
        append = program("append", server.url + path)
        feed(append, "word\n")
        assert reader.next().data.rstrip("\n") == "word"
        append.send_signal(number)
        assert reader.next().json == {"reason": "failed", "detail": "interrupted"}
        assert append.wait(60) == 1


def test_append_under_nohup_is_not_hung_up(server):
    path = "/v1/stream/append-nohup"
    append = processes.start(
        ["nohup", *command("append", server.url + path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        feed(append, "before\n")
        eventually(lambda: server.read(path).body == b"before\n")
        append.send_signal(signal.SIGHUP)
        _, errors = append.communicate(b"after\n", timeout=60)
    finally:
        processes.end(append)
    assert append.returncode == 0, errors
    assert server.read(path).body == b"before\nafter\n"


@pytest.mark.apart
# In these two, all being sent at once, in three requests, is enough to be cut: the first connection is after some hundred or
# thousand bytes of what is sent, the second after a few of an answer.
@pytest.mark.parametrize("seed", range(20) if NIGHTLY else [15, 39])
def test_append_survives_cuts_and_doubles_nothing(server, seed):
    path = f"/v1/stream/append-cut-{seed}"
    count, pause = (4000, 0.02) if NIGHTLY else (400, 0.01)
    with CutProxy(server.address, random_cuts(seed, up=(200, 9000), down=(1, 900), spare=3)) as proxy:
        writer = processes.start([sys.executable, "-c", WRITER, count, pause], stdout=subprocess.PIPE)
        append = processes.start(
            command("append", proxy.url + path), stdin=writer.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        writer.stdout.close()
        output, errors = append.communicate(timeout=300)
        assert append.returncode == 0, errors
        assert output == b""
        assert proxy.cuts > 0
        writer.wait()
    assert server.read_whole(path) == written(count)
    assert server.request("HEAD", path)["Stream-Closed"] == "true"


def test_append_waits_for_a_server_that_is_away_for_a_moment(server):
    path = "/v1/stream/append-away"
    with CutProxy(server.address) as proxy:
        append = processes.start(
            command("append", proxy.url + path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            feed(append, "before\n")
            eventually(lambda: server.read(path).body == b"before\n")
            away = proxy.upstream
            proxy.upstream = ("127.0.0.1", 1)
            proxy.cut_all()
            refused = proxy.refused
            feed(append, "while away\n")
            eventually(lambda: proxy.refused > refused, what="an attempt while the server is away")
            proxy.upstream = away
            output, errors = append.communicate(b"after\n", timeout=60)
        finally:
            processes.end(append)
    assert append.returncode == 0, errors
    assert server.read(path).body == b"before\nwhile away\nafter\n"


# tail


def test_tail_prints_the_data_and_nothing_else(server):
    path = server.create()
    server.append_each(path, ["Hello\n", "world\n"])
    server.end(path)
    done = run("tail", server.url + path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"Hello\nworld\n"


def test_tail_follows(server, program):
    path = server.create()
    tail = program("tail", server.url + path)
    for word in ("one\n", "two\n"):
        server.append(path, word)
        assert tail.stdout.readline() == word.encode()
    server.end(path)
    assert tail.stdout.read() == b""
    assert tail.wait(60) == 0


def test_tail_has_a_status_for_each_reason(server):
    statuses = {}
    for reason in ("done", "failed", "cancelled", "abandoned", "deleted"):
        # With the word in it: a lease of a second may be over before another request.
        path = server.create(headers={"Stream-Lease": "1"} if reason == "abandoned" else None, body="word\n")
        if reason in ("done", "failed"):
            server.end(path, reason)
        if reason == "cancelled":
            server.cancel(path)
        tail = processes.start(command("tail", server.url + path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert tail.stdout.readline() == b"word\n"
        if reason == "deleted":
            server.request("DELETE", path)
        statuses[reason] = tail.wait(60)
        processes.end(tail)
    assert statuses["done"] == 0
    assert 0 not in [statuses[r] for r in statuses if r != "done"]
    assert len(set(statuses.values())) == len(statuses), statuses


@pytest.mark.apart
@pytest.mark.parametrize("seed", range(20 if NIGHTLY else 2))
def test_tail_survives_cuts_and_doubles_nothing(server, seed):
    path = server.create()
    count, down = 1500 if NIGHTLY else 200, (300, 6000)
    if server.certificate:
        # TLS has said about 3 KB before the first byte of a response, and a record of up to 16 KiB that is cut is nothing to a reader.
        count, down = max(count, 1000), (3300, 39_000)
    with CutProxy(server.address, random_cuts(seed, down=down)) as proxy:
        tail = processes.start(command("tail", proxy.url + path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expected = b""
        for number in range(count):
            line = f"line {number}\n".encode()
            server.append(path, line)
            expected += line
            if number == 0:
                # It reads before the rest is written: a whole stream in one piece would leave nothing to cut.
                assert tail.stdout.readline() == line
        server.end(path)
        # Each cut costs the time a reader is told to wait before it comes back, 2 s.
        output, errors = tail.communicate(timeout=300)
        assert expected == b"line 0\n" + output
        assert tail.returncode == 0, errors
        assert proxy.cuts > 0


def test_tail_of_what_cannot_be_read_says_so(server):
    done = run("tail", server.url + "/nothing/here")
    assert done.returncode != 0
    assert b"404" in done.stderr
    assert done.stdout == b""


def test_tail_stops_when_nobody_reads_it(server):
    path = server.create()
    server.append_each(path, [f"{n}\n" for n in range(50)])
    tail = processes.start(command("tail", server.url + path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert tail.stdout.readline() == b"0\n"
    tail.stdout.close()
    server.append(path, "more\n")
    tail.wait(60)
    tail.stdout = None
    processes.end(tail)


# append and tail together


def test_what_goes_in_comes_out(server):
    path = "/v1/stream/in-and-out"
    tail = processes.start(command("tail", server.url + path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = run("append", server.url + path, input=written(1000))
    assert done.returncode == 0, done.stderr
    output, errors = tail.communicate(timeout=60)
    assert output == written(1000), errors


# cancel, ls, info


def test_cancel_stops_a_stream(server):
    path = server.create()
    done = run("cancel", server.url + path)
    assert done.returncode == 0, done.stderr
    with server.subscribe(path) as reader:
        assert reader.rest()[-1].json == {"reason": "cancelled"}
    assert run("cancel", server.url + "/v1/stream/unknown").returncode != 0


def test_ls_lists_the_streams(server):
    server.create(name="listed/one")
    done = run("ls", "listed/", env={**os.environ, "FRESHET_URL": server.url})
    assert done.returncode == 0, done.stderr
    assert b"listed/one" in done.stdout


def test_info_tells_what_is_known_of_a_stream(server):
    path = server.create()
    offset = server.append_each(path, ["a"])[0]
    done = run("info", server.url + path)
    assert done.returncode == 0, done.stderr
    assert b"text/plain" in done.stdout and offset.encode() in done.stdout


def test_delete_frees_the_name(server):
    path = server.create()
    server.append(path, "old")
    with server.subscribe(path) as reader:
        assert reader.next().data == "old"
        done = run("delete", server.url + path)
        assert (done.returncode, done.stdout) == (0, b""), done.stderr
        assert reader.rest()[-1].json == {"reason": "deleted"}
    assert server.request("HEAD", path).status == 404
    assert run("append", server.url + path, input=b"new").returncode == 0
    assert server.read(path).body == b"new"


def test_delete_of_what_is_not_there_is_6(server):
    done = run("delete", server.url + "/v1/stream/never-made")
    assert done.returncode == 6 and b"404" in done.stderr
    assert run("delete", server.url + "/health").returncode == 1


# Addresses


@pytest.mark.parametrize("command", ["append", "tail", "cancel", "delete", "info", "ls", "doctor"])
def test_an_address_without_its_scheme_is_no_name(server, command):
    address = f"127.0.0.1:{server.port}/v1/stream/x"
    other = {**os.environ, "FRESHET_URL": server.url}
    for argument in (address, f"localhost:{server.port}/x", "/v1/stream/x", "http:/" + address):
        done = run(command, argument, input=b"lost\n", env=other)
        assert (done.returncode, done.stdout) == (64, b""), argument
        assert f"'{argument}'".encode() in done.stderr and b"http://" in done.stderr
    assert run("ls", env=other).stdout.find(b"127.0.0.1") == -1


@pytest.mark.parametrize(
    "url, told",
    [("http://h/v1/stream/a b", b"/a%20b"), ("http://h/v1/stream/\u00e4", b"/%C3%A4"), ("http://h\u00f6st/x", b"xn--")],
)
@pytest.mark.parametrize("command", ["append", "tail", "cancel", "delete", "info", "doctor"])
def test_a_raw_space_or_umlaut_is_told_and_how_to_write_it(command, url, told):
    done = run(command, url, input=b"")
    assert (done.returncode, done.stdout) == (64, b"")
    assert told in done.stderr and b"port" not in done.stderr.split(b"\n")[0]


@pytest.mark.parametrize("word, meant", [("apend", "append"), ("tial", "tail"), ("nonsense", None), ("proxyconfig", "proxy-config"), ("list", "ls"), ("rm", "delete")])
def test_a_mistyped_command_is_told_the_one_that_was_meant(word, meant):
    done = run(word, "x", input=b"")
    assert (done.returncode, done.stdout) == (64, b"")
    assert f"There is no command '{word}'.".encode() in done.stderr
    assert (f"Did you mean 'freshet {meant}'?".encode() in done.stderr) == (meant is not None)


# Helping


@pytest.mark.parametrize("command", ["", "serve", "demo", "append", "tail", "cancel", "delete", "ls", "info"])
def test_help_is_there(command):
    done = run(*([command] if command else []), "--help")
    assert done.returncode == 0
    assert b"USAGE" in done.stdout or b"Usage" in done.stdout


def test_a_server_that_is_not_there_is_told_in_words():
    done = run("cancel", "http://127.0.0.1:1/v1/stream/x")
    assert done.returncode == 7
    assert done.stderr.decode().strip() == (
        "freshet: no connection to http://127.0.0.1:1/v1/stream/x: Connection refused. Is a server running there?"
    )


def test_a_port_that_is_in_use_is_told_in_words(server):
    done = run("serve", "--memory", "--port", str(server.port))
    assert done.returncode == 1
    assert b": Address already in use. Choose another address with --host or --port." in done.stderr


@pytest.mark.parametrize(
    "arguments", [["tail"], ["append", "x", "--end", "nonsense"], ["serve", "--no-such-flag"], ["nonsense"]]
)
def test_wrong_usage_is_told_on_standard_error(arguments):
    done = run(*arguments, input=b"")
    assert done.returncode not in (0, None)
    assert done.stdout == b"" and done.stderr != b""


def test_the_program_says_its_version():
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(rb"\d+\.\d+\.\d+ \([^()]+\)\n", done.stdout)


def test_a_renamed_setting_keeps_its_old_name_with_one_warning(serve):
    server = serve(live_sse_seconds=0.5, environment={"FRESHET_LIVE_SSE_SECONDS": "9"})
    path = server.create()
    answer = server.request("GET", path + "?live=sse&offset=-1")
    assert answer.status == 200, "the read ends after half a second: the flag is obeyed"
    # A thread writes the log, and may be late.
    eventually(lambda: "live-sse-seconds" in server.logged())
    warnings = [line for line in server.logged().splitlines() if "warning" in line]
    assert len(warnings) == 1 and "live-sse-seconds is called durable-streams-sse-seconds now" in warnings[0]
    assert "--live-sse-seconds" in warnings[0] and "FRESHET_LIVE_SSE_SECONDS" in warnings[0]
    help = run("serve", "--help").stdout.decode()
    assert "--durable-streams-sse-seconds" in help and help.count("live-sse-seconds") == 1
