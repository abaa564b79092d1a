"""`freshet bench`, each mode for a second against a server: what it counts is what the server counted. Times are nobody's here."""

import json
import resource
import signal
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import processes
from support.freshet import Freshet, command, run
from support.waiting import eventually

SHORT = ("--duration", "1", "--warmup", "0.2")
# For what has to happen within a run, for which a machine may pause.
LONGER = [("--duration", seconds, "--warmup", "0.2") for seconds in ("1", "5", "25")]


def total(server, name):
    """The sum of a metric over its labels."""
    text = server.request("GET", "/metrics").body.decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    )


def listed(server):
    """The names of all streams but the server's own, such as the figures of answers, which it keeps for a while."""
    return [stream["name"] for stream in server.request("GET", "/v1/streams?limit=1000").json["streams"]]


def bench(server, mode, *arguments, status=0, length=SHORT):
    """The result of a run, and what the server's counters of appended and delivered events rose by."""
    names = ("freshet_appended_events_total", "freshet_deliveries_total", "freshet_streams_created_total")
    before = [total(server, name) for name in names]
    streams = listed(server)
    done = run("bench", mode, server.url, *length, "--json", *arguments)
    assert done.returncode == status, done.stderr.decode() + done.stdout.decode()
    result = json.loads(done.stdout)
    assert result["mode"] == mode
    # Whatever it made is gone.
    assert listed(server) == streams
    rises = [total(server, name) - earlier for name, earlier in zip(names, before)]
    return result, *rises


def counted(result, name):
    [figure] = [figure for figure in result["figures"] if figure["name"] == name]
    return figure["all"]


def latency(result, name):
    [found] = [one for one in result["latencies"] if one["name"] == name]
    return found


def test_fan_out_counts_each_event_at_each_reader(server):
    result, appended, delivered, created = bench(server, "fan-out", "--readers", "5", "--rate", "50")
    # 1.2 seconds at 50 a second, the first at once.
    assert counted(result, "events appended") == appended == 60
    assert counted(result, "events read") == 300 <= delivered
    assert created == 1
    assert latency(result, "due to acknowledged")["count"] == 50
    assert latency(result, "due to read")["count"] == 250
    assert result["errors"] == {}
    assert result["server"] == server.url


@pytest.mark.parametrize("form", ["atomic", "live"])
def test_tokens_go_to_the_reader_of_their_stream(server, form):
    result, appended, delivered, created = bench(server, "tokens", "--streams", "4", "--rate", "20", "--form", form)
    assert counted(result, "events appended") == appended == 96
    assert counted(result, "events read") == 96 <= delivered
    assert created == 4
    assert latency(result, "due to read")["count"] == 80


@pytest.mark.parametrize("form", ["atomic", "producer", "live"])
def test_appends_of_each_form_are_counted_by_event(server, form):
    arguments = ("--form", form, "--connections", "4", "--streams", "2", "--rate", "200", "--events", "10")
    result, appended, _, created = bench(server, "append", *arguments)
    assert counted(result, "events appended") == appended == 240
    assert created == 2
    if form == "live":
        assert counted(result, "events read") == 240
    else:
        assert counted(result, "requests") == 24


def test_a_replay_has_every_event(server):
    for length in LONGER:
        try:
            arguments = ("--readers", "2", "--size", "100KiB", "--bytes", "1000")
            result, appended, delivered, created = bench(server, "replay", *arguments, length=length)
            break
        except AssertionError as failure:
            # The run itself says that none began and was through in its time.
            if "no replay was through" not in str(failure) or length == LONGER[-1]:
                raise
    assert appended == 102
    assert created == 1
    replays = counted(result, "replays")
    assert replays >= 2
    assert counted(result, "events read") == 102 * replays <= delivered
    assert latency(result, "asked to end")["count"] >= 1


def test_slow_readers_are_counted_apart(server):
    arguments = ("--readers", "3", "--slow", "2", "--rate", "40", "--bytes", "100", "--slow-rate", "1000")
    result, appended, _, _ = bench(server, "slow", *arguments)
    assert counted(result, "events appended") == appended == 48
    assert counted(result, "events read") == 144
    assert counted(result, "events read by slow readers") <= 96
    assert latency(result, "due to read")["count"] == 120


