"""Random requests to a few streams, each answer foretold by a simple model."""

import random

import pytest

from support.freshet import NIGHTLY
from support.wire import Connection

TEXT = "text/plain"


class Model:
    """What the contract says about one name."""

    def __init__(self, path):
        self.path = path
        self.exists = False
        # Offsets of streams that had this name before: positions that no stream of now has given.
        self.foreign = []
        self.forget()

    def forget(self):
        self.events = []
        self.reason = None
        self.producers = {}
        self.sequence = None

    @property
    def body(self):
        return b"".join(data for _, data in self.events)

    def create(self):
        if not self.exists:
            self.exists = True
            return 201
        return 409 if self.reason else 200

    def delete(self):
        if not self.exists:
            return 404
        self.exists = False
        self.foreign += [offset for offset, _ in self.events]
        self.forget()
        return 204

    def refusal(self):
        """The status of a change to a stream that is not there or has ended, or None."""
        if not self.exists:
            return 404
        return 409 if self.reason else None

    def produce(self, id, epoch, seq):
        """The status of an append with producer headers, without appending."""
        known = self.producers.get(id)
        if not self.exists:
            return 404
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

    def __init__(self, server, seed):
        self.server = server
        self.chance = random.Random(seed)
        self.connection = Connection(server.address)
        self.models = [Model(f"/v1/stream/model/{seed}/{n}") for n in range(3)]
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
            self.put: 2, self.append: 8, self.produce: 8, self.end: 1, self.cancel: 1, self.delete: 1,
            self.read: 3, self.follow: 4, self.head: 2, self.sequence: 2, self.nonsense: 1,
        }  # fmt: skip
        self.chance.choices(list(weights), list(weights.values()))[0](model)

    def data(self):
        self.number += 1
        return f"<{self.number}>".encode()

    def appended(self, model, answer, data):
        offset = answer["Stream-Next-Offset"]
        if model.events:
            assert offset > model.events[-1][0], self.played[-8:]
        model.events.append((offset, data))

    def put(self, model):
        self.expect(self.request("PUT", model.path, {"Content-Type": TEXT}), model.create())

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
        closes = self.chance.random() < 0.05
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
        self.expect(self.request("POST", model.path, headers), 204 if model.exists else 404)
        if model.exists:
            model.reason = model.reason or reason

    def cancel(self, model):
        answer = self.request("POST", model.path, {"Stream-Cancel": "true"})
        self.expect(answer, 204 if model.exists else 404)
        if model.exists:
            model.reason = model.reason or "cancelled"
            assert answer["Stream-End-Reason"] == model.reason

    def delete(self, model):
        self.expect(self.request("DELETE", model.path), model.delete())

    def head(self, model):
        answer = self.expect(self.request("HEAD", model.path), 200 if model.exists else 404)
        if model.exists:
            assert (answer["Stream-Closed"] == "true") == (model.reason is not None)
            if model.events:
                assert answer["Stream-Next-Offset"] == model.events[-1][0]

    def read(self, model):
        index = self.chance.randrange(len(model.events) + 1)
        offset = model.events[index - 1][0] if index else "-1"
        answer = self.expect(self.request("GET", f"{model.path}?offset={offset}"), 200 if model.exists else 404)
        if model.exists:
            assert answer.body == b"".join(data for _, data in model.events[index:])

    def follow(self, model):
        """A subscription up to what is there now."""
        if not model.exists:
            return
        position = self.chance.choice([None, "known", "foreign"])
        index, id = 0, None
        if position == "known" and model.events:
            index = self.chance.randrange(len(model.events)) + 1
            id = model.events[index - 1][0]
        if position == "foreign" and model.foreign:
            id = self.chance.choice(model.foreign)
        is_gap = id is not None and index == 0
        with self.server.subscribe(model.path, {"Last-Event-ID": id} if id else None) as reader:
            if is_gap:
                assert reader.next().type == "gap", self.played[-8:]
            rest = model.events[index:]
            got = [(event.id, event.data.encode()) for event in reader.take(len(rest))]
            assert got == rest, self.played[-8:]
            if model.reason:
                assert reader.next().json["reason"] == model.reason
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
        assert answer.status in (400, 404, 409), self.played[-8:]


@pytest.mark.parametrize("seed", range(50 if NIGHTLY else 5))
def test_every_answer_is_the_one_the_contract_foretells(server, seed):
    player = Player(server, seed)
    for _ in range(1000 if NIGHTLY else 300):
        player.step()
    for model in player.models:
        if model.exists:
            assert server.read(model.path).body == model.body
    player.connection.close()
