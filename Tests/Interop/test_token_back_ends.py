"""docs/access.md, from a login to a reading page: its back ends, as they stand there, in front of a server with their secret."""

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import jwt
import pytest

from support import processes
from support.documents import ROOT, examples
from support.pages import HTML
from support.ports import free_port
from support.waiting import eventually
from support.wire import Closed, exchange

EXAMPLES = examples("docs/access.md")
# No text, and bytes that are taken for ends of one.
SECRET = b"a secret \x00\xff\n of more than thirty-two bytes"
LOGIN = {"Cookie": "theme=dark; login=a-login-of-u42"}
# The debug build that made the unit tests made the examples too.
SWIFT = ROOT / ".build" / "debug" / "TokenBackEnd"
SWIFT_SOURCE = ROOT / "Examples" / "TokenBackEnd" / "TokenBackEnd.swift"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the back ends stand, with the secret and the logins of their users."""
    folder = tmp_path_factory.mktemp("back-ends")
    (folder / "secret").write_bytes(SECRET + b"\n")
    (folder / "secret").chmod(0o600)
    (folder / "sessions.json").write_text(json.dumps({"a-login-of-u42": "u42", "a-login-of-u7": "u7"}))
    return folder


def written(folder, name, file, port):
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(EXAMPLES[name].replace("8080", str(port)))
    return path


def python(folder, port):
    written(folder, "python", "app.py", port)
    return [sys.executable, "-m", "uvicorn", "app:app", "--port", port, "--log-level", "error"]


def node(folder, port):
    return ["node", written(folder, "node", "app.mjs", port)]


def go(folder, port):
    program = folder / "back-end"
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off", "GOCACHE": str(folder / "cache"), "HOME": str(folder)}
    command = ["go", "build", "-o", program, written(folder, "go", "app.go", port)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return [program]


def php(folder, port):
    written(folder, "php", "public/index.php", port)
    return ["php", "-S", f"127.0.0.1:{port}", "-t", folder / "public", folder / "public" / "index.php"]


def swift(folder, port):
    return [SWIFT, port]


BACK_ENDS = {"python": python, "node": node, "go": go, "php": php, "swift": swift}
PROGRAMS = {"python": sys.executable, "node": "node", "go": "go", "php": "php", "swift": str(SWIFT)}


@contextlib.contextmanager
def running(name, folder):
    """The address of a back end that listens."""
    port = free_port()
    command = BACK_ENDS[name](folder, port)
    with open(folder / f"{name}.log", "w+") as log:
        process = processes.start(command, cwd=folder, stdout=log, stderr=log)

        def answers():
            assert process.poll() is None, (folder / f"{name}.log").read_text()
            with contextlib.suppress(OSError, Closed):
                return exchange(("127.0.0.1", port), "POST", "/token/answers/42").status == 401

        try:
            eventually(answers, 60, f"{name}'s back end")
            yield ("127.0.0.1", port)
        finally:
            processes.end(process)


# Go compiles its standard library first.
@pytest.fixture(scope="module", params=BACK_ENDS)
def back_end(request, folder):
    if not shutil.which(PROGRAMS[request.param]) and request.param != "swift":
        pytest.skip(f"there is no {request.param}")
    with running(request.param, folder) as address:
        yield address


@pytest.fixture
def server(serve, folder):
    server = serve(jwt_secret_file=folder / "secret", jwt_issuer="app", jwt_audience="freshet", jwt_leeway_seconds=0)
    for name in ("answers/42", "answers/420"):
        assert server.request("PUT", f"/v1/stream/{name}", {"Content-Type": "text/plain", **writer()}).status == 201
    return server


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def writer():
    claims = {"iss": "app", "aud": "freshet", "sub": "model", "exp": int(time.time()) + 600, "freshet": {"all": ["*"]}}
    return bearer(jwt.encode(claims, SECRET, "HS256"))


def write(server, text):
    assert server.append("/v1/stream/answers/42", text, headers=writer()).status == 204


def test_every_example_is_run():
    assert list(EXAMPLES) == ["python", "node", "go", "php", "swift", "page", "module", "fetch"]


def test_the_swift_of_the_page_is_what_is_compiled():
    # The version of macOS is for this package alone: others say theirs in their manifest.
    assert EXAMPLES["swift"] == SWIFT_SOURCE.read_text().replace("@available(macOS 14, *)\n", "")


def test_a_login_becomes_a_token_of_ten_minutes_for_one_stream(back_end):
    before = int(time.time())
    answer = exchange(back_end, "POST", "/token/answers/42", LOGIN)
    assert answer.status == 200 and answer["Cache-Control"] == "no-store"
    claims = jwt.decode(answer.text, SECRET, ["HS256"], audience="freshet", issuer="app")
    assert claims["sub"] == "u42" and claims["freshet"] == {"read": ["answers/42"]}
    assert before + 600 <= claims["exp"] <= time.time() + 600


def test_nobody_else_gets_one(back_end):
    def status(path, headers):
        return exchange(back_end, "POST", path, headers).status

    for stranger in ({}, {"Cookie": "login="}, {"Cookie": "login=a-login-of-nobody"}, {"Cookie": "login=__proto__"}):
        assert status("/token/answers/42", stranger) == 401, stranger
    assert status("/token/answers/42", {"Cookie": "login=a-login-of-u7"}) == 403
    for name in ("answers/420", "answers/*", "answers/", "*", "constructor"):
        assert status(f"/token/{name}", LOGIN) == 403, name
    assert exchange(back_end, "GET", "/token/answers/42", LOGIN).status in (404, 405)


def test_a_reader_with_that_token_reads_its_stream_and_no_other(back_end, server):
    token = exchange(back_end, "POST", "/token/answers/42", LOGIN).text
    with server.subscribe("/v1/stream/answers/42", bearer(token)) as reader:
        write(server, "Because it rained.")
        assert reader.next().data == "Because it rained."
    refused = server.request("GET", "/v1/stream/answers/420", bearer(token))
    assert refused.status == 403 and refused.json["type"] == "urn:freshet:missing-right"
    assert server.append("/v1/stream/answers/42", "mine", headers=bearer(token)).status == 403


def test_a_page_exchanges_it_for_a_cookie_that_ends_with_it(back_end, server):
    token = exchange(back_end, "POST", "/token/answers/42", LOGIN).text
    session = server.request("POST", "/v1/session", bearer(token))
    assert session.status == 204 and session["Freshet-Session"].startswith("same-site; expires=")
    field = session["Set-Cookie"]
    assert 0 < int(field.partition("Max-Age=")[2].partition(";")[0]) <= 600
    cookie = {"Cookie": field.partition(";")[0]}
    with server.subscribe("/v1/stream/answers/42", cookie) as reader:
        write(server, "Because it rained.")
        assert reader.next().data == "Because it rained."
    assert server.request("GET", "/v1/stream/answers/420", cookie).status == 403


# The page


class Site:
    """A page, and the back end that it asks. Its first token is over after a few seconds, and each holds twice as long as the one
    before: on a busy machine one may be over before it is shown."""

    def __init__(self, page=""):
        site = self
        self.made = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(200, page.encode(), HTML)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                assert self.path == "/token/answers/42"
                claims = {"iss": "app", "aud": "freshet", "sub": "u42", "exp": int(time.time()) + 8 * 2**site.made}
                site.made += 1
                token = jwt.encode({**claims, "freshet": {"read": ["answers/42"]}}, SECRET, "HS256")
                self.answer(200, token.encode(), "text/plain")

            def answer(self, status, body, type):
                self.send_response(status)
                self.send_header("Content-Type", type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize("example, kind", [("page", "text/javascript"), ("module", "module")], ids=["EventSource", "FreshetSource"])
def test_a_page_reads_on_when_its_token_expires(browser, serve, folder, example, kind):
    port = free_port()
    code = EXAMPLES[example].replace("/v1/", f"http://127.0.0.1:{port}/v1/")
    names = "window.shown = []; window.show = (data) => shown.push(data); window.loggedOut = (error) => shown.push(String(error));"
    page = f'<!doctype html><meta charset="utf-8"><title>Page</title><script>{names}</script><script type="{kind}">{code}</script>'
    with contextlib.closing(Site(page)) as site:
        server = serve(
            port=port, allowed_origins=site.origin, jwt_secret_file=folder / "secret", jwt_issuer="app", jwt_audience="freshet",
            jwt_leeway_seconds=0,
        )  # fmt: skip
        assert server.request("PUT", "/v1/stream/answers/42", {"Content-Type": "text/plain", **writer()}).status == 201
        write(server, "one")
        for _ in range(3):
            browser.goto(site.origin + "/")
            if browser.wait_for("shown[0]") == "one":
                break
        first = site.made
        write(server, "two")
        # It asks for another when it is told that this one has expired.
        eventually(lambda: site.made > first, 100, "the next token")
        write(server, "three")
        browser.wait_for("shown.length === 3")
        assert browser.run("return shown") == ["one", "two", "three"]


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
def test_without_cookies_fetch_reads_on_when_its_token_expires(server, tmp_path):
    with contextlib.closing(Site()) as site:
        code = EXAMPLES["fetch"].replace("'/token/", f"'{site.origin}/token/").replace("https://streams.example", server.url)
        program = tmp_path / "follow.mjs"
        program.write_text(code + "\nawait follow((data) => console.log(data));\n")
        write(server, "one")
        for _ in range(3):
            process = processes.start(["node", program], stdout=subprocess.PIPE, text=True)
            if process.stdout.readline() == "one\n":
                break
            processes.end(process)
        try:
            first = site.made
            eventually(lambda: site.made > first, 100, "the next token")
            write(server, "two")
            assert process.stdout.readline() == "two\n"
            assert server.request("POST", "/v1/stream/answers/42", {"Stream-Closed": "true", **writer()}).status == 204
            assert process.wait(60) == 0
            assert process.stdout.read() == ""
        finally:
            processes.end(process)
