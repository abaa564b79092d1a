"""An HTTP/1.1 proxy that does to streams what real ones do, one meddling at a time, and always in the same way."""

import asyncio
import dataclasses
import functools
import threading
import zlib


@dataclasses.dataclass
class Meddling:
    """What the proxy does; without anything it passes all on as it comes."""

    # The body of an answer.
    hold: str = ""  # "all", "size", "timer", "behind"
    size: int = 4096
    seconds: float = 0.2
    first: int = 0  # Bytes that must be there before anything passes.
    # gzip, for whoever takes it: "hold" as its window fills, "flush" with each part, "behind" with the part after.
    compress: str = ""
    compresses_always: bool = False
    # What the compression is called; by another name than gzip it is one that the doctor cannot undo.
    coding: str = "gzip"
    # What the server can say to be left alone: "xab", "nt", "ce", "json", "sse".
    obeys: tuple = ()
    holds_head: bool = False
    # Heads.
    server: str = ""
    speaks_http10: bool = False
    strips: tuple = ()  # Fields of requests.
    strips_answer: tuple = ()
    # Caches: "path" keeps answers whatever the query, "url" joins equal requests, unless "no-cache" and it heeds that.
    cache: str = ""
    heeds_no_cache: bool = True
    # Ends.
    idle_cut: float = 0
    cap: float = 0
    cut_looks_clean: bool = False
    death: str = "torn"  # "clean", "hangs"
    departure: str = "passed"  # "on-write", "never"
    # Connections and bodies of requests.
    most: int = 0
    upload: str = "passed"  # "held", "refused"


class _Cached:
    """An answer that is kept, and given to several."""

    def __init__(self):
        self.head = None
        self.parts = []
        self.is_over = False
        self.changed = asyncio.Event()

    def tell(self):
        self.changed.set()
        self.changed = asyncio.Event()


