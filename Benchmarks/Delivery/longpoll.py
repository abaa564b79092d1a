"""A load of long-polls: N readers of one stream, each asking again as soon as it was answered.

Prints what `sseload` prints of the same load: the server's CPU time for one delivery, in microseconds. One event is on its way at a
time: the next is appended when everybody has the last.
"""

import argparse
import json
import os
import pathlib
import resource
import select
import socket
import time


def server_seconds(pid):
    """CPU time of a process's threads, from the scheduler's own account."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def user_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Readers:
    def __init__(self, port, path, count, mode):
        self.path, self.mode = path, mode
        self.poll = select.epoll()
        self.sockets = {}
        self.buffers = {}
        self.delivered = 0
        for number in range(count):
            one = socket.socket()
            # One address has not enough ports for many runs in a row.
            one.bind((f"127.0.0.{2 + number // 10000}", 0))
            one.connect(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets[one.fileno()] = one
            self.buffers[one.fileno()] = b""
            self.poll.register(one, select.EPOLLIN)
            self.ask(one, "now", "")

    def ask(self, one, offset, cursor):
        target = f"{self.path}?offset={offset}{self.mode}" + (f"&cursor={cursor}" if cursor else "")
        one.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def serve(self, timeout):
        """Takes what has come; how many were answered with data."""
        answered = 0
        for number, _ in self.poll.poll(timeout):
            one = self.sockets[number]
            data = self.buffers[number] + one.recv(65536)
            head, separator, body = data.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            if not separator or len(body) < int(fields.get(b"content-length", 0)):
                self.buffers[number] = data
                continue
            self.buffers[number] = b""
            if head.startswith(b"HTTP/1.1 200"):
                answered += 1
            elif not head.startswith(b"HTTP/1.1 204"):
                raise SystemExit(head.decode())
            exact = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            self.ask(one, exact[b"Stream-Next-Offset"].decode(), exact.get(b"Stream-Cursor", b"").decode())
        self.delivered += answered
        return answered


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--subscribers", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--catch-up", action="store_true", help="do not wait: what such a request costs at all")
    parser.add_argument("--idle", action="store_true", help="send nothing, and tell what waiting costs")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    before = resident_bytes(arguments.pid)
    mode = "" if arguments.catch_up else "&live=long-poll"
    readers = Readers(arguments.port, arguments.path, arguments.subscribers, mode)
    settle = time.monotonic() + 1
    while time.monotonic() < settle:
        readers.serve(0.05)
    if arguments.idle:
        start, memory = server_seconds(arguments.pid), resident_bytes(arguments.pid)
        until = time.monotonic() + arguments.seconds
        while time.monotonic() < until:
            readers.serve(0.05)
        milliseconds = (server_seconds(arguments.pid) - start) * 1000
        bytes = (memory - before) / arguments.subscribers
        print(json.dumps({"idle_cpu_ms": milliseconds, "idle_rss_per_conn_b": bytes}))
        return
    publisher = socket.create_connection(("127.0.0.1", arguments.port))
    publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    start = server_seconds(arguments.pid), user_seconds(arguments.pid)
    readers.delivered = 0
    published = 0
    until = time.monotonic() + arguments.seconds
    while time.monotonic() < until:
        if arguments.catch_up:
            readers.serve(0.05)
            continue
        published += 1
        body = f"S{published} T0 {'x' * 60}"
        publisher.sendall(
            f"POST {arguments.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        got, give_up = 0, time.monotonic() + 10
        while got < arguments.subscribers and time.monotonic() < give_up:
            got += readers.serve(0.05)
        if got != arguments.subscribers:
            raise SystemExit(f"{got} of {arguments.subscribers} readers were given event {published}")
        publisher.recv(65536)
    cost = (server_seconds(arguments.pid) - start[0]) * 1e6 / readers.delivered
    user = (user_seconds(arguments.pid) - start[1]) * 1e6 / readers.delivered
    print(json.dumps({"srv_us": cost, "srv_user_us": user, "missing": 0, "dups": 0}))


if __name__ == "__main__":
    main()
