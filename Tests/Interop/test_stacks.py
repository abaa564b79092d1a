"""docs/stacks.md: every example is run, on the framework itself where this machine can have it."""

import contextlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest

from support import processes
from support.documents import ROOT, examples
from support.freshet import BINARY
from support.module_pages import modules, server_for
from support.pages import HTML, SCRIPT, Pages
from support.waiting import eventually
from support.wire import exchange

EXAMPLES = examples("docs/stacks.md")
TOKENS = ["Because ", "it ", "rained ", "é😀."]
TEXT = "".join(TOKENS)
SHARE = pathlib.Path("/usr/share/nodejs")

MODELS = {
    # Works for `for` and `async for`.
    "model.py": f"""
        class answer:
            def __init__(self, question):
                assert question == "Why?"
            def __iter__(self):
                return iter({TOKENS!r})
            async def __aiter__(self):
                for token in {TOKENS!r}:
                    yield token
        """,
    "model.mjs": f"""
        export async function* answer(question) {{
            if (question !== 'Why?') throw new Error(question);
            yield* {json.dumps(TOKENS)};
        }}
        """,
}


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"there is no {missing and missing[0]}")


@pytest.fixture
def folder(tmp_path):
    """Where an application stands, with the producers and a model beside it."""
    for name, text in MODELS.items():
        (tmp_path / name).write_text(textwrap.dedent(text))
    for client in (ROOT / "clients" / "python" / "freshet.py", ROOT / "clients" / "node" / "freshet.mjs"):
        shutil.copy(client, tmp_path)
    return tmp_path


def environment(server, **more):
    return {**os.environ, "FRESHET_URL": server.url, "FRESHET_KEY": "no-key-is-needed-here", **more}


def ended(server, path):
    """The text of a stream, once it has ended well."""
    reason = eventually(lambda: server.request("HEAD", path)["Stream-End-Reason"], what=f"the end of {path}")
    assert reason == "done"
    return server.read_whole(path).decode()


def run(command, server, folder, **more):
    done = subprocess.run(command, cwd=folder, env=environment(server, **more), capture_output=True, text=True, timeout=1000)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_run():
    assert list(EXAMPLES) == [
        "fastapi", "django", "express", "next", "go", "php", "ruby", "swift", "command", "page", "react", "vue", "svelte", "htmx", "relayed",
    ]


# Writing


def test_fastapi(server, folder):
    (folder / "app.py").write_text(EXAMPLES["fastapi"])
    asks = """
        from fastapi.testclient import TestClient
        from app import app
        response = TestClient(app).post("/ask", json={"question": "Why?"})
        assert response.status_code == 200, response.text
        print(response.json()["stream"])
        """
    path = run([sys.executable, "-c", textwrap.dedent(asks)], server, folder).strip()
    assert ended(server, path) == TEXT


