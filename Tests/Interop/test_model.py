"""Random requests to a few streams and forks of them, in every way to read, each answer foretold by a simple model."""

import json
import random

import pytest

from support.events import Subscription
from support.freshet import NIGHTLY, Freshet, run
from support.ports import free_port
from support.restarts import kill_and_start
from support.wire import Connection

TEXT = "text/plain"
# A long-poll that has nothing to wait for is over soon.
SETTINGS = {"long_poll_seconds": 0.5}


class Model:
    """What the contract says about one name."""

    def __init__(self, path):
        self.path = path
        self.exists = False
        # It was deleted and has forks.
        self.is_kept_for_forks = False
        # Offsets of streams that had this name before: positions that the stream of now may not have given.
        self.foreign = []
        self.forget()

    def forget(self):
        self.origin = None
        self.events = []
        self.taken = 0
        self.most = None
        self.reason = None
        self.producers = {}
        self.sequence = None
        self.fork = None

    @property
    def kept(self):
        return self.events[self.taken :]

    @property
    def floor(self):
        return self.events[self.taken - 1][0] if self.taken else self.origin

    @property
    def tail(self):
        return self.events[-1][0] if self.events else self.origin

    @property
    def body(self):
        return b"".join(data for _, data in self.kept)

    @property
    def missing(self):
        """The status of whatever is asked of a stream that is not there."""
        return 410 if self.is_kept_for_forks else 404

    def add(self, offset, data):
        self.events.append((offset, data))
        self.trim()

    def trim(self):
        if self.most is not None:
            self.taken = max(self.taken, len(self.events) - self.most)

    def locate(self, offset):
        """What follows an offset; None where something is missing between."""
        if offset == self.floor:
            return self.kept
        for index, (known, _) in enumerate(self.events):
            if known == offset:
                return self.events[index + 1 :] if index >= self.taken else None
        return None

    def create(self, most):
        if self.is_kept_for_forks:
            return 409
        if not self.exists:
            self.exists = True
            self.most = most
            return 201
        return 200 if not self.reason and not self.fork and self.most == most else 409

    def refusal(self):
        """The status of a change to a stream that is not there or has ended, or None."""
        if not self.exists:
            return self.missing
        return 409 if self.reason else None

    def produce(self, id, epoch, seq):
        """The status of an append with producer headers, without appending."""
        known = self.producers.get(id)
        if not self.exists:
            return self.missing
        if self.reason:
            is_closing = known and known["closed"] == (epoch, seq)
            return 204 if is_closing else 409
        if known is None:
            return 200 if seq == 0 else 409
        if epoch < known["epoch"]:
            return 403
        if epoch > known["epoch"]:
            return 200 if seq == 0 else 400
        if seq <= known["seq"]:
            return 204
        return 200 if seq == known["seq"] + 1 else 409


