"""A client of HTTP/2 that can be asked as the one of HTTP/1.1 is (`wire.Connection`), and that can be rude.

What it sends is made by the library h2, and by nothing where a test writes frames of its own.
"""

import collections
import contextlib
import socket

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def field(name, value):
    """A field as HPACK writes one that neither table has (RFC 7541, section 6.2.2)."""
    name, value = name.encode(), value.encode()
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


# Of an HTTP/1 connection: HTTP/2 says it otherwise, or has no word for it.
_OF_HTTP1 = {"connection", "transfer-encoding", "keep-alive", "host"}


class Machine(h2.connection.H2Connection):
    """To the library a connection is closed with GOAWAY; but for an error, what is open goes on (RFC 9113, section 6.8)."""

    def _receive_goaway_frame(self, frame):
        state = self.state_machine.state
        result = super()._receive_goaway_frame(frame)
        if frame.error_code == 0:
            self.state_machine.state = state
        return result


class Stream:
    """One request and its answer, as far as they have come."""

    def __init__(self, number):
        self.number = number
        self.heads = collections.deque()
        self.pieces = collections.deque()
        self.ended = False
        # The error code of RST_STREAM.
        self.reset = None
        # Received, and not given back to the server's window.
        self.held = 0


class HTTP2:
    """A connection with any number of streams. Without `returns_room` each of them takes no more than its first window. With a
    `receive_buffer` the machine takes about so many bytes for a client that does not read."""

    def __init__(self, address, timeout=60, settings=None, returns_room=True, receive_buffer=None):
        if receive_buffer is None:
            self.socket = socket.create_connection(tuple(address), timeout)
        else:
            # Before it connects: how much it takes is told with the first packet.
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(timeout)
            self.socket.connect(tuple(address))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scheme = "http"
        if context := getattr(address, "context", None):
            self.scheme = "https"
            self.socket = context.wrap_socket(self.socket, server_hostname=address[0])
            assert self.socket.selected_alpn_protocol() == "h2"
        config = h2.config.H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.machine = Machine(config)
        if settings:
            self.machine.local_settings = h2.settings.Settings(client=True, initial_values=settings)
        self.machine.initiate_connection()
        self.returns_room = returns_room
        self.streams = {}
        # The error code of GOAWAY.
        self.goaway = None
        self.goaway_last = None
        self.is_closed = False
        self.pings = 0
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        if data := self.machine.data_to_send():
            self.socket.sendall(data)

    def begin(self, method, path, headers=(), body=None, ends=True):
        """Sends a request's head, and its body where that is given; `ends` says whether that is all."""
        number = self.machine.get_next_available_stream_id()
        fields = list(headers.items() if isinstance(headers, dict) else headers)
        pseudo = {":method": method, ":scheme": self.scheme, ":authority": "localhost", ":path": path}
        for name in list(pseudo):
            for given, value in fields:
                if given == name:
                    pseudo[name] = value
        head = [(name, value) for name, value in pseudo.items() if value is not None]
        head += [(name.lower(), str(value)) for name, value in fields if value is not None and not name.startswith(":")]
        self.streams[number] = stream = Stream(number)
        self.machine.send_headers(number, head, end_stream=ends and body is None)
        if body is not None:
            self.send(stream, body, ends)
        self.flush()
        return stream

    def send(self, stream, data, ends=False):
        """Sends a part of a body, as fast as the server gives room for it, and for as long as it wants any."""
        data = data.encode() if isinstance(data, str) else data
        if stream.reset is not None:
            return
        while data:
            room = min(
                self.machine.local_flow_control_window(stream.number), self.machine.max_outbound_frame_size, len(data)
            )
            if room <= 0:
                self.flush()
                self.receive()
                if stream.reset is not None or stream.ended:
                    return
                continue
            self.machine.send_data(stream.number, data[:room])
            data = data[room:]
        if ends:
            self.machine.end_stream(stream.number)
        self.flush()

    def cancel(self, stream, code=8):
        self.machine.reset_stream(stream.number, code)
        self.flush()

    def receive(self):
        """Waits for some more bytes, and takes what they say. False at the end of the connection."""
        data = self.socket.recv(65536)
        if not data:
            self.is_closed = True
            return False
        for event in self.machine.receive_data(data):
            self._take(event)
        # What a server that goes takes no more of, it has no use for; what it sent before is read on.
        with contextlib.suppress(OSError):
            self.flush()
        return True

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, (h2.events.ResponseReceived, h2.events.InformationalResponseReceived)):
            stream.heads.append([(str(name), str(value)) for name, value in event.headers])
        elif isinstance(event, h2.events.DataReceived):
            if event.data:
                stream.pieces.append(event.data)
            stream.held += event.flow_controlled_length
            # In steps that are worth a frame.
            if self.returns_room and stream.held > 16_384:
                self.give_room(stream)
            elif not self.returns_room and event.flow_controlled_length:
                self.machine.increment_flow_control_window(event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway, self.goaway_last = int(event.error_code), event.last_stream_id
        elif isinstance(event, h2.events.PingAckReceived):
            self.pings += 1

    def give_room(self, stream):
        if stream.held:
            self.machine.increment_flow_control_window(stream.held)
            try:
                self.machine.increment_flow_control_window(stream.held, stream.number)
            except Exception:
                # The stream is over.
                pass
            stream.held = 0
            with contextlib.suppress(OSError):
                self.flush()

    def wait(self, condition):
        """Receives until a condition holds; the last thing that can make it hold is the end of the connection."""
        while not condition():
            if self.is_closed or not self.receive():
                assert condition(), f"closed, with goaway {self.goaway}"
                return

    def answer(self, stream):
        """The status, the header fields and the body of a whole answer."""
        self.wait(lambda: stream.ended or stream.reset is not None)
        assert stream.ended, f"reset with {stream.reset}"
        head = dict(stream.heads[-1])
        return int(head[":status"]), head, b"".join(stream.pieces)

    def ask(self, method, path, headers=(), body=None):
        return self.answer(self.begin(method, path, headers, body))

    def read_to_end(self):
        """Until the server closes the connection."""
        try:
            while self.receive():
                pass
        except OSError:
            self.is_closed = True


class Frames:
    """A connection whose frames are the test's own, and that keeps no account of what is allowed."""

    def __init__(self, address, timeout=60):
        self.socket = socket.create_connection(tuple(address), timeout)
        if context := getattr(address, "context", None):
            self.socket = context.wrap_socket(self.socket, server_hostname=address[0])
        self.buffer = b""
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def next(self):
        """The next frame that the server sends: its kind, flags, stream and payload; None at the end of the connection."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data
        end = 9 + int.from_bytes(self.buffer[:3], "big")
        head, payload, self.buffer = self.buffer[:9], self.buffer[9:end], self.buffer[end:]
        return head[3], head[4], int.from_bytes(head[5:9], "big"), payload

    def verdict(self, data):
        """What the server says to these bytes: the error code that it ends a stream or the connection with, or that it goes on."""
        mark = b"question"
        with contextlib.suppress(OSError):
            self.send(data + frame(PING, 0, 0, mark))
        while found := self.next():
            kind, flags, stream, payload = found
            if kind == GOAWAY:
                return "connection", int.from_bytes(payload[4:8], "big")
            if kind == RST_STREAM:
                return "stream", int.from_bytes(payload, "big")
            if kind == PING and flags & ACK and payload == mark:
                return "goes on", None
        return "closed", None


class HTTP2Connection:
    """One stream at a time, with the interface of `wire.Connection`."""

    is_http2 = True

    # About what the kernel holds for a reader by HTTP/1.1. With the least there is, a client that the machine lets wait has
    # nothing to read afterwards, and looks stalled.
    WINDOW = 1 << 20

    def __init__(self, address, timeout=60):
        self.http2 = HTTP2(address, timeout, {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: self.WINDOW})
        self.http2.machine.increment_flow_control_window(self.WINDOW)
        self.http2.flush()
        self.stream = None
        self.left = None
        self.buffer = b""

    @property
    def socket(self):
        return self.http2.socket

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.http2.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def half_close(self):
        pytest.skip("HTTP/2 has no half-closed connections")

    def send_head(self, method, target, headers=None, version="1.1"):
        if version != "1.1":
            pytest.skip("it is about an old version of HTTP/1")
        fields = {"Host": "localhost", **(headers or {})}
        lower = {name.lower(): str(value) for name, value in fields.items() if value is not None}
        # Two fields of one name, as the interface has them.
        more = [line.split(": ", 1) for name, value in lower.items() for line in value.split("\r\n")[1:]]
        lower = {name: value.split("\r\n")[0] for name, value in lower.items()}
        length = int(lower.get("content-length", 0))
        is_open = lower.get("transfer-encoding") == "chunked"
        head = {":authority": lower["host"]} if "host" in lower else {":authority": None}
        head |= {name: value for name, value in lower.items() if name not in _OF_HTTP1}
        head = [*head.items(), *more]
        self.left = None if is_open else length
        self.stream = self.http2.begin(method, target, head, ends=not is_open and length == 0)

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        if self.stream is None:
            pytest.skip("it is about the bytes of HTTP/1")
        if self.left is None:
            pytest.skip("it is about the bytes of chunks")
        if not data:
            return
        self.left -= len(data)
        self.http2.send(self.stream, data, ends=self.left == 0)

    def send_chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.http2.send(self.stream, data, ends=not data)

    def _wait(self, condition):
        from .wire import Closed

        stream = self.stream
        self.http2.wait(lambda: condition() or stream.reset is not None or self.http2.is_closed)
        if not condition():
            raise Closed(f"reset with {stream.reset}")

    def read_head(self):
        from .wire import Head

        stream = self.stream
        self._wait(lambda: stream.heads)
        fields = stream.heads.popleft()
        raw = "".join(f"{name}: {value}\r\n" for name, value in fields).encode()
        return Head(raw, "HTTP/2", int(dict(fields)[":status"]), [f for f in fields if not f[0].startswith(":")])

    def read_chunk(self):
        stream = self.stream
        if stream is None:
            pytest.skip("it is about a connection that asks nothing")
        self._wait(lambda: stream.pieces or stream.ended)
        return stream.pieces.popleft() if stream.pieces else b""

    def read_to_end(self):
        """The rest of the body, whole or torn."""
        from .wire import Closed

        data = bytearray()
        try:
            while piece := self.read_chunk():
                data += piece
        except (Closed, AssertionError):
            pass
        return bytes(data)

    def read_answer(self, method="GET"):
        from .wire import Answer

        head = self.read_head()
        while head.status == 100:
            head = self.read_head()
        body = bytearray()
        while piece := self.read_chunk():
            body += piece
        return Answer(head, bytes(body))

    def receive(self):
        from .wire import Closed

        piece = self.read_chunk()
        if not piece:
            raise Closed(f"ended after {self.buffer[-300:]!r}")
        self.buffer += piece

    def read_exactly(self, count):
        while len(self.buffer) < count:
            self.receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data
