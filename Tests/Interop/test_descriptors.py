"""File descriptors run out: by one client's connections, by a limit that is lowered, by somebody else's files."""

import contextlib
import os
import pathlib
import re
import resource
import socket
import threading
import time

import pytest

from support.freshet import Freshet
from support.waiting import eventually
from support.wire import Closed, Connection

TICKS = os.sysconf("SC_CLK_TCK")

# However long a busy machine takes, connections that say nothing stay.
PATIENT = {"header_seconds": 600, "idle_seconds": 600}


def limited(soft, hard=None):
    """Sets the limit of open files, in the child, before the program runs."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard or soft))


def lower(server, soft, hard=None):
    """Sets the limit of a server that runs."""
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (soft, hard or soft))


def descriptors(server):
    return {int(name) for name in os.listdir(f"/proc/{server.process.pid}/fd")}


def cpu_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Crowd:
    """Connections that say nothing."""

    def __init__(self, server, count):
        self.sockets = []
        for _ in range(count):
            connection = socket.socket()
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.connect(server.address)
            self.sockets.append(connection)

    def leave(self):
        for connection in self.sockets:
            connection.close()
        self.sockets = []


@pytest.fixture
def crowd():
    crowds = []

    def gather(server, count):
        crowds.append(Crowd(server, count))
        return crowds[-1]

    yield gather
    for one in crowds:
        one.leave()


class Appender:
    """Appends over one connection, one event after the other, until it is told to stop."""

    def __init__(self, server, path):
        self.server = server
        self.connection = Connection(server.address)
        self.path = path
        self.kept = 0
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                body = b"%d\n" % self.kept
                self.connection.send_head(
                    "POST", self.path, {"Content-Type": "text/plain", "Content-Length": str(len(body))}
                )
                self.connection.send(body)
                answer = self.connection.read_answer()
                assert answer.status == 204, answer
                self.kept += 1
        except Exception as error:  # noqa: BLE001: it is what the test looks at
            self.failure = error

    def goes_on(self, count=200):
        """Waits until some more were kept."""
        until = self.kept + count
        eventually(lambda: self.failure or self.kept >= until, 60, "more appends")
        assert self.failure is None, f"{self.failure!r}, server {self.server.process.poll()}: {self.server.logged()}"

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.connection.close()


@contextlib.contextmanager
def appending(server, path):
    appender = Appender(server, path)
    try:
        appender.goes_on(20)
        yield appender
    finally:
        appender.stop()


def seconds_of_appends(appender, seconds):
    """Lets appends go on over more than one look of Dispatch at its threads, which it has each second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        appender.goes_on(20)


def dispatch_switches(server):
    """How often a thread of Dispatch's pool has waited, as each does after what it was given to do."""
    count = 0
    for thread in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It has ended.
            # The last 15 characters of `com.apple.root.default-qos` or `com.apple.root.default-qos.overcommit`.
            if "-qos" in (thread / "comm").read_text():
                status = (thread / "status").read_text()
                count += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.MULTILINE)[1])
    return count


def is_alive(server):
    assert server.process.poll() is None, server.logged()
    return True


def answers_clearly(server, path):
    """What a stranger is told, each on a connection of its own."""
    health = server.request("GET", "/health")
    assert health.status == 200 and health.json["status"] == "ready"
    answer = server.request("GET", path)
    assert answer.status in (429, 503) and answer["Retry-After"] and answer.json["type"].endswith("too-many-connections")
    with server.subscribe(path) as reader:
        (event,) = reader.rest()
    assert (event.type, event.json) == ("reconnect", {"why": "overloaded"})
    return True


def clear(server, path):
    # Who is refused and asks for nothing for 2 s is not answered: this machine may pause for so long.
    with contextlib.suppress(OSError, Closed):
        return answers_clearly(server, path)
    return None


def test_idle_connections_up_to_the_limit_of_open_files_stop_nobody(serve, tmp_path, crowd):
    server = serve(data=tmp_path / "data", before=limited(256), **PATIENT)
    path = server.create()
    with appending(server, path) as appender:
        idle = crowd(server, 300)
        eventually(lambda: len(descriptors(server)) > 120)
        seconds_of_appends(appender, 3.5)
        assert max(descriptors(server)) < 255, "it has come to the limit"
        eventually(lambda: clear(server, path), what="a clear answer")
        idle.leave()
        eventually(server.still_serves_or_none, what="room after the crowd has left")
        appender.goes_on()
    is_alive(server)
    assert re.search(
        r"limit of open files, 256, leaves room for \d+ connections and not for 10000, as set; \d+ of one address, of 1000",
        server.logged(),
    )