class Player:
    """Plays random requests over one kept connection and compares."""

    def __init__(self, server, seed, data=None):
        self.server = server
        self.data_directory = data
        self.chance = random.Random(seed)
        self.connection = Connection(server.address)
        self.models = [Model(f"/v1/stream/model/{seed}/{n}") for n in range(4)]
        self.number = 0
        self.played = []

    def request(self, method, path, headers=None, body=b""):
        self.played.append((method, path, headers, body))
        self.connection.send_head(method, path, {"Content-Length": str(len(body)), **(headers or {})})
        self.connection.send(body)
        answer = self.connection.read_answer(method)
        if (answer["Connection"] or "").lower() == "close":
            # An answer that does not wait for the body is the last one of its connection.
            self.connection.close()
            self.connection = Connection(self.server.address)
        return answer

    def expect(self, answer, status):
        assert answer.status == status, f"{answer} instead of {status} after {self.played[-8:]}"
        return answer

    def step(self):
        model = self.chance.choice(self.models)
        weights = {
            self.put: 6, self.fork: 4, self.append: 8, self.produce: 8, self.end: 0.5, self.cancel: 0.5, self.delete: 2,
            self.read: 3, self.poll: 3, self.follow: 4, self.follow_lines: 2, self.follow_durable: 3, self.head: 2,
            self.sequence: 2, self.nonsense: 1, self.restart: 0.4 if self.data_directory else 0,
        }  # fmt: skip
        self.chance.choices(list(weights), list(weights.values()))[0](model)

    def restart(self, _):
        """The server dies and comes back; nothing that it answered is otherwise."""
        self.played.append("restart")
        self.connection.close()
        self.server = kill_and_start(self.server, self.data_directory, **SETTINGS)
        self.connection = Connection(self.server.address)

    def data(self):
        self.number += 1
        return f"<{self.number}>".encode()

    def appended(self, model, answer, data):
        offset = answer["Stream-Next-Offset"]
        assert offset > model.tail, self.played[-8:]
        model.add(offset, data)

    def put(self, model):
        most = self.chance.choice([None, None, 4])
        headers = {"Content-Type": TEXT, **({"Stream-Retention": f"events={most}"} if most else {})}
        answer = self.expect(self.request("PUT", model.path, headers), model.create(most))
        if answer.status == 201:
            model.origin = answer["Stream-Next-Offset"]

    def fork(self, model):
        """A stream of what another one holds up to somewhere."""
        if self.chance.random() < 0.8:
            model = min(self.models, key=lambda model: (model.exists, self.chance.random()))
        source = max(self.models, key=lambda source: (source.exists and self.chance.random() < 0.9, self.chance.random()))
        places = [source.floor] + [offset for offset, _ in source.events] if source.exists else []
        point = self.chance.choice([None, *places])
        beyond = self.chance.choice([0, 0, 0, 1, 2, 9])
        if model.fork and self.chance.random() < 0.5:
            source, beyond = model.fork["source"], model.fork["beyond"]
            point = self.chance.choice([None, model.fork["point"]])
        headers = {"Stream-Forked-From": source.path}
        if point is not None:
            headers["Stream-Fork-Offset"] = point
        if beyond:
            headers["Stream-Fork-Sub-Offset"] = str(beyond)
        answer = self.request("PUT", model.path, headers)
        if model.exists:
            known = model.fork and (model.fork["source"], model.fork["beyond"]) == (source, beyond)
            same = known and point in (None, model.fork["point"]) and not model.reason
            self.expect(answer, 200 if same else 409)
            return
        if model.is_kept_for_forks or source.is_kept_for_forks:
            self.expect(answer, 409)
            return
        if not source.exists:
            self.expect(answer, 404)
            return
        rest = source.locate(source.tail if point is None else point)
        if rest is None:
            self.expect(answer, 410)
            return
        if beyond and (not rest or beyond > len(rest[0][1])):
            self.expect(answer, 400)
            return
        self.expect(answer, 201)
        model.exists = True
        model.origin = source.origin
        model.events = source.events[: len(source.events) - len(rest)]
        model.taken = source.taken
        model.fork = {"source": source, "point": point or source.tail, "beyond": beyond}
        if beyond:
            offset, data = rest[0]
            is_whole = beyond == len(data)
            model.events = [*model.events, rest[0] if is_whole else (answer["Stream-Next-Offset"], data[:beyond])]
        assert answer["Stream-Next-Offset"] == model.tail, self.played[-8:]

    def append(self, model):
        data = self.data()
        refusal = model.refusal()
        answer = self.expect(self.request("POST", model.path, {"Content-Type": TEXT}, data), refusal or 204)
        if refusal is None:
            self.appended(model, answer, data)
        elif refusal == 409:
            assert (answer["Stream-Closed"], answer["Stream-End-Reason"]) == ("true", model.reason)

    def sequence(self, model):
        data, sequence = self.data(), f"{self.chance.randrange(50):02}"
        refusal = model.refusal()
        if refusal is None and model.sequence is not None and sequence <= model.sequence:
            refusal = 409
        headers = {"Content-Type": TEXT, "Stream-Seq": sequence}
        answer = self.expect(self.request("POST", model.path, headers, data), refusal or 204)
        if refusal is None:
            model.sequence = sequence
            self.appended(model, answer, data)

    def produce(self, model):
        id = self.chance.choice("pq")
        known = model.producers.get(id, {"epoch": 0, "seq": -1})
        epoch = max(0, known["epoch"] + self.chance.choice([0, 0, 0, 0, 0, 1, -1]))
        next_seq = known["seq"] + 1 if epoch == known["epoch"] else 0
        seq = max(0, next_seq + self.chance.choice([0, 0, 0, 0, -1, -2, 1]))
        closes = self.chance.random() < 0.03
        status = model.produce(id, epoch, seq)
        data = self.data()
        headers = {"Content-Type": TEXT, "Producer-Id": id, "Producer-Epoch": str(epoch), "Producer-Seq": str(seq)}
        if closes:
            headers["Stream-Closed"] = "true"
        answer = self.request("POST", model.path, headers, data)
        if model.reason and status == 409 and answer.status == 204:
            # A retry of an append from before the end is still a retry.
            known = model.producers[id]
            assert (epoch, seq) <= (known["epoch"], known["seq"]), self.played[-8:]
            return
        self.expect(answer, status)
        if status == 200:
            self.appended(model, answer, data)
            closed = (epoch, seq) if closes else None
            model.producers[id] = {"epoch": epoch, "seq": seq, "closed": closed}
            if closes:
                model.reason = "done"

    def end(self, model):
        reason = self.chance.choice(["done", "failed"])
        headers = {"Stream-Closed": "true", "Stream-End-Reason": reason}
        self.expect(self.request("POST", model.path, headers), 204 if model.exists else model.missing)
        if model.exists:
            model.reason = model.reason or reason

    def cancel(self, model):
        answer = self.request("POST", model.path, {"Stream-Cancel": "true"})
        self.expect(answer, 204 if model.exists else model.missing)
        if model.exists:
            model.reason = model.reason or "cancelled"
            assert answer["Stream-End-Reason"] == model.reason

    def forks(self, model):
        return [m for m in self.models if (m.exists or m.is_kept_for_forks) and m.fork and m.fork["source"] is model]

    def delete(self, model):
        self.expect(self.request("DELETE", model.path), 204 if model.exists else model.missing)
        if not model.exists:
            return
        model.foreign += [offset for offset, _ in model.events]
        fork = model.fork
        model.exists = False
        model.forget()
        model.fork = fork
        model.is_kept_for_forks = True
        # Whoever has no forks left goes, and with it perhaps the source it was a fork of.
        while model and model.is_kept_for_forks and not self.forks(model):
            source = model.fork and model.fork["source"]
            model.is_kept_for_forks, model.fork = False, None
            model = source

    def head(self, model):
        answer = self.expect(self.request("HEAD", model.path), 200 if model.exists else model.missing)
        if model.exists:
            assert (answer["Stream-Closed"] == "true") == (model.reason is not None)
            assert answer["Stream-Next-Offset"] == model.tail

    def position(self, model):
        """Somewhere to read from, and what is there: nothing where something is missing between."""
        kind = self.chance.choice(["start", "known", "known", "foreign"])
        known = [model.floor] + [offset for offset, _ in model.events]
        if kind == "foreign" and model.foreign:
            offset = self.chance.choice(model.foreign)
        elif kind != "start":
            offset = self.chance.choice(known)
        else:
            return "-1", model.kept
        return offset, model.locate(offset)

    def read(self, model):
        if not model.exists:
            self.expect(self.request("GET", model.path), model.missing)
            return
        offset, rest = self.position(model)
        answer = self.expect(self.request("GET", f"{model.path}?offset={offset}"), 410 if rest is None else 200)
        if rest is not None:
            assert answer.body == b"".join(data for _, data in rest), self.played[-8:]
            assert answer["Stream-Gap"] == ("true" if offset == "-1" and model.taken else None)
            assert answer["Stream-Next-Offset"] == model.tail

    def poll(self, model):
        if not model.exists:
            self.expect(self.request("GET", f"{model.path}?offset=-1&live=long-poll"), model.missing)
            return
        offset, rest = self.position(model)
        if rest == [] and not model.reason and self.chance.random() < 0.9:
            return  # it would wait
        status = 410 if rest is None else 200 if rest else 204
        answer = self.expect(self.request("GET", f"{model.path}?offset={offset}&live=long-poll"), status)
        if rest is not None:
            assert answer.body == b"".join(data for _, data in rest), self.played[-8:]
            assert answer["Stream-Next-Offset"] == model.tail
            assert (answer["Stream-Closed"] == "true") == (model.reason is not None)

    def follow_durable(self, model):
        """A `live=sse` read up to what is there now."""
        if not model.exists:
            self.expect(self.request("GET", f"{model.path}?offset=-1&live=sse"), model.missing)
            return
        offset, rest = self.position(model)
        target = f"{model.path}?offset={offset}&live=sse"
        if rest is None:
            self.expect(self.request("GET", target), 410)
            return
        self.played.append(("GET", target))
        with Subscription(self.server.address, target) as reader:
            text, control = b"", {}
            while not (control.get("upToDate") or control.get("streamClosed")):
                type, data = durable_block(reader.next_raw())
                if type == "data":
                    text += data
                else:
                    control = json.loads(data)
            assert text == b"".join(data for _, data in rest), self.played[-8:]
            assert control["streamNextOffset"] == model.tail
            assert bool(control.get("streamClosed")) == (model.reason is not None)
            if model.reason:
                assert not reader.more()

    def followed(self, model):
        """Header fields of a native read, whether it begins with a gap, and what it shows."""
        offset, rest = self.position(model)
        if offset == "-1":
            return {}, model.taken > 0, model.kept
        return {"Last-Event-ID": offset}, rest is None, model.kept if rest is None else rest

    def follow(self, model):
        """A subscription up to what is there now."""
        if not model.exists:
            return
        headers, is_gap, rest = self.followed(model)
        self.played.append(("follow", model.path, headers))
        with self.server.subscribe(model.path, headers) as reader:
            if is_gap:
                assert reader.next().type == "gap", self.played[-8:]
            assert [(event.id, event.data.encode()) for event in reader.take(len(rest))] == rest, self.played[-8:]
            if model.reason:
                assert reader.next().json["reason"] == model.reason
                assert reader.next() is None

    def follow_lines(self, model):
        """The same as lines of JSON."""
        if not model.exists:
            return
        headers, is_gap, rest = self.followed(model)
        self.played.append(("lines", model.path, headers))
        with self.server.lines(model.path, headers) as reader:
            if is_gap:
                assert reader.next()["event"] == "gap", self.played[-8:]
            assert [(line["id"], line["data"].encode()) for line in reader.take(len(rest))] == rest, self.played[-8:]
            if model.reason:
                assert reader.next()["data"]["reason"] == model.reason
                assert reader.next() is None

    def nonsense(self, model):
        """What is refused changes nothing."""
        headers, body = self.chance.choice(
            [
                ({"Content-Type": "application/json"}, b"{}"),
                ({"Content-Type": TEXT, "Producer-Id": "p"}, b"x"),
                ({"Content-Type": TEXT, "Stream-Closed": "true", "Stream-End-Reason": "cancelled"}, b"x"),
                ({"Content-Type": TEXT}, b""),
                ({"Content-Type": TEXT, "Stream-Cancel": "true"}, b"x"),
            ]
        )
        answer = self.request("POST", model.path, headers, body)
        assert answer.status in (400, 404, 409, 410), self.played[-8:]


