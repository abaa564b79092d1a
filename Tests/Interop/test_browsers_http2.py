"""Many `EventSource`s over HTTP/2 and TLS: over HTTP/1.1 a browser reads six of one server and lets the rest wait."""

import re
import signal

import pytest

from support.freshet import Freshet
from support.module_pages import modules
from support.pages import Pages
from support.ports import free_port
from support.restarts import kill_and_start
from support.tls import Certificate, served_serial, usual
from support.waiting import eventually
from test_chat_tabs import STATE, ask, finish

PAGE = """<!doctype html><meta charset="utf-8"><title>Many</title><body><script>
window.follow = (urls) => {
  window.logs = urls.map((url) => {
    const log = { data: [], end: null };
    log.source = new EventSource(url);
    log.source.onmessage = (event) => log.data.push(event.data);
    log.source.addEventListener('end', (event) => { log.end = JSON.parse(event.data).reason; });
    return log;
  });
};
window.each = (count) => logs.filter((log) => log.data.length >= count).length;
window.stop = async (url) => (await fetch(url, { method: 'POST', headers: { 'Stream-Cancel': 'true' } })).status;
</script>"""

MANY = 100


@pytest.fixture(scope="module")
def pages():
    pages = Pages({"/": ("text/html; charset=utf-8", PAGE), **modules("/v1")})
    yield pages
    pages.close()


def connections(server):
    return int(re.search(r"^freshet_connections (\d+)$", server.request("GET", "/metrics").text, re.MULTILINE)[1])


def test_the_chat_in_eight_tabs_beside_six_streams_of_another(browser):
    server = Freshet("demo", certificate=usual(), http2=True)
    first = browser.window()
    tabs = []
    try:
        # Over HTTP/1.1 these are all that a browser gets: test_chat_tabs.py has the chat wait for them.
        browser.goto(server.url + "/health")
        browser.run("window.held = Array.from({ length: 6 }, () => new EventSource('/api/chat-stream?case=held'))")
        browser.wait_for("held.every((source) => source.readyState === EventSource.OPEN)")
        for _ in range(8):
            tabs.append(browser.open_window())
            browser.goto(server.url + "/")
            ask(browser, "What happens when I reload in the middle?", 20)
        # None has to wait for another to end: at 20 words a second, the first is still being written.
        for tab in tabs:
            browser.switch(tab)
            browser.wait_for(f"{STATE} === 'Listening' && document.querySelector('.prose')?.textContent.length > 0")
        browser.screenshot("chat-eight-tabs-http2")
        for tab in tabs:
            browser.switch(tab)
            assert finish(browser) == "done"
        # 22 streams were read, over what a busy browser opens before it knows that one connection is enough, as below.
        eventually(lambda: connections(server) <= 10)
    finally:
        for tab in tabs:
            browser.switch(tab)
            browser.close_window()
        browser.switch(first)
        browser.goto("about:blank")
        server.stop()


@pytest.mark.parametrize("origin", ["same", "other"])
def test_eight_sources_in_one_page_are_all_live(browser, pages, origin):
    """A page of another origin has its modules from there: only responses to the sources themselves can tell it that this is HTTP/2."""
    server = Freshet(certificate=usual(), http2=True, allowed_origins=pages.origin())
    try:
        paths = [server.create() for _ in range(8)]
        browser.goto(server.url + "/health" if origin == "same" else pages.origin() + "/")
        browser.run(
            """
            const urls = arguments[0];
            (async () => {
              const { FreshetSource } = await import(`${location.origin}/v1/freshet.js`);
              window.sources = urls.map((url) => {
                const source = new FreshetSource(url);
                source.words = [];
                source.onmessage = ({ data }) => source.words.push(data);
                return source;
              });
            })();
            """,
            [server.url + path for path in paths],
        )
        browser.wait_for("sources.every(({ via }) => via === 'connection')")
        for path in paths:
            assert server.append(path, "live").status == 204
        browser.wait_for("sources.every(({ words }) => words.length === 1)")
        # Nothing was given up meanwhile: over HTTP/1.1 four of them would be read by polls.
        assert browser.run("return sources.map(({ via }) => via)") == ["connection"] * 8
        assert browser.run("return sources.map(({ words }) => words)") == [["live"]] * 8
    finally:
        browser.run("for (const source of window.sources ?? []) source.close()")
        server.stop()


def test_a_hundred_readers_in_one_tab(browser, pages, tmp_path):
    certificate = Certificate(tmp_path / "certificate")
    settings = {"certificate": certificate, "allowed_origins": pages.origin(), "retry_milliseconds": 100}
    server = Freshet(port=free_port(), data=tmp_path / "data", **settings)
    try:
        paths = [server.create() for _ in range(MANY)]

        def say(word):
            for path in paths:
                assert server.append(path, word).status == 204

        browser.goto(pages.origin() + "/")
        browser.run("follow(arguments[0])", [server.url + path for path in paths])
        say("one")
        browser.wait_for(f"each(1) === {MANY}")
        # They share what a browser opens before it knows that one connection is enough: on a busy machine Firefox opens its six,
        # and three more for what is urgent, and reads over all of them. One is this request's.
        eventually(lambda: connections(server) <= 10)

        # A renewed certificate is for new connections: these go on.
        certificate.take(Certificate(tmp_path / "renewed"))
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: served_serial(server) == certificate.serial)
        say("two")
        browser.wait_for(f"each(2) === {MANY}")

        # A server that dies is come back to, where each has been.
        server = kill_and_start(server, tmp_path / "data", **settings)
        say("three")
        browser.wait_for(f"each(3) === {MANY}")
        assert browser.run("return logs.map((log) => log.data)") == [["one", "two", "three"]] * MANY

        # Stop in one of them concerns no other.
        assert browser.run_async("stop(arguments[0]).then(arguments[1])", server.url + paths[0]) == 204
        browser.wait_for("logs[0].end === 'cancelled'")
        for path in paths[1:]:
            assert server.append(path, "four").status == 204
        browser.wait_for(f"each(4) === {MANY - 1}")
    finally:
        browser.run("for (const log of window.logs ?? []) log.source.close()")
        server.stop()
