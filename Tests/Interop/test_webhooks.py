"""Webhooks: whoever is to be told of an end is told it, signed, until it takes the call, whatever fails on either side."""

import base64
import email.utils
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from support.freshet import Freshet, run
from support.hooks import LINE, SECRET, Receiver, all_told, finished, listed, metric
from support.ports import free_port
from support.restarts import kill_and_start
from support.waiting import eventually

OTHER = b"another-secret-of-thirty-two-byt"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"


@pytest.fixture
def started(serve, secret):
    """Starts a server with one hook, for streams below chat/."""

    def start(url, **settings):
        return serve(hook=url, hook_secret_file=secret, hook_prefix="chat/", **settings)

    return start


def test_an_end_is_told_with_its_content_signed_and_one_of_another_stream_is_not(started):
    with Receiver() as receiver:
        server = started(receiver.url)
        for result in ("delivered", "failed", "gone"):
            assert metric(server, f'freshet_hook_deliveries_total{{result="{result}"}}') == 0
        for name in ("backlog", "backlog_bytes", "dead_letters"):
            assert metric(server, f"freshet_hook_{name}") == 0
        assert metric(server, 'freshet_hook_dropped_contents_total{reason="backlog"}') == 0
        finished(server, "other/1")
        fields = {"Stream-End-Reason": "failed", "Stream-End-Detail": "out of words", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        tail = finished(server, "chat/1", "hel\"lo", fields)["Stream-Next-Offset"]
        call = receiver.next()
        assert call.path == "/told" and call.headers["Content-Type"] == "application/json"
        assert call.is_signed_by(SECRET)
        assert call.headers["traceparent"].split("-")[:2] == ["00", TRACE]
        assert call.json["type"] == "stream.ended"
        data = call.data
        assert (data["stream"], data["reason"], data["detail"]) == ("chat/1", "failed", "out of words")
        assert (data["events"], data["bytes"], data["contentOmitted"]) == (1, 6, None)
        assert data["content"] == [{"id": tail, "data": "hel\"lo"}] and data["tail"] == tail
        path = server.create(name="chat/2")
        assert server.cancel(path).status == 204
        call = receiver.next()
        assert (call.data["stream"], call.data["reason"], call.data["content"]) == ("chat/2", "cancelled", [])
        all_told(server)
        assert metric(server, 'freshet_hook_deliveries_total{result="delivered"}') == 2
        assert receiver.calls.empty()


def test_a_stream_that_is_abandoned_and_one_that_expires_are_told(started):
    with Receiver() as receiver:
        server = started(receiver.url)
        server.create(name="chat/lease", headers={"Stream-Lease": "1"})
        call = receiver.next()
        assert (call.json["type"], call.data["reason"]) == ("stream.ended", "abandoned")
        assert "silent" in call.data["detail"]
        path = server.create(name="chat/ttl", headers={"Stream-TTL": "1"}, body="what it held")
        call = receiver.next()
        assert (call.json["type"], call.data["stream"], call.data["reason"]) == ("stream.expired", "chat/ttl", "expired")
        assert call.data["end"] is None and [event["data"] for event in call.data["content"]] == ["what it held"]
        assert server.read(path).status == 404


def test_what_fails_is_told_again_with_its_id_and_a_redirect_is_a_failure(started):
    with Receiver(500, (302, {"Location": "/elsewhere"}), 503) as receiver:
        server = started(receiver.url)
        finished(server, "chat/1")
        calls = [receiver.next() for _ in range(4)]
        assert {call.id for call in calls} == {calls[0].id} and {call.body for call in calls} == {calls[0].body}
        assert {call.path for call in calls} == {"/told"} and all(call.is_signed_by(SECRET) for call in calls)
        all_told(server)
        assert metric(server, 'freshet_hook_deliveries_total{result="failed"}') == 3
        assert "a redirect, which is not followed" in server.logged()


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_a_receiver_that_asks_for_time_gets_it_for_all_its_calls(started, kind):
    date = int(time.time()) + 5
    with Receiver((503, {"Retry-After": "3" if kind == "seconds" else email.utils.formatdate(date, usegmt=True)})) as receiver:
        server = started(receiver.url)
        finished(server, "chat/1")
        first = receiver.next()
        assert first.data["stream"] == "chat/1"
        eventually(lambda: metric(server, 'freshet_hook_deliveries_total{result="failed"}') == 1, what="that the call failed")
        finished(server, "chat/2")
        calls = [receiver.next() for _ in range(2)]
        assert {call.data["stream"] for call in calls} == {"chat/1", "chat/2"}
        # By itself the first would have come back within a second and a half.
        asked = first.arrived + 3 if kind == "seconds" else date
        assert min(call.arrived for call in calls) >= asked - 0.1
        all_told(server)
        assert metric(server, "freshet_hook_oldest_call_seconds") == 0


def test_the_calls_of_a_stream_come_in_order_and_those_of_others_do_not_wait_for_them(started):
    with Receiver(500) as receiver:
        server = started(receiver.url)
        finished(server, "chat/slow", headers=None)
        assert receiver.next().data["stream"] == "chat/slow"
        # The first failed; it is told again a moment later.
        server.create(name="chat/other", headers={"Stream-Closed": "true"})
        seen = [receiver.next().data["stream"] for _ in range(2)]
        assert sorted(seen) == ["chat/other", "chat/slow"]
        all_told(server)


@pytest.mark.long(40)
def test_a_receiver_that_hangs_is_given_up_after_15_seconds_and_called_again(started):
    release = threading.Event()
    with Receiver(release) as receiver:
        server, began = started(receiver.url), time.time()
        finished(server, "chat/1")
        first, second = receiver.next(), receiver.next()
        assert second.arrived - began >= 15 and second.id == first.id
        release.set()
        all_told(server)
        assert "no answer within 15 s" in server.logged()


def test_a_hook_that_answers_410_is_called_no_more_until_a_reload(started):
    with Receiver(410) as receiver:
        server = started(receiver.url)
        finished(server, "chat/1")
        assert receiver.next().data["stream"] == "chat/1"
        eventually(lambda: metric(server, "freshet_hooks_disabled") == 1, what="that the hook is disabled")
        finished(server, "chat/2")
        assert "disabled" in listed(server) and metric(server, "freshet_hook_backlog") == 2
        assert "answered 410" in server.logged() and receiver.calls.empty()
        server.process.send_signal(signal.SIGHUP)
        assert {receiver.next().data["stream"] for _ in range(2)} == {"chat/1", "chat/2"}
        all_told(server)
        assert metric(server, "freshet_hooks_disabled") == 0


def test_kill_9_between_the_end_and_the_call_loses_nothing(secret, tmp_path):
    settings = {"hook_secret_file": secret, "hook_prefix": "chat/"}
    port = free_port()
    url = f"http://127.0.0.1:{port}/told"
    data = tmp_path / "data"
    server = Freshet(data=data, hook=url, **settings)
    for index in range(20):
        finished(server, f"chat/{index}", f"text {index}")
    server = kill_and_start(server, data, hook=url, **settings)
    try:
        assert metric(server, "freshet_hook_backlog") == 20
        with Receiver(port=port) as receiver:
            found = [receiver.next() for _ in range(20)]
            assert {call.data["stream"] for call in found} == {f"chat/{index}" for index in range(20)}
            for call in found:
                assert [event["data"] for event in call.data["content"]] == [call.data["stream"].replace("chat/", "text ")]
            all_told(server)
    finally:
        server.stop()
    assert run("check", data).returncode == 0


def test_a_call_that_was_taken_when_the_server_was_killed_comes_again_with_its_id(secret, tmp_path):
    release = threading.Event()
    data = tmp_path / "data"
    with Receiver(release) as receiver:
        settings = {"hook": receiver.url, "hook_secret_file": secret}
        server = Freshet(data=data, **settings)
        finished(server, "chat/1")
        first = receiver.next()
        server = kill_and_start(server, data, **settings)
        release.set()
        try:
            second = receiver.next()
            assert second.id == first.id and second.body == first.body
            all_told(server)
            # Told once more is enough: what was taken is forgotten.
            server = kill_and_start(server, data, **settings)
            assert metric(server, "freshet_hook_backlog") == 0
        finally:
            server.stop()
        assert receiver.calls.empty()


def test_secrets_change_without_a_moment_at_which_a_receiver_knows_none(started, secret):
    with Receiver() as receiver:
        server = started(receiver.url)
        finished(server, "chat/1")
        call = receiver.next()
        assert call.is_signed_by(SECRET) and not call.is_signed_by(OTHER)
        secret.write_text(f"{OTHER.decode()}\n{LINE}\n")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "The configuration was reloaded" in server.logged(), what="the reload")
        finished(server, "chat/2")
        call = receiver.next()
        assert call.is_signed_by(SECRET) and call.is_signed_by(OTHER)


