"""`EventSource` as Chromium and Firefox have it, on a page of another, configured origin."""

import signal
import statistics

import pytest

from support.cut_proxy import CutAfterEvents, CutProxy
from support.freshet import Freshet
from support.pages import Pages

PAGE = """<!doctype html><meta charset="utf-8"><title>Interop</title><body><script>
window.listen = (url) => {
  const log = { events: [], opens: 0, errors: [] };
  const source = new EventSource(url);
  log.source = source;
  source.onopen = () => log.opens += 1;
  source.onerror = () => log.errors.push(source.readyState);
  for (const type of ['message', 'token', 'end', 'gap', 'start', 'reconnect', 'heartbeat']) {
    source.addEventListener(type, (event) => {
      log.events.push({ type, data: event.data, id: event.lastEventId, at: performance.now() });
    });
  }
  window.log = log;
  return true;
};
window.seen = () => log.events.map(({ type, data }) => [type, data]);
window.write = async (url, body) => {
  const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body });
  return response.status;
};
</script>"""


@pytest.fixture(scope="module")
def pages():
    pages = Pages({"/": ("text/html; charset=utf-8", PAGE)})
    yield pages
    pages.close()


@pytest.fixture(scope="module")
def server(pages):
    server = Freshet(allowed_origins=pages.origin(), retry_milliseconds=100)
    yield server
    server.stop()


@pytest.fixture
def page(browser, pages):
    browser.goto(pages.origin() + "/")
    yield browser
    browser.run("if (window.log) log.source.close()")


def test_events_arrive_one_at_a_time_as_they_are_appended(page, server):
    path = server.create()
    page.run("return listen(arguments[0])", server.url + path)
    page.wait_for("log.opens === 1")
    # The page appends and receives, so that one clock measures both.
    times = page.run_async(
        """
        const [url, done] = arguments;
        (async () => {
          const times = [], answers = [];
          for (let number = 0; number < 30; number += 1) {
            const appended = performance.now();
            const arrival = new Promise((resolve) => {
              log.source.addEventListener('message', () => resolve(performance.now()), { once: true });
            });
            const status = await write(url, `word ${number}`);
            if (status !== 204) return done({ status });
            answers.push(performance.now() - appended);
            times.push(await arrival - appended);
          }
          done({ times, answers });
        })();
        """,
        server.url + path,
    )
    assert "times" in times, times
    # Whatever collects events before it passes them on needs a timer or a full buffer: tens of milliseconds, or for ever. The answers
    # to the appends are the control: what those took is the machine's.
    assert statistics.median(times["times"]) < 50 + statistics.median(times["answers"]), times
    assert page.run("return seen()") == [["message", f"word {n}"] for n in range(30)]
    assert page.run("return log.opens") == 1


def test_types_ids_and_payloads_arrive_exactly(page, server):
    path = server.create("text/event-stream")
    data = ["plain", " leading space", "two\nlines", "\ttab: colon", "é 😀 \u2028 \u0085", "", '<b>"&amp;']
    for one in data:
        block = "event: token\n" + "".join(f"data: {line}\n" for line in one.split("\n")) + "\n"
        assert server.append(path, block.encode(), "text/event-stream").status == 204
    server.end(path)
    page.run("return listen(arguments[0])", server.url + path)
    page.wait_for("log.events.some((event) => event.type === 'end')")
    assert page.run("return seen()") == [["token", one] for one in data] + [["end", '{"reason":"done"}']]
    with server.lines(path) as reader:
        assert page.run("return log.events.map((event) => event.id)") == [line["id"] for line in reader.rest()]


def test_it_stops_after_the_end(page, server):
    path = server.create()
    server.append_each(path, ["a", "b"])
    server.end(path)
    with CutProxy(server.address) as proxy:
        page.run("return listen(arguments[0])", proxy.url + path)
        page.wait_for("log.source.readyState === EventSource.CLOSED")
        assert page.run("return seen()") == [["message", "a"], ["message", "b"], ["end", '{"reason":"done"}']]
        # The answer itself, and the 204 that told the browser to stop. A busy browser opens more connections than it uses: what
        # it was answered, it tells by its errors. By HTTP/2 both are streams of one connection.
        assert proxy.connections >= (1 if server.http2 else 2)
        assert page.run("return log.errors") == [0, 2]


