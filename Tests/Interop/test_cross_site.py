"""Pages of another site over TLS: a partitioned session, one that expires in the middle, and a page that nobody listed."""

import contextlib
import itertools
import time
import urllib.parse

import jwt
import pytest

from support import tls
from support.module_pages import PAGE as MODULE_PAGE
from support.module_pages import modules
from support.pages import HTML, TEXT, Pages
from support.request_log import RequestLog
from test_hostile_page import HOSTILE, SANDBOXED, attack, untouched
from test_tokens import SECRET, claims, signed

APP, HOSTILE_SITE, SAME_SITE, STREAMS = "app.example.test", "hostile.example.org", "pages.example.net", "streams.example.net"

# A page with a back end that knows its user: `/token` is a token for what that one may read.
READER = """<!doctype html><meta charset="utf-8"><title>Reader</title><body><script>
Object.assign(window, { sessions: [], words: [], told: [], source: null, ended: false });

window.renew = async (server) => {
  const token = await (await fetch('/token', { cache: 'no-store' })).text();
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${server}/v1/session`, { method: 'POST', headers, credentials: 'include' });
  return { status: answer.status, says: answer.headers.get('Freshet-Session') };
};

window.follow = async (server, path, last = '') => {
  sessions.push(await renew(server));
  const source = new EventSource(`${server}${path}?lastEventId=${last}`, { withCredentials: true });
  window.source = source;
  source.onmessage = (event) => { last = event.lastEventId; words.push(event.data); };
  source.addEventListener('reconnect', ({ data }) => {
    told.push(JSON.parse(data).why);
    source.close();
    follow(server, path, last);
  });
  source.addEventListener('end', () => { window.ended = true; source.close(); });
  // Its session was over before it was used, on a busy machine.
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(follow, 200, server, path, last); };
};

window.read = async (url) => {
  const answer = await fetch(url, { credentials: 'include' });
  return [answer.status, await answer.text()];
};
</script>"""

# Reads what its address names with the cookies that it has, and tells the page around it.
FRAMED = """<!doctype html><title>Framed</title><body><script>
fetch(decodeURIComponent(location.hash.slice(1)), { credentials: 'include' })
  .then(async (answer) => [answer.status, await answer.text()])
  .catch((error) => [0, String(error)])
  .then((result) => parent.postMessage(result, '*'));
</script>"""

FRAMING = """<!doctype html><title>Framing</title><body><script>
addEventListener('message', (event) => { window.result = event.data; });
const frame = document.createElement('iframe');
frame.src = decodeURIComponent(location.hash.slice(1));
document.body.append(frame);
</script>"""


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    return file


@pytest.fixture
def guarded(serve, secret):
    """Starts a server that takes tokens, for pages of one origin."""

    def start(origin, **settings):
        issuer = {"jwt_secret_file": secret, "jwt_issuer": "app", "jwt_audience": "freshet", "jwt_leeway_seconds": 0}
        return serve(allowed_origins=origin, **issuer, **settings)

    return start


@pytest.fixture
def over_tls(guarded):
    """The same over TLS, at a name of a site of its own."""
    return lambda origin, **settings: guarded(origin, hosts=STREAMS, certificate=tls.of_sites(), **settings)


@contextlib.contextmanager
def pages_with(token, certificate=True):
    """All pages of these tests, whose back end makes tokens."""
    served = {
        "/": (HTML, READER),
        "/token": (TEXT, token),
        "/module": (HTML, MODULE_PAGE),
        "/hostile": (HTML, HOSTILE),
        "/sandboxed": (HTML, SANDBOXED),
        "/framed": (HTML, FRAMED),
        "/framing": (HTML, FRAMING),
        **modules(""),
    }
    pages = Pages(served, tls.of_sites() if certificate else None)
    try:
        yield pages
    finally:
        pages.close()


def token_for(path, seconds=600):
    rights = {"read": [path.removeprefix("/v1/stream/")]}
    return jwt.encode(claims(rights, exp=int(time.time()) + seconds), SECRET, "HS256")