def test_a_ramp_opens_what_is_due(server):
    before = total(server, "freshet_reads_total")
    result, _, _, created = bench(server, "ramp", "--rate", "50")
    assert counted(result, "responses begun") == 60
    assert total(server, "freshet_reads_total") - before == 60
    assert created == 1
    assert latency(result, "due to response")["count"] == 50


def test_relayed_calls_are_read_to_their_end_and_deleted(tmp_path):
    body = tmp_path / "call"
    question = {"role": "user", "content": "Hi"}
    body.write_text(json.dumps({"model": "builtin", "stream": True, "words_per_second": 1000, "messages": [question]}))
    server = Freshet("relay", memory=True, upstreams="builtin")
    try:
        result, *_ = bench(server, "relay", "--rate", "5", "--body", body)
        assert counted(result, "calls") == counted(result, "answers") == 6
        assert total(server, "freshet_relay_started_total") == 6
        assert counted(result, "tokens") >= 12
        assert latency(result, "due to first token")["count"] == 5
    finally:
        server.stop()


def test_any_event_stream_can_be_read(server):
    path = server.create()
    server.append_each(path, [f"event {number}" for number in range(7)])
    for length in LONGER:
        done = run("bench", "fan-out", "--url", f"{server.url}{path}?as=sse", "--readers", "3", *length, "--json")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        if counted(result, "events read") == 21:
            break
    # All of it comes before anything is measured; the reader of nothing more has no latency.
    assert counted(result, "events read") == 21
    assert result["options"] == {"readers": "3", "duration": length[1], "warmup": "0.2", "http1": "false"} | {
        "threads": result["options"]["threads"]
    }
    assert server.read_whole(path) == b"".join(b"event %d" % number for number in range(7))


def test_a_stream_that_is_there_already_is_not_touched(server):
    path = server.create("application/x-ndjson")
    server.append(path, '{"kept":true}\n', "application/x-ndjson")
    done = run("bench", "fan-out", server.url, "--stream", path.removeprefix("/v1/stream/"), *SHORT)
    assert done.returncode == 1
    assert b"is there already" in done.stderr
    assert server.read_whole(path) == b'{"kept":true}\n'


def test_what_the_server_refuses_is_told_by_its_kind(serve):
    server = serve(body_events=5)
    arguments = ("--connections", "2", "--rate", "100", "--events", "10")
    result, appended, _, _ = bench(server, "append", *arguments, status=1)
    assert appended == 0
    [(kind, count)] = result["errors"].items()
    assert kind.startswith("answered 413")
    assert count == counted(result, "requests") == 12
    table = run("bench", "append", server.url, *SHORT, *arguments)
    assert table.returncode == 1
    assert b"ERRORS: 12 x answered 413" in table.stdout
    assert b"the run had errors" in table.stderr


def test_an_interrupted_run_deletes_its_streams(server):
    streams = listed(server)
    line = command("bench", "tokens", server.url, "--streams", "3", "--duration", "600")
    process = processes.start(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        eventually(lambda: len(listed(server)) == len(streams) + 3 and total(server, "freshet_readers") == 3, what="a reader for each stream")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        processes.end(process)
    assert process.returncode == 130
    assert output == b""
    assert b"interrupted" in errors
    assert listed(server) == streams


def test_an_earlier_result_is_compared_with(server, tmp_path):
    earlier = tmp_path / "before"
    arguments = ("bench", "ramp", server.url, *SHORT)
    earlier.write_bytes(run(*arguments, "--rate", "20", "--json").stdout)
    done = run(*arguments, "--rate", "40", "--compare", earlier)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "due to response, p99, ms" in text
    assert "NOT THE SAME: --rate: 20 then, 40 now" in text
    assert "another machine" not in text
    other = run("bench", "fan-out", server.url, *SHORT, "--compare", earlier)
    assert other.returncode == 64
    assert b"is of the mode 'ramp', not 'fan-out'" in other.stderr


def test_a_limit_on_files_that_is_too_low_is_named_before_anything_is_asked(server):
    created = total(server, "freshet_streams_created_total")
    done = run(
        "bench", "fan-out", server.url, "--readers", "500",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )  # fmt: skip
    assert done.returncode == 64
    assert b"RLIMIT_NOFILE" in done.stderr and b"256" in done.stderr
    assert total(server, "freshet_streams_created_total") == created


def test_without_a_server_it_says_so():
    done = run("bench", "fan-out", "http://127.0.0.1:1", *SHORT)
    assert done.returncode == 7
    assert b"no connection" in done.stderr