def test_fastapi_answers_before_the_model_does(server, folder):
    (folder / "app.py").write_text(EXAMPLES["fastapi"])
    (folder / "model.py").write_text("import asyncio\nasync def answer(question):\n    yield 'first'\n    await asyncio.Event().wait()\n")
    starts = """
        import uvicorn
        from app import app
        class Server(uvicorn.Server):
            async def startup(self, sockets=None):
                await super().startup(sockets)
                print(self.servers[0].sockets[0].getsockname()[1], flush=True)
        Server(uvicorn.Config(app, port=0, log_level="error")).run()
        """
    process = processes.start(
        [sys.executable, "-c", textwrap.dedent(starts)], cwd=folder, env=environment(server), stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(process.stdout.readline())
        answer = exchange(("127.0.0.1", port), "POST", "/ask", {"Content-Type": "application/json"}, '{"question":"Why?"}')
        path = json.loads(answer.body)["stream"]
        with server.subscribe(path) as reader:
            assert reader.next().data == "first"
    finally:
        processes.end(process)


def test_django(server, folder):
    (folder / "views.py").write_text(EXAMPLES["django"])
    asks = """
        import json
        import django
        from django.conf import settings
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
        django.setup()
        from django.test import Client
        from django.urls import path
        import views
        urlpatterns = [path("ask", views.ask)]
        response = Client().post("/ask", json.dumps({"question": "Why?"}), content_type="application/json")
        assert response.status_code == 200, response.content
        print(response.json()["stream"])
        assert Client().get("/ask").status_code == 405
        """
    (folder / "asks.py").write_text(textwrap.dedent(asks).replace("__name__", '"asks"'))
    path = run([sys.executable, "-W", "ignore", "-c", "import asks"], server, folder).strip()
    assert ended(server, path) == TEXT


@needs("node")
@pytest.mark.skipif(not (SHARE / "express").exists(), reason="there is no node-express")
def test_express(server, folder):
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "express").symlink_to(SHARE / "express")
    (folder / "app.mjs").write_text(EXAMPLES["express"])
    asks = """
        import { app } from './app.mjs';
        const server = app.listen(0, '127.0.0.1', async () => {
            const headers = { 'Content-Type': 'application/json' };
            const url = `http://127.0.0.1:${server.address().port}/ask`;
            const response = await fetch(url, { method: 'POST', headers, body: '{"question":"Why?"}' });
            console.log((await response.json()).stream);
            server.close();
        });
        """
    (folder / "asks.mjs").write_text(textwrap.dedent(asks))
    path = run(["node", "asks.mjs"], server, folder, NODE_PATH=str(SHARE)).strip()
    assert ended(server, path) == TEXT


@needs("node")
def test_next(server, folder):
    """The handler as Next.js calls it, with a stand-in for `after`: Debian has no Next.js."""
    stand_in = folder / "node_modules" / "next"
    stand_in.mkdir(parents=True)
    (stand_in / "package.json").write_text('{"type":"module","exports":{"./server":"./server.js"}}')
    (stand_in / "server.js").write_text("export const after = (task) => setImmediate(task);")
    (folder / "route.mjs").write_text(EXAMPLES["next"])
    asks = """
        import { POST } from './route.mjs';
        const request = new Request('http://localhost/ask', { method: 'POST', body: '{"question":"Why?"}' });
        console.log((await (await POST(request)).json()).stream);
        """
    (folder / "asks.mjs").write_text(textwrap.dedent(asks))
    path = run(["node", "asks.mjs"], server, folder).strip()
    assert ended(server, path) == TEXT


# It compiles the standard library first.
@needs("go")
@pytest.mark.timeout(1200)
def test_go(server, folder):
    (folder / "write.go").write_text(EXAMPLES["go"])
    main = f"""
        package main

        func answer(question string) <-chan string {{
            tokens := make(chan string)
            go func() {{
                for _, token := range []string{{{", ".join(json.dumps(token, ensure_ascii=False) for token in TOKENS)}}} {{
                    tokens <- token
                }}
                close(tokens)
            }}()
            return tokens
        }}

        func main() {{
            if err := write("go/1", "Why?"); err != nil {{
                panic(err)
            }}
        }}
        """
    (folder / "main.go").write_text(textwrap.dedent(main))
    run(
        ["go", "run", "main.go", "write.go"], server, folder,
        GOFLAGS="-mod=mod", GO111MODULE="off", GOCACHE=str(folder / "cache"), HOME=str(folder),
    )  # fmt: skip
    assert ended(server, "/v1/stream/go/1") == TEXT


@needs("php")
def test_php(server, folder):
    calls = f"""
        write('php/1', (function () {{ foreach (json_decode({json.dumps(json.dumps(TOKENS))}) as $token) yield $token; }})());
        """
    (folder / "write.php").write_text(EXAMPLES["php"] + textwrap.dedent(calls))
    run(["php", "write.php"], server, folder)
    assert ended(server, "/v1/stream/php/1") == TEXT


