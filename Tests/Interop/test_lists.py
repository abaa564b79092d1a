"""Lists of very many streams: a page costs what it returns, and whoever does not list does not notice."""

import json
import statistics
import time

import pytest

from support.crowd import allow_many_sockets
from support.freshet import Freshet
from support.pace import Memory, Neighbours, in_words, processor_seconds
from support.repeaters import Repeaters
from support.waiting import eventually
from support.wire import Connection

STREAMS = 50_000
MIB = 1 << 20
# What `inflight-bytes` is where it is not set, and what the program takes beside what is counted.
INFLIGHT, SLACK = 256 * MIB, 32 * MIB

pytestmark = [pytest.mark.apart, pytest.mark.long(90)]


@pytest.fixture(scope="module", params=["memory", "directory"])
def crowded(request, tmp_path_factory):
    """A server with very many streams, and one whose bytes take as long to send as a page of their list."""
    allow_many_sockets()
    place = {"memory": True} if request.param == "memory" else {"data": tmp_path_factory.mktemp("lists") / "data"}
    server = Freshet(streams=2 * STREAMS, connections_per_address=0, durability="os", **place)
    for start in range(0, STREAMS, 500):
        create(server, [f"/v1/stream/n/{number:05}" for number in range(start, start + 500)])
    server.is_memory = request.param == "memory"
    page = server.request("GET", "/v1/streams")
    assert len(page.json["streams"]) == 1000
    server.page = len(page.body)
    server.control = server.create("application/octet-stream", name="control", body=b"x" * len(page.body))
    yield server
    assert server.stop(patience=60) == 0, server.logged()


def create(server, paths):
    with Connection(server.address, timeout=60) as connection:
        heads = [f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\r\n" for path in paths]
        connection.socket.sendall("".join(heads).encode())
        answers = b""
        while answers.count(b"HTTP/1.1 201 ") < len(paths):
            part = connection.socket.recv(1 << 20)
            assert part, answers[-400:]
            answers += part


def beside(server, path, clients, **options):
    """What neighbours notice beside clients that ask for something else again and again, and what that takes of memory."""
    others = Repeaters(server, path, clients, **options)
    memory = Memory(server.process.pid)
    before = memory.now()
    memory.forget_peak()
    with Neighbours(server) as neighbours:
        others.begin()
        if options:
            eventually(others.are_done, 300, "the end of the others")
        neighbours.measured(50 if options else 200)
        # The neighbours are still there.
        assert others.end() >= clients
    return neighbours, memory.peak() - before


def is_bounded(peak, clients, page):
    """Pages that wait for their readers are counted by `inflight-bytes`; each may be there a second time while it is made."""
    print(f"peak {peak / MIB:.1f} MiB over the start with {clients} clients and a page of {page / MIB:.2f} MiB")
    assert peak <= 2 * min(clients * page, INFLIGHT) + SLACK


def test_others_do_not_notice_that_eight_clients_list(crowded):
    # In the order of the names, and in one for which every stream is looked at.
    for path in ["/v1/streams?cursor=n/20000", "/v1/streams?sort=-updated"]:
        # What else this machine does may come in the one and not in the other; what the lists do comes each time.
        for _ in range(3):
            control, _ = beside(crowded, crowded.control + "?offset=-1", 8)
            listing, peak = beside(crowded, path, 8)
            busy, calm = listing.p95(), control.p95()
            print(f"95 % beside {path} within: {in_words(busy)}; beside as many bytes: {in_words(calm)}")
            is_bounded(peak, 8, crowded.page)
            if all(busy[kind] < 4 * calm[kind] + 0.02 for kind in busy):
                break
        else:
            pytest.fail(f"{path}: {in_words(busy)}; beside as many bytes: {in_words(calm)}")


def test_five_hundred_lists_at_once_keep_nobody_away(crowded):
    # One pause of the machine is the slowest of all; what the lists do comes each time.
    for _ in range(3):
        control, _ = beside(crowded, crowded.control + "?offset=-1", 500, times=1)
        listing, peak = beside(crowded, "/v1/streams", 500, times=1)
        busy, calm = listing.p95(), control.p95()
        most, calm_most = listing.slowest(), control.slowest()
        print(f"beside lists: slowest {most * 1000:.0f} ms, 95 % within {in_words(busy)}")
        print(f"beside as many bytes: slowest {calm_most * 1000:.0f} ms, 95 % within {in_words(calm)}")
        is_bounded(peak, 500, crowded.page)
        if most < 2 * calm_most + 0.4 and all(busy[kind] < 2 * calm[kind] + 0.05 for kind in busy):
            break
    else:
        pytest.fail(f"slowest {most * 1000:.0f} ms, {in_words(busy)}; beside as many bytes {calm_most * 1000:.0f} ms, {in_words(calm)}")


def test_a_page_takes_as_much_of_the_processor_among_many_as_among_few(crowded, tmp_path):
    """The control is the same page of a server that has little more than it."""
    few = Freshet(durability="os", **({"memory": True} if crowded.is_memory else {"data": tmp_path / "data"}))
    try:
        create(few, [f"/v1/stream/n/{number:05}" for number in range(1100)])
        servers, spent, rounds = {"few": few, "many": crowded}, {"few": 0, "many": 0}, 0
        # In turn, until the steps in which time is told are small beside it.
        while min(spent.values()) < 0.3:
            rounds += 1
            for name, server in servers.items():
                before = processor_seconds(server.process.pid)
                with Connection(server.address) as connection:
                    for _ in range(30):
                        connection.send_head("GET", "/v1/streams?prefix=n/")
                        assert len(connection.read_answer().body) > crowded.page // 2
                spent[name] += processor_seconds(server.process.pid) - before
        print({name: f"{seconds / rounds / 30 * 1000:.2f} ms" for name, seconds in spent.items()})
        assert spent["many"] <= 2 * spent["few"]
    finally:
        few.stop()


def test_a_short_page_costs_as_much_among_many_as_among_few(crowded):
    """Also right after a stream came or went, when nothing is in order but what is kept so."""
    few = Freshet(memory=True)
    try:
        servers = {"few": few, "many": crowded}
        with_changes = {name: [] for name in servers}
        for server in servers.values():
            server.create(name="z/one")
        # In turn, so that what else this machine does comes in both.
        for number in range(60):
            for name, server in servers.items():
                server.create(name=f"y/{number}")
                started = time.monotonic()
                assert [s["name"] for s in server.request("GET", "/v1/streams?prefix=z/").json["streams"]] == ["z/one"]
                with_changes[name].append(time.monotonic() - started)
                assert server.request("DELETE", f"/v1/stream/y/{number}").status == 204
        for server in servers.values():
            assert server.request("DELETE", "/v1/stream/z/one").status == 204
        times = {name: statistics.median(taken) for name, taken in with_changes.items()}
        print({name: f"{seconds * 1000:.2f} ms" for name, seconds in times.items()})
        assert times["many"] < 3 * times["few"] + 0.003, times
    finally:
        few.stop()


def test_the_pages_of_all_are_each_stream_once_and_in_order(crowded):
    names, cursor = [], ""
    while cursor is not None:
        page = json.loads(crowded.request("GET", f"/v1/streams?prefix=n/&cursor={cursor}").body)
        names += [stream["name"] for stream in page["streams"]]
        cursor = page["next"]
    assert names == [f"n/{number:05}" for number in range(STREAMS)]
