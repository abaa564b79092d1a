"""`/v1/freshet.js` in Chromium and Firefox: what it survives, and what its tabs share."""

import contextlib
import queue
import random
import threading

import pytest

from support.cut_proxy import CutProxy
from support.freshet import NIGHTLY, Freshet
from support.module_pages import Unavailable, module_pages, server_for
from support.ports import free_port
from support.producers import freshet
from support.request_log import RequestLog
from support.restarts import kill_and_start
from support.upstream import EVENTS, PATHS, Answer, Upstream
from support.waiting import eventually

# A heartbeat a second, so that silence is noticed as soon.
BRISK = dict(heartbeat_seconds=1, retry_milliseconds=200)
OPTIONS = {"heartbeat": 1000}
# Where silence is not what it is about: tabs that stand still for two heartbeats take the connection from each other.
CALM = {"heartbeat": 10_000}


@pytest.fixture(scope="module")
def pages():
    with contextlib.closing(module_pages()) as pages:
        yield pages


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return RequestLog(tmp_path_factory.mktemp("browser-module") / "access.log")


@pytest.fixture(scope="module")
def server(pages, log):
    with server_for(pages, access_log=log.file, **BRISK) as server:
        yield server


@pytest.fixture
def page(browser, pages):
    open_page(browser, pages)
    yield browser
    browser.run("closeAll()")


def open_page(browser, pages):
    browser.goto(pages.origin() + "/")
    browser.wait_for("window.listen !== undefined")


@pytest.fixture
def tabs(page, pages):
    """Opens tabs, of which the first is there; they are closed with the test."""
    first = page.window()
    opened = [first]

    def open_tabs(count):
        while len(opened) < count:
            opened.append(page.open_window())
            open_page(page, pages)
        return list(opened)

    yield open_tabs
    for tab in opened[1:]:
        try:
            page.switch(tab)
            page.close_window()
        except AssertionError:
            pass  # The test closed it.
    page.switch(first)


def listen(page, url, options=OPTIONS):
    page.run("return listen(arguments[0], arguments[1])", url, options)
    page.wait_for("log.opens > 0")


def words(page):
    return page.run("return words()")


def in_each(page, tabs, action):
    results = []
    for tab in tabs:
        page.switch(tab)
        results.append(action())
    return results


def ways(page, tabs, *expected):
    """How each tab reads, once these are the ways of all: for tabs that stood still, another may have taken over meanwhile."""

    def look():
        found = in_each(page, tabs, lambda: page.run("return log.source.via"))
        return found if sorted(found) == sorted(expected) else None

    return eventually(look, what=f"tabs that read by {expected}")


def readers(server):
    """How many connections the server holds for readers."""
    for line in server.request("GET", "/metrics").text.splitlines():
        if line.startswith('freshet_readers{form="sse"}'):
            return int(float(line.split()[1]))
    return 0


def test_it_reads_to_the_end_and_says_how_it_ended(page, server):
    path = server.create()
    # Without OPTIONS: to those, a server that stands still for 2.5 s is an error.
    listen(page, server.url + path, {})
    server.append_each(path, ["a", "b\nc", "é 😀"])
    page.wait_for("log.events.length === 3")
    server.end(path, "failed", "no more")
    page.wait_for("log.source.readyState === 2")
    assert words(page) == ["a", "b\nc", "é 😀"]
    assert page.run("return log.events.at(-1).data") == '{"reason":"failed","detail":"no more"}'
    assert page.run("return log.errors") == []


def test_a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(page, pages, tmp_path):
    kills = 30 if NIGHTLY else 8
    settings = dict(allowed_origins=pages.origin(), **BRISK)
    server = Freshet(port=free_port(), data=tmp_path / "data", **settings)
    asked, produced = queue.SimpleQueue(), []

    def produce():
        with freshet.Producer(f"{server.url}/v1/stream/killed", patience=60) as stream:
            for word in iter(asked.get, None):
                stream.append(word)
                produced.append(word)
                stream.flush()

    producer = threading.Thread(target=produce)
    chance = random.Random(page.name)
    count = 0

    def ask(more):
        nonlocal count
        for _ in range(more):
            asked.put(f"word {count} ")
            count += 1

    with CutProxy(server.address) as proxy:
        try:
            listen(page, f"{proxy.url}/v1/stream/killed")
            producer.start()
            for _ in range(kills):
                ask(1)
                # It reads again, and has all that was written before.
                page.wait_for(f"words().length === {count}")
                ask(100)
                somewhere = count - chance.randrange(1, 100)
                eventually(lambda: len(produced) >= somewhere, 60, "more words")
                server = kill_and_start(server, tmp_path / "data", **settings)
            asked.put(None)
            page.wait_for("log.source.readyState === 2")
            assert "".join(words(page)) == "".join(produced)
            assert len(produced) == count
            assert page.run("return log.events.at(-1).type") == "end"
            # No storm: a few attempts for each of them. Firefox makes ten connections of an attempt that is reset.
            assert len(page.run("return log.errors")) <= 8 * kills
            assert proxy.connections <= 4 + 8 * kills
        finally:
            asked.put(None)
            producer.join()
            server.stop()


