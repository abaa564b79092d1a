"""HTTP/2 as others speak it: curl, node, httpx, h2load, and proxies that reach the server by it."""

import contextlib
import json
import re
import subprocess

import httpx
import pytest

from support import processes
from support.events import parse_blocks
from support.freshet import Freshet
from support.proxies import Front
from support.tls import usual
from support.waiting import eventually
from support.wire import Connection, exchange

SSE = {"accept": "text/event-stream"}
TEXT = {"content-type": "text/plain"}


@pytest.fixture(scope="module", params=["h2c", "h2"])
def server(request):
    server = Freshet(http2=True, certificate=usual() if request.param == "h2" else None)
    yield server
    server.stop()


def test_curl(server):
    curl = ["curl", "-sS", "--http2" if server.certificate else "--http2-prior-knowledge", "--cacert", usual().authority]
    curl += ["-w", "\n%{http_version} %{http_code}"]

    def ask(*arguments, **options):
        return subprocess.run([*curl, *arguments], capture_output=True, timeout=60, check=True, **options).stdout

    url = f"{server.url}/v1/stream/curl"
    assert ask("-X", "PUT", "-H", "Content-Type: text/plain", url).endswith(b"\n2 201")
    # What comes on standard input has no length: it is appended while it arrives.
    sent = ask("-X", "POST", "-T", "-", "-H", "Content-Type: text/plain", "-H", "Stream-Closed: true", url, input=b"hello")
    assert sent.endswith(b"\n2 204") or sent.endswith(b"\n2 200")
    read = ask("-N", "-H", "Accept: text/event-stream", url)
    assert b"data: hello" in read and b"event: end" in read and read.endswith(b"\n2 200")


@pytest.mark.parametrize("how", ["Last-Event-ID", "offset"])
def test_curl_resumes_where_it_was_and_is_stopped(server, how):
    path = server.create()
    url = server.url + path
    curl = ["curl", "-sSN", "--http2" if server.certificate else "--http2-prior-knowledge", "--cacert", usual().authority]
    follow = [*curl, "-H", "Accept: text/event-stream"]

    @contextlib.contextmanager
    def reading(*arguments):
        process = processes.start([*follow, *arguments], stdout=subprocess.PIPE)
        try:
            yield process
        finally:
            processes.end(process)

    def until(process, word):
        printed = b""
        while not printed.endswith(f"data: {word}\n\n".encode()):
            line = process.stdout.readline()
            assert line, f"it ended before {word}: {printed!r}"
            printed += line
        return [event for event in parse_blocks(printed) if not event.is_comment]

    with reading(url) as process:
        server.append_each(path, ["one", "two"])
        last = until(process, "two")[-1].id
    server.append(path, "missed")
    with reading(*(["-H", f"Last-Event-ID: {last}", url] if how == "Last-Event-ID" else [f"{url}?offset={last}"])) as process:
        assert [event.data for event in until(process, "missed")] == ["missed"]
        stop = [*curl, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "-X", "POST", "-H", "Stream-Cancel: true", url]
        assert subprocess.run(stop, capture_output=True, timeout=60).stdout == b"2 204"
        end = until(process, '{"reason":"cancelled"}')[-1]
        assert end.type == "end"
        assert process.stdout.read() == b"" and process.wait(60) == 0
    again = [*follow, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "-H", f"Last-Event-ID: {end.id}", url]
    assert subprocess.run(again, capture_output=True, timeout=60).stdout == b"2 204"


