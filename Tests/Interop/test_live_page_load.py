"""Whether readers notice that somebody watches the live page: as many streams, each with a reader, measured beside the page and without it."""

import asyncio
import http.client
import itertools
import statistics
import time

import pytest

from support.crowd import Writer, allow_many_sockets
from support.freshet import NIGHTLY, TRANSPORT, Freshet
from support.waiting import eventually
from support.wire import Connection
from test_live_page import NAMES, ROWS, open_page

# Each reader is a socket here and one at the server: 20,000 descriptors at most, and a few for the browser.
COUNT = 9_900 if NIGHTLY else 300
MEASURED = 20
# Of each round; a round of the page is longer than the pause between two of its questions.
ROUND_SECONDS, ROUND_APPENDS = 4, 200
VIEWS = ("#/streams?sort=-readers", "#/streams?search=load/0&sort=-updated", "#/stream/load/00000", "#/node")


class Audience:
    """One reader of each stream, connected, of which nobody takes what comes but of some that are measured."""

    def __init__(self, server, paths):
        self.server, self.paths = server, paths

    def __enter__(self):
        self.connections = []
        try:
            for path in self.paths:
                self.connections.append(Connection(self.server.address))
                self.connections[-1].send_head("GET", path, {"Accept": "text/event-stream"})
            self.is_whole()
        except BaseException:
            self.__exit__()
            raise
        return self

    def is_whole(self):
        eventually(lambda: following(self.server) == len(self.paths), 120, f"{len(self.paths)} readers, of {following(self.server)}")

    def __exit__(self, *_):
        for connection in self.connections:
            connection.close()


def following(server):
    """How many follow a stream, without the page, which may read one."""
    return server.request("GET", "/v1/node").json["readers"]["sse"]


async def fill(server, paths):
    async def some(part):
        async with Writer(("127.0.0.1", server.port)) as writer:
            for path in part:
                await writer.create(path)

    await asyncio.gather(*(some(paths[first::8]) for first in range(8)))


class Deliveries:
    """Appends to streams in turn, and how long each takes to be answered and to be with its reader, in milliseconds."""

    def __init__(self, server, paths):
        self.append = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.readers = [(path, server.subscribe(path)) for path in paths]
        self.turn = itertools.cycle(self.readers)

    def round(self):
        """Those of some seconds: half within, and 95 in a hundred within."""
        times = []
        until = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < until or len(times) < ROUND_APPENDS:
            path, reader = next(self.turn)
            begun = time.monotonic()
            self.append.request("POST", path, b"x", {"Content-Type": "text/plain"})
            response = self.append.getresponse()
            response.read()
            assert response.status == 204
            assert reader.next().data == "x"
            times.append((time.monotonic() - begun) * 1000)
        return statistics.median(times), statistics.quantiles(times, n=20)[-1]

    def close(self):
        self.append.close()
        for _, reader in self.readers:
            reader.close()


@pytest.mark.apart
@pytest.mark.long(120)
@pytest.mark.skipif(TRANSPORT != "clear", reason="the crowds speak HTTP/1.1 in clear text")
def test_readers_of_ten_thousand_streams_do_not_notice_the_page(browser):
    allow_many_sockets()
    server = Freshet(connections_per_address=0, connections=2 * COUNT)
    paths = [f"/v1/stream/load/{number:05}" for number in range(COUNT)]
    measured = paths[:: COUNT // MEASURED][:MEASURED]
    try:
        asyncio.run(fill(server, paths))
        rest = [path for path in paths if path not in set(measured)]
        with Audience(server, rest) as audience:
            deliveries = Deliveries(server, measured)
            audience.paths = paths
            audience.is_whole()
            try:
                for view in VIEWS:
                    compare(browser, server, deliveries, view)
            finally:
                deliveries.close()
            browser.goto("about:blank")
            # Nobody was sent away meanwhile.
            audience.paths = rest
            audience.is_whole()
        assert server.still_serves()
    finally:
        server.stop()


def compare(browser, server, deliveries, view):
    """Rounds without the page, the control, and with it in turn. What the machine does besides spoils some rounds; what the page costs spoils all."""
    for _ in range(5):
        browser.goto("about:blank")
        calm, calm_worst = deliveries.round()
        open_page(browser, server, view)
        if view.startswith("#/streams"):
            browser.wait_for(f"{ROWS}.length === 100 && {NAMES}[0].startsWith('load/')")
        watched, watched_worst = deliveries.round()
        told = (
            f"{COUNT:,} streams and readers, {browser.name} at {view}: an event is with its reader in {watched:.1f} ms, 95 % within "
            f"{watched_worst:.1f} ms; without the page {calm:.1f} ms and {calm_worst:.1f} ms"
        )
        print(told)
        if watched < 3 * calm + 10 and watched_worst < 4 * calm_worst + 20:
            return
    pytest.fail(told)
