"""What a delivery costs by the transport it takes: HTTP/1.1 and HTTP/2, in clear text and over TLS, in turn, in one run.

The load is that of `run.py`'s `fan`: one event on its way at a time, and the publisher waits until all readers have it. The figure is
the server's CPU time for one delivery, from the scheduler's own account, median over the rounds; ratios are of figures of the same
round. It holds all that the server does for an event: also the publisher's request, which uses a port in clear text in every row.

`TLSFloor` is a program that only writes as many bytes to as many connections through NIO and its TLS, on one event loop: the least that TLS
costs a server like this one. With --against, another build of freshet takes part in every row, as `before`.
"""

import argparse
import pathlib
import resource
import selectors
import socket
import ssl
import statistics
import subprocess
import tempfile
import time

from run import free_port, wait_for

PATH = b"/v1/stream/bench?as=sse&offset=now"
# A label, the transport, and on how many connections the readers are: None is one connection for each.
CLEAR = ("HTTP/1.1, clear text", "clear", None)
ROWS = [
    CLEAR,
    ("HTTP/1.1, TLS", "tls", None),
    ("HTTP/2, clear text, 10 connections", "h2c", 10),
    ("HTTP/2, clear text, 1 reader a connection", "h2c", None),
    ("HTTP/2, TLS, 10 connections", "h2", 10),
    ("HTTP/2, TLS, 1 reader a connection", "h2", None),
]
FLOOR = "NIO and its TLS alone"
BEFORE = ", before"


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(name, value):
    """A field as HPACK writes one that neither table has (RFC 7541, section 6.2.2)."""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def opening(transport, readers):
    if not transport.startswith("h2"):
        return b"GET " + PATH + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    # Windows as large as there are: no reader says anything more.
    most = (1 << 31) - 1
    data = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, (4).to_bytes(2, "big") + most.to_bytes(4, "big"))
    data += frame(4, 1, 0) + frame(8, 0, 0, (most - 65_535).to_bytes(4, "big"))
    scheme = b"https" if transport == "h2" else b"http"
    head = b"".join(
        literal(*field)
        for field in ((b":method", b"GET"), (b":scheme", scheme), (b":authority", b"localhost"), (b":path", PATH))
    )
    return data + b"".join(frame(1, 5, 2 * index + 1, head) for index in range(readers))


