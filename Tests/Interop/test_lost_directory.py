"""The data directory of a server that runs is deleted, moved, replaced, or loses a file: nothing more is acknowledged."""

import os
import shutil
import signal
import time

import pytest

from support.freshet import Freshet, run
from support.waiting import eventually
from support.wire import Connection


def replace(path):
    """Puts another file with the same bytes in its place."""
    copy = path.with_name(path.name + ".new")
    shutil.copy(path, copy)
    os.replace(copy, path)


def move_away(data):
    data.rename(data.with_name("moved"))


def put_an_empty_one(data):
    move_away(data)
    data.mkdir()


MISHAPS = {
    "the lock deleted": lambda data: (data / "lock").unlink(),
    "the lock replaced": lambda data: replace(data / "lock"),
    "the database deleted": lambda data: (data / "freshet.db").unlink(),
    "the database replaced": lambda data: replace(data / "freshet.db"),
    "the log deleted": lambda data: (data / "freshet.db-wal").unlink(),
    "the shared memory deleted": lambda data: (data / "freshet.db-shm").unlink(),
    "the directory deleted": shutil.rmtree,
    "the directory moved": move_away,
    "the directory replaced": put_an_empty_one,
}


def is_lost(server):
    health = server.request("GET", "/health")
    return health.status == 503 and health.json["status"] == "unavailable" and health.json["why"]


@pytest.mark.parametrize("mishap", MISHAPS)
def test_nothing_is_acknowledged_from_then_on(serve, tmp_path, mishap):
    data = tmp_path / "data"
    server = serve(data=data)
    path = server.create()
    assert server.append(path, "kept").status == 204
    with server.subscribe(path) as reader, Connection(server.address) as producer:
        first = reader.next()
        producer.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        producer.send_chunk("live")
        assert reader.next().data == "live"
        MISHAPS[mishap](data)
        answer = server.append(path, "lost")
        assert answer.status == 503 and answer.json["type"].endswith("store-unavailable"), answer
        why = is_lost(server)
        assert why and str(data) in why and why in answer.json["detail"]
        for refused in (
            server.request("PUT", "/v1/stream/new", {"Content-Type": "text/plain"}),
            server.request("DELETE", path),
            server.end(path),
            server.cancel(path),
            server.read(path),
        ):
            assert refused.status == 503 and refused["Retry-After"], refused
        # Who follows is asked to come back, and so is who comes with an id.
        event = reader.next()
        assert (event.type, event.json) == ("reconnect", {"why": "store"})
        with server.subscribe(path, {"Last-Event-ID": first.id}) as late:
            (event,) = late.rest()
        assert (event.type, event.json) == ("reconnect", {"why": "store"})
        producer.send_chunk("lost too")
        assert producer.read_answer().status == 503
    eventually(lambda: "Nothing can be kept any more" in server.logged())


def test_what_stands_above_it_is_moved_and_the_way_from_where_the_server_is_stays_the_same(serve, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    server = serve(data="data", before=lambda: os.chdir(home))
    path = server.create()
    home.rename(tmp_path / "moved")
    home.mkdir()
    assert server.append(path, "lost").status == 503
    assert str(home / "data") in is_lost(server)


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("mishap", ["the lock deleted", "the directory deleted", "the log deleted"])
def test_a_body_that_ends_then_is_not_acknowledged(serve, tmp_path, mishap, closes):
    """What came of it was kept when it came, and its answer is the only acknowledgement of it."""
    data = tmp_path / "data"
    server = serve(data=data)
    path = server.create()
    fields = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
    if closes:
        fields["Stream-Closed"] = "true"
    with server.subscribe(path) as reader, Connection(server.address) as early, Connection(server.address) as late:
        for producer in (early, late):
            producer.send_head("POST", path, fields)
            producer.send_chunk("live")
            assert reader.next().data == "live"
        MISHAPS[mishap](data)
        early.send_chunk("")
        assert early.read_answer().status == 503
        assert is_lost(server)
        late.send_chunk("")
        assert late.read_answer().status == 503


def test_what_was_acknowledged_before_is_not_acknowledged_again(serve, tmp_path):
    data = tmp_path / "data"
    server = serve(data=data)
    path = server.create()
    # A writer at rest has nothing to write when it is asked for what is there.
    assert server.request("PUT", path, {"Content-Type": "text/plain"}).status == 200
    shutil.rmtree(data)
    assert server.request("PUT", path, {"Content-Type": "text/plain"}).status == 503


@pytest.mark.parametrize("mishap", ["the lock deleted", "the directory moved"])
def test_it_is_noticed_when_nobody_asks_for_anything(serve, tmp_path, mishap):
    data = tmp_path / "data"
    server = serve(data=data)
    path = server.create()
    with server.subscribe(path) as reader:
        MISHAPS[mishap](data)
        event = reader.next()
        assert (event.type, event.json) == ("reconnect", {"why": "store"})
    assert is_lost(server)


def test_a_second_server_is_refused_where_the_lock_file_was_deleted(serve, tmp_path):
    data = tmp_path / "data"
    server = serve(data=data)
    path = server.create()
    server.append(path, "kept")
    (data / "lock").unlink()
    second = serve(data=data, wait=False)
    assert second.process.wait(60) == 1
    assert "in use by another server" in second.logged()
    eventually(lambda: is_lost(server))
    server.stop()
    assert run("check", data).returncode == 0
    again = serve(data=data)
    assert again.read(path).body == b"kept"


def test_two_servers_where_the_directory_was_replaced_do_each_other_no_harm(serve, tmp_path):
    data = tmp_path / "data"
    server = serve(data=data)
    path = server.create(name="s")
    server.append(path, "first")
    put_an_empty_one(data)
    second = serve(data=data)
    second.create(name="s")
    second.append(path, "second")
    eventually(lambda: is_lost(server))
    server.stop()
    second.append(path, "third")
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    again = serve(data=data)
    assert again.read(path).body == b"secondthird"
    moved = serve(data=tmp_path / "moved")
    assert moved.read(path).body == b"first"


def test_a_copy_and_a_check_take_nothing_away(serve, tmp_path):
    data = tmp_path / "data"
    server = serve(data=data)
    path = server.create()
    begin = time.monotonic()
    count = 0
    # Over more than one look at the directory.
    while time.monotonic() - begin < 2.5:
        assert server.append(path, "x").status == 204
        assert run("check", data).returncode == 0
        assert run("backup", data, tmp_path / f"copy-{count}").returncode == 0
        count += 1
    assert server.request("GET", "/health").json == {"status": "ready"}
    assert server.read(path).body == b"x" * count
