"""What was acknowledged survives `kill -9` of the server, at any moment, under load; its data directory is guarded."""

import random
import shutil
import signal
import subprocess
import threading
import time

import pytest

from support.freshet import BINARY, NIGHTLY, Freshet, run
from support.ports import free_port
from support.restarts import kill_and_start
from support.waiting import eventually
from support.wire import Connection

ROUNDS = 200 if NIGHTLY else 20
PRODUCERS = 8


class Producer(threading.Thread):
    """Appends numbered events, idempotently, to a stream of its own, and remembers what was acknowledged."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.sent = 0
        self.acknowledged = []
        self.server = None
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            headers = {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": str(self.sent)}
            try:
                answer = self.server.append(self.path, f"{self.sent} ", headers=headers)
            except Exception:  # however the connection ended, the same request is sent again
                time.sleep(0.01)
                continue
            if answer.status in (200, 204):
                self.acknowledged.append(answer["Stream-Next-Offset"])
                self.sent += 1


class Reader(threading.Thread):
    """Follows a stream over any number of connections, from the last id it saw."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.server = None
        self.events = []
        self.surprises = []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            headers = {"Last-Event-ID": self.events[-1][0]} if self.events else {}
            try:
                with self.server.subscribe(self.path, headers) as subscription:
                    while not self.stopping.is_set():
                        event = subscription.next()
                        if event.type == "message":
                            self.events.append((event.id, event.data))
                        elif event.type != "reconnect":
                            self.surprises.append(event)
            except Exception:  # the same for a reader: it comes back with its last id
                time.sleep(0.01)


@pytest.mark.apart
@pytest.mark.long(ROUNDS)
@pytest.mark.timeout(600 if not NIGHTLY else 1800)
def test_kill_9_at_any_moment_loses_doubles_and_reorders_nothing(tmp_path):
    dice = random.Random(4)
    server = Freshet(port=free_port(), data=tmp_path / "data")
    paths = [server.create() for _ in range(PRODUCERS)]
    producers = [Producer(path) for path in paths]
    readers = [Reader(path) for path in paths]
    for worker in producers + readers:
        worker.server = server
        worker.start()
    try:
        for _ in range(ROUNDS):
            time.sleep(dice.uniform(0.05, 0.8))
            server = kill_and_start(server, tmp_path / "data")
            for worker in producers + readers:
                worker.server = server
        # A busy machine takes few appends between two deaths; after the last one there is time for all.
        eventually(lambda: all(producer.sent > ROUNDS for producer in producers), 60, "everyone going on after the deaths")
    finally:
        for producer in producers:
            producer.stopping.set()
    for producer in producers:
        producer.join(60)
    kept = [server.read_whole(path).decode() for path in paths]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(
        len(reader.events) < producer.sent for reader, producer in zip(readers, producers)
    ):
        time.sleep(0.05)
    for reader in readers:
        reader.stopping.set()
    for path, producer, reader, text in zip(paths, producers, readers, kept):
        numbers = [int(number) for number in text.split()]
        # The last one may have been kept without its acknowledgement.
        assert numbers == list(range(len(numbers))) and len(numbers) - producer.sent in (0, 1), path
        assert producer.acknowledged == sorted(set(producer.acknowledged)), "no offset is given twice"
        assert reader.surprises == [], "no reader is told of a gap or an end"
        # What a reader was shown is what is kept: nothing is gone afterwards.
        assert [data for _, data in reader.events] == [f"{n} " for n in numbers[: len(reader.events)]]
        assert len(reader.events) >= producer.sent
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    checked = run("check", tmp_path / "data")
    assert checked.returncode == 0 and b"all sound" in checked.stdout, checked


READ_ONLY = """
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99
shift
exec "$@"
"""


def run_read_only(directory, *arguments):
    """Runs a command of the program where that directory is on a read-only file system."""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", directory, BINARY, *map(str, arguments)], capture_output=True, timeout=60
    )
    if done.returncode == 99 or b"unshare" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr}")
    return done