class MeddlingProxy:
    """Listens on a free port and forwards to `upstream`, in a thread of its own."""

    def __init__(self, upstream, meddling=None, everything=False):
        """With `everything` it meddles with all answers, not with probes alone."""
        self.upstream, self.everything = upstream, everything
        self.meddling = meddling or Meddling()
        self._cached = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(60)
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self):
        with asyncio.Runner() as runner:
            runner.run(self._listen())

    async def _listen(self):
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._slots = asyncio.Semaphore(self.meddling.most or 10_000)
        # The loop keeps no task alive that only waits for a connection.
        self._tasks = set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=256)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").split("\r\n")[:-2]
            fields = [tuple(part.strip() for part in field.split(":", 1)) for field in fields]
            await self._forward(line, fields, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.close()

    async def _forward(self, line, fields, reader, writer):
        method, target, _ = line.split(" ")
        path = target.split("?")[0]
        rule = self.meddling
        if rule.cache and path == "/v1/probe":
            key = path if rule.cache == "path" else target
            if key in self._cached:
                return await self._replay(self._cached[key], writer)
            kept = self._cached[key] = _Cached()
        else:
            kept = None
        async with self._slots:
            await self._fetch(method, target, fields, reader, writer, kept)

    async def _replay(self, kept, writer):
        sent = 0
        while kept.head is None and not kept.is_over:
            await kept.changed.wait()
        if kept.head is None:
            return
        writer.write(kept.head)
        while True:
            for part in kept.parts[sent:]:
                writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                sent += 1
            await writer.drain()
            if kept.is_over and sent == len(kept.parts):
                writer.write(b"0\r\n\r\n")
                return await writer.drain()
            await kept.changed.wait()

    async def _fetch(self, method, target, fields, reader, writer, kept):
        rule = self.meddling
        up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        try:
            is_chunked = any(name.lower() == "transfer-encoding" for name, _ in fields)
            passed = [(n, v) for n, v in fields if n.lower() not in rule.strips and n.lower() != "connection"]
            body = None
            if is_chunked and rule.upload == "refused":
                writer.write(b"HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\n\r\n")
                return await writer.drain()
            if is_chunked and rule.upload == "held":
                body = b""
                while part := await _chunk(reader):
                    body += part
                passed = [(n, v) for n, v in passed if n.lower() != "transfer-encoding"]
                passed.append(("content-length", str(len(body))))
            version = "1.0" if rule.speaks_http10 else "1.1"
            text = f"{method} {target} HTTP/{version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in passed)
            up_writer.write(text.encode() + b"connection: close\r\n\r\n" + (body or b""))
            await up_writer.drain()
            watch = asyncio.create_task(self._client(reader, up_writer, is_chunked and body is None))
            try:
                await self._answer(method, fields, up_reader, up_writer, writer, kept)
            finally:
                watch.cancel()
        finally:
            if kept:
                kept.is_over = True
                kept.tell()
            up_writer.close()

    async def _client(self, reader, up_writer, passes_body):
        """Passes the request's body on, and the client's departure."""
        try:
            if passes_body:
                while part := await _chunk(reader):
                    up_writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                    await up_writer.drain()
                up_writer.write(b"0\r\n\r\n")
                await up_writer.drain()
            while await reader.read(4096):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        if self.meddling.departure == "passed":
            up_writer.close()

    async def _answer(self, method, asked, up_reader, up_writer, writer, kept):
        rule = self.meddling
        head = (await up_reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.split("\r\n")[:-2]
        fields = [tuple(part.strip() for part in field.split(":", 1)) for field in fields]
        said = {name.lower(): value for name, value in fields}
        accepted = next((value for name, value in asked if name.lower() == "accept-encoding"), "")
        leave_alone = any(
            {
                "xab": said.get("x-accel-buffering") == "no",
                "nt": "no-transform" in said.get("cache-control", ""),
                "ce": said.get("content-encoding") == "identity",
                "json": "application/json" in said.get("content-type", ""),
                "sse": "text/event-stream" in said.get("content-type", ""),
            }[hint]
            for hint in rule.obeys
        )
        is_probe = self.everything or "stream-probe" in said
        takes = rule.coding in accepted
        gzip = bool(rule.compress) and is_probe and not leave_alone and (takes or rule.compresses_always)
        hold = rule.hold if is_probe and not leave_alone else ""
        dropped = {"transfer-encoding", "connection", "content-length", *rule.strips_answer}
        if "xab" in rule.obeys:
            dropped.add("x-accel-buffering")
        out = [(name, value) for name, value in fields if name.lower() not in dropped]
        if gzip:
            out = [(n, v) for n, v in out if n.lower() != "content-encoding"]
            if takes:
                out.append(("content-encoding", rule.coding))
        if rule.server:
            out = [(n, v) for n, v in out if n.lower() != "server"] + [("server", rule.server)]
        out.append(("transfer-encoding", "chunked"))
        out.append(("connection", "close"))
        text = f"HTTP/1.1 {line.split(' ', 1)[1]}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in out) + "\r\n"
        sink = _Sink(writer, text.encode(), kept, lost=rule.departure == "never")
        if kept and rule.cache == "url" and rule.heeds_no_cache and "no-cache" in said.get("cache-control", ""):
            self._cached = {key: value for key, value in self._cached.items() if value is not kept}
            sink.kept = None
        if not (rule.holds_head and is_probe) and hold != "all":
            await sink.head()
        flow = _Flow(rule, hold, rule.compress if gzip else "", sink, sends_gzip=takes)
        if "chunked" in said.get("transfer-encoding", "").lower():
            part = functools.partial(_chunk, up_reader)
        else:
            part = _Plain(up_reader, int(said["content-length"]) if "content-length" in said else None)
        ended = await self._pass(part, flow, is_probe)
        if ended == "hangs":
            return await asyncio.sleep(30)
        await flow.finish(ended == "clean")

    async def _pass(self, next_part, flow, is_probe):
        """Passes parts on until the answer is over, and says how it was."""
        rule = self.meddling
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            waits = [rule.idle_cut] if rule.idle_cut and is_probe else []
            if rule.cap and is_probe:
                waits.append(rule.cap - (loop.time() - begun))
            try:
                part = await asyncio.wait_for(next_part(), max(0, min(waits)) if waits else None)
            except TimeoutError:
                return "clean" if rule.cut_looks_clean else "torn"
            except (OSError, asyncio.IncompleteReadError):
                return rule.death
            if not part:
                return "clean"
            await flow.take(part)


class _Flow:
    """The body of one answer, held back by some rule."""

    def __init__(self, rule, hold, compress, sink, sends_gzip):
        self.rule, self.hold, self.compress, self.sink = rule, hold, compress, sink
        self.sends_gzip = sends_gzip
        self.held = b""
        self.before = b""
        self.is_released = rule.first == 0
        self.timer = None
        self.gzip = zlib.compressobj(6, zlib.DEFLATED, 31) if compress else None

    async def take(self, part):
        if self.gzip:
            if not self.sends_gzip:
                # Compressed inside, and uncompressed for this client: what matters is the window.
                self.held += part
                if len(self.held) >= 32768:
                    await self._release(32768)
                return
            if self.compress == "hold":
                out = self.gzip.compress(part)
            elif self.compress == "flush":
                out = self.gzip.compress(part) + self.gzip.flush(zlib.Z_SYNC_FLUSH)
            else:
                out = self.gzip.compress(self.before) + self.gzip.flush(zlib.Z_SYNC_FLUSH)
                self.before = part
            if out:
                await self.sink.body(out)
            return
        self.held += part
        if not self.is_released:
            if len(self.held) < self.rule.first:
                return
            self.is_released = True
        if self.hold == "size":
            while len(self.held) >= self.rule.size:
                await self._release(self.rule.size)
        elif self.hold == "behind":
            self.held = self.held[: -len(part)]
            await self._release(len(self.held))
            self.held = part
        elif self.hold == "timer":
            if self.timer is None:
                self.timer = asyncio.create_task(self._later())
        elif self.hold != "all":
            await self._release(len(self.held))

    async def _later(self):
        await asyncio.sleep(self.rule.seconds)
        self.timer = None
        await self._release(len(self.held))

    async def _release(self, count):
        part, self.held = self.held[:count], self.held[count:]
        if part:
            await self.sink.body(part)

    async def finish(self, is_clean):
        if self.timer:
            self.timer.cancel()
        if self.gzip and self.sends_gzip:
            await self.sink.body(self.gzip.compress(self.before) + self.gzip.flush())
        await self._release(len(self.held))
        if is_clean:
            await self.sink.end()


class _Sink:
    """The client's side of an answer."""

    def __init__(self, writer, head, kept, lost):
        self.writer, self._head, self.kept, self.lost = writer, head, kept, lost
        self.has_head = False

    async def head(self):
        if not self.has_head:
            self.has_head = True
            if self.kept:
                self.kept.head = self._head
            await self._write(self._head)

    async def body(self, part):
        await self.head()
        if not part:
            return
        if self.kept:
            self.kept.parts.append(part)
            self.kept.tell()
        await self._write(b"%x\r\n%s\r\n" % (len(part), part))

    async def end(self):
        await self.head()
        await self._write(b"0\r\n\r\n")

    async def _write(self, data):
        try:
            if self.lost and self.writer.is_closing():
                return
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            if not self.lost:
                raise


async def _chunk(reader):
    """The next part of a chunked body, empty at its end; raises when the connection ends before."""
    size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
    part = await reader.readexactly(size + 2)
    return part[:-2]


class _Plain:
    """The parts of a body that has a length, or ends with the connection."""

    def __init__(self, reader, length):
        self.reader, self.rest = reader, length

    async def __call__(self):
        if self.rest == 0:
            return b""
        part = await self.reader.read(65536 if self.rest is None else self.rest)
        if self.rest is not None:
            if not part:
                raise ConnectionError("the body is not whole")
            self.rest -= len(part)
        return part
