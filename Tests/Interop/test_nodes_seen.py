"""What operators see of several nodes over one Redis, and the demonstration."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from support import processes
from support.events import Subscription
from support.freshet import BINARY, run
from support.nodes import described, open_append
from support.ports import free_port
from support.redis import RedisServer
from support.waiting import eventually
from support.wire import exchange

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_health_and_metrics_tell_of_redis(nodes):
    health = [node.request("GET", "/health").json for node in nodes]
    assert {state["store"]["state"] for state in health} == {"up"}
    assert len({state["store"]["session"] for state in health}) == 3, "each node has a session of its own"
    assert all(state["store"]["memory"] > 0 for state in health)
    for node in nodes:
        text = node.request("GET", "/metrics").text
        assert "freshet_redis_up 1" in text
        assert "freshet_redis_commands_total" in text and "freshet_redis_round_trip_seconds_bucket" in text


def test_info_says_which_node_writes(nodes):
    path = nodes[0].create()
    with open_append(nodes[0], path):
        session = nodes[0].request("GET", "/health").json["store"]["session"]
        shown = run("info", nodes[2].url + path)
        assert shown.returncode == 0, shown
        assert session in shown.stdout.decode(), shown
        assert described(nodes[1], path)["writers"] == [session]
    eventually(lambda: described(nodes[1], path)["writers"] == [], what="nobody who writes")


def test_a_start_says_what_redis_lacks_and_refuses_where_safety_is_required(serve):
    redis = RedisServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    try:
        server = serve(store=redis.url)
        logged = eventually(lambda: "noeviction" in (text := server.logged()) and text, what="the warnings")
        assert "appendonly" in logged and "no replica" in logged
        refused = serve(store=redis.url, redis_require_safe=True, wait=False)
        assert refused.process.wait(60) == 1
        assert "noeviction" in refused.logged()
    finally:
        redis.stop()


def test_a_redis_that_is_not_there_prevents_the_start(serve):
    server = serve(store=f"redis://127.0.0.1:{free_port()}", wait=False)
    assert server.process.wait(60) == 1
    assert "Redis" in server.logged()


def test_a_password_is_shown_nowhere(serve, tmp_path):
    redis = RedisServer("--requirepass", "a-secret-of-redis")
    try:
        password = tmp_path / "password"
        password.write_text("a-secret-of-redis\n")
        password.chmod(0o600)
        server = serve(store=redis.url, redis_password_file=password)
        assert server.still_serves()
        assert "a-secret-of-redis" not in server.logged()
        wrong = serve(store=redis.url.replace("//", "//:not-the-secret@"), wait=False)
        assert wrong.process.wait(60) == 1
        assert "password" in wrong.logged() and "not-the-secret" not in wrong.logged()
        checked = run("serve", "--check-config", "--store", redis.url.replace("//", "//:not-the-secret@"), "--redis-replicas", "x")
        assert checked.returncode == 64 and b"not-the-secret" not in checked.stdout + checked.stderr
    finally:
        redis.stop()


# The demonstration.


def children(pid):
    """The processes that a process has started, by number."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            if text.rpartition(")")[2].split()[1] == str(pid):
                found.append(int(status.parent.name))
    return found


def is_running(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(not shutil.which("haproxy", path="/usr/sbin:" + os.environ["PATH"]), reason="there is no HAProxy")
def test_the_demo_of_three_nodes_survives_one_and_ends_all_that_it_started():
    port = free_port()
    environment = {**os.environ, "FRESHET_PORT": str(port), "PATH": os.environ["PATH"] + ":/usr/sbin"}
    demo = processes.start([ROOT / "scripts" / "lib" / "demo-nodes", BINARY, 3], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in demo.stderr:
            said.append(line)
            if "Ctrl-C ends everything" in line:
                break
        started = children(demo.pid)
        assert len(started) == 5, said
        balancer = ("127.0.0.1", port)
        page = exchange(balancer, "GET", "/", {"Host": f"localhost:{port}"})
        assert page.status == 200 and b"<html" in page.body
        path = "/v1/stream/demo-nodes"
        assert exchange(balancer, "PUT", path, {"Content-Type": "text/plain"}).status == 201
        with Subscription(balancer, path) as reader:
            assert exchange(balancer, "POST", path, {"Content-Type": "text/plain"}, "a").status == 204
            event = reader.next()
        # A node for the chat is a crash away.
        node = int(re.search(r"kill -9 (\d+)", "".join(said))[1])
        os.kill(node, signal.SIGKILL)
        eventually(lambda: not is_running(node))
        # No reader is shown that the balancer does not know it yet: a plain EventSource never comes back from a 502.
        assert [exchange(balancer, "GET", path).status for _ in range(6)] == [200] * 6
        eventually(lambda: exchange(balancer, "POST", path, {"Content-Type": "text/plain"}, "b").status == 204, what="another node")
        with Subscription(balancer, path, {"Last-Event-ID": event.id}) as reader:
            assert reader.next().data == "b"
    finally:
        processes.end(demo, 30)
    assert not [pid for pid in started if is_running(pid)]