def test_it_goes_on_after_503s_for_ten_seconds(page, pages, server):
    path = server.create()
    unavailable = Unavailable(pages.origin())
    with CutProxy(server.address) as proxy:
        listen(page, proxy.url + path)
        server.append(path, "before")
        page.wait_for("log.events.length === 1")
        proxy.upstream = unavailable.address
        proxy.cut_all()
        page.wait_for("log.errors.length > 0")
        server.append(path, "meanwhile")
        # Ten seconds of it, measured by the page.
        page.run_async("setTimeout(arguments[0], 10_000)")
        assert page.run("return log.errors.some(([, status]) => status === 503)")
        assert 2 <= unavailable.requests <= 15
        proxy.upstream = server.address
        proxy.cut_all()
        page.wait_for("log.events.length === 2")
        assert words(page) == ["before", "meanwhile"]
    unavailable.close()


def test_it_goes_on_when_the_network_is_back(page, server, log):
    path = server.create()
    listen(page, server.url + path)
    server.append(path, "before")
    page.wait_for("log.events.length === 1")
    page.offline(True)
    try:
        page.wait_for("log.errors.length > 0 || !navigator.onLine")
        server.append(path, "meanwhile")
        # Five seconds without, measured by the page.
        page.run_async("setTimeout(arguments[0], 5_000)")
    finally:
        page.offline(False)
    page.wait_for("log.events.length === 2")
    server.append(path, "after")
    page.wait_for("log.events.length === 3")
    assert words(page) == ["before", "meanwhile", "after"]
    # No storm: without a network its pauses grow to seconds, and with it again it comes back at once. Firefox reaches its own machine
    # without a network too, over a connection that it makes anew.
    assert len(page.run("return log.errors")) <= 12
    requests = log.reads(server, path)
    assert 2 <= requests.count("GET") <= 6 and len(requests) <= 12, requests


def test_a_connection_that_died_in_silence_is_made_anew(page, server, log):
    path = server.create()
    with CutProxy(server.address) as proxy:
        listen(page, proxy.url + path)
        server.append(path, "before")
        page.wait_for("log.events.length === 1")
        with proxy.mute():
            server.append(path, "meanwhile")
            page.wait_for("log.errors.length > 0")
        page.wait_for("log.events.length === 2")
        assert words(page) == ["before", "meanwhile"]
        # No storm: each attempt is a request, and one that asks before it. A machine that stands still is silence too.
        failures = len(page.run("return log.errors"))
        assert failures <= 8
        assert 2 <= len(log.reads(server, path)) <= 2 * (failures + 2)


def test_a_token_is_asked_for_again_after_401(page, pages, serve, tmp_path):
    key = "reader-key-0123456789"
    keys = tmp_path / "keys"
    keys.write_text(f"reader {key} create,append,read *\n")
    keys.chmod(0o600)
    server = serve(allowed_origins=pages.origin(), keys=keys)
    bearer = {"Authorization": f"Bearer {key}"}
    path = server.create(headers=bearer)
    server.append(path, "secret", headers=bearer)
    page.run(
        """
        window.tokens = ['wrong-key-0123456789', arguments[1]];
        listen(arguments[0], { token: async () => tokens.shift() });
        """,
        server.url + path,
        key,
    )
    page.wait_for("log.events.length === 1")
    assert words(page) == ["secret"]
    assert page.run("return [tokens.length, log.errors]") == [0, []]
    # A second refusal in a row is final.
    page.run("listen(arguments[0], { token: () => 'wrong-key-0123456789' })", server.url + path)
    page.wait_for("log.source.readyState === 2")
    assert page.run("return log.errors") == [[2, 401]]


