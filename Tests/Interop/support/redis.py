"""A redis-server of the tests' own, and a client for it."""

import shutil
import socket
import tempfile

from . import processes
from .ports import free_port
from .waiting import eventually


class RedisError(Exception):
    """An error that Redis answered."""


class RedisClient:
    """One connection. What it sends are bytes, texts and numbers; what it gets are bytes, whole numbers, lists and None."""

    def __init__(self, port, host="127.0.0.1", timeout=60, context=None):
        self._socket = socket.create_connection((host, port), timeout=timeout)
        if context:
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._file.close()
        self._socket.close()

    def send(self, *command):
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))

    def receive(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"+":
                return rest
            case b"-":
                return RedisError(rest.decode(errors="replace"))
            case b":":
                return int(rest)
            case b"$":
                return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2]
            case b"*":
                return None if rest == b"-1" else [self.receive() for _ in range(int(rest))]
        raise ConnectionError(f"not RESP: {line!r}")

    def __call__(self, *command):
        self.send(*command)
        answer = self.receive()
        if isinstance(answer, RedisError):
            raise answer
        return answer


class RedisSubscription:
    """Follows channels. `messages` waits for as many as are wanted."""

    def __init__(self, port, *channels):
        self._client = RedisClient(port)
        self._client.send("SUBSCRIBE", *channels)
        for _ in channels:
            self._client.receive()

    def messages(self, count):
        return [self._client.receive()[2] for _ in range(count)]

    def close(self):
        self._client.close()


class RedisServer:
    """`redis-server` on a free port, with a directory that goes with it. It keeps nothing unless `options` say so.

    It runs here, or on a machine of a `Network`, where it is open to all. With a `certificate` it speaks TLS, and nothing else, to
    replicas and masters too.
    """

    def __init__(self, *options, port=None, machine=None, certificate=None):
        self.port = port or free_port()
        self.machine = machine
        self.certificate = certificate
        self.host = machine.address if machine else "127.0.0.1"
        self.options = options
        self.directory = tempfile.mkdtemp(prefix="freshet-redis-")
        self.process = None
        self.start()

    @property
    def url(self):
        return f"{'rediss' if self.certificate else 'redis'}://{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        """Starts it, or starts it again, and returns when it takes connections and has read what it keeps."""
        log = open(f"{self.directory}/log", "ab")
        before = self.machine and self.machine.enter
        self.process = processes.start(["redis-server", *self._arguments()], before=before, stdout=log, stderr=log)
        log.close()
        eventually(self._answers, what="an answer of redis-server")

    def _arguments(self):
        open_to_all = ["--protected-mode", "no"] if self.machine else []
        return [*self._port(), "--bind", self.host, "--dir", self.directory, "--save", "", *open_to_all, *self.options]

    def _port(self):
        if not self.certificate:
            return ["--port", self.port]
        certificate = self.certificate
        files = ["--tls-cert-file", certificate.chain, "--tls-key-file", certificate.key, "--tls-ca-cert-file", certificate.authority]
        return ["--port", "0", "--tls-port", self.port, *files, "--tls-auth-clients", "no", "--tls-replication", "yes"]

    def _answers(self):
        assert self.process.poll() is None, self.logged()
        try:
            with self.client(timeout=5) as client:
                return client("PING") == b"PONG"
        except RedisError as error:
            # One with a password is up as soon as it asks for it.
            return str(error).startswith("NOAUTH")
        except OSError:
            return False

    def client(self, timeout=60):
        context = self.certificate and self.certificate.shared_context()
        return RedisClient(self.port, self.host, timeout, context)

    def subscribe(self, *channels):
        return RedisSubscription(self.port, *channels)

    def kill(self):
        """Ends it as a crash does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        processes.end(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def logged(self):
        with open(f"{self.directory}/log", errors="replace") as log:
            return log.read()
