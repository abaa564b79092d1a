"""nginx in front, configured as docs/operations.md says."""

import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

from support import processes
from support.events import Subscription
from support.waiting import eventually
from support.wire import Connection, exchange

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
BLOCK = re.search(r"```nginx\n(.*?)```", PAGE, re.DOTALL)[1]
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def answers(address):
    try:
        socket.create_connection(address, 1).close()
        return True
    except OSError:
        return False


@pytest.fixture
def front(server, tmp_path):
    """The address of an nginx in front of the server."""
    port = free_port()
    block = BLOCK.replace("http://127.0.0.1:4437", server.url)
    (tmp_path / "nginx.conf").write_text(
        f"""
        daemon off;
        error_log stderr;
        pid {tmp_path}/nginx.pid;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {tmp_path}/body;
            proxy_temp_path {tmp_path}/proxy;
            fastcgi_temp_path {tmp_path}/fastcgi;
            uwsgi_temp_path {tmp_path}/uwsgi;
            scgi_temp_path {tmp_path}/scgi;
            gzip on;
            gzip_types *;
            server {{
                listen 127.0.0.1:{port};
                {block}
            }}
        }}
        """
    )
    process = processes.start(
        [NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"], stderr=subprocess.DEVNULL
    )
    eventually(lambda: answers(("127.0.0.1", port)), what="nginx")
    yield ("127.0.0.1", port)
    processes.end(process)


def test_each_event_passes_at_once(server, front):
    path = server.create()
    with Subscription(front, path, {"Accept-Encoding": "gzip"}) as reader:
        assert reader.next_block().is_comment, "the head and the first bytes come before any event"
        assert reader.head["Content-Encoding"] is None
        for word in ("one", "two", "three"):
            sent = time.monotonic()
            server.append(path, word)
            assert reader.next().data == word
            assert time.monotonic() - sent < 1
        server.end(path)
        assert reader.next().type == "end"


def test_a_live_body_passes_while_it_is_written_however_large(server, front):
    path = server.create()
    with server.subscribe(path) as reader, Connection(front) as producer:
        producer.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        producer.send_chunk("first")
        assert reader.next().data == "first", "nothing waits for the end of the body"
        for _ in range(40):
            producer.send_chunk("x" * 65536)
        producer.send_chunk("")
        assert producer.read_answer().status == 204


def test_a_reader_that_leaves_is_noticed(server, front):
    path = server.create()

    def readers():
        return server.request("GET", path.replace("/v1/stream/", "/v1/streams/")).json["readers"]

    with Subscription(front, path) as reader:
        assert reader.next_block().is_comment
        eventually(lambda: readers() == 1, what="the reader being counted")
    eventually(lambda: readers() == 0, what="nginx closing its connection")


def test_problems_pass_as_they_are(server, front):
    answer = exchange(front, "GET", "/v1/stream/never-made")
    assert answer.status == 404
    assert answer.json["type"] == "urn:freshet:no-such-stream"
