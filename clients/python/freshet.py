"""Writes streams of a Freshet server: one file, Python 3.9 or later, nothing but the standard library.

    from freshet import Producer

    with Producer("answer") as stream:
        for token in model():
            stream.append(token)

The block creates the stream, and ends it: `done`, or `failed` if the block raises. Each request carries the protocol's
producer headers and is repeated until the server has answered it: a broken connection or a restarting server neither
loses nor doubles a token.

`append` only hands the token over. A thread sends it, and what arrives while a request is under way goes out with the
next one. While `max_pending` bytes are not acknowledged, `append` waits.

When somebody presses Stop, the next `append` raises `Cancelled`. While there is nothing to append, the producer renews
the stream's lease, so `stream.cancelled` becomes true within five seconds. If the producer dies, the lease runs out,
and readers are told that the stream was abandoned.

`AsyncProducer` is the same for asyncio. Copyright 2026 The Freshet authors, Apache License 2.0.
"""

import asyncio
import collections
import http.client
import json
import os
import random
import re
import secrets
import ssl
import threading
import time
import urllib.parse

__all__ = ["AsyncProducer", "Cancelled", "End", "Fenced", "FreshetError", "Producer", "Refused", "StreamEnded", "Unreachable"]

#: How a stream ended: `reason` is done, failed, cancelled or abandoned; `detail` is text for people, or None.
End = collections.namedtuple("End", ["reason", "detail"])

_PASSING = {408, 425, 429, 500, 502, 503, 504, *range(506, 600)}  # What another attempt may mend.
_BAD_INPUT = {400, 413, 422}
_BATCH_BYTES = 64 << 10
_MOST_ITEMS = 50_000  # of a request: what a server takes by default (`body-events`)
_LONGEST_ANSWER = 1 << 20
_LONGEST_SILENCE = 5.0  # With a lease, the producer learns of a Stop within this many seconds.


class FreshetError(Exception):
    """Something went wrong with a stream.

    If a server's answer says what, `status` is its status, and `code`, `title` and `detail` are those of its problem
    document: `code` is what follows `urn:freshet:`, as docs/protocol.md lists it. Otherwise they are None.
    """

    def __init__(self, message, answer=None):
        super().__init__(message)
        self.status = answer.status if answer else None
        problem = answer.document if answer else {}
        self.code, self.title, self.detail = (problem.get(name) for name in ("code", "title", "detail"))


class Refused(FreshetError):
    """The server refused a request, and would refuse it again."""


class Fenced(Refused):
    """Another producer with the same `producer_id` took over: this one can append no more."""


class StreamEnded(FreshetError):
    """The stream has ended, and not by this producer. `end` says how."""

    def __init__(self, answer):
        self.end = answer.end
        said = f" ({self.end.detail})" if self.end.detail else ""
        super().__init__(f"the stream takes no more: {self.end.reason}{said}", answer)


class Cancelled(StreamEnded):
    """Somebody pressed Stop."""


class Unreachable(FreshetError):
    """The server could not be reached, or could not serve, for `patience` seconds."""


