"""The functions of the Redis store, as one program calls them: see docs/redis-functions.md."""

import pathlib
import re
import struct

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "Sources/RedisStreamStore/Functions"

NOW = 1_800_000_000_000


def source():
    """The library as the program puts it together."""
    parts = re.findall(r"PackageResources\.(\w+)_lua", (FOLDER / "FunctionLibrary.swift").read_text())
    return b"".join((FOLDER / f"{part}.lua").read_bytes() for part in parts)


def fnv(name):
    value = 2166136261
    for byte in encoded(name):
        value = (value ^ byte) * 16777619 % (1 << 32)
    return value


def encoded(name):
    return name if isinstance(name, bytes) else name.encode()


def packed(*events):
    """A run as a node writes it; each event is data, or type and data."""
    result = bytearray([1])
    for event in events:
        kind, data = event if isinstance(event, tuple) else (None, event)
        result += varint(0 if kind is None else len(encoded(kind)) + 1) + encoded(kind or "")
        result += varint(len(encoded(data))) + encoded(data)
    return bytes(result)


def varint(number):
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes([*result, number])


def unpacked(body):
    """The data of a run's events."""
    assert body[0] == 1
    place, events = 1, []

    def number():
        nonlocal place
        value = shift = 0
        while True:
            byte = body[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while place < len(body):
        kind = number()
        place += max(kind - 1, 0)
        size = number()
        events.append(body[place : place + size])
        place += size
    return events


def run(*events):
    """The field and the value of a run."""
    sizes = [sum(map(len, map(encoded, event))) if isinstance(event, tuple) else len(encoded(event)) for event in events]
    return [f"{len(events)}:{sum(sizes)}", packed(*events)]


def parts(offset):
    ms, _, counter = offset.partition(b"-")
    return int(ms), int(counter)


def later(offset, steps):
    ms, counter = parts(offset)
    counter += steps
    return b"%d-%d" % (ms + (counter >> 24), counter & 0xFFFFFF)


class Functions:
    """Calls the functions over one connection. `now` is what they are told of the time; None is Redis's own."""

    def __init__(self, client, now=NOW):
        self.client = client
        self.now = now

    def load(self):
        return self.client("FUNCTION", "LOAD", "REPLACE", source())

    @property
    def clock(self):
        return "" if self.now is None else self.now

    def call(self, name, keys, *arguments):
        return self.client("FCALL", f"freshet1_{name}", len(keys), *keys, self.clock, *arguments)

    def ask(self, name, keys, *arguments):
        """The same for what only reads."""
        return self.client("FCALL_RO", f"freshet1_{name}", len(keys), *keys, self.clock, *arguments)

    @staticmethod
    def key(name, kind):
        tag = encoded(name).replace(b"%", b"%25").replace(b"{", b"%7B").replace(b"}", b"%7D")
        return b"freshet:{%s}:%s" % (tag, encoded(kind))

    def keys(self, name, kinds):
        return [self.key(name, kind) for kind in kinds]

    def meta(self, name):
        fields = self.client("HGETALL", self.key(name, "m"))
        return dict(zip(fields[::2], fields[1::2]))

    def damage(self, name, field, value):
        self.client("HSET", self.key(name, "m"), field, value)

    def entered(self, name):
        shard = f"freshet:{{idx{fnv(name) % 64}}}"
        return self.call("index_enter", [shard, f"{shard}:v", f"{shard}:n"], name)

    # Of one stream

    def options(self, name, version, essence="text/event-stream", retention="", lease="", expiry="", end=""):
        if version is None:
            version = self.entered(name)
        return [version, essence, f"options of {essence}", retention, lease, expiry, fnv(name) & 0x7FFFFF, end]

    def create(self, name, *runs, mode="", version=None, **options):
        arguments = self.options(name, version, **options)
        return self.call("create", self.keys(name, "mst"), mode, *arguments, *[part for each in runs for part in each])

    def append(
        self, name, *runs, mode="", birth="", essence="", producer=("", "", ""), sequence=None, claim="", end="", function=None
    ):
        wish = [mode, birth, essence, *producer, "" if sequence is None else b"+" + encoded(sequence), claim, end]
        function = function or ("append" if runs else "finish")
        return self.call(function, self.keys(name, "ms"), *wish, *[part for each in runs for part in each])

    def add(self, name, *events, **wish):
        """Appends the events as one run."""
        return self.append(name, *([run(*events)] if events else []), **wish)

    def read(self, name, position="start", events=1000, size=65536):
        return self.ask("read", self.keys(name, "ms"), position, events, size)

    def texts(self, name, position="start"):
        """The data of all events after a position, through as many pages as it takes, and the standing of the first."""
        found, standing = [], None
        while True:
            page = self.read(name, position)
            assert page[0] == b"page", page
            standing = standing or page[1].decode()
            events = [(offset, data) for offset, data in events_of(page[9]) if parts(offset) > parts(page[2])]
            found += [data.decode() for _, data in events]
            if not events or events[-1][0] == page[4]:
                return standing, found
            position = events[-1][0]

    def info(self, name):
        return self.ask("info", self.keys(name, "ms"))

    def remove(self, name, reason="deleted", birth=""):
        return self.call("remove", self.keys(name, "mst"), reason, birth)

    def lease(self, name, seconds, birth=""):
        return self.call("lease", self.keys(name, "m"), birth, seconds)

    def touch(self, name, hold=0):
        return self.call("touch", self.keys(name, "m"), hold)

    def claim(self, name, claim, kind="p", label="", birth="", lease="", noted=None):
        noted = self.now if noted is None else noted
        return self.call("claim", self.keys(name, "ms"), noted, claim, kind, label, birth, lease)

    def unclaim(self, name, claim, label="", torn=""):
        return self.call("unclaim", self.keys(name, "ms"), claim, label, torn)

    def release(self, name, session, torn="", end="failed interrupted", mode=""):
        return self.call("release", self.keys(name, "ms"), mode, session, torn, end)

    def confirm(self, name, mark):
        return self.call("confirm", self.keys(name, "ms"), mark)

    def settle(self, name, trusted=0, seen="", seen_for="", mode=""):
        return self.call("settle", self.keys(name, "mst"), mode, trusted, seen, seen_for)


def events_of(runs):
    """Offset and data of each event of the runs in a reply."""
    found = []
    for first, field, body in zip(runs[::3], runs[1::3], runs[2::3]):
        events = unpacked(body)
        assert int(encoded(field).partition(b":")[0]) == len(events)
        found += [(later(first, step), data) for step, data in enumerate(events)]
    return found


class Message:
    """What was told on a channel."""

    def __init__(self, message):
        header, _, self.rest = message.partition(b"\n")
        self.words = header.split(b" ")
        self.kind = self.words[0].decode()
        self.runs, self.end = [], None
        if self.kind == "i":
            fields, place = self.words[4:], 0
            for first, field, size in zip(fields[::3], fields[1::3], fields[2::3]):
                self.runs += [first, field, self.rest[place : place + int(size)]]
                place += int(size)
            assert int(self.words[3]) * 3 == len(self.runs) == len(fields)
            self.end = self.rest[place:]

    @property
    def texts(self):
        return [data.decode() for _, data in events_of(self.runs)]

    @property
    def offsets(self):
        return [offset for offset, _ in events_of(self.runs)]


def stamp(record):
    """Epoch and sequence as the meta keeps them of a producer."""
    return struct.unpack(">QQ", b"\0" + record[:7] + b"\0" + record[7:])