def durable_block(raw):
    """The type and the data of a block of `live=sse`, whose fields have no space after the colon."""
    lines = [line.partition(b":")[::2] for line in raw.rstrip(b"\n").split(b"\n")]
    type = [value.strip() for name, value in lines if name == b"event"][-1].decode()
    return type, b"\n".join(value for name, value in lines if name == b"data")


def play(player):
    for _ in range(1000 if NIGHTLY else 300):
        player.step()
    for model in player.models:
        if model.exists:
            assert player.server.read(model.path).body == model.body
    player.connection.close()
    return player.server


@pytest.fixture(scope="module")
def server():
    server = Freshet(**SETTINGS)
    yield server
    assert server.stop(patience=60) == 0, server.logged()


@pytest.mark.apart
@pytest.mark.parametrize("seed", range(50 if NIGHTLY else 5))
def test_every_answer_is_the_one_the_contract_foretells(server, seed):
    play(Player(server, seed))


@pytest.mark.apart
@pytest.mark.parametrize("seed", range(50 if NIGHTLY else 5))
def test_also_of_a_server_that_dies_and_comes_back_between(tmp_path, seed):
    data = tmp_path / "data"
    play(Player(Freshet(port=free_port(), data=data, **SETTINGS), seed, data)).stop()
    assert run("check", data).returncode == 0