class Producer:
    """Writes one stream. Its methods may be called from any thread.

    Args:
        target: the stream's URL, or its name on the server in FRESHET_URL (default http://127.0.0.1:4437).
        key: the bearer key; default is FRESHET_KEY, if that is set.
        content_type: the stream's type, which says what `append` takes.
        ttl: delete the stream when nobody has read or written it for so many seconds.
        lease: end the stream as abandoned when this producer is silent for so many seconds; None for never.
        existing: append to a stream that somebody else created, instead of creating it.
        producer_id: a name for what takes over from each other. Of several producers of one stream with the same name,
            the one with the highest epoch writes, and the others raise `Fenced`. By default every producer has a name
            of its own, and several can write one stream.
        epoch: a number that is higher each time; the default is the time in milliseconds.
        patience: give up when the server has not answered for so many seconds.
        timeout: how long to wait for a connection, and for each piece of an answer, in seconds.
        max_pending: how many bytes may wait for their acknowledgement, bookkeeping included.
        ssl_context: for https with a certificate that the system does not trust.

    Raises:
        ValueError: for a target, key or number that no server would take.
    """

    def __init__(
        self, target, *, key=None, content_type="text/plain", ttl=None, lease=60, existing=False,
        producer_id=None, epoch=None, patience=60.0, timeout=30.0, max_pending=1 << 20, ssl_context=None,
    ):  # fmt: skip
        for name, seconds in (("ttl", ttl), ("lease", lease)):
            if seconds is not None and (not isinstance(seconds, int) or seconds < 1):
                raise ValueError(f"{name} is a whole number of seconds from 1, or None")
        if not re.fullmatch("[!-~]+/[!-~][ -~]*", content_type):
            raise ValueError(f"{content_type!r} is not a media type such as text/plain")
        if producer_id is not None and not re.fullmatch("[^\0-\x1f\x7f]{1,256}", producer_id):
            raise ValueError("producer_id has 1 to 256 bytes, and no control characters")
        self.url = _stream_url(target)
        self._connection, self._path = _connection(self.url, timeout, ssl_context)
        self._key = _checked_key(os.environ.get("FRESHET_KEY") if key is None else key)
        self._type, self._kind = content_type, _kind(content_type)
        self._ttl, self._lease, self._existing = ttl, lease, existing
        self._id = secrets.token_hex(16) if producer_id is None else producer_id
        self._epoch = time.time_ns() // 1_000_000 if epoch is None else epoch
        self._patience, self._max_pending = patience, max_pending

        # Guarded by `_changed`, except what only the thread uses.
        self._changed = threading.Condition()
        self._on_change = None
        self._thread = None
        self._created = self._closed = False
        self._queue = collections.deque()
        self._pending = 0
        self._asked_end = self._end = None
        # What ended everything, and what was wrong with something appended: then the stream is still there to be ended.
        self._error = self._refusal = None
        self._beats_asked = self._beats_made = 0
        self.offset = None  #: The offset of the last event that the server acknowledged, or None.
        # The thread's own.
        self._sequence = 0
        self._batch_items = self._most_items = _MOST_ITEMS
        self._last_answer = 0.0

    def __enter__(self):
        self.create()
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            self.end()
            return
        try:
            self.end("failed")
        except FreshetError:
            pass  # What the block raised says more.

    def create(self):
        """Creates the stream, or goes on with an open one of that name, type, lease and ttl."""
        self._start()
        self._wait(self._is_created)

    def append(self, data, event=None):
        """Appends one event. It returns at once, unless `max_pending` bytes wait for their acknowledgement.

        `data` is a string for `text/*` (what waits together becomes one event; an empty string is none) and for
        `text/event-stream`, where `event` is the event's type; any JSON value for `application/json` and
        `application/x-ndjson`; bytes, one request each, for everything else.
        """
        item = self._encode(data, event)
        self._wait(lambda: self._offer(item))

    def flush(self):
        """Waits until everything appended so far is acknowledged: stored, and visible to readers."""
        self._wait(self._is_flushed)

    def heartbeat(self):
        """Asks the server now whether the stream is still open, after what waits, and renews its lease.

        The producer does so by itself. A stream without a lease is asked with HEAD, for which a key needs the right to
        read.
        """
        number = self._ask_beat()
        self._wait(lambda: self._is_beaten(number))

    def end(self, reason="done", detail=None):
        """Sends what waits, and ends the stream as `done` or `failed`, with a `detail` for people (up to 1024 bytes).

        If something appended was refused, the stream ends as failed, whatever was asked, and this raises the refusal.
        A second call does nothing.
        """
        if self._ask_end(reason, detail):
            self._wait(lambda: self._is_ended(reason))

    def close(self):
        """Stops without ending the stream: what waits is dropped. Another producer may go on, or the lease runs out."""
        with self._changed:
            self._closed = True
            self._tell()

    @property
    def ended(self):
        """How the stream ended, as far as this producer was told, or None."""
        return self._end

    @property
    def cancelled(self):
        """Somebody pressed Stop, as far as this producer was told. Asks nobody: see `heartbeat`."""
        return self._end is not None and self._end.reason == "cancelled"

    # What the methods above wait for. Each is called with the lock held, and raises what went wrong.

    def _start(self):
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="freshet producer", daemon=True)
                self._thread.start()

    def _check(self):
        if self._error or self._refusal:
            raise self._error or self._refusal
        if self._closed or self._thread is None:
            raise RuntimeError("this producer has ended or was closed" if self._closed else "call create() first")

    def _is_created(self):
        self._check()
        return self._created

    def _offer(self, item):
        self._check()
        if self._asked_end:
            raise RuntimeError("this producer is ending its stream")
        if not item:
            return True
        cost = len(item) + 100
        if self._pending and self._pending + cost > self._max_pending:
            return False
        self._queue.append(item)
        self._pending += cost
        self._tell()
        return True

    def _is_flushed(self):
        self._check()
        return not self._pending

    def _ask_beat(self):
        with self._changed:
            self._check()
            self._beats_asked += 1
            self._tell()
            return self._beats_asked

    def _is_beaten(self, number):
        self._check()
        return self._beats_made >= number

    def _ask_end(self, reason, detail):
        if reason not in ("done", "failed"):
            raise ValueError("a producer ends its stream as done or failed; to cancel is for others")
        with self._changed:
            if self._closed or self._thread is None:
                return False
            if not self._asked_end:
                self._asked_end = End(reason, detail)
                self._tell()
            return True

    def _is_ended(self, reason):
        if self._error:
            raise self._error
        if self._end and self._refusal and reason == "done":
            raise self._refusal
        return self._end is not None or self._closed

    def _wait(self, is_ready):
        with self._changed:
            while not is_ready():
                self._changed.wait()

    def _tell(self):
        self._changed.notify_all()
        if self._on_change:
            self._on_change()

    def _encode(self, data, event):
        if event is not None and self._kind != "events":
            raise ValueError(f"only an event of text/event-stream has a type, and this stream is {self._type}")
        if self._kind in ("json", "lines"):
            return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        if self._kind == "binary":
            if isinstance(data, (bytes, bytearray, memoryview)):
                return bytes(data)
        elif isinstance(data, str):
            if self._kind == "text":
                return data.encode()
            if re.search("[\r\n\0]", event or ""):
                raise ValueError("an event's type is one line without NUL")
            lines = re.split("\r\n|\r|\n", data)
            head = f"event: {event}\n" if event else ""
            return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode()
        raise TypeError(f"a stream of {self._type} takes {'bytes' if self._kind == 'binary' else 'str'}")

    # The thread.

    def _run(self):
        try:
            self._make()
            while self._step():
                pass
        except _Closed:
            pass
        except FreshetError as error:
            self._fail(error)
        except Exception as error:  # Else everyone who waits would wait for ever.
            self._fail(FreshetError(f"the producer failed: {error!r}"))
        finally:
            self._connection.close()

    def _make(self):
        if not self._existing:
            fields = {"Content-Type": self._type}
            if self._ttl:
                fields["Stream-TTL"] = str(self._ttl)
            self._settle(*self._send("PUT", {**fields, **self._lease_field()}))
        with self._changed:
            self._created = True
            self._tell()

    def _step(self):
        """Sends the next request there is; False after the last one."""
        with self._changed:
            while not (self._closed or self._queue or self._asked_end or self._beats_asked > self._beats_made):
                silence = min(self._lease / 3, _LONGEST_SILENCE) if self._lease else None
                wait = silence and self._last_answer + silence - time.monotonic()
                if wait is not None and wait <= 0:
                    break
                self._changed.wait(wait)
            if self._closed:
                return False
            batch, asked, beats = self._take(), self._asked_end, self._beats_asked
        if batch:
            self._append(batch)
        elif beats > self._beats_made or not asked:
            fields = self._lease_field()
            self._settle(*self._send("POST" if fields else "HEAD", fields))
            with self._changed:
                self._beats_made = beats
                self._tell()
        else:
            self._finish(asked)
            return False
        return True

    def _take(self):
        batch, size = [], 0
        while self._queue and len(batch) < self._batch_items and (not batch or size + len(self._queue[0]) <= _BATCH_BYTES):
            batch.append(self._queue.popleft())
            size += len(batch[-1])
            if self._kind == "binary":
                break
        return batch

    def _append(self, batch):
        bodies = {"json": b"[%s]" % b",".join(batch), "lines": b"".join(item + b"\n" for item in batch)}
        fields = {**self._producer_fields(), "Content-Type": self._type}
        answer, was_repeated = self._send("POST", fields, bodies.get(self._kind) or b"".join(batch))
        if answer.status in _BAD_INPUT and not answer.end:
            # An earlier attempt, whose answer never arrived, may have been stored.
            if was_repeated and self._is_stored():
                return self._acknowledged(batch)
            # What is good of it is found by halving.
            if len(batch) > 1:
                self._batch_items = len(batch) // 2
                if answer.document.get("code") == "too-many-events":
                    self._most_items = self._batch_items  # the server's own bound, which stays
                with self._changed:
                    self._queue.extendleft(reversed(batch))
                return
            with self._changed:
                self._refusal = Refused(answer.problem, answer)
                self._queue.clear()
                self._pending = 0
                self._tell()
            return
        self._settle(answer, was_repeated, self._sequence)
        self._batch_items = min(2 * self._batch_items, self._most_items)
        self._acknowledged(batch, answer.fields["Stream-Next-Offset"])

    def _acknowledged(self, batch, offset=None):
        self._sequence += 1
        with self._changed:
            self._pending -= sum(len(item) + 100 for item in batch)
            self.offset = offset or self.offset
            self._tell()

    def _is_stored(self):
        """Whether the append was stored whose repetition was refused: by a server that was started again with another
        limit, say. Asked with one whose number is too high either way, so that the server says which it expects.
        """
        fields = {**self._producer_fields(self._sequence + 2), "Content-Type": self._type}
        answer, _ = self._send("POST", fields, {"lines": b"0\n", "events": b"data: 0\n\n"}.get(self._kind, b"0"))
        expected = answer.fields.get("Producer-Expected-Seq", "")
        if not answer.end and re.fullmatch("[0-9]{1,16}", expected):
            return int(expected) > self._sequence
        self._settle(answer, False)
        raise Refused(f"{self.url} took an append whose number leaves others out", answer)

    def _finish(self, asked):
        reason, detail = ("failed", asked.detail or str(self._refusal)) if self._refusal else asked
        fields = {**self._producer_fields(), "Stream-Closed": "true", "Stream-End-Reason": reason}
        if line := _one_line(detail or ""):
            fields["Stream-End-Detail"] = line
        answer, _ = self._send("POST", fields)
        if not (answer.status < 300 and answer.end):
            self._settle(answer, False)
            raise Fenced("another producer with this producer_id and epoch is writing the stream", answer)
        with self._changed:
            self._end, self._closed = answer.end, True
            self._tell()

    def _settle(self, answer, was_repeated, sequence=None):
        """Takes an answer as success, or raises what it says instead."""
        if answer.end:
            raise (Cancelled if answer.end.reason == "cancelled" else StreamEnded)(answer)
        if answer.code == "producer-fenced":
            raise Fenced(answer.problem, answer)
        if not 200 <= answer.status < 300:
            raise Refused(answer.problem, answer)
        if "Stream-Next-Offset" not in answer.fields:
            raise Refused(f"{self.url} answered {answer.status} without Stream-Next-Offset: it is no Freshet stream", answer)
        # 204 says that the number was used before, which only this producer's own earlier attempt may have done.
        is_ours = answer.status == 200 or was_repeated and answer.fields.get("Producer-Seq") == str(sequence)
        if sequence is not None and not is_ours:
            raise Fenced("another producer with this producer_id and epoch is writing the stream", answer)

    def _fail(self, error):
        with self._changed:
            self._error, self._end = error, getattr(error, "end", None)
            self._queue.clear()
            self._pending = 0
            self._tell()

    def _producer_fields(self, sequence=None):
        number = self._sequence if sequence is None else sequence
        return {"Producer-Id": self._id, "Producer-Epoch": str(self._epoch), "Producer-Seq": str(number)}

    def _lease_field(self):
        return {"Stream-Lease": str(self._lease)} if self._lease else {}

    def _send(self, method, fields, body=b""):
        """Repeats a request until its answer is final; returns it, and whether there were earlier attempts."""
        if self._key:
            fields = {**fields, "Authorization": f"Bearer {self._key}"}
        fields = {name: value.encode() for name, value in fields.items()}
        since, failures = None, 0
        while True:
            was_open, answer, least = self._connection.sock is not None, None, 0.0
            try:
                answer = self._exchange(method, fields, body)
                reason, least = answer.problem, answer.retry_after
            except ssl.SSLCertVerificationError as error:
                raise Unreachable(f"{self.url}: {error}") from error
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            now = time.monotonic()
            if answer and answer.status not in _PASSING:
                self._last_answer = now
                return answer, failures > 0
            since = now if since is None else since
            if now - since >= self._patience:
                raise Unreachable(f"{self.url}: gave up after {self._patience:g} s: {reason}", answer)
            # Jitter over a range that doubles. That an idle connection was closed is no trouble: ask anew at once.
            ceiling = min(15.0, 0.25 * 2 ** min(failures, 10))
            delay = 0.0 if was_open and not answer and not failures else random.uniform(ceiling / 5, ceiling)
            failures += 1
            until = min(now + max(delay, least), since + self._patience)
            with self._changed:
                while not self._closed and (wait := until - time.monotonic()) > 0:
                    self._changed.wait(wait)
                if self._closed:
                    raise _Closed

    def _exchange(self, method, fields, body):
        try:
            try:
                self._connection.request(method, self._path, body, fields)
            except (BrokenPipeError, ConnectionResetError):
                if self._connection.sock is None:
                    raise
                # The server may have answered before it had the whole body.
            response = self._connection.getresponse()
            answer = _Answer(response.status, response.headers, response.read(_LONGEST_ANSWER))
            if not response.isclosed():
                self._connection.close()
            return answer
        except BaseException:
            self._connection.close()
            raise