class Readers:
    def __init__(self, port, transport, count, connections, context):
        self.selector = selectors.DefaultSelector()
        self.expected = count
        self.bytes = 0
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if transport in ("tls", "h2"):
                connection = context.wrap_socket(connection, server_hostname="127.0.0.1")
            connection.sendall(opening(transport, count // connections))
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ, {"tail": b""})

    def wait_for(self, mark):
        """Until each reader has got what ends in this mark."""
        seen = 0
        while seen < self.expected:
            for key, _ in self.selector.select(10) or self.fail(mark, seen):
                while True:
                    try:
                        data = key.fileobj.recv(1 << 18)
                    except (BlockingIOError, ssl.SSLWantReadError):
                        break
                    assert data, "a reader was left"
                    self.bytes += len(data)
                    data = key.data["tail"] + data
                    seen += data.count(mark)
                    # A mark may be cut between two reads; one that was counted is not kept.
                    cut = data.rfind(mark)
                    key.data["tail"] = data[max(cut + len(mark) if cut >= 0 else 0, len(data) - len(mark) + 1) :]

    def fail(self, mark, seen):
        raise SystemExit(f"{seen} of {self.expected} readers have {mark!r} after 10 s")

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


def cpu(pid):
    """Nanoseconds on a processor, of all threads."""
    return sum(int(task.read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


class Server:
    def __init__(self, binary, transport, streams, certificate):
        self.port = self.clear = free_port()
        command = [binary, "serve", "--memory", "--port", self.port, "--event-loops", "1", "--connections-per-address", "0"]
        command += ["--streams-per-address", "0", "--http2-streams", max(streams, 250)]
        if transport == "h2c":
            command += ["--http2-clear-text"]
        if transport in ("tls", "h2"):
            self.clear = free_port()
            command += ["--tls-certificate", certificate / "certificate.pem", "--tls-key", certificate / "key.pem"]
            command += ["--clear-text-port", self.clear]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.clear)
        wait_for(self.port)
        self.publisher = socket.create_connection(("127.0.0.1", self.clear))
        self.ask(b"PUT", b"Stream-Retention: events=1000\r\n", b"")

    def ask(self, method, fields, body):
        head = method + b" /v1/stream/bench HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n" + fields
        self.publisher.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.publisher.recv(65536)
        assert answer.split(b" ", 2)[1] in (b"201", b"204"), answer

    def publish(self, mark):
        self.ask(b"POST", b"", b"a small event, as a token of an answer is " + mark)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Floor:
    """Writes as many bytes as an event over HTTP/1.1 is, and is no server of HTTP."""

    def __init__(self, binary, size, certificate):
        self.size = size
        self.port, control = free_port(), free_port()
        files = [certificate / "certificate.pem", certificate / "key.pem"]
        command = [pathlib.Path(binary).parent / "TLSFloor", self.port, control, *files]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port)
        wait_for(control)
        self.control = socket.create_connection(("127.0.0.1", control))
        self.control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def publish(self, mark):
        self.control.sendall(mark.rjust(self.size, b"."))

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def measure(server, transport, connections, subscribers, seconds, context):
    """Microseconds of the server's CPU for one delivery, and the bytes of one. Stops the server."""
    try:
        readers = Readers(server.port, transport, subscribers, connections or subscribers, context)
        number = 0

        def publish():
            nonlocal number
            number += 1
            mark = b"<%06d>" % number
            server.publish(mark)
            readers.wait_for(mark)

        # `now` is where the reader has begun: until all have, none is measured.
        time.sleep(1)
        for _ in range(20):
            publish()
        readers.bytes = 0
        begun, spent, first = time.monotonic(), cpu(server.process.pid), number
        while time.monotonic() - begun < seconds:
            publish()
        spent = cpu(server.process.pid) - spent
        deliveries = (number - first) * subscribers
        readers.close()
        return spent / 1000 / deliveries, round(readers.bytes / deliveries)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the release build of freshet; TLSFloor is beside it")
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--against", help="another release build of freshet, to be compared with")
    arguments = parser.parse_args()
    most = max(connections or 1 for _, _, connections in ROWS)
    if arguments.subscribers % most or arguments.subscribers <= 0:
        parser.error(f"--subscribers: they share {most} connections in some rows, so it is a multiple of that")
    # Also for the servers, which inherit it.
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    builds = {"": arguments.binary}
    if arguments.against:
        builds[BEFORE] = arguments.against
    rows = [(label + suffix, *row, build) for label, *row in ROWS for suffix, build in builds.items()]
    root = pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as scratch:
        certificate = pathlib.Path(scratch)
        subprocess.run([root / "scripts" / "dev-certificate", certificate], check=True, capture_output=True)
        contexts = {}
        for transport, protocol in (("tls", "http/1.1"), ("h2", "h2")):
            contexts[transport] = ssl.create_default_context(cafile=certificate / "ca.pem")
            contexts[transport].set_alpn_protocols([protocol])

        def cost(transport, connections, binary, subscribers=arguments.subscribers, seconds=arguments.seconds):
            server = Server(binary, transport, subscribers // (connections or subscribers), certificate)
            return measure(server, transport, connections, subscribers, seconds, contexts.get(transport))

        def floor():
            return measure(
                Floor(arguments.binary, size, certificate),
                "tls",
                None,
                arguments.subscribers,
                arguments.seconds,
                contexts["tls"],
            )

        # How many bytes an event is over HTTP/1.1.
        _, size = cost("tls", None, arguments.binary, subscribers=10, seconds=0.2)
        turns = []
        for turn in range(arguments.rounds):
            costs = {}
            candidates = [(label, lambda row=row: cost(*row)) for label, *row in rows] + [(FLOOR, floor)]
            # Every other round in the other order: what the machine does by the way hits each of them alike.
            for label, run in candidates[:: -1 if turn % 2 else 1]:
                costs[label], _ = run()
            turns.append(costs)
    report(turns, rows, size, arguments)


def report(turns, rows, size, arguments):
    def median(label, against=None):
        return statistics.median(turn[label] / (turn[against] if against else 1) for turn in turns)

    print(f"fan, {arguments.subscribers} readers: CPU of the server for one delivery, median of {len(turns)} rounds")
    secure = [FLOOR, *(label for label, transport, *_ in rows if transport in ("tls", "h2"))]
    for label in [*(label for label, *_ in rows), FLOOR]:
        line = f"  {label:49} {median(label):6.2f} us  {median(label, CLEAR[0]):5.2f} x HTTP/1.1 in clear text"
        print(line + (f"  {median(label, FLOOR):5.2f} x TLS alone" if label in secure else ""))
    print(f"  TLS alone writes {size} bytes, which is an event over HTTP/1.1, and answers no request.")
    if arguments.against:
        for label, *_ in ROWS:
            ratios = [turn[label] / turn[label + BEFORE] for turn in turns]
            print(f"  {label:49} {statistics.median(ratios):.3f} x before  ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
