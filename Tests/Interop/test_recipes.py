"""The recipes: each example is run as it stands, with the server's address put in."""

import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest

from support.freshet import Freshet
from support.upstream import Answer, Upstream
from support.waiting import eventually
from test_relay_kinds import GEMINI, LINES, OLLAMA, WORDS

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "docs" / "recipes"
ADDRESS = "http://127.0.0.1:4437"
QUESTION = "What is the JSON trap?"


def example(page, language):
    """The blocks of a page in one language, one after the other."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (RECIPES / f"{page}.md").read_text(), re.DOTALL)
    assert blocks, f"{page} has no {language}"
    return "".join(blocks)


@pytest.fixture(scope="module")
def upstream():
    return Upstream(lambda request: Answer(GEMINI) if "gemini" in request.target else Answer(OLLAMA["message"], type=LINES))


@pytest.fixture(scope="module")
def server(upstream):
    root = upstream.url.removesuffix("/v1")
    server = Freshet("relay", memory=True, upstreams=["builtin", f"gemini gemini {root}", f"ollama ollama {root}"], environment={"NO_PROXY": "*"})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def answered(server):
    """What the built-in model answers."""
    call = {"model": "builtin", "input": QUESTION}
    answer = server.request("POST", "/v1/responses", {"Content-Type": "application/json"}, json.dumps(call))
    return answer.json["output"][0]["content"][0]["text"]


def python(server, page, extra="", again="answers/1", **environment):
    code = example(page, "python").replace(ADDRESS, server.url).replace("answers/1", again) + extra
    environment = {**os.environ, "NO_PROXY": "*", "PYTHONPATH": str(ROOT / "clients" / "python"), **environment}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=500, env=environment)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


@pytest.mark.parametrize("page", ["anthropic", "langchain", "litellm", "pydantic-ai"])
def test_a_client_reads_the_whole_answer(server, answered, page):
    # LiteLLM fetches its prices otherwise.
    assert python(server, page, LITELLM_LOCAL_MODEL_COST_MAP="True") == answered


def test_openai_s_client_goes_on_after_a_cut_and_finds_its_answer(server, answered):
    before = started(server)
    assert python(server, "openai") == answered + 2 * ("\n" + answered)
    assert started(server) == before + 2


def started(server):
    text = server.request("GET", "/metrics").text
    return int(re.search(r"^freshet_relay_started_total (\d+)", text, re.MULTILINE)[1])


def test_google_s_and_ollama_s_clients_read_the_whole_answer(server, upstream):
    assert python(server, "gemini") == "".join(WORDS)
    assert python(server, "ollama") == "".join(WORDS)
    assert [request.target for request in upstream.requests] == ["/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "/api/chat"]


def test_a_python_back_end_appends_and_learns_of_stop(server):
    assert python(server, "python-back-end") == ""
    with server.subscribe("/v1/stream/answers/1") as reader:
        assert [event.data for event in reader.rest()] == ["It ", "works.", '{"reason":"done"}']
    stop = f"""
import urllib.request
def stopped():
    yield "It "
    urllib.request.urlopen(urllib.request.Request("{server.url}/v1/stream/answers/2", method="POST", headers={{"Stream-Cancel": "true"}}))
    while True:
        yield "goes on "
answer("{server.url}/v1/stream/answers/2", stopped())
print("stopped")
"""
    assert python(server, "python-back-end", stop, again="answers/5") == "stopped\n"


def node(tmp_path, code):
    (tmp_path / "freshet.mjs").write_bytes((ROOT / "clients" / "node" / "freshet.mjs").read_bytes())
    program = tmp_path / "program.mjs"
    program.write_text(code)
    run = subprocess.run(["node", program], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_node_back_end_appends_and_learns_of_stop(server, tmp_path):
    code = example("node-back-end", "js") + f"""