class AsyncProducer:
    """`Producer` for asyncio: the same arguments, the same methods, each to be awaited. No event loop is blocked."""

    def __init__(self, target, **options):
        self._producer = Producer(target, **options)

    async def __aenter__(self):
        await self.create()
        return self

    async def __aexit__(self, kind, error, trace):
        if error is None:
            await self.end()
            return
        try:
            await self.end("failed")
        except FreshetError:
            pass

    async def create(self):
        loop, self._news = asyncio.get_running_loop(), asyncio.Event()

        def tell():
            try:
                loop.call_soon_threadsafe(self._news.set)
            except RuntimeError:
                pass  # The loop is closed, and nobody waits.

        self._producer._on_change = tell
        self._producer._start()
        await self._wait(self._producer._is_created)

    async def append(self, data, event=None):
        item = self._producer._encode(data, event)
        await self._wait(lambda: self._producer._offer(item))

    async def flush(self):
        await self._wait(self._producer._is_flushed)

    async def heartbeat(self):
        number = self._producer._ask_beat()
        await self._wait(lambda: self._producer._is_beaten(number))

    async def end(self, reason="done", detail=None):
        if self._producer._ask_end(reason, detail):
            await self._wait(lambda: self._producer._is_ended(reason))

    def close(self):
        self._producer.close()

    url = property(lambda self: self._producer.url)
    offset = property(lambda self: self._producer.offset)
    ended = property(lambda self: self._producer.ended)
    cancelled = property(lambda self: self._producer.cancelled)

    async def _wait(self, is_ready):
        while True:
            if self._producer._thread is not None:
                self._news.clear()
            with self._producer._changed:
                if is_ready():
                    return
            await self._news.wait()


