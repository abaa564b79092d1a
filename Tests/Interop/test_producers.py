"""The producers of `clients/` for Python, asyncio and node, on a network and with a server that fail them."""

import ast
import contextlib
import http.server
import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support.cut_proxy import CutProxy
from support.freshet import Freshet
from support.ports import free_port
from support.producers import DRIVERS, ROOT, Failed, NodeDriver, freshet
from support.waiting import eventually
from support.wire import Closed, Connection

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="there is no node")

NAMES = (f"produced/{number}" for number in itertools.count())


@pytest.fixture(scope="module", autouse=True)
def node():
    yield
    NodeDriver.end_process()


@pytest.fixture
def drive():
    """Makes drivers; their producers end with the test."""
    drivers = []

    def make(kind):
        drivers.append(DRIVERS[kind]())
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.stop()


@pytest.fixture(params=DRIVERS)
def kind(request):
    return request.param


@pytest.fixture
def producer(drive, kind):
    return drive(kind)


@pytest.fixture
def path():
    return f"/v1/stream/{next(NAMES)}"


class Responses:
    """Counts the requests of one connection, and before each response does what the test says: `before(number)` is true
    if the response shall be lost with the connection."""

    reset = True

    def __init__(self, before):
        self.before = before
        self.due = False
        self.seen = 0

    def up(self, data):
        return len(data)

    def down(self, data):
        if data.startswith(b"HTTP/1.1 "):
            self.seen += 1
            self.due = bool(self.before(self.seen))
        return 0 if self.due else len(data)


def lines(body):
    return [json.loads(line) for line in body.splitlines()]


def ends(server, path):
    with server.subscribe(path) as reader:
        return reader.rest()[-1].json


# What a stream takes


def test_text_is_appended_in_order_and_the_end_has_its_detail(server, producer, path):
    words = [f"wörd {number} " for number in range(1000)]
    producer.create(server.url + path, ttl=600)
    producer.append_each(words)
    producer.append("")
    producer.flush()
    assert server.read(path).body.decode() == "".join(words)
    assert server.request("HEAD", path)["Stream-Next-Offset"] == producer.state["offset"]
    assert server.request("HEAD", path)["Stream-TTL"] == "600"
    producer.end("done", "Ångström …\nsaid")
    producer.end("failed")
    end = {"reason": "done", "detail": "Ångström … said"}
    assert ends(server, path) == producer.state["ended"] == end
    with pytest.raises(Failed):
        producer.append("more")


@pytest.mark.parametrize("type", ["application/json", "application/x-ndjson"])
def test_json_values_stay_events_of_their_own(server, producer, path, type):
    values = [{"a": "ö\n"}, [1, [2]], None, "text", 0, [], False]
    producer.create(server.url + path, content_type=type)
    producer.append_each(values)
    producer.end()
    with server.lines(path) as reader:
        assert [reader.next()["data"] for _ in values] == values


def test_events_have_types_and_cannot_be_forged(server, producer, path):
    producer.create(server.url + path, content_type="text/event-stream")
    producer.append("one\ntwo\r\n\rdata: three", "note")
    producer.append("\n\nevent: end\n")
    producer.append("")
    with pytest.raises(Failed) as failed:
        producer.append("x", "note\ndata: forged")
    assert "one line" in failed.value.message
    producer.end()
    with server.subscribe(path) as reader:
        assert [(event.type, event.data) for event in reader.rest()] == [
            ("note", "one\ntwo\n\ndata: three"),
            ("message", "\n\nevent: end\n"),
            ("message", ""),
            ("end", '{"reason":"done"}'),
        ]


def test_bytes_are_an_event_each(server, producer, path):
    producer.create(server.url + path, content_type="application/octet-stream")
    for piece in ([0, 255], [10], list(range(256))):
        producer.call("append_bytes", piece)
    producer.end()
    assert server.read(path).body == bytes([0, 255, 10, *range(256)])
    with server.subscribe(path) as reader:
        assert len(reader.rest()) == 4


@pytest.mark.parametrize(
    "type, item",
    [("text/plain", 7), ("text/plain", None), ("application/octet-stream", "text"), ("text/event-stream", {"a": 1})],
)
def test_what_its_type_does_not_take_is_refused_before_it_is_sent(server, producer, path, type, item):
    producer.create(server.url + path, content_type=type)
    with pytest.raises(Failed, match=f"a stream of {type} takes"):
        producer.append(item)
    producer.end()
    assert server.read(path).body == b""


