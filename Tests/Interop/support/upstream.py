"""A provider of language models for tests: it speaks each format exactly, at the pace and with the faults of a script."""

import json
import select
import socket
import struct
import threading
import time

from .listener import Listener


def block(data, event=None):
    """One event as a provider writes it."""
    data = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return ((f"event: {event}\n" if event else "") + f"data: {data}\n\n").encode()


def _chunk(choices, **more):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def _delta(delta, finish=None):
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]


def _tool(arguments, **first):
    call = {"index": 0, **({"id": first["id"], "type": "function"} if first else {})}
    call["function"] = {**({"name": first["name"]} if first else {}), "arguments": arguments}
    return _delta({"tool_calls": [call]})


CHAT = [
    block(_chunk(_delta({"role": "assistant", "content": ""}), usage=None)),
    block(_chunk(_delta({"content": " Hello"}), usage=None)),
    block(_chunk(_delta({"content": " “wörld”\n\r "}), usage=None)),
    block(_chunk(_delta({"content": ""}), usage=None, obfuscation="x7Yz")),
    block(_chunk(_tool("", id="call_1", name="weather"), usage=None)),
    block(_chunk(_tool('{"city":'), usage=None)),
    block(_chunk(_tool(' "Oslo"}'), usage=None)),
    block(_chunk(_delta({}, "tool_calls"), usage=None)),
    block(_chunk([], usage={"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21})),
    block("[DONE]"),
]


def _responses():
    item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    whole = {**item, "status": "completed", "content": [{**part, "text": " Hello wörld"}]}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}

    def response(status, output, usage=None):
        return {
            "id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": None,
            "incomplete_details": None, "instructions": None, "metadata": {}, "model": "m", "output": output,
            "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
            "usage": usage,
        }  # fmt: skip

    usage = {
        "input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12,
    }  # fmt: skip
    events = [
        ("response.created", {"response": response("in_progress", [])}),
        ("response.in_progress", {"response": response("in_progress", [])}),
        ("response.output_item.added", {"output_index": 0, "item": item}),
        ("response.content_part.added", {**place, "part": part}),
        ("response.output_text.delta", {**place, "delta": " Hello", "logprobs": []}),
        ("response.output_text.delta", {**place, "delta": " wörld", "logprobs": []}),
        ("response.output_text.done", {**place, "text": " Hello wörld", "logprobs": []}),
        ("response.content_part.done", {**place, "part": {**part, "text": " Hello wörld"}}),
        ("response.output_item.done", {"output_index": 0, "item": whole}),
        ("response.completed", {"response": response("completed", [whole], usage)}),
    ]
    return [block({"type": name, "sequence_number": n, **data}, name) for n, (name, data) in enumerate(events)]


RESPONSES = _responses()

_MESSAGES = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
            "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " Hello"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " wörld"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t_1", "name": "weather", "input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"city": "O'}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": 'slo"}'}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 12}},
    {"type": "message_stop"},
]  # fmt: skip
MESSAGES = [block(event, event["type"]) for event in _MESSAGES]

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
EVENTS = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}


class Answer:
    """What the upstream says to one request.

    `pieces` are written one after the other, each when `go` allows as many: `let(n)` allows n more, and without `stepped`
    all are allowed. `end` is `clean`, `close` (the body is not finished), `reset`, or `open` (nothing more comes). Nothing
    is written until `before` is set. `drip` is written over and over meanwhile, and while the end is open.
    """

    def __init__(self, pieces=(), status=200, type="text/event-stream", fields=(), end="clean", stepped=False, before=None, drip=None):
        self.pieces = list(pieces)
        self.status = status
        self.fields = {"Content-Type": type, **dict(fields)}
        self.end = end
        self.before = before
        self.drip = drip
        self.drips = 0
        self._dripped = 0
        self.written = 0
        self.gone = None
        self._go = None if not stepped else threading.Semaphore(0)

    def let(self, count=1):
        for _ in range(count):
            self._go.release()

    def dripping(self, write):
        """Drips, and goes on at once."""
        if self.drip and time.monotonic() - self._dripped > 0.05:
            self._dripped = time.monotonic()
            self.drips += 1
            write(self.drip)
        return False

    def wait(self):
        """Waits for the permission to write the next piece, and notes when the peer leaves meanwhile."""
        return self._go is None or self._go.acquire(timeout=0.02)


class Request:
    def __init__(self, method, target, fields, body):
        self.method, self.target, self.fields, self.body = method, target, fields, body

    @property
    def json(self):
        return json.loads(self.body)


class Upstream(Listener):
    """Listens on a free port and answers each request with what `script(request)` returns."""

    def __init__(self, script):
        self.script = script
        self.requests = []
        self.answers = []
        super().__init__()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        try:
            while request := self._read(reader):
                self.requests.append(request)
                answer = self.script(request)
                self.answers.append(answer)
                try:
                    if not self._write(connection, answer):
                        return
                except OSError:
                    # A peer that leaves with something unread resets: the next write tells it first.
                    answer.gone = answer.gone or time.monotonic()
                    return
        except OSError:
            pass
        finally:
            connection.close()

    @staticmethod
    def _read(reader):
        line = reader.readline()
        if not line:
            return None
        method, target, _ = line.decode().split(" ", 2)
        fields = {}
        while (line := reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(reader.readline(), 16):
                body += reader.read(size)
                reader.readline()
            reader.readline()
        else:
            body = reader.read(int(fields.get("content-length", 0)))
        return Request(method, target, fields, body)

    @staticmethod
    def _write(connection, answer):
        """True when the connection takes another request."""
        if answer.before:
            if not Upstream._until(connection, answer, lambda: answer.dripping(connection.sendall) or answer.before.is_set()):
                return False
        head = f"HTTP/1.1 {answer.status} Scripted\r\n" + "".join(f"{n}: {v}\r\n" for n, v in answer.fields.items())
        connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        chunk = lambda piece: connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")  # noqa: E731
        for piece in answer.pieces:
            if not Upstream._until(connection, answer, answer.wait):
                return False
            chunk(piece)
            answer.written += 1
        if answer._go is not None and not Upstream._until(connection, answer, answer.wait):
            return False
        if answer.end == "clean":
            connection.sendall(b"0\r\n\r\n")
            return True
        if answer.end == "reset":
            Upstream._until_read(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif answer.end == "open":
            Upstream._until(connection, answer, lambda: answer.dripping(chunk))
        return False

    @staticmethod
    def _until(connection, answer, condition):
        """False when the peer has left before the condition held."""
        while not condition():
            readable, _, _ = select.select([connection], [], [], 0.01)
            if readable:
                try:
                    gone = not connection.recv(1, socket.MSG_PEEK)
                except OSError:
                    gone = True
                if gone:
                    answer.gone = time.monotonic()
                    return False
        return True
