"""A small HTTP/1.1 client that shows every byte, because the tests are about the bytes."""

import dataclasses
import json
import socket
import ssl

import pytest

from .http2 import HTTP2Connection


@dataclasses.dataclass
class Head:
    """The status line and the header fields of an answer."""

    raw: bytes
    version: str
    status: int
    fields: list

    def __getitem__(self, name):
        """The value of a field, or None; several fields of one name are joined with a comma."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def __contains__(self, name):
        return self[name] is not None


@dataclasses.dataclass
class Answer:
    """A whole answer."""

    head: Head
    body: bytes

    @property
    def status(self):
        return self.head.status

    def __getitem__(self, name):
        return self.head[name]

    def __contains__(self, name):
        return name in self.head

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<Answer {self.head.raw!r} {self.body[:400]!r}>"


class Closed(Exception):
    """The peer closed the connection before what was awaited had arrived."""


class Connection:
    """One connection to the server: TCP, with TLS where the address has a context for it.

    Where the address says so, it is one of HTTP/2, with the same interface.
    """

    is_http2 = False

    def __new__(cls, address, timeout=60):
        if getattr(address, "http2", False):
            return HTTP2Connection(address, timeout)
        return super().__new__(cls)

    def __init__(self, address, timeout=60):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        if context := getattr(address, "context", None):
            self.socket = context.wrap_socket(
                self.socket, server_hostname=address[0], suppress_ragged_eofs=False
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a TCP reset, as a vanished peer or an aborting program does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def half_close(self):
        if isinstance(self.socket, ssl.SSLSocket):
            pytest.skip("Python's TLS cannot close one side and listen on")
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def send_head(self, method, target, headers=None, version="1.1"):
        self.send(request_head(method, target, headers, version))

    def send_chunk(self, data):
        """Sends one chunk of a chunked body; an empty one ends it."""
        data = data if isinstance(data, bytes) else data.encode()
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def receive(self):
        """Some more bytes into the buffer; raises Closed at the end of the connection."""
        try:
            data = self.socket.recv(65536)
        except ssl.SSLEOFError as error:
            # To Python a reset is the same as a connection that ends without the end of TLS.
            raise ConnectionResetError(str(error)) from error
        except ssl.SSLWantReadError as error:
            raise BlockingIOError(str(error)) from error
        if not data:
            raise Closed(f"closed after {self.buffer[-300:]!r}")
        self.buffer += data

    def read_exactly(self, count):
        while len(self.buffer) < count:
            self.receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_until(self, mark):
        """Everything up to and with the mark."""
        while mark not in self.buffer:
            self.receive()
        index = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:index], self.buffer[index:]
        return data

    def read_to_end(self):
        """Everything up to the end of the connection."""
        try:
            while True:
                self.receive()
        except Closed:
            data, self.buffer = self.buffer, b""
            return data

    def read_head(self):
        return parse_head(self.read_until(b"\r\n\r\n"))

    def read_chunk(self):
        """The data of one chunk; empty for the last one."""
        line = self.read_until(b"\r\n")
        if line == b"\r\n":
            raise Closed("the body is left unfinished")
        data = self.read_exactly(int(line.split(b";")[0], 16))
        assert self.read_exactly(2) == b"\r\n"
        return data

    def read_answer(self, method="GET"):
        head = self.read_head()
        while head.status == 100:
            head = self.read_head()
        if method == "HEAD" or head.status in (204, 304):
            return Answer(head, b"")
        if (head["Transfer-Encoding"] or "").lower() == "chunked":
            body = b""
            while chunk := self.read_chunk():
                body += chunk
            return Answer(head, body)
        if "Content-Length" in head:
            return Answer(head, self.read_exactly(int(head["Content-Length"])))
        return Answer(head, self.read_to_end())


def read_body(connection):
    """A body without a length, as far as it came, and whether it came whole."""
    body = b""
    try:
        while piece := connection.read_chunk():
            body += piece
    except (Closed, ConnectionError):
        return body, False
    return body, True


def request_head(method, target, headers=None, version="1.1"):
    fields = {"Host": "localhost", **(headers or {})}
    lines = [f"{method} {target} HTTP/{version}"]
    for name, value in fields.items():
        if value is not None:
            lines.append(f"{name}: {value}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def parse_head(raw):
    status_line, *lines = raw.decode("latin-1").split("\r\n")[:-2]
    version, status, *_ = status_line.split(" ", 2)
    fields = []
    for line in lines:
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    return Head(raw, version, int(status), fields)


def exchange(address, method, target, headers=None, body=None, timeout=60, version="1.1"):
    """One request on a connection of its own."""
    headers = dict(headers or {})
    body = body.encode() if isinstance(body, str) else body
    if body is not None:
        headers.setdefault("Content-Length", str(len(body)))
    elif method in ("PUT", "POST"):
        headers.setdefault("Content-Length", "0")
    with Connection(address, timeout) as connection:
        if connection.is_http2:
            connection.send_head(method, target, headers, version)
            if body:
                connection.send(body)
        else:
            connection.send(request_head(method, target, headers, version) + (body or b""))
        return connection.read_answer(method)
