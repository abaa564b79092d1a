"""A server under a path of another site: what it says of itself, and its pages, through a proxy that takes the path away."""

import pytest

from support.freshet import Freshet, run
from support.proxies import ours, start_all, stop_all

PUBLIC = "https://app.example/live"


def test_location_and_access_follow_the_public_url(serve):
    server = serve(public_url=PUBLIC + "/")
    headers = {"Content-Type": "text/plain", "Host": "app.example", "Origin": "https://app.example"}
    made = server.request("PUT", "/v1/stream/a%20b", headers)
    assert (made.status, made["Location"]) == (201, f"{PUBLIC}/v1/stream/a%20b")
    # Neither another host nor another origin is let in for it.
    assert server.request("PUT", "/v1/stream/x", {**headers, "Host": "other.example"}).status == 403
    assert server.request("PUT", "/v1/stream/x", {**headers, "Origin": "https://other.example"}).status == 403
    assert server.request("PUT", "/v1/stream/x", {**headers, "Origin": "http://app.example:81"}).status == 403
    # A page there reads with the fields that browsers ask for.
    read = server.request("GET", "/v1/stream/a%20b", {"Origin": "https://app.example"})
    assert read["Access-Control-Allow-Origin"] == "https://app.example"


def test_a_session_over_https_is_secure(serve, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("backend backend-key-0123456789 all *\n")
    keys.chmod(0o600)
    for url, secure in ((PUBLIC, True), ("http://app.example", False)):
        server = serve(keys=keys, public_url=url)
        cookie = server.request("POST", "/v1/session", {"Authorization": "Bearer backend-key-0123456789"})["Set-Cookie"]
        assert ("Secure" in cookie) == (secure or server.scheme == "https"), cookie


@pytest.mark.parametrize("url", ["app.example", "https://app.example/?x", "ftp://app.example", "https://app.example/a b"])
def test_what_is_no_public_url_stops_the_start(url):
    refused = run("serve", "--memory", "--port", "0", "--public-url", url)
    assert refused.returncode == 64 and b"public-url" in refused.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the demonstration's pages behind nginx, under a path."""
    server = Freshet("demo", public_url=PUBLIC)
    fronts = start_all({"nginx": ours("/live/")["nginx"]}, server.address, tmp_path_factory.mktemp("site"))
    yield fronts["nginx"].url + "/live/"
    stop_all(fronts)
    server.stop()


def test_the_pages_find_everything_under_the_path(browser, site):
    browser.resize(1280, 900)
    browser.goto(site)
    browser.console_errors()
    browser.run(
        """
        document.querySelector('#speed').value = 100;
        document.querySelector('#question').value = 'What is the JSON trap?';
        document.querySelector('#composer').requestSubmit();
        """
    )
    ended = "document.querySelector('.turn:last-child .end')?.dataset.reason"
    assert browser.wait_for(f"!['waiting', 'writing', undefined].includes({ended}) && {ended}", seconds=60) == "done"
    # A conversation has an address under the path, which shows it again.
    address = browser.run("return location.href")
    assert address.startswith(site + "?c=")
    browser.goto(address)
    browser.wait_for(f"{ended} === 'done'")
    for name in ("race", "article", "./"):
        target = browser.run("return document.querySelector(`nav.pages a[href='${arguments[0]}']`).href", name)
        assert target == site + name.removeprefix("./")
        browser.goto(target)
        assert browser.run("return getComputedStyle(document.querySelector('nav.pages')).display") == "flex", "its style sheet"
    assert browser.console_errors() == []


def test_the_article_runs_under_the_path(browser, site):
    browser.goto(site + "article")
    browser.console_errors()
    browser.wait_for("document.querySelector('[data-run], button')")
    page = browser.run_async(
        """
        const [done] = arguments;
        fetch('article/client?case=again&run=x').then((answer) => answer.text()).then(done);
        """
    )
    assert "new EventSource('/live/api/chat-stream?case=again&run=x')" in page
    plain = browser.run_async("const [done] = arguments; fetch('article/client').then((a) => a.text()).then(done);")
    assert "new EventSource('/live/api/chat-stream')" in plain