def test_an_upgrade_is_not_taken_and_the_request_is_answered_as_it_came():
    """RFC 9113, section 3.1, has no upgrade any more; some clients still offer it."""
    server = Freshet(http2=True)
    try:
        curl = ["curl", "-sS", "--http2", "-w", "\n%{http_version} %{http_code}", server.url + "/health"]
        done = subprocess.run(curl, capture_output=True, timeout=60, check=True)
        assert done.stdout == b'{"status":"ready"}\n\n1.1 200'
        with Connection(("127.0.0.1", server.port)) as connection:
            connection.send_head("GET", "/health", {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": ""})
            answer = connection.read_answer()
            assert (answer.status, answer["Upgrade"]) == (200, None)
    finally:
        server.stop()


NODE = """
const http2 = require('http2');
const [url, ca] = process.argv.slice(1);
const client = http2.connect(url, ca ? { ca: require('fs').readFileSync(ca) } : {});
client.on('error', (error) => { console.error(error); process.exit(1); });
function ask(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = client.request({ ':method': method, ':path': path, ...headers });
    let status, text = '';
    request.on('response', (head) => { status = head[':status']; });
    request.setEncoding('utf8');
    request.on('data', (part) => { text += part; });
    request.on('end', () => resolve([status, text]));
    request.on('error', reject);
    for (const part of body ?? []) request.write(part);
    request.end();
  });
}
/** Reads events until one has these words, and then resets the stream of HTTP/2; or until the end. */
function follow(path, headers, until) {
  return new Promise((resolve, reject) => {
    const request = client.request({ ':path': path, accept: 'text/event-stream', ...headers });
    let status, text = '';
    request.on('response', (head) => { status = head[':status']; });
    request.setEncoding('utf8');
    request.on('data', (part) => {
      text += part;
      if (until && text.includes(`data: ${until}\\n\\n`)) request.close(http2.constants.NGHTTP2_CANCEL);
    });
    request.on('close', () => resolve([status, text]));
    request.on('error', reject);
    request.end();
  });
}
const lastOf = ([, text]) => text.match(/^id: .*$/gm).at(-1).slice(4);
(async () => {
  const path = '/v1/stream/node';
  const type = { 'content-type': 'text/plain' };
  const answers = [
    await ask('PUT', path, type),
    await ask('POST', path, type, ['Hello']),
  ];
  const first = await follow(path, {}, 'Hello');
  answers.push(await ask('POST', path, type, ['missed']));
  const resumed = [
    await follow(path, { 'last-event-id': lastOf(first) }, 'missed'),
    await follow(`${path}?offset=${lastOf(first)}`, {}, 'missed'),
  ];
  const stopped = follow(path, { 'last-event-id': lastOf(resumed[0]) });
  answers.push(await ask('POST', path, { 'stream-cancel': 'true' }));
  const read = await stopped;
  const after = await ask('GET', path, { accept: 'text/event-stream', 'last-event-id': lastOf(read) });
  console.log(JSON.stringify({ answers, first, resumed, read, after }));
  client.close();
})();
"""


def test_node(server):
    arguments = ["node", "-e", NODE, server.url.replace("127.0.0.1", "localhost")]
    if server.certificate:
        arguments.append(usual().authority)
    done = subprocess.run(arguments, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # PUT, two appends, a stop.
    assert [status for status, _ in told["answers"]] == [201, 204, 204, 204]

    def data(response):
        status, text = response
        assert status == 200
        return re.findall("^data: (.*)$", text, re.MULTILINE)

    assert data(told["first"]) == ["Hello"]
    assert [data(response) for response in told["resumed"]] == [["missed"], ["missed"]]
    assert data(told["read"]) == ['{"reason":"cancelled"}']
    # Who comes back after that is told that there is no more.
    assert told["after"] == [204, ""]


def test_httpx(server):
    with httpx.Client(http2=True, http1=False, verify=usual().context(("h2",)), base_url=server.url, timeout=60) as client:
        assert client.put("/v1/stream/httpx", headers=TEXT).status_code == 201
        with client.stream("GET", "/v1/stream/httpx", headers=SSE) as reader:
            assert reader.http_version == "HTTP/2"
            for word in ("one", "two"):
                assert client.post("/v1/stream/httpx", headers=TEXT, content=word).status_code == 204
            assert client.post("/v1/stream/httpx", headers={"stream-closed": "true"}).status_code == 204
            text = "".join(reader.iter_text())
    assert re.findall("^data: (.*)$", text, re.MULTILINE) == ["one", "two", '{"reason":"done"}']


def h2load(server, path, count, *flags):
    """So many requests, twenty at once on each of five connections; returns the status codes by their first digit."""
    command = ["h2load", "-n", str(count), "-c", "5", "-m", "20", *flags, server.url + path]
    told = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    assert f"{count} succeeded, 0 failed, 0 errored, 0 timeout" in told, told
    assert f"Application protocol: {'h2' if server.certificate else 'h2c'}" in told, told
    return {digit: int(number) for number, digit in re.findall(r"(\d+) (\d)xx", told)}


def test_h2load_reads(server):
    path = server.create(body="x" * 10_000)
    assert h2load(server, path, 2000)["2"] == 2000


def test_h2load_appends(server, tmp_path):
    path = server.create()
    (tmp_path / "body").write_text("word.")
    assert h2load(server, path, 1000, "-d", tmp_path / "body", "-H", "content-type: text/plain")["2"] == 1000
    assert server.read_whole(path) == b"word." * 1000


# Proxies that speak it to the server. Debian's nginx cannot: it has HTTP/2 towards an upstream from 1.29.4 on, before only
# for gRPC, whose responses it checks.


def haproxy(place):
    config = f"""
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
    option http-no-delay
    option abortonclose
listen web
    bind {place.listen}
    server freshet {place.origin} {place.speaks["haproxy"]}
"""
    return [["haproxy", "-db", "-f", place.write("haproxy.cfg", config)]]


def nghttpx(place):
    backend = f"--backend={place.upstream[0]},{place.upstream[1]};;proto=h2{place.speaks['nghttpx']}"
    frontend = f"--frontend={place.listen.replace(':', ',')};no-tls"
    return [["nghttpx", frontend, backend, f"--cacert={usual().authority}", "--conf=/dev/null", "--workers=1"]]


@pytest.fixture(params=[haproxy, nghttpx], ids=lambda setup: setup.__name__)
def front(request, server, tmp_path):
    speaks = {"haproxy": "proto h2", "nghttpx": ""}
    if server.certificate:
        speaks = {"haproxy": f"ssl alpn h2 verify required ca-file {usual().authority}", "nghttpx": ";tls;sni=localhost"}

    def setup(place):
        place.speaks = speaks
        return request.param(place)

    front = Front(f"{request.param.__name__}-upstream", setup, tuple(server.address), tmp_path)
    yield front
    front.stop()


def test_a_proxy_that_speaks_http_2_to_the_server(server, front):
    path = server.create()
    with Connection(front.address) as reader, Connection(front.address) as producer:
        reader.send_head("GET", path, {"Accept": "text/event-stream"})
        assert reader.read_head().status == 200
        producer.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        # Each is there before the next is sent.
        for word in ("one", "two", "three"):
            producer.send_chunk(word)
            reader.read_until(f"data: {word}\n\n".encode())
        assert exchange(front.address, "POST", path, {"Stream-Cancel": "true"}).status == 204
        reader.read_until(b'data: {"reason":"cancelled"}\n\n')
        answer = producer.read_answer()
        assert (answer.status, answer["Stream-End-Reason"]) == (409, "cancelled")
    assert exchange(front.address, "GET", path).body == b"onetwothree"
    # Neither the tests nor the proxy came by anything else.
    figures = server.request("GET", "/metrics").text
    accepted, by_http2 = (
        re.search(rf"^freshet_{name}connections_total (\d+)$", figures, re.MULTILINE)[1] for name in ("", "http2_")
    )
    assert accepted == by_http2
    # A reader that leaves is noticed, and is the only one that goes.
    path = server.create()
    described = path.replace("/v1/stream/", "/v1/streams/")
    with Connection(front.address) as stays:
        stays.send_head("GET", path, {"Accept": "text/event-stream"})
        stays.read_head()
        with Connection(front.address) as leaves:
            leaves.send_head("GET", path, {"Accept": "text/event-stream"})
            leaves.read_head()
            eventually(lambda: server.request("GET", described).json["readers"] == 2)
        eventually(lambda: server.request("GET", described).json["readers"] == 1)
        assert server.append(path, "still here").status == 204
        stays.read_until(b"data: still here\n\n")