def short_tokens(path):
    """Makes tokens of 3, 9, 27, … seconds: on a busy machine there is more time at last. To the module, two in a row that are over
    before they are used are a refusal."""
    seconds = (3**power for power in itertools.count(1))
    return lambda: token_for(path, next(seconds))


def url_of(server):
    """The server as the browsers reach it."""
    return f"https://{STREAMS}:{server.port}"


def say(server, path, word):
    answer = server.append(path, word, headers=signed())
    assert answer.status == 204, answer


def end(server, path):
    assert server.request("POST", path, {"Stream-Closed": "true", **signed()}).status == 204


def follow(browser, pages, host, server, path):
    """The page at a host reads a stream, and has opened it."""
    browser.goto(pages.origin(host) + "/")
    browser.run("follow(arguments[0], arguments[1])", url_of(server), path)
    browser.wait_for("source?.readyState === EventSource.OPEN")


def read(browser, url):
    """What the page gets by fetch() with its cookies: status and text."""
    return browser.run_async(
        "const [url, done] = arguments; window.read(url).then(done, (error) => done([0, String(error)]))", url
    )


def say_until(browser, server, path, condition, seconds=180):
    """Appends word after word until a condition is true in the page; returns the words."""
    words, until = [], time.monotonic() + seconds
    while not browser.run(f"return {condition}"):
        assert time.monotonic() < until, f"{condition} did not come true; the page has {browser.run('return window.told')}"
        words.append(str(len(words)))
        say(server, path, words[-1])
    return words


# Sessions


@pytest.mark.parametrize("host, state", [(APP, "partitioned"), (SAME_SITE, "same-site")])
def test_a_page_reads_live_with_the_cookie_that_its_site_is_given(browser, over_tls, host, state):
    path, other = f"/v1/stream/answers/{browser.name}-{state}", f"/v1/stream/answers/{browser.name}-{state}0"
    with pages_with(lambda: token_for(path)) as pages:
        server = over_tls(pages.origin(host))
        for name in (path, other):
            server.create(name=name.removeprefix("/v1/stream/"), headers=signed())
        browser.goto(pages.origin(host) + "/")
        assert read(browser, url_of(server) + path)[0] == 401
        follow(browser, pages, host, server, path)
        for number in range(5):
            say(server, path, f"word {number}")
            browser.wait_for(f"words.length === {number + 1}")
        assert browser.run("return words") == [f"word {number}" for number in range(5)]
        session = browser.run("return sessions[0]")
        seconds = int(session["says"].removeprefix(f"{state}; expires=")) - time.time()
        assert session["status"] == 204 and 0 < seconds <= 600
        assert read(browser, url_of(server) + path) == [200, "".join(f"word {number}" for number in range(5))]
        # No more than its token has, and nothing that a script of the page could take away.
        assert read(browser, url_of(server) + other)[0] == 403
        assert browser.run("return document.cookie") == ""
        end(server, path)
        browser.wait_for("ended")


def test_without_https_no_browser_sends_the_cookie_that_is_called_unusable(browser, guarded):
    path = f"/v1/stream/answers/{browser.name}-clear"
    with pages_with(lambda: token_for(path), certificate=False) as pages:
        server = guarded(pages.origin("127.0.0.1"))
        server.create(name=path.removeprefix("/v1/stream/"), headers=signed())
        url = f"http://localhost:{server.port}"
        browser.goto(pages.origin("127.0.0.1") + "/")
        session = browser.run_async("const [url, done] = arguments; renew(url).then(done, (error) => done(String(error)))", url)
        assert session["status"] == 204 and session["says"].startswith("unusable; expires=")
        status, text = read(browser, url + path)
        assert status == 401 and "Freshet-Session" in text


# Expiry


def test_a_session_that_expires_in_the_middle_loses_nothing(browser, over_tls):
    path = f"/v1/stream/answers/{browser.name}-expiring"
    with pages_with(short_tokens(path)) as pages:
        server = over_tls(pages.origin(APP))
        server.create(name=path.removeprefix("/v1/stream/"), headers=signed())
        follow(browser, pages, APP, server, path)
        words = say_until(browser, server, path, "told.filter((why) => why === 'expired').length >= 2")
        end(server, path)
        browser.wait_for("ended", 90)
        assert browser.run("return words") == words
        assert browser.run("return sessions.length") >= 3


