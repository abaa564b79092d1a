"""Nodes that do what takes several calls to Redis, one call at a time in any order, and die between any two of them.

What each node does is the order of calls that docs/redis-functions.md gives. Afterwards nothing may be lost, or left for ever:
every stream is in the index, what has a due time meets it, what a dead node held is released, and what is gone leaves nothing.
"""

import random

import pytest

from support.freshet import NIGHTLY
from support.redis_functions import events_of, fnv

NAMES = [b"a", b"b{}", b"c%", b"d"]
HOUR = 3_600_000


class Dead(Exception):
    """The node died here."""


class Node:
    """What a node does, as generators that stop after each call."""

    def __init__(self, world, session):
        self.world, self.session = world, session
        self.functions = world.functions
        self.claims = 0
        self.seen = {}

    def call(self, name, keys, *arguments):
        return self.functions.call(name, keys, *arguments)

    def index(self, name):
        shard = b"freshet:{idx%d}" % (fnv(name) % 64)
        return [shard, shard + b":v", shard + b":n"]

    def due(self, name):
        shard = b"freshet:{due%d}" % (fnv(name) % 16)
        return [shard, shard + b":t"]

    def create(self, name, **options):
        if self.functions.info(name)[0] == b"stream":
            return
        yield
        after = min(
            (int(number) * 1000 for number in (options.get("lease"), options.get("expiry", "")[1:]) if number), default=None
        )
        while True:
            version = self.call("index_enter", self.index(name), name)
            yield
            entered = self.functions.now
            if after:
                self.call("due_enter", self.due(name), name, after, "")
                yield
            made = self.functions.create(name, version=version, **options)
            if made[0] == b"late":
                continue
            if after and self.functions.now - entered > after / 2:
                yield
                self.call("due_enter", self.due(name), name, after, "")
            return

    def append(self, name):
        self.functions.add(name, f"{self.functions.now}")
        return
        yield

    def lease(self, name, seconds):
        while True:
            entered = self.call("due_enter", self.due(name), name, seconds * 1000, "")
            yield
            if self.call("lease", self.functions.keys(name, "m"), "", seconds, entered) != [b"late"]:
                return
            yield

    def remove(self, name):
        yield from self.removed(name, self.functions.remove(name))

    def removed(self, name, answer):
        if answer[0] != b"removed":
            return
        yield
        self.call("index_drop", self.index(name), name, answer[5], 0)
        yield from self.leave(name, answer[6])

    def leave(self, name, origin):
        """Goes up from source to source."""
        while origin:
            yield
            source, nonce = origin.rsplit(b" ", 1)
            answer = self.call("fork_leave", self.functions.keys(source, "m"), name, nonce)
            name, origin = source, answer[1] if len(answer) > 1 else b""

    def fork(self, name, source):
        info = self.functions.info(source)
        if info[0] != b"stream" or self.functions.info(name)[0] != b"none":
            return
        yield
        version = self.call("index_enter", self.index(name), name)
        yield
        self.call("due_enter", self.due(source), source, HOUR, "")
        yield
        nonce = b"%d" % random.randrange(1 << 40)
        if self.call("fork_enter", self.functions.keys(source, "m"), info[1], name, nonce) != [b"entered"]:
            return
        yield
        page = self.functions.read(source)
        made = [b"failed"]
        if page[0] == b"page" and page[3] == info[2]:
            runs = page[9]
            events = events_of(runs)
            build = self.functions.key(name, b"b:" + nonce)
            yield
            if runs:
                self.call("build", [build], "1", *runs)
            yield
            _, *wish = self.functions.options(name, version)
            size = sum(len(data) for _, data in events)
            keys = [*self.functions.keys(name, "mst"), build]
            tail = events[-1][0] if events else page[3]
            origin = source + b" " + nonce
            made = self.call(
                "fork", keys, "", version, *wish, len(runs) // 3, len(events), size, tail, page[3], info[1], origin
            )
        if made[0] != b"created":
            yield from self.leave(name, source + b" " + nonce)

    def produce(self, name, kind):
        self.claims += 1
        number, claim = self.claims, f"{self.session}.{self.claims}"
        entry = b"%d %s" % (number, name)
        beats = ["freshet:{nodes}:beats", "freshet:{nodes}:buried"]
        notes = f"freshet:{{nodes}}:claims:{self.session}"
        noted = self.call("session_note", [*beats, notes], self.session, entry)
        if noted[0] == b"buried":
            raise Dead
        yield
        claimed = self.functions.claim(name, claim, kind=kind, label="label", noted=noted[1])
        if claimed[0] == b"claimed":
            for _ in range(3):
                yield
                outcome = self.functions.add(name, claim, claim=claim)
                assert outcome[0] in (b"appended", b"superseded", b"ended", b"none", b"gone")
            yield
            if kind == "a":
                self.functions.append(name, end="done", claim=claim)
                yield
            answer = self.functions.unclaim(name, claim, label="label", torn=5)
            if len(answer) > 1 and answer[1] != b"":
                yield
                self.call("due_enter", self.due(name), name, answer[1], "")
        yield
        self.call("session_unnote", [notes], entry)

    def beat(self):
        beats = ["freshet:{nodes}:beats", "freshet:{nodes}:buried"]
        answer = self.call("session_beat", beats, self.session, "" if self.seen else "1")
        if answer[0] == b"buried":
            raise Dead
        counts = dict(zip(answer[2][::2], answer[2][1::2]))
        now = self.functions.now
        self.seen = {
            each: self.seen[each] if self.seen.get(each, (0,))[0] == count else (count, now) for each, count in counts.items()
        }
        buried = set(answer[3])
        for session, (count, since) in list(self.seen.items()):
            if now - since >= 5000 and session != self.session.encode():
                yield
                if self.call("session_bury", beats, session, count):
                    buried.add(session)
        for session in buried:
            keys = ["freshet:{nodes}:buried", b"freshet:{nodes}:claims:" + session]
            done = []
            while True:
                yield
                left = self.call("session_release", keys, session, *done)
                if not left:
                    break
                for entry in left:
                    name = entry.partition(b" ")[2]
                    yield
                    answer = self.functions.release(name, session, torn=5)
                    if answer[0] == b"released" and answer[1] != b"":
                        yield
                        self.call("due_enter", self.due(name), name, answer[1], "")
                done = left

    def sweep(self):
        for shard in sorted({tuple(self.due(name)) for name in NAMES}):
            taken = self.call("due_take", shard, 10, 5000)
            for name, token in zip(taken[::2], taken[1::2]):
                yield
                answer = self.functions.settle(name)
                match answer[0]:
                    case b"removed":
                        next = HOUR if answer[7] else ""
                        yield from self.removed(name, answer)
                    case b"abandoned":
                        next = answer[4]
                    case b"none":
                        yield
                        next = "" if self.call("index_drop", self.index(name), name, "", 60_000) else 60_000
                    case b"gone":
                        next = answer[1]
                        for target, nonce, age in zip(answer[2::3], answer[3::3], answer[4::3]):
                            yield
                            info = self.functions.info(target)
                            is_fork = info[0] == b"gone" or info[0] == b"stream" and info[9] == name + b" " + nonce
                            if age > 600_000 and not is_fork:
                                yield from self.leave(target, name + b" " + nonce)
                    case _:
                        next = answer[1]
                yield
                self.call("due_settled", shard, name, token, next)

    def list(self):
        for name in NAMES:
            for listed in self.functions.client("ZRANGEBYLEX", self.index(name)[0], "-", "+"):
                yield
                if self.functions.info(listed)[0] != b"stream":
                    yield
                    self.call("index_drop", self.index(listed), listed, "", 60_000)


