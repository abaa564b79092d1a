"""Others' clients of Server-Sent Events: each receives, resumes after every cut, and stops."""

import asyncio
import datetime
import threading
import warnings

import aiohttp
import aiohttp_sse_client2.client
import httpx
import httpx_sse
import ld_eventsource
import ld_eventsource.config
import pytest
import requests
import requests_sse
import sseclient

from support.clients import http2_by_httpx
from support.cut_proxy import CutAfterEvents, CutProxy
from support.freshet import Freshet
from support.waiting import eventually

WORDS = ["one", "two\nlines", " three", "é 😀", "five"]
END = ("end", '{"reason":"done"}')
WAIT = datetime.timedelta(milliseconds=50)
# What a client says when a connection broke.
BROKEN = (httpx.HTTPError, requests.RequestException)


@pytest.fixture(scope="module")
def server():
    server = Freshet(retry_milliseconds=50)
    yield server
    server.stop()


def fields(last_id):
    return {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}


# The first three give one connection's events, and leave it to their user to come back.


def with_httpx_sse(url, last_id):
    with httpx.Client(timeout=15, **http2_by_httpx()) as client:
        with httpx_sse.connect_sse(client, "GET", url, headers=fields(last_id)) as source:
            if source.response.status_code == 204:
                return
            for event in source.iter_sse():
                yield event.event, event.data, event.id


def with_sseclient_py(url, last_id):
    with requests.get(url, headers=fields(last_id), stream=True, timeout=15) as response:
        if response.status_code == 204:
            return
        for event in sseclient.SSEClient(response).events():
            yield event.event, event.data, event.id


def coming_back(read):
    """Comes back with the last id, as who uses such a client does, until the end."""

    def client(url, events):
        last_id = None
        for _ in range(40):
            try:
                for type, data, id in read(url, last_id):
                    events.append((type, data))
                    last_id = id or last_id
                    if type == "end":
                        # Who asks again is answered that nothing is left.
                        assert list(read(url, last_id)) == []
                        return
            except BROKEN:
                pass
        raise AssertionError("no end")

    return client


def with_httpx_sse_async(url, events):
    async def read():
        last_id = None
        async with httpx.AsyncClient(timeout=15, **http2_by_httpx()) as client:
            for _ in range(40):
                try:
                    async with httpx_sse.aconnect_sse(client, "GET", url, headers=fields(last_id)) as source:
                        if source.response.status_code == 204:
                            return
                        async for event in source.aiter_sse():
                            events.append((event.event, event.data))
                            last_id = event.id or last_id
                except BROKEN:
                    pass

    asyncio.run(read())


def with_requests_sse(url, events):
    with requests_sse.EventSource(url, timeout=15, max_connect_retry=40, reconnection_time=WAIT) as source:
        for event in source:
            events.append((event.type, event.data))
            if event.type == "end":
                return


def with_aiohttp_sse_client2(url, events):
    """It comes back by itself when a response ends, but not when one is cut off."""

    async def read():
        last_id = None
        for _ in range(40):
            headers = {"Last-Event-ID": last_id} if last_id else {}
            source = aiohttp_sse_client2.client.EventSource(url, headers=headers, reconnection_time=WAIT, max_connect_retry=40)
            try:
                async with source:
                    async for event in source:
                        events.append((event.type or "message", event.data))
                        last_id = event.last_event_id
                        if event.type == "end":
                            return
            except aiohttp.ClientError:
                pass

    asyncio.run(asyncio.wait_for(read(), 300))


def with_launchdarkly(url, events):
    client = ld_eventsource.SSEClient(
        ld_eventsource.config.ConnectStrategy.http(url),
        initial_retry_delay=0.05,
        error_strategy=ld_eventsource.config.ErrorStrategy.always_continue(),
    )
    with client:
        for event in client.events:
            events.append((event.event, event.data))
            if event.event == "end":
                return


CLIENTS = {
    "httpx-sse": coming_back(with_httpx_sse),
    "httpx-sse-async": with_httpx_sse_async,
    "sseclient-py": coming_back(with_sseclient_py),
    "requests-sse": with_requests_sse,
    "aiohttp-sse-client2": with_aiohttp_sse_client2,
    "launchdarkly-eventsource": with_launchdarkly,
}
# These take all blanks before a value for the one that the format has.
STRIPPING = {"requests-sse", "aiohttp-sse-client2"}


@pytest.fixture(params=CLIENTS)
def client(request):
    with warnings.catch_warnings():
        # aiohttp-sse-client2 is warned of how it uses its library.
        warnings.simplefilter("ignore")
        yield CLIENTS[request.param]


@pytest.fixture
def expected(request):
    strips = request.node.callspec.params["client"] in STRIPPING
    return [("message", word.lstrip(" ") if strips else word) for word in WORDS] + [END]


def test_it_receives_everything_and_stops_at_the_end(server, client, expected):
    path = server.create()
    server.append_each(path, WORDS)
    server.end(path)
    events = []
    client(server.url + path, events)
    assert events == expected


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_it_resumes_after_every_cut_and_gets_nothing_twice(server, client, expected, reset):
    path = server.create()
    events = []

    def write():
        for number, word in enumerate(WORDS):
            eventually(lambda: len(events) >= number)
            server.append(path, word)
        eventually(lambda: len(events) >= len(WORDS))
        server.end(path)

    # After each event, and the end of its chunk: those who use urllib3 see nothing of a chunk that is not whole.
    with CutProxy(server.address, lambda number: CutAfterEvents(1, extra=2, reset=reset)) as proxy:
        writer = threading.Thread(target=write)
        writer.start()
        client(proxy.url + path, events)
        writer.join()
        assert events == expected
        assert proxy.cuts >= len(WORDS)