@pytest.fixture
def told(started):
    """A call that came, and its fields in lower case."""
    with Receiver() as receiver:
        finished(started(receiver.url), "chat/1", "grüße")
        call = receiver.next()
    return call.body, {name.lower(): value for name, value in call.headers.items()}


def on_the_page(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]


def test_the_page_s_function_in_python_verifies_a_call(told):
    body, fields = told
    page = {}
    exec(on_the_page("python"), page)
    assert page["verify"](LINE, fields, body)
    assert not page["verify"](LINE, fields, body + b" ")


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
def test_the_page_s_function_in_javascript_verifies_a_call(told, tmp_path):
    body, fields = told
    script = tmp_path / "verify.mjs"
    script.write_text(
        f"{on_the_page('js')}\nconst [secret, fields, text] = {json.dumps([LINE, fields, base64.b64encode(body).decode()])};\n"
        "const body = Buffer.from(text, 'base64');\n"
        "console.log(verify(secret, fields, body), verify(secret, fields, Buffer.concat([body, Buffer.from(' ')])));\n"
    )
    assert subprocess.run(["node", script], capture_output=True, check=True, timeout=300).stdout == b"true false\n"


def test_a_content_over_its_bound_is_left_out(started):
    with Receiver() as receiver:
        server = started(receiver.url, hook_content_bytes="1KiB")
        finished(server, "chat/1", "x" * 2000)
        data = receiver.next().data
        assert (data["content"], data["contentOmitted"], data["bytes"]) == (None, "too-large", 2000)
        assert metric(server, 'freshet_hook_dropped_contents_total{reason="too-large"}') == 1