class World:
    def __init__(self, functions, seed):
        self.functions, self.random = functions, random.Random(seed)
        self.sessions = 0
        self.running = []
        self.nodes = [self.node() for _ in range(3)]

    def node(self):
        self.sessions += 1
        node = Node(self, f"session{self.sessions}")
        self.finish(node, node.beat())
        return node

    def advance(self, milliseconds):
        self.functions.now += milliseconds

    def program(self, node):
        name = self.random.choice(NAMES)
        lease, expiry = self.random.choice([("", ""), (1, ""), (30, ""), ("", "i2"), (5, "i20")])
        match self.random.randrange(12):
            case 0 | 1:
                return node.create(name, lease=lease, expiry=expiry)
            case 2:
                return node.append(name)
            case 3:
                return node.lease(name, self.random.choice([1, 10]))
            case 4:
                return node.remove(name)
            case 5:
                return node.fork(name, self.random.choice(NAMES))
            case 6 | 7:
                return node.produce(name, self.random.choice("pa"))
            case 8:
                return node.list()
            case 9 | 10:
                return node.sweep()
            case _:
                return node.beat()

    def step(self):
        """One call of a program that runs, or of a new one."""
        if len(self.running) < 6:
            node = self.random.choice(self.nodes)
            self.running.append((node, self.program(node)))
        node, program = self.random.choice(self.running)
        try:
            next(program)
        except StopIteration:
            self.running.remove((node, program))
        except Dead:
            self.die(node)
        if self.random.random() < 0.02:
            self.die(self.random.choice(self.nodes))
        self.advance(self.random.choice([0, 0, 1, 50, 400, 3000, 20_000 if self.random.random() < 0.1 else 5]))

    def die(self, node):
        """Whatever the node was about is never finished; another takes its place."""
        if node in self.nodes:
            self.running = [(each, program) for each, program in self.running if each is not node]
            self.nodes[self.nodes.index(node)] = self.node()

    def finish(self, node, program):
        try:
            for _ in program:
                pass
        except Dead:
            self.die(node)

    def calm(self, milliseconds, step=1000):
        """Only what nodes do by themselves, until so much time has passed."""
        until = self.functions.now + milliseconds
        while self.functions.now < until:
            for node in list(self.nodes):
                if node in self.nodes:
                    self.finish(node, node.beat())
            node = self.random.choice(self.nodes)
            self.finish(node, node.sweep())
            self.advance(step)