def test_it_can_be_iterated_and_cancelled(page, server):
    path = server.create()
    server.append_each(path, ["a", "b"])
    page.run(
        """
        window.seen = [];
        (async () => {
          window.source = new modules.FreshetSource(arguments[0]);
          for await (const { type, data, detail } of source) seen.push(type === 'end' ? detail.reason : data);
          window.over = true;
        })();
        """,
        server.url + path,
    )
    page.wait_for("seen.length === 2")
    assert page.run_async("source.cancel().then(arguments[0])") == 204
    page.wait_for("window.over")
    assert page.run("return seen") == ["a", "b", "cancelled"]


# Tabs


def test_eight_tabs_on_one_stream_share_a_connection(page, server, tabs):
    path = server.create()
    opened = tabs(8)
    server.append(path, "early ")
    in_each(page, opened, lambda: listen(page, server.url + path, CALM))
    eventually(lambda: readers(server) == 1)
    server.append_each(path, ["a", "b", "c"])
    in_each(page, opened, lambda: page.wait_for("log.events.length === 4"))
    eventually(lambda: readers(server) == 1)
    by = ways(page, opened, "connection", *["tab"] * 7)
    # The tab that reads is closed: another one does, and nobody misses a word.
    leader = opened[by.index("connection")]
    others = [tab for tab in opened if tab != leader]
    first = opened[0]
    if leader == first:
        page.switch(first)
        page.run("closeAll()")
    else:
        page.switch(leader)
        page.close_window()
    server.append(path, "d")
    in_each(page, others, lambda: page.wait_for("log.events.length === 5"))
    eventually(lambda: readers(server) == 1)
    server.end(path)
    in_each(page, others, lambda: page.wait_for("log.source.readyState === 2"))
    assert in_each(page, others, lambda: words(page)) == [["early ", "a", "b", "c", "d"]] * 7
    eventually(lambda: readers(server) == 0)


def test_eight_tabs_on_eight_streams_leave_room_for_requests(page, server, tabs):
    opened = tabs(8)
    paths = [server.create() for _ in opened]
    urls = iter(paths)
    in_each(page, opened, lambda: listen(page, server.url + next(urls), CALM))
    eventually(lambda: readers(server) == 4)
    for path in paths:
        server.append_each(path, ["a", "b"])
    # What is looked at is live; the others are read every 15 s at the latest.
    in_each(page, opened, lambda: page.wait_for("log.events.length === 2"))
    assert in_each(page, opened, lambda: words(page)) == [["a", "b"]] * 8
    waits = in_each(
        page,
        opened,
        lambda: page.run_async(
            """
            const [url, done] = arguments, begun = performance.now();
            fetch(url, { method: 'HEAD', cache: 'no-store' }).then(() => done(performance.now() - begun));
            """,
            server.url + paths[0],
        ),
    )
    # One that found no connection would wait until a stream ends.
    assert max(waits) < 10_000, waits
    eventually(lambda: readers(server) == 4)
    for path in paths:
        server.end(path)
    in_each(page, opened, lambda: page.wait_for("log.source.readyState === 2"))
    eventually(lambda: readers(server) == 0)


def test_when_the_tab_that_reads_is_frozen_another_one_does(page, server, log, tabs):
    path = server.create()
    opened = tabs(3)
    # Silence is noticed after twice as long.
    in_each(page, opened, lambda: listen(page, server.url + path, {"heartbeat": 2500}))
    leader = opened[ways(page, opened, "connection", "tab", "tab").index("connection")]
    others = [tab for tab in opened if tab != leader]
    page.switch(leader)
    # Afterwards, tabs that stand still may give the connection back to it.
    page.run("window.seen = new Set(); setInterval(() => seen.add(log.source.via), 15)")
    with page.frozen():
        # What the server sends now reaches the tab that sleeps, and nobody else.
        server.append(path, "while it sleeps")
        page.switch(others[0])
        page.wait_for("log.events.length === 1")
        page.switch(others[1])
        page.wait_for("log.events.length === 1")
        page.switch(leader)
    page.wait_for("log.events.length === 1")
    server.append(path, "after")
    in_each(page, opened, lambda: page.wait_for("log.events.length === 2"))
    assert in_each(page, opened, lambda: words(page)) == [["while it sleeps", "after"]] * 3
    eventually(lambda: readers(server) == 1)
    ways(page, [leader, *others], "connection", "tab", "tab")
    # It learns that another one reads by asking, after it has all events.
    page.switch(leader)
    page.wait_for("seen.has('tab')")
    # No storm: each of the three begins by looking what is there, and does so again when another one reads, at three requests each
    # time. On a busy machine they may take over from each other once more.
    assert 4 <= len(log.reads(server, path)) <= 40