def test_a_token_that_expires_in_the_middle_is_renewed_by_the_module_itself(browser, over_tls, tmp_path):
    path = f"/v1/stream/answers/{browser.name}-module"
    make, made = short_tokens(path), []

    def token():
        made.append(make())
        return made[-1]

    log = RequestLog(tmp_path / "access.log")
    with pages_with(token) as pages:
        server = over_tls(pages.origin(APP), access_log=log.file)
        server.create(name=path.removeprefix("/v1/stream/"), headers=signed())
        browser.goto(pages.origin(APP) + "/module")
        browser.wait_for("typeof listen === 'function'")
        browser.run(
            "listen(arguments[0], { token: async () => (await fetch('/token', { cache: 'no-store' })).text() })",
            url_of(server) + path,
        )
        browser.wait_for("log.opens >= 1")
        # It opens anew with each token.
        words = say_until(browser, server, path, "log.opens >= 3")
        end(server, path)
        browser.wait_for("log.events.some(({ type }) => type === 'end')", 90)
        assert browser.run("return words()") == words
        # No storm: with each token it comes back once, which is a request and one that asks before it; or twice, where a connection
        # was cut in between.
        assert 2 <= len(made) <= 8
        assert len(made) <= len(log.reads(server, path)) <= 4 * len(made)


# Pages that nobody listed


@pytest.mark.parametrize("page", ["/hostile", "/sandboxed"])
def test_a_page_of_an_unlisted_origin_gets_nowhere_beside_sessions_of_others(browser, over_tls, page):
    path = f"/v1/stream/secret-{browser.name}-{page[1:]}"
    with pages_with(lambda: token_for(path)) as pages:
        server = over_tls(pages.origin(APP))
        server.create(name=path.removeprefix("/v1/stream/"), headers=signed())
        say(server, path, "secret words")
        # The visitor has a session on the page of the app, and one at the server's own site.
        follow(browser, pages, APP, server, path)
        browser.wait_for("words.length === 1")
        assert own_session(browser, server, path) == [204, "secret words"]
        attack(browser, pages.origin(HOSTILE_SITE), page, url_of(server) + path)
        untouched(server, path, signed())


def own_session(browser, server, path):
    """A session for everything, got and used by a page of the server's own: its status, and the text of a stream."""
    browser.goto(url_of(server) + "/health")
    return browser.run_async(
        """
        const [path, headers, done] = arguments;
        (async () => {
          const session = await fetch('/v1/session', { method: 'POST', headers, body: '{"all": true}' });
          done([session.status, await (await fetch(path)).text()]);
        })().catch((error) => done([0, String(error)]));
        """,
        path,
        signed(),
    )


def test_a_page_in_a_frame_of_another_site_has_not_the_session_that_it_has_alone(browser, over_tls):
    path = f"/v1/stream/answers/{browser.name}-framed"
    with pages_with(lambda: token_for(path)) as pages:
        server = over_tls(pages.origin(APP))
        server.create(name=path.removeprefix("/v1/stream/"), headers=signed())
        say(server, path, "secret words")
        follow(browser, pages, APP, server, path)
        assert framed(browser, pages, APP, url_of(server) + path) == [200, "secret words"]
        status, text = framed(browser, pages, HOSTILE_SITE, url_of(server) + path)
        assert status in (0, 401) and "secret words" not in text


def framed(browser, pages, host, url):
    """What the page of the app reads in a frame of a page at a host."""
    inner = f"{pages.origin(APP)}/framed#{urllib.parse.quote(url, safe='')}"
    browser.goto(f"{pages.origin(host)}/framing#{urllib.parse.quote(inner, safe='')}")
    # A page that was there before has a result too.
    assert browser.run("return location.origin") == pages.origin(host)
    return browser.wait_for("window.result")
