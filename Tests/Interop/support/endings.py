"""Streams that end while nodes and Redis come and go: each once, and all are told the same."""

import concurrent.futures
import dataclasses

from .nodes import described
from .workers import Reader, Worker

# By whom a stream is ended, and the reasons that it may have then.
REASONS = {
    "done": {"done"},
    "failed": {"failed"},
    "cancelled": {"cancelled"},
    # Two at once, of whom one is first.
    "raced": {"failed", "cancelled"},
    # Nobody, until its lease has run out.
    "abandoned": {"abandoned"},
}


@dataclasses.dataclass
class Ended:
    """A stream that has ended, with what a producer and a reader were told of it."""

    path: str
    kind: str
    words: list
    reasons: set
    reader: Reader

    @property
    def reason(self):
        return self.reader.ends[0][1]["reason"]

    def verify(self, nodes):
        """Every node tells the same end, once, and that is what everybody was told."""
        assert self.reason in REASONS[self.kind] and self.reasons <= {self.reason}, self
        assert self.reader.ends[0] == self.reader.ends[1], self
        assert self.reader.surprises == [], self
        for node in nodes:
            with node.subscribe(self.path) as subscription:
                events = subscription.rest()
            assert [event.type for event in events] == ["message"] * (len(events) - 1) + ["end"], (self, events)
            assert (events[-1].id, events[-1].json) == self.reader.ends[0], (self, events[-1])
            assert [(event.id, event.data.strip()) for event in events[:-1]] == self.reader.events, (self, events)
            assert described(node, self.path)["end"]["reason"] == self.reason, self
        kept = [word for _, word in self.reader.events]
        # One whose lease ran out may have the event whose acknowledgement was lost.
        assert kept[: len(self.words)] == self.words and len(kept) - len(self.words) <= (self.kind == "abandoned"), self


class Ender(Worker):
    """Creates one stream after the other, appends some events, and ends it, each at any node and in one of the ways in turn."""

    def __init__(self, nodes, path, first, room):
        super().__init__(nodes, path, first)
        self.room = room
        self.kinds = list(REASONS)[first % len(REASONS) :] + list(REASONS)[: first % len(REASONS)]
        self.count = 0
        self.ended = []
        self.doing = ""

    def __repr__(self):
        return f"<Ender of {self.path}/{self.count}: {self.doing}>"

    def work(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            while not self.stopping.is_set():
                one = self._end_one(f"{self.path}/{self.count}", self.kinds[self.count % len(self.kinds)], pool)
                if one is None:
                    return
                self.ended.append(one)
                self.count += 1
                self.stopping.wait(0.1)

    def _end_one(self, path, kind, pool):
        leased = kind == "abandoned"
        self.doing = f"{kind}, created"
        if not self._until_there_is_room("PUT", {"Content-Type": "text/plain", "Stream-Lease": "2" if leased else None}, None, path, (200, 201)):
            return None
        reader = Reader(self.nodes, path, self.turn + 1, ends=2)
        reader.start()
        self.doing = f"{kind}, appended to"
        words = []
        for number in range(3):
            headers = {"Content-Type": "text/plain", "Producer-Id": "e", "Producer-Epoch": "0", "Producer-Seq": str(number)}
            answer = self._until_there_is_room("POST", headers, f"e:{number} ", path, (200, 204, 409) if leased else (200, 204))
            if answer is None:
                reader.stopping.set()
                return None
            if answer.status == 409:
                break
            words.append(f"e:{number}")
            self.turn += 1
        asked = {
            "done": [{"Stream-Closed": "true"}],
            "failed": [{"Stream-Closed": "true", "Stream-End-Reason": "failed", "Stream-End-Detail": "as told"}],
            "cancelled": [{"Stream-Cancel": "true"}],
            "raced": [{"Stream-Closed": "true", "Stream-End-Reason": "failed"}, {"Stream-Cancel": "true"}],
            "abandoned": [],
        }[kind]
        self.doing = f"{kind}, ended"
        answers = list(pool.map(lambda headers: self.ask("POST", headers, path=path), asked))
        if None in answers:
            reader.stopping.set()
            return None
        self.doing = f"{kind}, read by {reader}, told {reader.ends}"
        while reader.is_alive():
            reader.join(0.2)
            if self.stopping.is_set():
                # It ends after the faults: whatever is left is read in a moment.
                reader.join(60)
                break
        if len(reader.ends) != 2:
            reader.stopping.set()
            self.surprises.append(f"a reader of {path}, which is {kind}, was told {reader.ends} after {reader.events}")
            return None
        return Ended(path, kind, words, {answer["Stream-End-Reason"] for answer in answers}, reader)

    def _until_there_is_room(self, method, headers, body, path, fine):
        """Ends go on in a full Redis; creates and appends are refused while `room` is lacking."""
        while True:
            answer = self.ask(method, headers, body, path, fine + (507,) if self.room.is_lacking else fine)
            if answer is None or answer.status != 507:
                return answer
            self.stopping.wait(0.05)
