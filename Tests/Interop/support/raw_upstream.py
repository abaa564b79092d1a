"""An upstream that sends exactly the bytes that a test gives it, and counts who asks."""

import socket
import struct
import threading

from .listener import Listener


class RawUpstream(Listener):
    """Answers each connection's request with `script(head, body)`: a list of pieces of bytes, the last of which may be TEAR or CLOSE.

    A bytes piece is sent in a write of its own, an Event is waited for. The connection stays open for a next request unless the
    list ends with CLOSE (a clean end) or TEAR (a reset).
    """

    CLOSE, TEAR = object(), object()

    def __init__(self, script):
        self.script = script
        self.requests = []
        super().__init__()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as reader:
                while True:
                    head = b""
                    while not head.endswith(b"\r\n\r\n"):
                        line = reader.readline()
                        if not line:
                            return
                        head += line
                    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
                    body = reader.read(length)
                    self.requests.append((head, body))
                    for piece in self.script(head, body):
                        if piece is self.CLOSE:
                            return
                        if piece is self.TEAR:
                            self._until_read(connection)
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                            return
                        if isinstance(piece, threading.Event):
                            piece.wait(30)
                        else:
                            connection.sendall(piece)
        except OSError:
            pass


def framed(framing, pieces, ends="clean", fields="Content-Type: text/event-stream\r\n", status="200 OK"):
    """A response with these pieces of a body, in one of the ways in which a body can be sent."""
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    torn = ends == "torn"
    if framing in ("chunked", "chunked, close"):
        more = "Connection: close\r\n" if "close" in framing else ""
        head = f"HTTP/1.1 {status}\r\n{fields}Transfer-Encoding: chunked\r\n{more}\r\n".encode()
        end = [RawUpstream.CLOSE] if torn else [b"0\r\n\r\n"] + ([RawUpstream.CLOSE] if more else [])
        return [head] + chunks + end
    if framing == "length":
        length = sum(map(len, pieces)) + torn
        return [f"HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n\r\n".encode()] + pieces + [RawUpstream.CLOSE] * torn
    version, more = {"close": ("1.1", "Connection: close\r\n"), "bare": ("1.1", ""), "1.0": ("1.0", ""), "1.0, close": ("1.0", "Connection: close\r\n")}[framing]
    head = f"HTTP/{version} {status}\r\n{fields}{more}\r\n".encode()
    return [head] + pieces + [RawUpstream.TEAR if torn else RawUpstream.CLOSE]


FRAMINGS = ["chunked", "chunked, close", "length", "close", "bare", "1.0", "1.0, close"]
