"""What reading an event costs: the Swift client beside others, in turn, in one run.

Every client reads the same stream of the same server to its end and counts what it got; one that missed something ends the run.
The figure is the client's own CPU time for one event, median over the rounds, without what it takes to start and to read a
stream of one event. `stored` is a stream that is there as a whole and comes as fast as the client takes it. `live` is one
whose events are appended while it is read, each by a request of its own that waits for the one before.
"""

import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Delivery"))
from run import Candidate, free_port  # noqa: E402

DATA = json.dumps({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": " word"}}], "model": "m"})
# A body's bound is 8 MiB.
AT_ONCE = 40_000


class Stream:
    """One of the server's streams, over a connection of its own that stays open."""

    def __init__(self, port, name):
        self.path = f"/v1/stream/{name}"
        self.url = f"http://127.0.0.1:{port}{self.path}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.ask("PUT", b"", {"Content-Type": "application/json"})

    def ask(self, method, body, headers):
        self.connection.request(method, self.path, body, headers)
        response = self.connection.getresponse()
        response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {self.path}: {response.status}")

    def append(self, count):
        while count > 0:
            now = min(count, AT_ONCE)
            body = ("[" + ",".join([DATA] * now) + "]").encode()
            self.ask("POST", body, {"Content-Type": "application/json"})
            count -= now

    def end(self):
        self.ask("POST", b"", {"Content-Type": "application/json", "Stream-Closed": "true"})
        self.connection.close()


def read(command, url, expected, meanwhile=None):
    """(CPU seconds, wall seconds) of a client that reads a stream."""
    began = time.monotonic()
    process = subprocess.Popen([*command, url], stdout=subprocess.PIPE)
    if meanwhile:
        writer = threading.Thread(target=meanwhile)
        writer.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - began
    if meanwhile:
        writer.join()
    counts = [int(word) for word in output.split()]
    if process.returncode != 0 or counts != [expected, expected * len(DATA)]:
        raise SystemExit(f"{command}: status {process.returncode}, read {counts} of {expected} events of {len(DATA)} bytes")
    return usage.ru_utime + usage.ru_stime, took


def clients(benchmark, python):
    reader = [python, HERE / "reader.py"]
    return {
        "EventSource (Swift)": [benchmark, "eventsource"],
        "lines of bytes (Swift)": [benchmark, "lines"],
        "httpx-sse": [*reader, "httpx-sse"],
        "sseclient-py": [*reader, "sseclient-py"],
        "lines (Python)": [*reader, "lines"],
        "fetch (Node)": ["node", HERE / "reader.mjs"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--binary", required=True, help="the freshet program that serves")
    parser.add_argument("--benchmark", required=True, help="ClientBenchmark")
    parser.add_argument("--python", required=True, help="a Python that has the clients of requirements.txt")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=100_000, help="of the stored stream")
    parser.add_argument("--live-events", type=int, default=5_000)
    options = parser.parse_args()

    port = free_port()
    server = Candidate("freshet", [options.binary, "serve", "--memory", "--port", str(port)], port, None, None)
    try:
        figures = measure(port, clients(options.benchmark, options.python), options)
    finally:
        server.stop()
    show(figures, options)


def stored(port, name, count):
    stream = Stream(port, name)
    stream.append(count)
    stream.end()
    return stream.url


def live(port, name, count):
    stream = Stream(port, name)

    def write():
        for _ in range(count):
            stream.append(1)
        stream.end()

    return stream.url, write


def measure(port, commands, options):
    """For each client its rounds, each with the CPU seconds of an event for both loads, and bytes a second."""
    short, whole = stored(port, "short", 1), stored(port, "whole", options.events)
    figures = {name: [] for name in commands}
    for round in range(options.rounds):
        for index, (name, command) in enumerate(commands.items()):
            start, _ = read(command, short, 1)
            cpu, took = read(command, whole, options.events)
            url, write = live(port, f"live-{round}-{index}", options.live_events)
            live_cpu, _ = read(command, url, options.live_events, write)
            figures[name].append(
                {
                    "stored": (cpu - start) / options.events,
                    "live": (live_cpu - start) / options.live_events,
                    "rate": options.events * len(DATA) / took,
                }
            )
    return figures


def show(figures, options):
    def median(rounds, key):
        return statistics.median(one[key] for one in rounds)

    def ratio(rounds, key):
        return statistics.median(one[key] / base[key] for one, base in zip(rounds, next(iter(figures.values()))))

    print(f"events of {len(DATA)} bytes, {options.events} stored and {options.live_events} live, median of {options.rounds} rounds\n")
    print("| | stored, CPU µs an event | × ours | MB/s | live, CPU µs an event | × ours |")
    print("|---|---|---|---|---|---|")
    for name, rounds in figures.items():
        print(
            f"| {name} | {median(rounds, 'stored') * 1e6:.2f} | {ratio(rounds, 'stored'):.2f} | {median(rounds, 'rate') / 1e6:.0f} "
            f"| {median(rounds, 'live') * 1e6:.0f} | {ratio(rounds, 'live'):.2f} |"
        )


if __name__ == "__main__":
    main()