class _Closed(Exception):
    """The producer was closed while its thread waited."""


class _Answer:
    """A whole response."""

    def __init__(self, status, fields, body):
        self.status, self.fields = status, fields
        try:
            document = json.loads(body)
            self.document = document if isinstance(document, dict) else {}
        except ValueError:
            self.document = {}
        kind = self.document.get("type")
        self.code = kind[len("urn:freshet:") :] if isinstance(kind, str) and kind.startswith("urn:freshet:") else None
        self.document["code"] = self.code
        # Two sentences, or a title and its explanation.
        separator = " " if str(self.document.get("title")).endswith(".") else ": "
        said = separator.join(str(self.document[name]) for name in ("title", "detail") if self.document.get(name))
        said = " ".join((said or body[:200].decode("utf-8", "replace")).split())
        self.problem = f"{said} ({status})" if said else f"the server answered {status}"
        self.end = None
        if fields.get("Stream-Closed", "").lower() == "true":
            self.end = End(_text(fields.get("Stream-End-Reason")) or "done", _text(fields.get("Stream-End-Detail")))

    @property
    def retry_after(self):
        """In seconds. A date is not read, since it would need both clocks to agree."""
        value = self.fields.get("Retry-After", "")
        return float(value) if re.fullmatch("[0-9]{1,5}", value) else 0.0