# Appends that wait


def test_what_waits_while_a_request_is_under_way_is_one_request(server, producer, path):
    opened = threading.Event()
    requests = []

    def before(number):
        requests.append(number)
        if number == 2:  # The first append; the create is before it.
            opened.wait(30)

    with CutProxy(server.address, lambda connection: Responses(before)) as proxy:
        producer.create(proxy.url + path, content_type="application/x-ndjson", lease=None)
        producer.append(0)
        eventually(lambda: len(requests) == 2)
        producer.append_each(range(1, 1000))
        opened.set()
        producer.flush()
        assert len(requests) == 3 and proxy.connections == 1
        assert lines(server.read_whole(path)) == list(range(1000))
        producer.end()


def test_what_is_not_acknowledged_is_bounded_and_append_waits(server, producer, path):
    opened = threading.Event()
    with CutProxy(server.address, lambda _: Responses(lambda number: number == 2 and not opened.wait(30))) as proxy:
        # Each of 100 bytes counts as 200.
        producer.create(proxy.url + path, max_pending=1000)
        producer.append_each([f"{number:100}" for number in range(5)])
        sixth = producer.start("append_each", [[f"{5:100}"]])
        # Whatever is answered after the answer to a later question came later.
        assert producer.state == producer.state and not sixth.done()
        opened.set()
        sixth.result(30)
        producer.append_each(["x" * 5000])
        producer.end()
    assert server.read(path).body.decode() == "".join(f"{number:100}" for number in range(6)) + "x" * 5000


def test_an_append_that_asyncio_cancels_while_it_waits_is_not_made(server, drive, path):
    opened, producer = threading.Event(), drive("asyncio")
    with CutProxy(server.address, lambda _: Responses(lambda number: number == 2 and not opened.wait(30))) as proxy:
        producer.create(proxy.url + path, max_pending=1000)
        producer.append_each([f"{number:100}" for number in range(5)])
        waiting = producer.start("append_each", [["never"]])
        assert producer.state and not waiting.done()
        waiting.cancel()
        opened.set()
        producer.append("last")
        producer.end()
    assert server.read(path).body.decode() == "".join(f"{number:100}" for number in range(5)) + "last"


# Networks and servers that fail


def test_an_append_whose_response_is_lost_is_neither_lost_nor_doubled(server, producer, path):
    lost = []

    def plan(connection):
        # The server has carried out what came first on two of three connections, and its response never arrives.
        def before(number):
            if connection % 3 and number == 1:
                lost.append(connection)
            return connection % 3 and number == 1

        return Responses(before)

    with CutProxy(server.address, plan) as proxy:
        producer.create(proxy.url + path, content_type="application/x-ndjson", lease=None)
        for number in range(2):
            proxy.cut_all()
            producer.append(number)
            producer.flush()
        proxy.cut_all()
        producer.end()
    assert len(lost) == 8, "the create, each append and the end, twice"
    assert lines(server.read(path).body) == [0, 1]
    assert ends(server, path) == {"reason": "done"}


def test_kill_9_of_the_server_loses_doubles_and_reorders_nothing(producer, path, tmp_path):
    stored, killed = ([threading.Event() for _ in range(2)] for _ in range(2))

    def plan(connection):
        # On the first connection to each of two servers, an append is stored and not acknowledged when the server dies.
        def before(number):
            if connection <= 2 and number == 10:
                stored[connection - 1].set()
                return killed[connection - 1].wait(30)

        return Responses(before)

    server = Freshet(port=free_port(), data=tmp_path / "data")
    try:
        with CutProxy(server.address, plan) as proxy:
            # So little may wait that there is more to append when the second server dies.
            producer.create(proxy.url + path, content_type="application/x-ndjson", max_pending=2000)
            sending = producer.start("append_each", [[number] for number in range(600)])
            for is_stored, is_killed in zip(stored, killed):
                assert is_stored.wait(30) and not sending.done()
                kept = lines(server.read_whole(path))
                assert kept == list(range(len(kept)))
                server.process.kill()
                server.process.wait()
                is_killed.set()
                server = Freshet(port=server.port, data=tmp_path / "data")
            sending.result(60)
            producer.end()
            assert proxy.connections == 3
        assert lines(server.read_whole(path)) == list(range(600))
        assert ends(server, path) == {"reason": "done"}
    finally:
        server.stop()