def test_connections_can_be_reserved(page, server):
    paths = [server.create() for _ in range(4)]
    for path in paths:
        listen(page, server.url + path, CALM)
    eventually(lambda: readers(server) == 4)

    def reserved():
        page.run_async(
            "modules.reserve(3, arguments[0]).then((release) => { window.release = release; arguments[1](true); })", server.url
        )
        with contextlib.suppress(AssertionError):
            return eventually(lambda: readers(server) == 1, 10)
        # Whoever reserves waits a second for the others to make room: a page that stands still so long makes it later.
        page.run("release()")
        return None

    eventually(reserved)
    page.run("release()")
    eventually(lambda: readers(server) == 4)


def test_a_page_that_was_hidden_shows_all_of_it(page, server, tabs):
    path = server.create()
    first, second = tabs(2)
    page.look_at(first)
    page.wait_for("document.visibilityState === 'visible'")
    # Without OPTIONS: to those, a server that stands still for 2.5 s is an error.
    listen(page, server.url + path, {"share": False})
    # What the other tab can see of this one, without anybody looking at it.
    page.run(
        """
        localStorage.removeItem('seen');
        window.seen = [];
        document.addEventListener('visibilitychange', () => {
          seen.push(document.visibilityState);
          localStorage.setItem('seen', seen.join(' '));
        });
        """
    )
    page.look_at(second)
    page.wait_for("localStorage.getItem('seen') === 'hidden'")
    server.append_each(path, ["a", "b", "c"])
    page.look_at(first)
    page.wait_for("seen.join(' ') === 'hidden visible'")
    page.wait_for("log.events.length === 3")
    server.append(path, "d")
    page.wait_for("log.events.length === 4")
    assert words(page) == ["a", "b", "c", "d"]
    assert page.run("return log.errors") == []


PROVIDERS = {"chat": "openai", "responses": "responses", "messages": "anthropic"}


@pytest.mark.parametrize("format", PROVIDERS)
def test_a_call_to_a_model_survives_the_request_that_made_it(page, pages, format):
    answer = Answer(EVENTS[format], stepped=True)
    half = len(answer.pieces) // 2
    with Upstream(lambda request: answer) as upstream:
        kind = "anthropic" if format == "messages" else "openai-compatible"
        server = Freshet(
            "relay", memory=True, upstreams=[f"one {kind} {upstream.url} key=none"], environment={"NO_PROXY": "*"},
            allowed_origins=pages.origin(), **BRISK,
        )  # fmt: skip
        try:
            with CutProxy(server.address) as proxy:
                page.run(
                    """
                    const [url, provider] = arguments;
                    const headers = { 'Content-Type': 'application/json' };
                    const body = JSON.stringify({ model: 'm', stream: true, messages: [], input: '' });
                    listen(url, { method: 'POST', headers, body, heartbeat: 1000 });
                    window.answer = modules.text(document.querySelector('main'), provider).from(log.source);
                    """,
                    proxy.url + PATHS[format],
                    PROVIDERS[format],
                )
                answer.let(half)
                page.wait_for("answer.text.includes('Hello')")
                proxy.cut_all()
                page.wait_for("log.errors.length > 0")
                answer.let(len(answer.pieces) - half)
                page.wait_for("log.source.readyState === 2")
                assert page.run("return log.source.url").startswith(f"{proxy.url}/v1/stream/relay/")
                assert page.run("return log.events.at(-1).data") == '{"reason":"done"}'
                assert page.run("return answer.text").count("Hello") == 1
                assert "Hello" in page.run("return document.querySelector('main').textContent")
                tools = page.run("return answer.tools.map(({ name, value, isComplete }) => [name, value.city, isComplete])")
                assert tools == ([] if format == "responses" else [["weather", "Oslo", True]])
            assert len(upstream.requests) == 1
        finally:
            page.run("closeAll()")
            server.stop()