@pytest.mark.parametrize("extra", [0, 7, 25], ids=["between two events", "in an id", "in the data"])
def test_a_cut_at_every_event_loses_and_doubles_nothing(page, server, extra):
    path = server.create()
    words = [f"word number {n}" for n in range(12)]
    server.append_each(path, words)
    server.end(path)
    # A connection passes one event, and as much of the next one as `extra` says.
    with CutProxy(server.address, lambda number: CutAfterEvents(1, extra)) as proxy:
        page.run("return listen(arguments[0])", proxy.url + path)
        page.wait_for("log.source.readyState === EventSource.CLOSED")
        expected = [["message", word] for word in words] + [["end", '{"reason":"done"}']]
        assert page.run("return seen()") == expected
        assert proxy.cuts >= len(words)


def test_a_cut_at_every_event_of_an_answer_that_is_being_written(page, server):
    path = server.create()
    with CutProxy(server.address, lambda number: CutAfterEvents(1, reset=number % 2 == 0)) as proxy:
        page.run("return listen(arguments[0])", proxy.url + path)
        words = [f"word {n}" for n in range(8)]
        for number, word in enumerate(words):
            server.append(path, word)
            page.wait_for(f"log.events.length > {number}")
        server.end(path)
        page.wait_for("log.source.readyState === EventSource.CLOSED")
        assert page.run("return seen()") == [["message", w] for w in words] + [["end", '{"reason":"done"}']]


def test_it_waits_for_a_stream_that_does_not_exist_yet(page, server, request):
    name = f"early-{page.name}"
    page.run("return listen(arguments[0])", f"{server.url}/v1/stream/{name}")
    page.wait_for("log.opens === 1")
    server.create(name=name)
    server.append(f"/v1/stream/{name}", "there")
    page.wait_for("log.events.length === 1")
    assert page.run("return seen()") == [["message", "there"]]


def test_it_comes_back_after_a_drain(page, pages, serve):
    settings = dict(allowed_origins=pages.origin(), retry_milliseconds=100)
    first = serve(**settings)
    path = first.create(name="drained")
    first.append(path, "before")
    with CutProxy(first.address) as proxy:
        page.run("return listen(arguments[0])", proxy.url + path)
        page.wait_for("log.events.length === 1")
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(60) == 0
        # Streams in memory are gone with their server: the next one has the stream anew, and says that it is another.
        second = serve(**settings)
        second.create(name="drained")
        second.append(path, "after")
        proxy.upstream = second.address
        page.wait_for("log.events.some((event) => event.data === 'after')")
        second.end(path)
        page.wait_for("log.source.readyState === EventSource.CLOSED")
        types = [type for type, _ in page.run("return seen()")]
        # One that is back before the first server has gone is sent away again.
        assert set(types[1:-3]) == {"reconnect"}
        assert types[:1] + types[-3:] == ["message", "gap", "message", "end"]


def test_a_refused_read_is_final_and_says_so_to_the_page(page, server):
    """What `EventSource` makes of a status other than 200, and why passing refusals are not sent as one."""
    page.run("return listen(arguments[0])", f"{server.url}/v1/stream/%zz")
    page.wait_for("log.source.readyState === EventSource.CLOSED")
    assert page.run("return log.opens") == 0


def test_fetch_reads_ndjson_line_by_line(page, server):
    path = server.create("application/json")
    page.run(
        """
        window.lines = [];
        (async () => {
          const response = await fetch(arguments[0], { headers: { Accept: 'application/x-ndjson' } });
          let pending = '';
          for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
            const { value, done } = await reader.read();
            if (done) break;
            const parts = (pending + value).split('\\n');
            pending = parts.pop();
            lines.push(...parts.filter((line) => line !== '').map(JSON.parse));
          }
        })();
        """,
        server.url + path,
    )
    for number in range(5):
        server.append(path, f'{{"n":{number}}}', "application/json")
        assert page.wait_for(f"lines.length === {number + 1}")
    server.end(path)
    page.wait_for("lines.length === 6")
    assert page.run("return lines.map((line) => line.data)") == [{"n": n} for n in range(5)] + [{"reason": "done"}]


def test_a_page_of_a_configured_origin_sees_the_fields_it_needs(page, server):
    path = server.create()
    fields = page.run_async(
        """
        const [url, done] = arguments;
        (async () => {
          const append = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'x' });
          const read = await fetch(url);
          const missing = await fetch(url + '-not-there');
          done([append.headers.get('Stream-Next-Offset'), read.headers.get('ETag'), await read.text(),
            missing.status, (await missing.json()).status]);
        })().catch((error) => done(String(error)));
        """,
        server.url + path,
    )
    assert fields == [server.request("HEAD", path)["Stream-Next-Offset"], server.read(path)["ETag"], "x", 404, 404]
