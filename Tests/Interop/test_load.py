"""Many readers, many streams, connections cut at random: nothing lost, doubled or out of order."""

import asyncio

import pytest

from support.crowd import Reader, Writer, allow_many_sockets
from support.freshet import NIGHTLY, Freshet

SUBSCRIBERS = 1000
EVENTS = 1000 if NIGHTLY else 100
# For ten times as long as it takes on a machine that does nothing else.
SECONDS = 1800 if NIGHTLY else 600

# Body bytes that a connection may read before its reader cuts it; an event is about 40.
CUTS = (30, 1500)


@pytest.fixture(scope="module")
def server():
    allow_many_sockets()
    server = Freshet(connections_per_address=0)
    yield server
    assert server.stop(patience=60) == 0, server.logged()


@pytest.mark.apart
@pytest.mark.long(60)
@pytest.mark.timeout(SECONDS)
def test_a_thousand_subscribers_of_one_stream(server):
    async def run():
        path = "/v1/stream/one"
        async with Writer(server.address) as writer:
            await writer.create(path)
            readers = [Reader(server.address, path, seed, CUTS) for seed in range(SUBSCRIBERS)]
            reading = [asyncio.create_task(reader.run()) for reader in readers]
            expected = []
            for number in range(EVENTS):
                data = b"event %d" % number
                await writer.append(path, data)
                expected.append(data)
                # The readers run in this loop too: each event finds them in another state.
                await asyncio.sleep(0)
            await writer.end(path)
            await asyncio.gather(*reading)
        return readers, expected

    readers, expected = asyncio.run(run())
    for reader in readers:
        reader.missed_nothing(expected)
    cuts = sum(reader.connections - 1 for reader in readers)
    print(f"{SUBSCRIBERS} readers, {EVENTS} events, {cuts} cuts")
    assert cuts > SUBSCRIBERS


@pytest.mark.apart
@pytest.mark.long(60)
@pytest.mark.timeout(SECONDS)
def test_a_thousand_streams_of_one_subscriber(server):
    writers, each = 20, EVENTS // 5

    async def write(paths):
        async with Writer(server.address) as writer:
            for number in range(each):
                for path in paths:
                    await writer.append(path, b"%s %d" % (path.encode(), number))
            for path in paths:
                await writer.end(path)

    async def run():
        paths = [f"/v1/stream/many/{number}" for number in range(SUBSCRIBERS)]
        async with Writer(server.address) as writer:
            for path in paths:
                await writer.create(path)
        readers = [Reader(server.address, path, path, CUTS) for path in paths]
        reading = [asyncio.create_task(reader.run()) for reader in readers]
        await asyncio.gather(*(write(paths[n::writers]) for n in range(writers)))
        await asyncio.gather(*reading)
        return readers

    for reader in asyncio.run(run()):
        reader.missed_nothing([b"%s %d" % (reader.path.encode(), number) for number in range(each)])


@pytest.mark.apart
@pytest.mark.long(60)
@pytest.mark.timeout(SECONDS)
def test_readers_that_come_late_or_before_read_the_same(server):
    async def run():
        path = "/v1/stream/late"
        expected = [b"%d" % number for number in range(EVENTS)]
        before = [Reader(server.address, path, seed) for seed in range(50)]
        reading = [asyncio.create_task(reader.run()) for reader in before]
        late = []
        async with Writer(server.address) as writer:
            await writer.create(path)
            for number, data in enumerate(expected):
                await writer.append(path, data)
                if number % 2 == 0:
                    late.append(Reader(server.address, path, number, CUTS))
                    reading.append(asyncio.create_task(late[-1].run()))
            await writer.end(path)
            await asyncio.gather(*reading)
        return before + late, expected

    readers, expected = asyncio.run(run())
    for reader in readers:
        reader.missed_nothing(expected)


@pytest.mark.apart
@pytest.mark.long(60)
@pytest.mark.timeout(SECONDS)
def test_concurrent_producers_interleave_and_every_reader_sees_the_same_order(server):
    async def produce(path, name):
        async with Writer(server.address) as writer:
            for number in range(EVENTS // 2):
                await writer.append(path, b"%d:%d" % (name, number))

    async def run():
        path = "/v1/stream/together"
        async with Writer(server.address) as writer:
            await writer.create(path)
            readers = [Reader(server.address, path, seed, CUTS) for seed in range(100)]
            reading = [asyncio.create_task(reader.run()) for reader in readers]
            await asyncio.gather(*(produce(path, name) for name in range(8)))
            await writer.end(path)
            await asyncio.gather(*reading)
        return readers

    readers = asyncio.run(run())
    order = readers[0].data
    for reader in readers:
        reader.missed_nothing(order)
    for name in range(8):
        own = [data for data in order if data.startswith(b"%d:" % name)]
        assert own == [b"%d:%d" % (name, number) for number in range(EVENTS // 2)]
