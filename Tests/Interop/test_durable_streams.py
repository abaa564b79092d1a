"""The Durable Streams protocol, spoken by its own client for Python, which knows nothing of Freshet."""

import itertools
import json
import threading

import durable_streams
import pytest
from durable_streams import DurableStream, stream

from support.cut_proxy import CutProxy, random_cuts
from support.freshet import NIGHTLY, Freshet
from support.ports import free_port
from support.restarts import kill_and_start
from support.waiting import eventually
from support.wire import Connection


NUMBERS = itertools.count()


@pytest.fixture
def url(server):
    """Names that no test of this file had before: they share a server."""

    def make(name="ds"):
        return f"{server.url}/v1/stream/{name}-{next(NUMBERS)}"

    return make


def producer(url, count, type="application/json"):
    """Appends numbered messages on a thread of its own, and ends the stream."""

    def run():
        import httpx

        with DurableStream(url, content_type=type) as handle:
            for number in range(count):
                handle.append({"n": number} if "json" in type else f"{number};")
        httpx.post(url, headers={"Stream-Closed": "true"}, timeout=60)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_creating_appending_and_reading(url):
    with DurableStream.create(url(), content_type="application/json", ttl_seconds=60) as handle:
        first = handle.append({"a": 1})
        handle.append([1, 2])
        head = handle.head()
        assert head.content_type.split(";")[0] == "application/json"
        with handle.stream(live=False) as whole:
            assert whole.read_json() == [{"a": 1}, [1, 2]]
            assert whole.offset == head.offset
        with handle.stream(live=False, offset=first.next_offset) as rest:
            assert rest.read_json() == [[1, 2]]


def test_creating_otherwise_and_appending_out_of_order_are_its_errors(url):
    where = url()
    with DurableStream.create(where, content_type="text/plain") as handle:
        with pytest.raises(durable_streams.StreamExistsError):
            DurableStream.create(where, content_type="application/json")
        handle.append("b", seq="2")
        with pytest.raises(durable_streams.SeqConflictError):
            handle.append("a", seq="1")
        handle.delete()
    with pytest.raises(durable_streams.StreamNotFoundError):
        DurableStream.connect(where)


@pytest.mark.parametrize("live", ["long-poll", "sse"])
def test_a_live_reader_gets_every_message_once_and_in_order(url, live):
    where = url()
    DurableStream.create(where, content_type="application/json").close()
    thread = producer(where, 200)
    seen = []
    with stream(where, live=live, offset="-1") as reader:
        for item in reader.iter_json():
            seen.append(item["n"])
            if len(seen) == 200:
                break
    thread.join()
    assert seen == list(range(200))


@pytest.mark.parametrize("live", ["long-poll", "sse"])
def test_a_reader_whose_connection_is_cut_goes_on_where_it_was(server, url, live):
    where = url()
    DurableStream.create(where, content_type="application/json").close()
    thread = producer(where, 150)
    seen = []
    offset = "-1"
    with CutProxy(server.address, random_cuts(7, up=(300, 2000), down=(500, 4000))) as proxy:
        through = where.replace(server.url, proxy.url)
        while len(seen) < 150:
            try:
                with stream(through, live=live, offset=offset, timeout=10) as reader:
                    # A batch counts only with the offset behind it.
                    for event in reader.iter_events(mode="json"):
                        seen += [item["n"] for item in event.data]
                        offset = event.next_offset
                        if len(seen) >= 150:
                            break
            except Exception as error:  # whatever the client makes of a cut connection
                assert not isinstance(error, durable_streams.StreamNotFoundError)
    thread.join()
    assert seen == list(range(150))


def test_producer_and_readers_go_on_where_they_were_when_the_server_dies(tmp_path):
    """The client has no idempotent producer: `Stream-Seq` tells it that an append was kept whose answer was lost."""
    server = Freshet(port=free_port(), data=tmp_path / "data")
    where = f"{server.url}/v1/stream/restarts"
    DurableStream.create(where, content_type="application/json").close()
    deaths = 20 if NIGHTLY else 4
    count = 40 * deaths
    appended = 0
    seen = {"long-poll": [], "sse": []}

    def produce():
        nonlocal appended
        while appended < count:
            try:
                with DurableStream(where, content_type="application/json") as handle:
                    while appended < count:
                        try:
                            handle.append({"n": appended}, seq=f"{appended:06}")
                        except durable_streams.SeqConflictError:
                            pass  # it was kept, and the answer was not
                        appended += 1
            except Exception as error:  # whatever the client makes of a server that is not there
                assert not isinstance(error, durable_streams.StreamNotFoundError)

    def consume(live):
        offset = "-1"
        while len(seen[live]) < count:
            try:
                with stream(where, live=live, offset=offset, timeout=10) as reader:
                    for event in reader.iter_events(mode="json"):
                        seen[live] += [item["n"] for item in event.data]
                        offset = event.next_offset
                        if len(seen[live]) >= count:
                            break  # this client takes no notice of Stream-Closed
            except Exception as error:
                assert not isinstance(error, (durable_streams.StreamNotFoundError, durable_streams.RetentionGoneError))

    threads = [threading.Thread(target=produce, daemon=True)]
    threads += [threading.Thread(target=consume, args=[live], daemon=True) for live in seen]
    for thread in threads:
        thread.start()
    for death in range(deaths):
        # Each time in the middle of the work.
        eventually(lambda: appended >= count * (death + 1) // (deaths + 1), seconds=60)
        server = kill_and_start(server, tmp_path / "data")
    for thread in threads:
        thread.join(60)
    assert seen == {"long-poll": list(range(count)), "sse": list(range(count))}
    with stream(where, live=False, offset="-1") as whole:
        assert [item["n"] for item in whole.read_json()] == list(range(count))
    server.stop()


@pytest.mark.parametrize("type", ["application/octet-stream", "text/plain"])
def test_bytes_arrive_as_they_were_appended(url, type):
    body = bytes(range(256)) * 3 if type == "application/octet-stream" else "ä\r\n€\n\n𝄞".encode()
    with DurableStream.create(url(), content_type=type) as handle:
        handle.append(body)
        with handle.stream(live=False) as whole:
            assert whole.read_bytes() == body
        with handle.stream(live="long-poll", offset="-1") as reader:
            assert next(iter(reader.iter_events(mode="bytes"))).data == body


def test_native_readers_see_what_its_producers_wrote(server, url):
    where = url()
    path = where[len(server.url) :]
    with DurableStream.create(where, content_type="application/json") as handle:
        with server.subscribe(path) as reader:
            for number in range(20):
                handle.append({"n": number})
            server.end(path)
            events = reader.rest()
    assert [json.loads(event.data)["n"] for event in events[:-1]] == list(range(20))
    assert events[-1].json == {"reason": "done"}


def test_a_long_poll_may_be_as_short_as_half_a_second(serve):
    server = serve(long_poll_seconds=0.5)
    path = server.create()
    answer = server.read(path + "?offset=now&live=long-poll")
    assert answer.status == 204
    assert answer["Stream-Up-To-Date"] == "true"
    assert answer["Stream-Cursor"]


def test_waiting_readers_are_counted_and_forgotten(server):
    path = server.create()
    name = path.split("/stream/")[1]

    def readers():
        return json.loads(server.request("GET", f"/v1/streams/{name}").body)["readers"]

    connection = Connection(server.address)
    connection.send_head("GET", path + "?offset=now&live=long-poll", {"Host": "localhost"})
    eventually(lambda: readers() == 1)
    connection.close()
    eventually(lambda: readers() == 0)
