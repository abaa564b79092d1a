"""`/v1/freshet.js` and `/v1/freshet-text.js`: for pages of every origin, without a key."""

import json

import pytest

from support.freshet import Freshet, run
from support.module_pages import MODULES
from support.pages import Pages

VERSION = run("--version").stdout.decode().split()[0]
NAMES = ["freshet", "freshet-text"]
PAGE = '<!doctype html><meta charset="utf-8"><title>Another origin</title><body><main></main>'


CORS = ("Access-Control-Allow-Origin", "Cross-Origin-Resource-Policy", "Timing-Allow-Origin", "Access-Control-Allow-Credentials")


def cors(answer):
    return {name: answer[name] for name in CORS}


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_for_everybody_and_is_asked_for_again(serve, tmp_path, name):
    keys = tmp_path / "keys"
    keys.write_text("backend backend-key-0123456789 all *\n")
    keys.chmod(0o600)
    server = serve(keys=keys, allowed_origins="https://app.example")
    for origin in (None, "https://other.example", "https://app.example"):
        answer = server.request("GET", f"/v1/{name}.js", {"Origin": origin} if origin else {})
        assert (answer.status, answer["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        assert answer.body == (MODULES / f"{name}.js").read_bytes()
        assert answer["Cache-Control"] == "public, no-cache" and answer["X-Content-Type-Options"] == "nosniff"
        assert cors(answer) == {
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Timing-Allow-Origin": "*",
            "Access-Control-Allow-Credentials": None,
        }
    again = server.request("GET", f"/v1/{name}.js", {"If-None-Match": answer["ETag"]})
    assert (again.status, again.body, cors(again)) == (304, b"", cors(answer))
    head = server.request("HEAD", f"/v1/{name}.js")
    assert (head.status, head.body, head["Content-Length"]) == (200, b"", str(len(answer.body)))
    assert server.request("POST", f"/v1/{name}.js").status == 405
    # Everything else needs the key that it needed.
    assert server.request("GET", "/v1/streams").status == 401
    assert server.request("GET", "/v1/freshet").status == 401


@pytest.mark.parametrize("name", NAMES)
def test_with_its_version_in_the_name_it_never_changes(server, name):
    answer = server.request("GET", f"/v1/{name}-{VERSION}.js")
    assert (answer.status, answer["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    assert answer.body == (MODULES / f"{name}.js").read_bytes()
    for other in (f"{name}-0.0.1", f"{name}-", f"{name}-{VERSION}x", f"{name}{VERSION}", f"x-{name}"):
        assert server.request("GET", f"/v1/{other}.js").status == 404


def test_a_page_of_another_origin_reads_with_the_modules(browser):
    pages = Pages({"/": ("text/html; charset=utf-8", PAGE)})
    server = Freshet(allowed_origins=pages.origin())
    try:
        path = server.create("application/json")
        for delta in ({"content": "**Hello** <b>"}, {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": '{"a":"b'}}]}):
            event = json.dumps({"choices": [{"delta": delta}]})
            assert server.append(path, event, "application/json").status == 204
        browser.goto(pages.origin() + "/")
        browser.run(
            """
            const [server, stream, version] = arguments;
            (async () => {
              const { FreshetSource } = await import(`${server}/v1/freshet-${version}.js`);
              const { text } = await import(`${server}/v1/freshet-text.js`);
              window.source = new FreshetSource(server + stream);
              window.answer = text(document.querySelector('main'), 'openai').from(source);
            })();
            """,
            server.url,
            path,
            VERSION,
        )
        browser.wait_for("window.answer?.tools.length === 1 && document.querySelector('main pre')?.textContent")
        assert browser.run("return answer.tools[0].value.a") == "b"
        assert not browser.run("return answer.tools[0].isComplete")
        server.end(path)
        browser.wait_for("source.readyState === 2")
        assert browser.run("return document.querySelector('main strong').textContent") == "Hello"
        assert browser.run("return document.querySelector('main b')") is None
        assert browser.run("return document.querySelector('main pre').textContent") == '{\n  "a": "b'
    finally:
        server.stop()
        pages.close()
