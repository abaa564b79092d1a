"""The program under test: `freshet serve` on a free loopback port, and its other commands."""

import fcntl
import itertools
import os
import pathlib
import re
import subprocess
import tempfile
import threading

from . import processes, tls
from .events import Lines, Subscription
from .waiting import eventually
from .wire import Closed, exchange

BINARY = os.environ.get("FRESHET_BINARY") or str(
    pathlib.Path(__file__).resolve().parents[3] / ".build" / "release" / "freshet"
)
# What it costs others is measured with what is released: a debug build takes 3 s to encode 1 MiB as SSE.
IS_DEBUG = "debug" in BINARY
NIGHTLY = os.environ.get("FRESHET_NIGHTLY") == "1"
# How the tests reach the servers that they start: by HTTP/1.1 in `clear` text or over `tls`, by HTTP/2 in clear text
# (`h2c`) or over TLS (`h2`).
TRANSPORT = os.environ.get("FRESHET_TRANSPORT") or "clear"
assert TRANSPORT in ("clear", "tls", "h2c", "h2"), f"FRESHET_TRANSPORT is clear, tls, h2c or h2, not {TRANSPORT}"

_names = itertools.count(1)


class Freshet:
    """A running server.

    Settings are the server's own flags with underscores: `heartbeat_seconds=1` is `--heartbeat-seconds 1`, True is a flag without a
    value, a list repeats the flag. Streams are kept in memory unless the test names a directory with `data`. `before` is called in
    the child before the program runs. `program` is what runs instead of the binary. With a `certificate` the server speaks TLS, and so
    do the requests made here; with `http2` they are made by HTTP/2. On a `machine` of a `Network` it is open to all.
    """

    def __init__(
        self,
        command="serve",
        environment=None,
        wait=True,
        before=None,
        certificate=None,
        program=(BINARY,),
        http2=False,
        machine=None,
        **settings,
    ):
        settings = {"port": 0, **settings}
        self.machine = machine
        if machine:
            before, settings = machine.enter, {"host": machine.address, "open": True, **settings}
        self.certificate = certificate
        self.http2 = http2 or TRANSPORT in ("h2c", "h2")
        if TRANSPORT in ("tls", "h2") and not certificate:
            self.certificate = tls.usual()
        if self.http2 and not self.certificate:
            settings = {"http2_clear_text": True, **settings}
        if self.certificate:
            settings = {**self.certificate.settings, **settings}
        if command == "serve" and not {"data", "memory", "store"} & settings.keys():
            settings["memory"] = True
        arguments = [*program, command]
        for name, value in settings.items():
            flag = "--" + name.replace("_", "-")
            for one in value if isinstance(value, list) else [value]:
                if one is True:
                    arguments.append(flag)
                elif one is not None and one is not False:
                    arguments += [flag, str(one)]
        self.log = tempfile.TemporaryFile("w+")
        # Program and test share one position in the file: without this, a line that is written while the test reads from the start
        # would stand on others.
        fcntl.fcntl(self.log, fcntl.F_SETFL, fcntl.fcntl(self.log, fcntl.F_GETFL) | os.O_APPEND)
        self.process = processes.start(
            arguments,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            before=before,
            env={**os.environ, **(environment or {})},
        )
        self.output = []
        if wait:
            self._find_address()

    def _find_address(self):
        for line in self.process.stdout:
            self.output.append(line)
            if found := re.search(r"https?://(\[[^\]]+\]|[\w.-]+):(\d+)", line):
                self.host, self.port = found[1], int(found[2])
                break
        else:
            self.process.wait()
            raise AssertionError(f"the server printed no URL: {self.output} {self.logged()}")
        # Whoever leaves a pipe unread stops the writer in the end.
        threading.Thread(target=lambda: self.output.extend(self.process.stdout), daemon=True).start()

    @property
    def address(self):
        return self.address_at(self.machine.address if self.machine else "127.0.0.1")

    def address_at(self, host):
        """How it is reached at another address of this machine."""
        address = (host, self.port)
        protocols = ("h2",) if self.http2 else ("http/1.1",)
        context = self.certificate.shared_context(protocols) if self.certificate else None
        return tls.Endpoint(address, context, self.http2) if context or self.http2 else address

    @property
    def scheme(self):
        return "https" if self.certificate else "http"

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, patience=10):
        return processes.end(self.process, patience)

    def resident_bytes(self):
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    # Requests, each on a connection of its own.

    def request(self, method, target, headers=None, body=None, **options):
        return exchange(self.address, method, target, headers, body, **options)

    def create(self, type="text/plain", headers=None, body=None, name=None):
        """Creates a stream and returns its path."""
        path = f"/v1/stream/{name or f's{next(_names)}'}"
        answer = self.request("PUT", path, {"Content-Type": type, **(headers or {})}, body)
        assert answer.status == 201, answer
        return path

    def append(self, path, body, type="text/plain", headers=None):
        return self.request("POST", path, {"Content-Type": type, **(headers or {})}, body)

    def append_each(self, path, items, type="text/plain"):
        """One event a request; returns their offsets."""
        offsets = []
        for item in items:
            answer = self.append(path, item, type)
            assert answer.status == 204, answer
            offsets.append(answer["Stream-Next-Offset"])
        return offsets

    def end(self, path, reason=None, detail=None):
        return self.request(
            "POST",
            path,
            {"Stream-Closed": "true", "Stream-End-Reason": reason, "Stream-End-Detail": detail},
        )

    def cancel(self, path):
        return self.request("POST", path, {"Stream-Cancel": "true"})

    def subscribe(self, path, headers=None, **options):
        return Subscription(self.address, path, headers, **options)

    def lines(self, path, headers=None, **options):
        return Lines(self.address, path, headers, **options)

    def read(self, path, headers=None):
        """A catch-up read."""
        return self.request("GET", path, headers)

    def read_whole(self, path):
        """The bytes of a stream, over as many pages as the server makes of them. Asked again where it says that it cannot reach its store: a
        node whose Redis is back may need a moment longer than the node that another client asks."""
        body, offset = b"", "-1"
        while True:
            position = f"{path}?offset={offset}"
            answer = eventually(lambda: (found := self.read(position)).status != 503 and found, what="a store that is reached")
            assert answer.status == 200, answer
            body += answer.body
            offset = answer["Stream-Next-Offset"]
            if answer["Stream-Up-To-Date"] == "true":
                return body

    def still_serves(self):
        """A whole round through the server; what a test of bad input ends with."""
        path = self.create()
        assert self.append(path, "still here").status == 204
        assert self.end(path).status == 204
        with self.subscribe(path) as reader:
            assert [e.data for e in reader.rest()] == ["still here", '{"reason":"done"}']
        return True

    def still_serves_or_none(self):
        """The same for a server that may still refuse connections for a moment, or close them."""
        try:
            return self.still_serves()
        except (AssertionError, OSError, Closed):
            return None


def command(*arguments, url=""):
    """A command line of the program. Where servers speak TLS by `FRESHET_TRANSPORT`, a client trusts what signed their certificates.
    `url` is the one that it is given by its environment."""
    line = [BINARY, *map(str, arguments)]
    is_client = line[1] not in ("serve", "demo", "relay") and any(argument.startswith("https://") for argument in (*line, url))
    if TRANSPORT in ("tls", "h2") and is_client and "--ca-file" not in line:
        line += ["--ca-file", str(tls.usual().authority)]
    return line


def run(*arguments, input=None, timeout=300, **options):
    """Runs a command of the program to its end. `timeout` only ends what hangs."""
    url = (options.get("env") or {}).get("FRESHET_URL", "")
    return subprocess.run(command(*arguments, url=url), input=input, capture_output=True, timeout=timeout, **options)