@pytest.mark.parametrize("seed", range(400 if NIGHTLY else 40))
def test_nothing_is_lost_or_left_for_ever_whoever_dies_between_whatever(functions, seed):
    random.seed(seed)
    world = World(functions, seed)
    for _ in range(400):
        world.step()
    # All die but one, in the middle of whatever they do.
    for node in world.nodes[1:]:
        world.die(node)
    for node, program in world.running:
        if node in world.nodes:
            world.finish(node, program)
    infos = {name: functions.info(name) for name in NAMES}
    for name, info in infos.items():
        if info[0] == b"stream":
            assert name in functions.client("ZRANGEBYLEX", world.nodes[0].index(name)[0], "-", "+"), name

    world.calm(100_000)
    live = {node.session.encode() for node in world.nodes}
    beats = functions.client("HKEYS", "freshet:{nodes}:beats")
    assert set(beats) == live and functions.client("HLEN", "freshet:{nodes}:buried") == 0
    for name in NAMES:
        info = functions.info(name)
        if info[0] != b"stream":
            continue
        # Nobody claims anything any more, every lease has run out, and so has every time to live.
        assert info[14] == [] and (info[4] or info[8] == b"") and info[15] == b"", (name, info)
    assert not functions.client("KEYS", "freshet:{nodes}:claims:*")

    for name in NAMES:
        world.finish(world.nodes[0], world.nodes[0].remove(name))
    # Forks that were never made are looked for each hour.
    world.calm(3 * HOUR, step=600_000)
    world.calm(20_000)
    world.finish(world.nodes[0], world.nodes[0].list())
    left = [
        key
        for key in functions.client("KEYS", "freshet:*")
        if not key.endswith((b":t", b":n", b":beats")) and b":b:" not in key
    ]
    assert left == [], left
