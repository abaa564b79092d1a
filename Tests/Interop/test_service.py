"""A server that a service manager runs: it says when it is ready, that it lives, and that it stops. And `freshet health`."""

import os
import signal
import socket

import pytest

from support import processes
from support.freshet import Freshet, run
from support.ports import free_port
from support.waiting import eventually


class Manager:
    """The socket of a service manager, as sd_notify(3) has it."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(30)

    def next(self):
        return self.socket.recv(4096).decode().splitlines()

    def environment(self, watchdog_seconds=None):
        variables = {"NOTIFY_SOCKET": self.path.replace("\0", "@")}
        if watchdog_seconds:
            variables["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1_000_000))
        return variables


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    manager = Manager(str(tmp_path / "notify") if request.param == "path" else f"\0freshet-test-{os.getpid()}")
    yield manager
    manager.socket.close()


def test_a_service_manager_is_told_when_it_is_ready_and_when_it_stops(manager):
    server = Freshet(environment=manager.environment())
    try:
        ready = manager.next()
        assert ready == ["READY=1", f"STATUS=Listening on {server.url}"]
        # It is: whoever is told may send it requests.
        assert server.still_serves()
        server.process.send_signal(signal.SIGTERM)
        assert manager.next()[0] == "STOPPING=1", "and no sign of life before, which nobody asked for"
        assert server.process.wait(30) == 0
    finally:
        server.stop()


def test_a_watchdog_gets_signs_of_life_until_the_process_is_stopped(manager):
    server = Freshet(environment=manager.environment(watchdog_seconds=0.2))
    try:
        assert manager.next()[0] == "READY=1"
        assert [manager.next() for _ in range(3)] == [["WATCHDOG=1"]] * 3
        os.kill(server.process.pid, signal.SIGSTOP)
        manager.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            while True:
                manager.next()
        os.kill(server.process.pid, signal.SIGCONT)
        manager.socket.settimeout(30)
        assert manager.next() == ["WATCHDOG=1"]
    finally:
        server.stop()


def test_a_service_manager_that_went_away_is_no_trouble(tmp_path):
    server = Freshet(environment={"NOTIFY_SOCKET": str(tmp_path / "nothing"), "WATCHDOG_USEC": "20000"})
    try:
        assert server.still_serves()
    finally:
        assert server.stop(60) == 0


def health(*arguments, **environment):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FRESHET_")}
    return run("health", *arguments, env=variables | environment)


def test_health_says_that_a_server_is_ready(server):
    own = {"FRESHET_PORT": str(server.port)}
    trust = []
    if server.certificate:
        own["FRESHET_TLS_CERTIFICATE"] = str(server.certificate.chain)
        trust = ["--ca-file", server.certificate.authority]
    for arguments, environment in [([server.url], {}), ([], {"FRESHET_URL": server.url + "/"}), (trust, own)]:
        done = health(*arguments, **environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"ready\n", b"")


def test_health_says_that_a_server_drains(serve):
    server = serve()
    path = server.create()
    with server.subscribe(path):
        assert server.request("POST", path, {"Stream-Lease": "60"}).status == 204
        server.process.send_signal(signal.SIGTERM)
        # A connection that is idle when the drain begins is closed, be it on its way to ask this.
        done = eventually(lambda: b"draining" in (answer := health(server.url)).stderr and answer, 15, "a server that drains")
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"freshet: {server.url}: draining\n"
    server.process.send_signal(signal.SIGTERM)


def test_health_has_a_status_for_nobody_and_for_somebody_else(server, tmp_path):
    done = health(f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 7 and b"no connection" in done.stderr
    other = processes.start(["python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"], stdout=-1, stderr=-3, text=True, cwd=tmp_path)
    try:
        port = other.stdout.readline().split(" port ")[1].split()[0]
        done = health(f"http://127.0.0.1:{port}")
        assert (done.returncode, done.stdout) == (1, b"") and done.stderr
    finally:
        processes.end(other)
    assert health("127.0.0.1:4437").returncode == 64