@needs("php")
def test_php_is_told_of_a_stop(server, folder):
    calls = """
        try {
            write('php/2', (function () { yield 'first '; fgets(STDIN); for (;;) yield 'more '; })());
        } catch (RuntimeException $stop) {
            echo $stop->getMessage();
        }
        """
    (folder / "write.php").write_text(EXAMPLES["php"] + textwrap.dedent(calls))
    process = processes.start(
        ["php", "write.php"], cwd=folder, env=environment(server), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        with server.subscribe("/v1/stream/php/2") as reader:
            assert reader.next().data == "first "
        assert server.cancel("/v1/stream/php/2").status == 204
        said, _ = process.communicate("\n", 300)
    finally:
        processes.end(process)
    assert said.startswith("POST: 409")


@needs("ruby")
def test_ruby(server, folder):
    (folder / "write.rb").write_text(EXAMPLES["ruby"] + f'\nwrite("ruby/1", {json.dumps(TOKENS, ensure_ascii=False)})\n')
    run(["ruby", "write.rb"], server, folder, LANG="C.UTF-8")
    assert ended(server, "/v1/stream/ruby/1") == TEXT


def test_a_command(server, folder):
    (folder / "my-program").write_text(f"#!/bin/sh\nprintf '{TEXT}'\n")
    (folder / "my-program").chmod(0o755)
    (folder / "freshet").symlink_to(BINARY)
    run(["bash", "-euo", "pipefail", "-c", EXAMPLES["command"]], server, folder, PATH=f"{folder}:{os.environ['PATH']}")
    assert ended(server, "/v1/stream/answer") == TEXT


# Reading


class Site(Pages):
    """An application's pages, on an origin of their own: `/ask` has an answer, `/v1/` is the modules."""

    def __init__(self):
        self.files = modules("/v1")
        super().__init__(self.files)

    def page(self, body, head="", **scripts):
        imports = {"freshet": "/v1/freshet.js", "freshet/text": "/v1/freshet-text.js"}
        for name, text in scripts.items():
            self.files[f"/{name}.js"] = (SCRIPT, text)
            imports[name] = f"/{name}.js"
        map = f'<script type="importmap">{json.dumps({"imports": imports})}</script>'
        html = f'<!doctype html><meta charset="utf-8"><title>Stack</title>{map}{head}<body>{body}'
        self.files["/"] = (HTML, html)


@pytest.fixture(scope="module")
def site():
    with contextlib.closing(Site()) as site:
        yield site


@pytest.fixture(scope="module")
def streams(site):
    with server_for(site) as server:
        yield server


@pytest.fixture
def written(streams):
    """The URL of an answer of which half is there."""
    path = streams.create()
    streams.append_each(path, TOKENS[:2])
    return path


def show(browser, site, streams, path, element="document.querySelector('#answer')"):
    """The first half is shown, and the second when it comes."""
    browser.wait_for(f"{element}?.textContent.trim() === {json.dumps(''.join(TOKENS[:2]).strip())}")
    streams.append_each(path, TOKENS[2:])
    streams.end(path)
    browser.wait_for(f"{element}?.textContent.startsWith({json.dumps(TEXT)})")


def ask_on_page(browser, site, stream):
    """Presses the button of the page, for which the test is the back end."""
    site.page(EXAMPLES["page"])
    browser.goto(site.origin() + "/")
    browser.run(
        """
        const [stream] = arguments, real = window.fetch;
        window.fetch = async (url, options) => (url === '/ask' ? Response.json({ stream }) : real(url, options));
        document.querySelector('#ask').click();
        """,
        stream,
    )


def test_a_page(browser, site, streams, written):
    ask_on_page(browser, site, streams.url + written)
    show(browser, site, streams, written)
    browser.wait_for("document.querySelector('#answer').textContent.endsWith(' (done)')")


def test_a_page_stops_its_answer(browser, site, streams, written):
    ask_on_page(browser, site, streams.url + written)
    browser.wait_for("document.querySelector('#answer').textContent.includes('it')")
    browser.run("document.querySelector('#stop').click()")
    browser.wait_for("document.querySelector('#answer').textContent.endsWith(' (cancelled)')")


def of_global(name, members):
    """A module for a library that is a script."""
    return f"export const {{ {', '.join(members)} }} = window.{name};"


@pytest.mark.skipif(not (SHARE / "react-dom" / "umd").exists(), reason="there is no node-react-dom")
def test_react(browser, site, streams, written):
    umd = "".join(
        f"<script>{(SHARE / name / 'umd' / f'{name}.production.min.js').read_text()}</script>" for name in ("react", "react-dom")
    )
    site.page(
        f"""<main></main><script type="module">
        import {{ Answer }} from 'answer';
        const root = ReactDOM.createRoot(document.querySelector('main'));
        window.ended = [];
        root.render(React.createElement(Answer, {{ stream: {json.dumps(streams.url + written)}, onEnd: (reason) => ended.push(reason) }}));
        window.unmount = () => root.unmount();
        </script>""",
        head=umd,
        react=of_global("React", ["createElement", "useEffect", "useRef"]),
        answer=EXAMPLES["react"],
    )
    browser.goto(site.origin() + "/")
    show(browser, site, streams, written, "document.querySelector('main > div')")
    browser.wait_for("ended[0] === 'done'")
    browser.run("unmount()")


def test_vue(browser, site, streams, written):
    """The composable, with a stand-in for Vue's two hooks: Debian's Vue is older than they are."""
    site.page(
        f"""<main id="answer"></main><script type="module">
        import {{ useAnswer }} from 'answer';
        useAnswer({{ value: document.querySelector('main') }}, {json.dumps(streams.url + written)});
        </script>""",
        vue="export const onMounted = (hook) => hook(); export const onUnmounted = () => {};",
        answer=EXAMPLES["vue"],
    )
    browser.goto(site.origin() + "/")
    show(browser, site, streams, written)


def test_svelte(browser, site, streams, written):
    """The action, called as Svelte does: it compiles to such a call."""
    site.page(
        f"""<main id="answer"></main><script type="module">
        import {{ answer }} from 'action';
        window.action = answer(document.querySelector('main'), {json.dumps(streams.url + written)});
        </script>""",
        action=EXAMPLES["svelte"],
    )
    browser.goto(site.origin() + "/")
    show(browser, site, streams, written)
    browser.run("action.destroy()")


def test_htmx(browser, site, streams, written):
    package = pathlib.Path(importlib.util.find_spec("django_htmx").origin).parent
    htmx = next(package.rglob("htmx-2.min.js")).read_text()
    site.files["/ask"] = (HTML, f'<div data-stream="{streams.url}{written}"></div>')
    site.page(EXAMPLES["htmx"].replace("hx-post", "hx-get"), head=f"<script>{htmx}</script>")
    browser.goto(site.origin() + "/")
    browser.wait_for("typeof htmx !== 'undefined'")
    browser.run("document.querySelector('button').click()")
    show(browser, site, streams, written, "document.querySelector('#answer > div')")


@needs("node")
def test_the_five_lines_make_the_text_that_the_module_does(folder):
    events = {
        "openai": [{"choices": [{"delta": {"content": "a"}}]}, {"choices": []}, {"choices": [{"delta": {}}]}],
        "responses": [{"type": "response.created"}, {"type": "response.output_text.delta", "delta": "a"}],
        "anthropic": [{"type": "ping"}, {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}],
        "gemini": [{"candidates": [{"content": {"parts": [{"text": "a"}]}}]}, {"candidates": [{}]}],
        "ollama": [{"message": {"content": "a"}}, {"done": True}, {"response": "b"}],
    }
    checks = f"""
        import {{ text }} from '{(ROOT / "clients" / "browser" / "freshet-text.js").as_uri()}';
        import {{ FakeDocument }} from '{(ROOT / "Tests" / "Web" / "fakes.mjs").as_uri()}';
        for (const [provider, events] of Object.entries({json.dumps(events)})) {{
            const answer = text(new FakeDocument().createElement('main'), provider, {{ frame: () => {{}} }});
            for (const data of events) answer.take({{ data }});
            const lines = events.map(textOf[provider]).join('');
            if (lines === '' || lines !== answer.text) throw new Error(`${{provider}}: ${{lines}} ${{answer.text}}`);
        }}
        """
    (folder / "lines.mjs").write_text(EXAMPLES["relayed"] + textwrap.dedent(checks))
    done = subprocess.run(["node", "lines.mjs"], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