def _text(value):
    """A header field's value as UTF-8, of which http.client makes Latin-1."""
    return value and value.encode("latin-1", "replace").decode("utf-8", "replace")


def _one_line(text):
    """A header field has no control characters, and a detail has at most 1024 bytes."""
    line = re.sub("[\0-\x1f\x7f]", " ", text).encode("utf-8", "replace")[:1024].decode("utf-8", "ignore")
    return line.strip()


def _kind(content_type):
    base = content_type.split(";")[0].strip().lower()
    known = {"text/event-stream": "events", "application/json": "json"}
    known.update(dict.fromkeys(("application/x-ndjson", "application/ndjson"), "lines"))
    return known.get(base) or ("text" if base.startswith("text/") else "binary")


def _checked_key(key):
    key = (key or "").strip()
    if not re.fullmatch("[!-~]*", key):
        raise ValueError("a key is printable ASCII without spaces")  # Does not show it: errors are logged.
    return key


_ADDRESS = re.compile(
    r"^https?:|(^|/)v1/streams?/|^(localhost|\d{1,3}(\.\d{1,3}){3}|\[[\da-f.]*:[\da-f.]*:[\da-f:.]*])(:\d+)?($|[/?#])|"
    r"^[^/?#:.]+(\.[^/?#:.]+)+:\d+($|[/?#])",
    re.IGNORECASE | re.ASCII,
)


def _stream_url(target):
    if "://" in target:
        return target
    if not 1 <= len(target.encode()) <= 512 or re.search("[\0-\x1f\x7f-\x9f]", target) or {"", ".", ".."} & {*target.split("/")}:
        raise ValueError(
            f"{target!r} cannot name a stream: a name has 1 to 512 bytes, no control characters, and no segment between "
            "slashes that is empty, '.' or '..'"
        )
    # Taken for a name, an address without its scheme would make a stream of that name on another server.
    if _ADDRESS.search(target):
        raise ValueError(f"{target!r} looks like an address; a stream's URL begins with http:// or https://")
    server = os.environ.get("FRESHET_URL") or "http://127.0.0.1:4437"
    return f"{server.rstrip('/')}/v1/stream/{urllib.parse.quote(target)}"


def _connection(url, timeout, ssl_context):
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.username is not None:
        raise ValueError("a stream's URL begins with http:// or https:// and a host, and holds no key or password")
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, port, timeout=timeout), path
    return http.client.HTTPSConnection(parts.hostname, port, timeout=timeout, context=ssl_context), path
