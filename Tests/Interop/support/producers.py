"""The producers of `clients/`, driven alike: the tests call each by the names of the Python one."""

import asyncio
import concurrent.futures
import itertools
import json
import pathlib
import re
import subprocess
import sys
import threading

from . import processes

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "clients" / "python"))

import freshet  # noqa: E402


class Failed(Exception):
    """What a producer raised: the name of its class, and what it carries."""

    def __init__(self, name, message, status=None, code=None, title=None, detail=None, end=None):
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.status, self.code = name, message, status, code
        self.title, self.detail, self.end = title, detail, end


class Driver:
    """`start` begins a call and returns its future; `call` waits for it."""

    stream = None

    def call(self, name, *values):
        return self.start(name, *values).result(300)

    def method(self, name):
        return getattr(self, f"_{name}", None) or getattr(self.stream, name)

    def create(self, target, **options):
        self.call("create", target, options)
        return self

    def append(self, *item):
        self.call("append_each", [item])

    def append_each(self, items):
        self.call("append_each", [[item] for item in items])

    def flush(self):
        self.call("flush")

    def heartbeat(self):
        self.call("heartbeat")

    def end(self, *how):
        self.call("end", *how)

    def close(self):
        self.call("close")

    @property
    def state(self):
        return self.call("state")


class PythonDriver(Driver):
    """`freshet.Producer`, each call in a thread."""

    def __init__(self):
        self.threads = concurrent.futures.ThreadPoolExecutor(4)

    def start(self, name, *values):
        return self.threads.submit(failing_alike, self.method(name), *values)

    def _create(self, target, options):
        self.stream = freshet.Producer(target, **options)
        self.stream.create()

    def _append_each(self, items):
        for item in items:
            self.stream.append(*item)

    def _append_bytes(self, numbers):
        self.stream.append(bytes(numbers))

    def _leave(self, target, words, message, options):
        with freshet.Producer(target, **options) as stream:
            for word in words:
                stream.append(word)
            if message:
                raise ArithmeticError(message)

    def _state(self):
        return state(self.stream)

    def stop(self):
        if self.stream:
            self.stream.close()
        self.threads.shutdown()


class AsyncioDriver(Driver):
    """`freshet.AsyncProducer`, all calls on one event loop."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def start(self, name, *values):
        async def run():
            try:
                return await self.method(name)(*values)
            except Exception as error:
                raise alike(error) from error

        return asyncio.run_coroutine_threadsafe(run(), self.loop)

    async def _create(self, target, options):
        self.stream = freshet.AsyncProducer(target, **options)
        await self.stream.create()

    async def _append_each(self, items):
        for item in items:
            await self.stream.append(*item)

    async def _append_bytes(self, numbers):
        await self.stream.append(bytes(numbers))

    async def _leave(self, target, words, message, options):
        async with freshet.AsyncProducer(target, **options) as stream:
            for word in words:
                await stream.append(word)
            if message:
                raise ArithmeticError(message)

    async def _state(self):
        return state(self.stream)

    async def _close(self):
        self.stream.close()

    def stop(self):
        if self.stream:
            self.call("close")
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class NodeDriver(Driver):
    """`Producer` of freshet.mjs; all of them in one process, which begins with the first."""

    process = None
    numbers = itertools.count()
    waiting = {}

    def __init__(self):
        cls = type(self)
        if cls.process is None:
            cls.process = processes.start(
                ["node", ROOT / "Tests" / "Interop" / "node" / "produce.mjs"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            threading.Thread(target=cls._read, args=(cls.process.stdout,), daemon=True).start()
        self.number = next(self.numbers)

    def start(self, name, *values):
        number, future = next(self.numbers), concurrent.futures.Future()
        self.waiting[number] = future
        values = [camel(value) if isinstance(value, dict) else value for value in values]
        call = {"id": number, "stream": self.number, "call": name, "arguments": values}
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        return future

    @classmethod
    def _read(cls, output):
        for line in output:
            said = json.loads(line)
            future = cls.waiting.pop(said["id"])
            if "error" in said:
                future.set_exception(Failed(**said["error"]))
            else:
                future.set_result(said["result"])

    def stop(self):
        self.close()

    @classmethod
    def end_process(cls):
        if cls.process:
            processes.end(cls.process)
            cls.process = None


DRIVERS = {"python": PythonDriver, "asyncio": AsyncioDriver, "node": NodeDriver}


def state(stream):
    ended = stream.ended and {key: value for key, value in stream.ended._asdict().items() if value is not None}
    state = {"ended": ended, "cancelled": stream.cancelled, "offset": stream.offset}
    return {key: value for key, value in state.items() if value is not None}


def failing_alike(function, *values):
    try:
        return function(*values)
    except Exception as error:
        raise alike(error) from error


def alike(error):
    end = getattr(error, "end", None)
    carried = {key: getattr(error, key, None) for key in ("status", "code", "title", "detail")}
    return Failed(type(error).__name__, str(error), **carried, end=end and end._asdict())


def camel(options):
    return {re.sub("_(.)", lambda found: found[1].upper(), name): value for name, value in options.items()}
