"""A page of another origin can neither append, cancel nor read, with the visitor's cookie or without."""

import pytest

from support.freshet import Freshet
from support.pages import Pages

KEY = "backend-key-0123456789"

# Everything a page can try. Each attempt reports what it got; reading anything is a line that begins with READ.
ATTACK = """
const url = decodeURIComponent(location.hash.slice(1)) || window.target;
const wait = (promise) => Promise.race([promise, new Promise((done) => setTimeout(() => done('silence'), 1500))]);
const attempts = {
  append: () => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'forged' }),
  appendTyped: () => fetch(url, { method: 'POST', headers: { 'Content-Type': 'text/event-stream' }, body: 'data: x\\n\\n' }),
  beacon: async () => navigator.sendBeacon(url, 'forged'),
  live: () => fetch(url, { method: 'POST', duplex: 'half', headers: { 'Content-Type': 'text/plain' },
    body: new Blob(['forged']).stream() }),
  form: () => new Promise((done) => {
    const frame = document.body.appendChild(document.createElement('iframe'));
    frame.name = 'sink';
    const form = document.body.appendChild(document.createElement('form'));
    Object.assign(form, { method: 'post', action: url, enctype: 'text/plain', target: 'sink' });
    const field = form.appendChild(document.createElement('input'));
    Object.assign(field, { name: 'forged', value: 'forged' });
    frame.onload = () => done('sent');
    form.submit();
  }),
  cancel: () => fetch(url, { method: 'POST', headers: { 'Stream-Cancel': 'true' }, credentials: 'include' }),
  end: () => fetch(url, { method: 'POST', headers: { 'Stream-Closed': 'true' }, credentials: 'include' }),
  remove: () => fetch(url, { method: 'DELETE', credentials: 'include' }),
  create: () => fetch(url + '-forged', { method: 'PUT', headers: { 'Content-Type': 'text/plain' } }),
  session: () => fetch(new URL('/v1/session', url), { method: 'POST', credentials: 'include' }),
  read: async () => 'READ ' + await (await fetch(url, { credentials: 'include' })).text(),
  readPlain: async () => 'READ ' + await (await fetch(url)).text(),
  readOpaque: async () => {
    const text = await (await fetch(url, { mode: 'no-cors', credentials: 'include' })).text();
    return text === '' ? 'opaque' : 'READ ' + text;
  },
  follow: () => new Promise((done) => {
    const source = new EventSource(url, { withCredentials: true });
    source.onmessage = (event) => done('READ ' + event.data);
    source.onerror = () => { source.close(); done('error'); };
  }),
  script: () => new Promise((done) => {
    const script = document.body.appendChild(document.createElement('script'));
    script.onload = () => done('READ loaded as a script');
    script.onerror = () => done('error');
    script.src = url;
  }),
  frame: () => new Promise((done) => {
    const frame = document.body.appendChild(document.createElement('iframe'));
    frame.onload = () => {
      try { done('READ ' + frame.contentDocument.body.textContent); } catch (error) { done('unreadable'); }
    };
    frame.src = url;
  }),
};
(async () => {
  const results = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      const result = await wait(attempt());
      results[name] = result instanceof Response ? `${result.type} ${result.status}` : String(result);
    } catch (error) { results[name] = 'refused'; }
  }
  (window.parent === window ? window : window.parent).postMessage(results, '*');
})();
"""

HOSTILE = f"<!doctype html><title>Hostile</title><body><script>addEventListener('message', (e) => window.results = e.data);{ATTACK}</script>"

# A sandboxed frame without allow-same-origin has the origin `null`.
SANDBOXED = """<!doctype html><title>Sandbox</title><body><script>
addEventListener('message', (event) => window.results = event.data);
const frame = document.createElement('iframe');
frame.sandbox = 'allow-scripts allow-forms';
frame.src = '/hostile' + location.hash;
document.body.append(frame);
</script>"""


@pytest.fixture(scope="module")
def pages():
    pages = Pages({"/hostile": ("text/html", HOSTILE), "/sandboxed": ("text/html", SANDBOXED)})
    yield pages
    pages.close()


def untouched(server, path, headers):
    head = server.request("HEAD", path, headers)
    assert head.status == 200 and "Stream-Closed" not in head
    assert server.read(path, headers).body == b"secret words"
    assert server.request("HEAD", path + "-forged", headers).status == 404


def attack(browser, origin, page, target):
    browser.goto(f"{origin}{page}#{target}")
    results = browser.wait_for("window.results")
    assert not [name for name, result in results.items() if result.startswith("READ")], results
    assert not [name for name, result in results.items() if " 2" in result], results
    return results


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["same site", "cross site"])
@pytest.mark.parametrize("page", ["/hostile", "/sandboxed"])
def test_a_hostile_page_gets_nowhere(browser, server, pages, host, page):
    path = server.create()
    server.append(path, "secret words")
    attack(browser, pages.origin(host), page, server.url + path)
    untouched(server, path, {})


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(f"backend {KEY} all *\n")
    keys.chmod(0o600)
    server = Freshet(keys=keys)
    yield server
    server.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["same site", "cross site"])
@pytest.mark.parametrize("page", ["/hostile", "/sandboxed"])
def test_a_hostile_page_gets_nowhere_with_the_visitors_cookie(browser, guarded, pages, host, page):
    bearer = {"Authorization": f"Bearer {KEY}"}
    path = f"/v1/stream/secret-{browser.name}-{host}-{page[1:]}"
    text = {"Content-Type": "text/plain", **bearer}
    assert guarded.request("PUT", path, text).status == 201
    assert guarded.request("POST", path, text, "secret words").status == 204
    # The visitor has a session, and its own page reads with it.
    browser.goto(guarded.url + "/health")
    own = browser.run_async(
        """
        const [path, key, done] = arguments;
        (async () => {
          const [headers, body] = [{ Authorization: `Bearer ${key}` }, '{"all": true}'];
          const session = await fetch('/v1/session', { method: 'POST', headers, body });
          const source = new EventSource(path);
          source.onmessage = (event) => { source.close(); done([session.ok, event.data]); };
          source.onerror = () => { source.close(); done([session.ok, null]); };
        })().catch((error) => done([String(error), null]));
        """,
        path,
        KEY,
    )
    assert own == [True, "secret words"]
    attack(browser, pages.origin(host), page, guarded.url + path)
    untouched(guarded, path, bearer)