const url = '{server.url}/v1/stream/answers/';
await answer(url + '3', async function* () {{ yield 'It '; yield 'works.'; }});
await answer(url + '4', async function* ({{ signal }}) {{
    yield 'It ';
    await fetch(url + '4', {{ method: 'POST', headers: {{ 'Stream-Cancel': 'true' }} }});
    for (;;) yield 'goes on ';
}});
console.log('stopped');
"""
    assert node(tmp_path, code) == "stopped\n"
    with server.subscribe("/v1/stream/answers/3") as reader:
        assert [event.data for event in reader.rest()] == ["It ", "works.", '{"reason":"done"}']


# What DefaultChatTransport reads (AI SDK 5 to 7): `data:` of each event, JSON or [DONE]; anything else throws.
USE_CHAT = """
async function read(response) {
    if (response.status === 204) return null;
    if (!response.ok) throw new Error(await response.text());
    if (response.headers.get('x-vercel-ai-ui-message-stream') !== 'v1') throw new Error('no UI message stream');
    const chunks = [];
    let pending = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        const blocks = (pending + text).split('\\n\\n');
        pending = blocks.pop();
        for (const block of blocks) {
            const data = block.split('\\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\\n');
            if (data !== '' && data !== '[DONE]') chunks.push(JSON.parse(data));
            told?.(chunks.length);
        }
    }
    return chunks;
}
let told = null;
const encoder = new TextEncoder();
const said = [{ type: 'start' }, { type: 'text-delta', id: '1', delta: 'It ' }, { type: 'text-delta', id: '1', delta: 'works.' }, { type: 'finish' }];
let let_go, aborted = false;
const model = async (messages, signal) => new Response(new ReadableStream({
    async start(controller) {
        signal.addEventListener('abort', () => { aborted = true; });
        for (const chunk of said.slice(0, 2)) controller.enqueue(encoder.encode(`data: ${JSON.stringify(chunk)}\\n\\n`));
        await new Promise((resolve) => { let_go = resolve; });
        if (aborted) return;
        for (const chunk of said.slice(2)) controller.enqueue(encoder.encode(`data: ${JSON.stringify(chunk)}\\n\\n`));
        controller.enqueue(encoder.encode('data: [DONE]\\n\\n'));
        controller.close();
    },
}));
const post = (id) => POST(new Request('http://app/api/chat', { method: 'POST', body: JSON.stringify({ id, messages: [] }) }), model);
const seen = (count) => new Promise((resolve) => { told = (length) => { if (length >= count) resolve(); }; });
"""


def test_use_chat_resumes_and_stops(server, tmp_path):
    code = example("use-chat", "js").replace(ADDRESS, server.url) + USE_CHAT + """
if ((await GET(null, { id: 'a' })).status !== 204) throw new Error('nothing to resume');
if ((await DELETE(null, { id: 'a' })).status !== 204) throw new Error('nothing to stop');
const first = read(await post('a'));
await seen(2);
const resumed = read(await GET(null, { id: 'a' }));
await seen(2);
let_go();
console.log(JSON.stringify([await first, await resumed, await read(await GET(null, { id: 'a' }))]) === JSON.stringify([said, said, null]));

const stopped = read(await post('b')).then(() => 'whole', () => 'torn');
await seen(2);
await DELETE(null, { id: 'b' });
console.log(await stopped, (await GET(null, { id: 'b' })).status);
while (!aborted) await new Promise((resolve) => setTimeout(resolve, 10));
console.log('the model was stopped');
process.exit(0);
"""
    assert node(tmp_path, code) == "true\ntorn 204\nthe model was stopped\n"


def test_tanstack_s_adapter_finds_its_base(server):
    """Its calls, in its order: create, append a batch with producer headers, read, close."""
    path = "/v1/stream/streams/chat-runs%2Frun-1"
    json_type = {"Content-Type": "application/json"}
    producer = {"Producer-Id": "run-1", "Producer-Epoch": "0", "Producer-Seq": "0"}
    assert server.request("PUT", path, json_type).status == 201
    batch = json.dumps([{"type": "RUN_STARTED"}, {"type": "RUN_FINISHED"}])
    appended = server.request("POST", path, {**json_type, **producer}, batch)
    assert appended.status in (200, 204) and appended["Stream-Next-Offset"]
    closed = server.request("POST", path, {"Stream-Closed": "true"})
    assert closed.status == 204 and closed["Stream-Next-Offset"]
    read = server.request("GET", f"{path}?offset=-1&live=long-poll")
    assert (read.json, read["Stream-Closed"]) == (json.loads(batch), "true")
    wrong = server.request("PUT", "/v1/streams/chat-runs%2Frun-1", json_type)
    assert wrong.status == 405
    assert '/v1/stream`' in wrong.json["detail"]
    assert "base URL" in wrong.json["detail"]


@pytest.mark.parametrize("page", ["htmx", "datastar", "turbo"])
def test_html_is_appended_and_read_as_the_page_asks(serve, page):
    server = serve()
    code = example(page, "sh").replace(ADDRESS, server.url)
    subprocess.run(["bash", "-euc", code], check=True, capture_output=True, timeout=300)
    source = re.search(r"/v1/stream/board[^\"']*", example(page, "html"))[0]
    kind, data = {
        "htmx": ("message", "<p>Hello</p>"),
        "datastar": ("datastar-patch-elements", 'elements <div id="board">Hello</div>'),
        "turbo": ("message", '<turbo-stream action="append" target="board"><template><p>Hello</p></template></turbo-stream>'),
    }[page]
    with server.subscribe(source) as reader:
        event = reader.next()
    assert (event.type or "message", event.data) == (kind, data)
    assert (event.id is None) == ("as=plain" in source)


def test_every_recipe_is_listed_and_run():
    pages = {path.stem for path in RECIPES.glob("*.md")} - {"README"}
    assert pages == set(re.findall(r"\]\(([a-z-]+)\.md\)", (RECIPES / "README.md").read_text()))
    # Examples/ is compiled with everything else; the hook is EventSource's own rules (test_browsers.py).
    elsewhere = {"swift-back-end", "react"}
    run = {"openai", "anthropic", "langchain", "litellm", "pydantic-ai", "gemini", "ollama", "python-back-end", "node-back-end"}
    assert pages == elsewhere | run | {"use-chat", "tanstack-ai", "htmx", "datastar", "turbo"}