@pytest.mark.parametrize("state", ["stopped", "killed", "restored"])
def test_check_and_backup_read_a_read_only_file_system(tmp_path, state):
    data = tmp_path / "data #1?"
    server = Freshet(data=data)
    path = server.create()
    server.append_each(path, ["a", "b"])
    if state == "killed":
        server.process.kill()
        server.process.wait()
    else:
        assert server.stop(patience=60) == 0
    if state == "restored":
        assert run("backup", data, tmp_path / "restored.db").returncode == 0
        shutil.rmtree(data)
        data.mkdir()
        (tmp_path / "restored.db").rename(data / "freshet.db")
    before = {file.name: file.read_bytes() for file in data.iterdir()}
    checked = run_read_only(data, "check", data)
    assert checked.returncode == 0, checked
    assert b"1 streams, 2 events" in checked.stdout
    copied = run_read_only(data, "backup", data, tmp_path / "copy.db")
    assert copied.returncode == 0, copied
    assert {file.name: file.read_bytes() for file in data.iterdir()} == before
    (tmp_path / "copied").mkdir()
    (tmp_path / "copy.db").rename(tmp_path / "copied" / "freshet.db")
    assert b"1 streams, 2 events" in run("check", tmp_path / "copied").stdout


def test_a_log_that_cannot_be_read_on_a_read_only_file_system_is_told(tmp_path):
    data = tmp_path / "data"
    server = Freshet(data=data)
    server.append(server.create(), "a")
    server.process.kill()
    server.process.wait()
    (data / "freshet.db-shm").unlink()
    for arguments in (["check", data], ["backup", data, tmp_path / "copy.db"]):
        done = run_read_only(data, *arguments)
        assert done.returncode == 1
        assert b"read-only file system" in done.stderr and b"use the copy" in done.stderr
    assert not (tmp_path / "copy.db").exists()


def test_a_restart_keeps_streams_and_a_backup_is_a_server_of_its_own(tmp_path):
    server = Freshet(data=tmp_path / "data")
    path = server.create()
    ids = server.append_each(path, ["a", "b"])
    assert run("backup", tmp_path / "data", tmp_path / "copy.db").returncode == 0
    server.append_each(path, ["c"])
    server.end(path)
    server.stop()
    again = Freshet(data=tmp_path / "data")
    with again.subscribe(path, {"Last-Event-ID": ids[0]}) as reader:
        assert [(e.type, e.data) for e in reader.rest()] == [
            ("message", "b"),
            ("message", "c"),
            ("end", '{"reason":"done"}'),
        ]
    again.stop()
    (tmp_path / "restored").mkdir()
    (tmp_path / "copy.db").rename(tmp_path / "restored" / "freshet.db")
    restored = Freshet(data=tmp_path / "restored")
    assert restored.read(path).body == b"ab"
    restored.stop()


def test_a_directory_in_use_is_refused_and_so_is_a_damaged_one(tmp_path):
    server = Freshet(data=tmp_path / "data")
    server.create()
    second = run("serve", "--port", "0", "--data", tmp_path / "data")
    assert second.returncode == 1 and b"in use by another server" in second.stderr, second
    # One that is killed leaves a log that has what is damaged below.
    assert server.stop(patience=60) == 0
    database = tmp_path / "data" / "freshet.db"
    database.write_bytes(b"not a database" + database.read_bytes()[14:])
    damaged = run("serve", "--port", "0", "--data", tmp_path / "data")
    assert damaged.returncode == 1 and b"damaged" in damaged.stderr and b"restore a backup" in damaged.stderr, damaged
    assert run("check", tmp_path / "data").returncode == 1


def test_a_live_producer_that_dies_with_the_server_is_never_a_spinner(tmp_path):
    port = free_port()
    server = Freshet(port=port, data=tmp_path / "data")
    path = server.create()
    with Connection(server.address) as live:
        live.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        live.send_chunk("hello")
        with server.subscribe(path) as reader:
            assert reader.next().data == "hello"
        server.process.kill()
        server.process.wait()
    server = Freshet(port=port, data=tmp_path / "data", torn_lease_seconds=1)
    with server.subscribe(path) as reader:
        assert [e.type for e in reader.rest()] == ["message", "end"]
    server.stop()