def test_contents_over_the_bound_on_all_that_waits_are_left_out_and_the_calls_are_kept(started):
    gate = threading.Event()
    with Receiver(gate) as receiver:
        # Room for one content of 1,000 bytes beside what each call takes.
        server = started(receiver.url, hook_backlog_bytes="2KiB")

        def told(name):
            # One that is held back for long is called again, with the same.
            return next(call.data for call in iter(receiver.next, None) if call.data["stream"] == name)

        finished(server, "chat/1", "x" * 1000)
        assert told("chat/1")["content"][0]["data"] == "x" * 1000
        finished(server, "chat/2", "x" * 1000)
        data = told("chat/2")
        assert (data["content"], data["contentOmitted"], data["bytes"], data["reason"]) == (None, "backlog", 1000, "done")
        assert metric(server, 'freshet_hook_dropped_contents_total{reason="backlog"}') == 1
        gate.set()
        all_told(server)
        finished(server, "chat/3", "x" * 1000)
        data = told("chat/3")
        assert (data["content"][0]["data"], data["contentOmitted"]) == ("x" * 1000, None)
        assert metric(server, 'freshet_hook_dropped_contents_total{reason="backlog"}') == 1


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_start_with_streams_in_memory_says_that_calls_which_wait_will_be_lost(command, secret, tmp_path):
    url = f"http://127.0.0.1:{free_port()}/told"
    words = "What hooks were not told yet is kept in memory: it is lost when the server ends."

    def logged(**settings):
        server = Freshet(command, **settings)
        try:
            finished(server, "chat/1")
            return server.logged()
        finally:
            server.stop()

    hook = {"hook": url, "hook_secret_file": secret}
    assert words in logged(**hook)
    # Where nobody is to be told, or it is kept, there is nothing to warn of.
    assert words not in logged() and words not in logged(data=tmp_path / "data", **hook)


def test_calls_that_wait_are_listed_told_now_and_dropped(started):
    url = f"http://127.0.0.1:{free_port()}/told"
    server = started(url)
    finished(server, "chat/1")
    finished(server, "chat/2")
    eventually(lambda: "chat/2" in listed(server, "--waiting"), what="that both wait")
    calls = [json.loads(line) for line in listed(server, "--waiting", "--json").splitlines()]
    assert [call["stream"] for call in calls] == ["chat/1", "chat/2"] and calls[0]["state"] == "waiting"
    assert listed(server, "--json") == ""

    def drop(number):
        environment = {**os.environ, "FRESHET_URL": server.url}
        # A call that is under way is not dropped; nobody listens, so that it is over in a moment.
        return run("hooks", "--drop", number, env=environment).returncode == 0

    listed(server, "--retry", str(calls[0]["number"]))
    for call in calls:
        eventually(lambda number=call["number"]: drop(number), what="that it is dropped")
    assert metric(server, "freshet_hook_backlog") == 0 and metric(server, "freshet_hook_backlog_bytes") == 0
    gone = run("hooks", "--drop", calls[0]["number"], env={**os.environ, "FRESHET_URL": server.url})
    assert gone.returncode == 6


