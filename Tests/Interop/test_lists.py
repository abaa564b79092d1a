"""Lists of very many streams: a page costs what it returns, and whoever does not list does not notice."""

import http.client
import json
import statistics
import time

import pytest

from support.crowd import allow_many_sockets
from support.freshet import Freshet
from support.repeaters import Repeaters
from support.wire import Connection

STREAMS = 50_000

pytestmark = [pytest.mark.apart, pytest.mark.long(90)]


@pytest.fixture(scope="module", params=["memory", "directory"])
def crowded(request, tmp_path_factory):
    """A server with very many streams, and one whose bytes take as long to send as a page of their list."""
    allow_many_sockets()
    place = {"memory": True} if request.param == "memory" else {"data": tmp_path_factory.mktemp("lists") / "data"}
    server = Freshet(streams=2 * STREAMS, connections_per_address=0, durability="os", **place)
    for start in range(0, STREAMS, 500):
        create(server, [f"/v1/stream/n/{number:05}" for number in range(start, start + 500)])
    page = server.request("GET", "/v1/streams")
    assert len(page.json["streams"]) == 1000
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


class Asker:
    """Asks for the server's health and appends, in turn, on one connection, and measures how long each takes."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.path = server.create()
        self.health, self.appends = [], []

    def ask(self):
        self.health.append(self.time("GET", "/health", None, 200))
        self.appends.append(self.time("POST", self.path, b"x", 204))

    def time(self, method, path, body, status):
        started = time.monotonic()
        self.connection.request(method, path, body, {"Content-Type": "text/plain"} if body else {})
        response = self.connection.getresponse()
        response.read()
        assert response.status == status
        return time.monotonic() - started


def beside(server, path, clients, seconds):
    """What asking takes beside clients that ask for something else again and again."""
    others = Repeaters(server, path, clients)
    asker = Asker(server)
    others.begin()
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(asker.health) < 200:
        asker.ask()
    assert others.end() >= clients
    return asker


def high(times):
    return statistics.quantiles(times, n=20)[-1]


def test_others_do_not_notice_that_eight_clients_list(crowded):
    # In the order of the names, and in one for which every stream is looked at.
    for path in ["/v1/streams?cursor=n/20000", "/v1/streams?sort=-updated"]:
        # What else this machine does may come in the one and not in the other; what the lists do comes each time.
        for _ in range(3):
            control, listing = beside(crowded, crowded.control + "?offset=-1", 8, 5), beside(crowded, path, 8, 5)
            times = {what: (high(getattr(listing, what)), high(getattr(control, what))) for what in ["health", "appends"]}
            for what, (busy, calm) in times.items():
                print(f"{what}: 95 % within {busy * 1000:.1f} ms beside {path}, {calm * 1000:.1f} ms beside as many bytes")
            if all(busy < 4 * calm + 0.02 for busy, calm in times.values()):
                break
        else:
            pytest.fail(f"{path}: {times}")


def test_five_hundred_lists_at_once_keep_nobody_away(crowded):
    # One pause of the machine is the slowest of all; what the lists do comes each time.
    for _ in range(3):
        worst = {}
        for what, path in [("control", crowded.control + "?offset=-1"), ("lists", "/v1/streams")]:
            others = Repeaters(crowded, path, 500, times=1)
            asker = Asker(crowded)
            others.begin()
            while not others.are_done() or len(asker.health) < 50:
                asker.ask()
            assert others.end() == 500
            worst[what] = max(asker.health + asker.appends), high(asker.health + asker.appends), len(asker.health)
        print("slowest, 95 %, and how many:", worst)
        (most, much, _), (calm_most, calm_much, _) = worst["lists"], worst["control"]
        if most < 2 * calm_most + 0.4 and much < 2 * calm_much + 0.05:
            break
    else:
        pytest.fail(f"slowest, 95 %, and how many: {worst}")


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