def test_an_idle_connection_that_the_server_closed_is_no_trouble(serve, producer, path):
    server = serve(idle_seconds=0.2)
    producer.create(server.url + path, lease=None)
    # What a busy machine asks may come when the connection has been idle for too long.
    too_late = (Closed, ConnectionError)
    for word in ("one ", "two"):
        with contextlib.suppress(*too_late), Connection(server.address) as other:
            other.send_head("GET", "/health")
            other.read_answer()
            # Used later than the producer's, and closed for the same reason.
            other.read_to_end()
        producer.append(word)
        producer.flush()
    producer.end()

    def kept():
        with contextlib.suppress(*too_late):
            return server.read(path).body

    assert eventually(kept) == b"one two"


class Scripted(http.server.ThreadingHTTPServer):
    """Answers each request with the next of its answers (status, fields, body), or what that returns, and with the last one
    from then on."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.appended = []
        super().__init__(("127.0.0.1", 0), ScriptedHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/v1/stream/scripted"

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class ScriptedHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.asked.append((time.monotonic(), self.command, dict(self.headers)))
        if self.command == "POST":
            self.server.appended.append((int(self.headers["Producer-Seq"]), sent.decode()))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        status, fields, body = answer() if callable(answer) else answer
        self.send_response(status)
        for name, value in {**fields, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = answer

    def log_message(self, *_):
        pass


CREATED = (201, {"Stream-Next-Offset": "0Q83ZndK0000"}, b"")
DRAINING = b'{"type":"urn:freshet:draining","title":"The server is shutting down.","status":503,"detail":"Ask again."}'


def test_retry_after_is_respected_and_the_request_is_the_same(producer):
    with Scripted(CREATED, (503, {"Retry-After": "1"}, DRAINING), (200, CREATED[1], b""), CREATED) as server:
        producer.create(server.url, lease=None)
        producer.append("word")
        producer.flush()
        (_, method, _), (first, _, sent), (second, _, again) = server.asked
        assert method == "PUT" and second - first >= 1
        assert sent == again
        assert (sent["Producer-Seq"], sent["Content-Type"]) == ("0", "text/plain")
        producer.close()


def test_it_gives_up_after_its_patience_and_says_what_the_server_said(producer):
    with Scripted(CREATED, (503, {"Retry-After": "3600"}, DRAINING)) as server:
        producer.create(server.url, lease=None, patience=0.5)
        producer.append("word")
        with pytest.raises(Failed, match=r"gave up after 0.5 s: The server is shutting down. Ask again. \(503\)") as failed:
            producer.flush()
        assert (failed.value.name, failed.value.status, failed.value.code) == ("Unreachable", 503, "draining")
        assert (failed.value.title, failed.value.detail) == ("The server is shutting down.", "Ask again.")
        with pytest.raises(Failed, match="gave up"):
            producer.end()


@pytest.mark.parametrize("status", [200, 302, 404])
def test_something_else_that_answers_is_not_taken_for_a_server(producer, status):
    with Scripted((status, {"Location": "http://127.0.0.1:9/"}, b"<h1>It works!</h1>")) as server:
        with pytest.raises(Failed, match=f"no Freshet stream|It works!.*{status}") as failed:
            producer.create(server.url)
        assert failed.value.name == "Refused"


# What was refused when it was repeated

STORED = (200, CREATED[1], b"")
BUSY = (503, {}, DRAINING)
ENDED = (409, {"Stream-Closed": "true", "Stream-End-Reason": "cancelled", **CREATED[1]}, b'{"type":"urn:freshet:stream-ended"}')
TOO_MANY = (413, {}, b'{"type":"urn:freshet:too-many-events","title":"Too many events","status":413,"detail":"Send fewer."}')
INVALID = (400, {}, b'{"type":"urn:freshet:invalid-json","title":"Invalid JSON","status":400,"detail":"Send JSON."}')


def expects(number):
    """What the server says of an append whose number is too high."""
    return 409, {"Producer-Expected-Seq": str(number)}, b'{"type":"urn:freshet:producer-gap","title":"Gap"}'


@contextlib.contextmanager
def one_batch(producer, type, items, *answers):
    """A server that gives these answers, the first of them to one request with several items, which are appended while
    another request is under way."""
    opened = threading.Event()
    with Scripted(CREATED, lambda: opened.wait(30) and STORED, *answers) as server:
        producer.create(server.url, content_type=type, lease=None)
        producer.append("first")
        eventually(lambda: server.appended)
        producer.append_each(items)
        opened.set()
        yield server
        producer.close()


FORMS = {
    "application/json": ("[{}]".format, ",".join, "0"),
    "application/x-ndjson": ("{}\n".format, "\n".join, "0\n"),
    "text/event-stream": ("data: {}\n\n".format, "\n\ndata: ".join, "data: 0\n\n"),
}


@pytest.mark.parametrize("refusal", [TOO_MANY, INVALID], ids=["too-many-events", "invalid-json"])
@pytest.mark.parametrize("type", FORMS)
def test_a_repeated_append_that_is_refused_and_was_not_stored_is_split(producer, type, refusal):
    whole, join, question = FORMS[type]
    items = ["1", "2", "3"] if type == "text/event-stream" else [1, 2, 3]
    with one_batch(producer, type, items, BUSY, refusal, BUSY, expects(1), STORED) as server:
        producer.flush()
        (_, _), *rest = server.appended
        both = (1, whole(join("123")))
        assert rest[:4] == [both, both, (3, question), (3, question)]
        # A bound of the server stays.
        parts = [["1"], ["2"], ["3"]] if refusal is TOO_MANY else [["1"], ["2", "3"]]
        assert rest[4:] == [(number, whole(join(part))) for number, part in enumerate(parts, 1)]


@pytest.mark.parametrize("items", [[1, 2, 3], [1]])
def test_a_repeated_append_that_is_refused_and_was_stored_is_not_sent_again(producer, items):
    with one_batch(producer, "application/json", items, BUSY, TOO_MANY, expects(2), STORED) as server:
        producer.flush()
        producer.append(4)
        producer.flush()
        assert server.appended[3:] == [(3, "0"), (2, "[4]")]


@pytest.mark.parametrize(
    "says, name, code",
    [(expects(1), "Refused", "too-many-events"), (ENDED, "Cancelled", "stream-ended"), (STORED, "Refused", None)],
    ids=["not stored", "ended meanwhile", "no such server"],
)
def test_a_repeated_append_that_is_refused_and_cannot_be_split_is_told(producer, says, name, code):
    with one_batch(producer, "application/json", [1], BUSY, TOO_MANY, says, STORED) as server:
        with pytest.raises(Failed) as failed:
            producer.flush()
        assert (failed.value.name, failed.value.code) == (name, code)
        assert server.appended[3:] == [(3, "0")]


def test_what_is_stored_by_a_server_that_comes_back_with_another_limit_is_neither_lost_nor_doubled(producer, path, tmp_path):
    opened, stored, killed = (threading.Event() for _ in range(3))

    def before(number):
        if number == 2:
            opened.wait(30)
        if number == 3:
            stored.set()
            return killed.wait(30)

    server = Freshet(port=free_port(), data=tmp_path / "data")
    try:
        with CutProxy(server.address, lambda connection: Responses(before if connection == 1 else lambda _: False)) as proxy:
            producer.create(proxy.url + path, content_type="application/x-ndjson")
            producer.append(0)
            eventually(lambda: lines(server.read(path).body) == [0])
            producer.append_each(range(1, 100))
            opened.set()
            assert stored.wait(30)
            server.process.kill()
            server.process.wait()
            server = Freshet(port=server.port, data=tmp_path / "data", body_events=7)
            killed.set()
            producer.append_each(range(100, 200))
            producer.end()
        assert lines(server.read_whole(path)) == list(range(200))
        assert ends(server, path) == {"reason": "done"}
    finally:
        server.stop()


# Being told to stop


def test_a_stop_is_told_by_the_next_append_and_by_a_question(server, producer, path):
    producer.create(server.url + path)
    producer.append("word")
    producer.heartbeat()
    assert not producer.state["cancelled"]
    assert server.cancel(path).status == 204
    producer.append("late")
    with pytest.raises(Failed, match="the stream takes no more: cancelled") as failed:
        producer.flush()
    assert failed.value.name == "Cancelled"
    assert (failed.value.status, failed.value.code, failed.value.end["reason"]) == (409, "stream-ended", "cancelled")
    assert producer.state["cancelled"] and producer.state.get("stopped", True)
    for call in (lambda: producer.append("later"), producer.heartbeat, producer.end):
        with pytest.raises(Failed, match="cancelled"):
            call()
    assert server.read(path).body == b"word"


@pytest.mark.parametrize("lease", [60, None])
def test_a_question_tells_of_a_stop(server, producer, path, lease):
    producer.create(server.url + path, lease=lease)
    server.cancel(path)
    with pytest.raises(Failed) as failed:
        producer.heartbeat()
    assert failed.value.name == "Cancelled"


def test_a_silent_producer_learns_of_a_stop_by_itself(server, drive, kind):
    def stopped():
        path = f"/v1/stream/{next(NAMES)}"
        producer = drive(kind).create(server.url + path, lease=1)
        return server.cancel(path)["Stream-End-Reason"] == "cancelled" and producer

    # On a busy machine the lease may run out before the stop.
    producer = eventually(stopped)
    state = eventually(lambda: (state := producer.state)["cancelled"] and state)
    assert state["ended"] == {"reason": "cancelled"} and state.get("stopped", True)


def test_another_end_is_told_too(server, producer, path):
    producer.create(server.url + path)
    server.end(path, "failed", "too läte")
    producer.append("word")
    with pytest.raises(Failed, match=r"failed \(too läte\)") as failed:
        producer.flush()
    assert (failed.value.name, failed.value.end) == ("StreamEnded", {"reason": "failed", "detail": "too läte"})


# Leases


def test_a_heartbeat_keeps_a_silent_stream_open_and_without_it_it_is_abandoned(server, drive):
    def kept_open():
        drivers = {f"/v1/stream/{next(NAMES)}": drive(kind) for kind in DRIVERS}
        for path, driver in drivers.items():
            driver.create(server.url + path, lease=2)
        # Two leases of the same length, begun later, run out one after the other.
        for _ in range(2):
            assert ends(server, server.create(headers={"Stream-Lease": "2"}))["reason"] == "abandoned"
        try:
            for driver in drivers.values():
                driver.append("still there")
                driver.flush()
        except Failed as failed:
            print(failed)
            return None
        return drivers

    # A busy machine may stop one of them for longer than the lease, but not each time.
    drivers = eventually(kept_open, 60, "producers whose heartbeats keep their streams open")
    for driver in drivers.values():
        driver.close()
    for path in drivers:
        with server.subscribe(path) as reader:
            word, end = reader.rest()
        assert (word.data, end.json["reason"]) == ("still there", "abandoned")


# Two producers of one stream


def test_a_newer_producer_of_the_same_name_takes_over(server, drive, kind, path):
    old = drive(kind).create(server.url + path, producer_id="wörker")
    old.append("old ")
    old.flush()
    new = drive(kind).create(server.url + path, producer_id="wörker")
    new.append("new")
    new.flush()
    old.append("too late")
    with pytest.raises(Failed, match="Producer fenced") as failed:
        old.flush()
    assert (failed.value.name, failed.value.status, failed.value.code) == ("Fenced", 403, "producer-fenced")
    with pytest.raises(Failed) as failed:
        old.end()
    assert failed.value.name == "Fenced"
    new.end()
    assert server.read(path).body == b"old new"


def test_two_of_the_same_name_and_epoch_do_not_swallow_each_other_s_appends(server, drive, kind, path):
    one, two = (drive(kind).create(server.url + path, producer_id="worker", epoch=7) for _ in range(2))
    one.append("one")
    one.flush()
    two.append("two")
    with pytest.raises(Failed, match="same|another producer with this") as failed:
        two.flush()
    assert failed.value.name == "Fenced"
    one.end()
    assert server.read(path).body == b"one"


def test_producers_without_a_name_share_a_stream(server, drive, kind, path):
    one = drive(kind).create(server.url + path)
    two = drive(kind).create(server.url + path, existing=True)
    for driver in (one, two, one):
        driver.append("word ")
        driver.flush()
    two.end()
    assert server.read(path).body == b"word word word "
    with pytest.raises(Failed, match="the stream takes no more: done"):
        one.end()


# Bad input


def test_a_bad_target_is_refused_at_once(producer):
    for target in ("", "a//b", "a/../b", "a\nb", "x" * 513, "ftp://host/a", "http://user:pass@host/a", "http://host:99999/a"):
        with pytest.raises(Failed, match="cannot name a stream|a stream's URL") as failed:
            producer.create(target)
        assert failed.value.name in ("ValueError", "TypeError") and "pass@" not in failed.value.message


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1:4437/v1/stream/a", "localhost:4437/a", "LOCALHOST", "10.0.0.5/a", "[::1]:4437/a", "app.example:443/a"]
    + ["freshet:4437/v1/stream/a", "v1/stream/a", "http:host/a"],
)
def test_an_address_without_its_scheme_is_no_name(producer, target):
    with pytest.raises(Failed, match="looks like an address"):
        producer.create(target)


def test_what_only_resembles_an_address_is_a_name(server, drive, kind, monkeypatch):
    monkeypatch.setenv("FRESHET_URL", server.url)
    # The one that runs has the environment of before.
    NodeDriver.end_process()
    for name in ("user:42", "user:42/chat", "a.b:c/x", "v1.2.3.4", "build.log/1", "localhosts/x", "[draft]/x", "v1/x"):
        drive(kind).create(name, lease=None)
        assert server.request("HEAD", "/v1/stream/" + name).status == 200


def test_a_bad_option_is_refused_at_once(producer):
    for options in ({"lease": 0}, {"ttl": 1.5}, {"content_type": "text"}, {"producer_id": "a\nb"}, {"key": "se cret"}):
        with pytest.raises(Failed) as failed:
            producer.create("http://127.0.0.1:9/v1/stream/a", **options)
        assert failed.value.name in ("ValueError", "TypeError") and "cret" not in failed.value.message


def test_the_server_s_own_refusals_have_code_title_and_detail(server, producer):
    with pytest.raises(Failed) as failed:
        producer.create(f"{server.url}/v1/stream/a%00b")
    assert (failed.value.name, failed.value.status, failed.value.code) == ("Refused", 400, "bad-name")
    assert failed.value.title and failed.value.detail
    with pytest.raises(Failed) as failed:
        producer.create(server.url + server.create("application/json"))
    assert (failed.value.name, failed.value.code) == ("Refused", "stream-differs")


def test_keys_are_sent_and_a_wrong_one_is_refused(serve, drive, kind, path, tmp_path):
    right, wrong = "k" * 40, "w" * 40
    (tmp_path / "keys").write_text(f"backend {right} all *\n")
    (tmp_path / "keys").chmod(0o600)
    server = serve(keys=tmp_path / "keys")
    with pytest.raises(Failed) as failed:
        drive(kind).create(server.url + path, key=wrong)
    assert (failed.value.name, failed.value.status, failed.value.code) == ("Refused", 401, "wrong-key")
    assert wrong not in failed.value.message
    producer = drive(kind).create(server.url + path, key=right + "\n")
    producer.append("word")
    producer.end()
    assert server.read(path, {"Authorization": f"Bearer {right}"}).body == b"word"


def test_a_server_that_is_not_there_is_named(producer, path):
    url = f"http://127.0.0.1:{free_port()}{path}"
    with pytest.raises(Failed, match=re.escape(url) + ": gave up after 0.3 s: .*(R|r|REF)") as failed:
        producer.create(url, patience=0.3)
    assert failed.value.name == "Unreachable"


def test_what_the_server_refuses_ends_the_stream_as_failed_after_what_came_before(serve, producer, path):
    server = serve(event_bytes=1000)
    producer.create(server.url + path)
    producer.append_each(["word "] * 1000)
    producer.append("x" * 2000)
    with pytest.raises(Failed) as failed:
        producer.append_each(["late "] * 1000)
        producer.flush()
    assert (failed.value.name, failed.value.status, failed.value.code) == ("Refused", 413, "event-too-large")
    with pytest.raises(Failed):
        producer.end()
    assert server.read_whole(path) == b"word " * 1000
    end = ends(server, path)
    assert end["reason"] == "failed" and failed.value.detail in end["detail"]


@pytest.mark.parametrize("type", ["application/json", "application/x-ndjson", "text/event-stream"])
def test_a_server_that_takes_few_events_in_a_body_gets_smaller_ones(serve, producer, path, type):
    server = serve(body_events=7)
    producer.create(server.url + path, content_type=type)
    values = [f"{number}" if type == "text/event-stream" else number for number in range(500)]
    producer.append_each(values)
    producer.end()
    with server.subscribe(path) as reader:
        *events, end = reader.rest()
    assert [int(event.data) for event in events] == list(range(500))
    assert end.json == {"reason": "done"}


def test_an_event_type_of_the_server_s_is_refused_and_a_failed_end_is_still_the_producer_s(server, producer, path):
    producer.create(server.url + path, content_type="text/event-stream")
    producer.call("append_each", [["one"], ["two", "note"], ["bad", "end"]])
    with pytest.raises(Failed) as failed:
        producer.flush()
    assert failed.value.code == "reserved-event-type"
    producer.end("failed", "in its own words")
    with server.subscribe(path) as reader:
        *events, end = reader.rest()
    assert [event.data for event in events] == ["one", "two"]
    assert end.json == {"reason": "failed", "detail": "in its own words"}


# Leaving


def test_leaving_the_block_ends_the_stream_and_an_error_ends_it_as_failed(server, drive, kind):
    done, failed = (f"/v1/stream/{next(NAMES)}" for _ in range(2))
    drive(kind).call("leave", server.url + done, ["a", "b"], None, {})
    with pytest.raises(Failed, match="secret"):
        drive(kind).call("leave", server.url + failed, ["a", "b"], "a secret", {})
    for path, end in ((done, {"reason": "done"}), (failed, {"reason": "failed"})):
        assert server.read(path).body == b"ab"
        assert ends(server, path) == end, "what went wrong in a program is not for its readers"


def test_node_stops_at_once_when_its_signal_is_aborted(drive):
    with pytest.raises(Failed, match="not wanted any more"):
        drive("node").call("abort", f"http://127.0.0.1:{free_port()}/v1/stream/a", {})


# https


@pytest.fixture
def tls(server, tmp_path):
    """A proxy that ends TLS in front of the server; yields its URL and its certificate's file."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        sink.close()

    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                client = context.wrap_socket(client, server_side=True)
            except OSError:
                # Who does not trust the certificate says so, or resets the connection.
                continue
            upstream = socket.create_connection(server.address)
            for pair in ((client, upstream), (upstream, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, daemon=True).start()
    yield f"https://localhost:{listener.getsockname()[1]}", certificate
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_https_with_a_certificate_of_one_s_own(server, tls, drive, kind, path):
    url, certificate = tls
    with pytest.raises(Failed, match="certificate") as failed:
        drive(kind).create(url + path)
    assert failed.value.name == "Unreachable", "no repetition mends a certificate"
    trusted = {"tls": {"ca": certificate.read_text()}}
    if kind != "node":
        trusted = {"ssl_context": ssl.create_default_context(cafile=certificate)}
    producer = drive(kind).create(url + path, **trusted)
    producer.append("word")
    producer.end()
    assert server.read(path).body == b"word"


# The documentation


def test_the_readme_s_examples(server, tmp_path):
    readme = (ROOT / "clients" / "README.md").read_text()
    examples = re.findall(r"```(python|js)\n(.*?)```", readme, re.DOTALL)
    assert [language for language, _ in examples] == ["python", "python", "js"]
    shutil.copy(ROOT / "clients" / "python" / "freshet.py", tmp_path)
    shutil.copy(ROOT / "clients" / "node" / "freshet.mjs", tmp_path)
    model = {
        "python": "def model():\n    yield from ['Hello ', 'world']\n",
        "asyncio": "async def model():\n    for word in ['Hello ', 'world']:\n        yield word\n",
        "js": "async function* model() { yield* ['Hello ', 'world']; }\n",
    }
    for number, (language, code) in enumerate(examples):
        name = f"answer-{number}"
        assert len(code.splitlines()) <= 8 and '"answer"' in code.replace("'", '"')
        code = model["asyncio" if "asyncio" in code else language] + re.sub("([\"'])answer\\1", f"'{name}'", code)
        file = tmp_path / f"{name}.{'mjs' if language == 'js' else 'py'}"
        file.write_text(code)
        program = ["node"] if language == "js" else [shutil.which("python3")]
        done = subprocess.run(
            [*program, file], env={**os.environ, "FRESHET_URL": server.url}, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        assert server.read(f"/v1/stream/{name}").body == b"Hello world"
        assert ends(server, f"/v1/stream/{name}") == {"reason": "done"}


def test_the_python_module_is_written_for_the_oldest_python_it_names():
    source = pathlib.Path(freshet.__file__).read_text()
    assert "Python 3.9" in source
    ast.parse(source, feature_version=(3, 9))