def test_a_thousand_connections_against_1024_stop_nobody(serve, tmp_path, crowd):
    server = serve(data=tmp_path / "data", before=limited(1024), connections_per_address=0, **PATIENT)
    path = server.create()
    with appending(server, path) as appender:
        idle = crowd(server, 1100)
        eventually(lambda: len(descriptors(server)) > 700)
        seconds_of_appends(appender, 2.5)
        assert max(descriptors(server)) < 1023
        eventually(lambda: clear(server, path), what="a clear answer")
        idle.leave()
        eventually(server.still_serves_or_none, what="room after the crowd has left")
    is_alive(server)


def test_the_soft_limit_is_raised_to_the_hard_one(serve):
    server = serve(before=limited(256, 4096))
    limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
    assert re.search(r"Max open files\s+4096\s+4096", limits)
    # 4096 are fewer than 10000 connections take. A thread writes the log, and may be late.
    eventually(lambda: "limit of open files, 4096, leaves room" in server.logged())


def test_a_setting_that_fits_is_not_touched(serve):
    server = serve(before=limited(1024), connections=300, connections_per_address=100)
    # All of the log is there when it has ended.
    server.stop(patience=60)
    assert "limit of open files" not in server.logged()


def test_a_limit_that_leaves_no_room_for_anybody_is_an_error(serve):
    server = serve(before=limited(72), wait=False)
    assert server.process.wait(60) == 1
    assert "limit of open files is 72" in server.logged() and "ulimit -n" in server.logged()


@pytest.mark.parametrize("kept", ["memory", "data"])
def test_a_limit_lowered_below_what_is_open_stops_nobody_who_is_there(serve, tmp_path, crowd, kept):
    settings = {"data": tmp_path / "data"} if kept == "data" else {"memory": True}
    server = serve(before=limited(1024), **settings, **PATIENT)
    path = server.create()
    with appending(server, path) as appender, server.subscribe(path) as reader:
        first = reader.next()
        idle = crowd(server, 200)
        eventually(lambda: len(descriptors(server)) > 200)
        lower(server, 100, 1024)
        seconds_of_appends(appender, 3.5)
        # Whoever comes is told, by way of the reserve, also a second time.
        for _ in range(2):
            eventually(lambda: clear(server, path), what="a clear answer")
        assert reader.next().id > first.id
        lower(server, 1024)
        idle.leave()
        eventually(server.still_serves_or_none, what="service as before")
        appender.goes_on()
    is_alive(server)
    eventually(lambda: "no file descriptor left" in server.logged())


def test_no_descriptor_at_all_costs_no_processor_and_no_life(serve, tmp_path, crowd):
    """Not even the reserve helps: the limit is below the lowest free number, as when the whole system has none."""
    server = serve(data=tmp_path / "data", before=limited(1024))
    path = server.create()
    with appending(server, path) as appender:
        lower(server, 4, 1024)
        crowd(server, 50)
        eventually(lambda: "no file descriptor left" in server.logged())
        seconds_of_appends(appender, 2.5)
        appender.stop()
        # Nobody asks for anything, and 50 knock.
        before, begin = cpu_seconds(server), time.monotonic()
        eventually(lambda: time.monotonic() - begin > 3)
        used = cpu_seconds(server) - before
        assert used < 0.2 * (time.monotonic() - begin), "a loop that waits for descriptors burns a core"
        lower(server, 1024)
        eventually(server.still_serves_or_none, what="service as before")
    is_alive(server)


def test_tasks_do_not_run_on_dispatchs_pool(serve):
    """Once a second that pool looks at its threads while it has work, and ends the process when it cannot open a file."""
    server = serve()
    server.create()
    with Connection(server.address) as connection:

        def list_streams():
            connection.send_head("GET", "/v1/streams")
            assert connection.read_answer().status == 200

        list_streams()
        before = dispatch_switches(server)
        # Each is made by a task that changes threads twice.
        for _ in range(300):
            list_streams()
    # A look in vain is one, each second.
    assert dispatch_switches(server) - before < 100


@pytest.mark.parametrize("command", ["relay", "demo"])
def test_the_other_servers_bear_it_too(serve, crowd, command):
    server = serve(command=command, before=limited(256))
    idle = crowd(server, 300)
    eventually(lambda: len(descriptors(server)) > 80)
    eventually(lambda: is_answered(server, "/health"))
    assert max(descriptors(server)) < 255
    idle.leave()
    eventually(lambda: is_answered(server, "/v1/streams"))
    is_alive(server)
    if command == "relay":
        eventually(lambda: "leaves room for 64 answers of the relay" in server.logged())


def is_answered(server, target):
    """Not so while a connection of the crowd is in its place, which may also close it."""
    with contextlib.suppress(OSError, Closed):
        return server.request("GET", target).status == 200
    return False