def test_what_waits_for_a_hook_that_is_gone_is_told_of_and_dropped(secret, tmp_path):
    data = tmp_path / "data"
    server = Freshet(data=data, hook=f"http://127.0.0.1:{free_port()}/told", hook_secret_file=secret)
    finished(server, "chat/1")
    server = kill_and_start(server, data)
    try:
        assert "not in the settings" in server.logged()
        [call] = [json.loads(line) for line in listed(server, "--waiting", "--json").splitlines()]
        assert call["stream"] == "chat/1"
        environment = {**os.environ, "FRESHET_URL": server.url}
        refused = run("hooks", "--retry", call["number"], env=environment)
        assert refused.returncode == 1 and "not in the settings" in refused.stderr.decode()
        assert run("hooks", "--drop", call["number"], env=environment).returncode == 0
        server = kill_and_start(server, data)
        # Nothing is left to be told, and there is nobody to tell.
        assert server.request("GET", "/v1/hooks").status == 404
    finally:
        server.stop()


def test_a_settings_file_has_several_hooks(serve, secret, tmp_path):
    with Receiver() as one, Receiver() as two:
        config = tmp_path / "freshet.yaml"
        config.write_text(
            f"hooks:\n  - url: {one.url}\n    secret-file: {secret}\n    prefix: [chat/, mail/]\n"
            f"  - name: everything\n    url: {two.url}\n    secret-file: {secret}\n"
        )
        server = serve(config=config)
        for name in ("chat/1", "mail/1", "job/1"):
            finished(server, name)
        assert {one.next().data["stream"] for _ in range(2)} == {"chat/1", "mail/1"}
        assert {two.next().data["stream"] for _ in range(3)} == {"chat/1", "mail/1", "job/1"}
        all_told(server)
        assert "everything" in listed(server) and one.calls.empty() and two.calls.empty()


def test_only_who_may_inspect_everything_sees_the_hooks(serve, secret, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("owner owner-key-0123456789 all,inspect *\nguest guest-key-0123456789 all *\nlooker looker-key-0123456789 inspect *\n")
    keys.chmod(0o600)
    server = serve(hook="http://127.0.0.1:9/told", hook_secret_file=secret, keys=keys)

    def ask(who, method="GET", path="/v1/hooks"):
        return server.request(method, path, {"Authorization": f"Bearer {who}-key-0123456789"}).status

    assert server.request("GET", "/v1/hooks").status == 401
    assert (ask("guest"), ask("looker"), ask("owner")) == (403, 200, 200)
    assert (ask("guest", "POST", "/v1/hooks/1"), ask("looker", "POST", "/v1/hooks/1")) == (403, 404)
    assert (ask("looker", "DELETE", "/v1/hooks/1"), ask("owner", "DELETE", "/v1/hooks/1")) == (403, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_sets_a_hook_through_the_api(serve, secret, tmp_path, method):
    keys = tmp_path / "keys"
    keys.write_text("owner owner-key-0123456789 all,inspect *\n")
    keys.chmod(0o600)
    with Receiver() as configured, Receiver() as wanted:
        server = serve(hook=configured.url, hook_secret_file=secret, keys=keys)
        owner = {"Authorization": "Bearer owner-key-0123456789"}

        def ask(method, path, headers=None, body=None):
            return server.request(method, path, {**owner, **(headers or {})}, body)

        for path in ("/v1/hooks", "/v1/hooks/", "/v1/hooks/1", "/v1/hooks/audit"):
            for url in (wanted.url, "https://example.com/told"):
                body = json.dumps({"name": "audit", "url": url, "secret": LINE, "prefix": ["chat/"]})
                answer = ask(method, path, {"Content-Type": "application/json"}, body)
                assert answer.status in (400, 404, 405), (path, answer)
        shown = json.loads(ask("GET", "/v1/hooks").body)
        assert [hook["name"] for hook in shown["hooks"]] == [configured.url]
        path = "/v1/stream/chat/1"
        assert ask("PUT", path, {"Content-Type": "text/plain"}).status == 201
        assert ask("POST", path, {"Content-Type": "text/plain", "Stream-Closed": "true"}, "hello").status == 204
        assert configured.next().data["stream"] == "chat/1"
        eventually(lambda: json.loads(ask("GET", "/v1/hooks").body)["entries"] == 0, what="that all is told")
        assert wanted.calls.empty()


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"hook": "http://127.0.0.1:9/"}, "hook-secret-file"),
        ({"hook": "ftp://127.0.0.1/"}, "without a user and #"),
        ({"hook": "http://127.0.0.1:9/", "hook_secret_file": "/nowhere/secret"}, "cannot be read"),
    ],
)
def test_a_hook_that_could_not_be_called_is_refused_at_the_start(settings, words):
    flags = [word for name, value in settings.items() for word in ("--" + name.replace("_", "-"), value)]
    refused = run("serve", "--memory", "--port", "0", *flags)
    assert refused.returncode != 0 and words in refused.stderr.decode()
