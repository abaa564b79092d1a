"""What one append over HTTP costs: Freshet beside nginx with Nchan and Node, in turn, in one run.

Each row sends requests of one kind on 64 connections that stay open, the next one as soon as the last is answered. The
figure is the server's CPU time for one request, from the scheduler's own account, median over the rounds; the ratio is
to Nchan's publish of the same round. Freshet runs one event loop, Nchan one worker.

With --against, another build of freshet takes part as `before`, and the ratio to it is printed too.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Delivery"))
from run import Candidate, free_port  # noqa: E402

TEXT = b"x" * 100
LINES = (b'{"n":"' + b"x" * 91 + b'"}\n') * 16


def create(port, name, content_type):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/stream/{name}",
        method="PUT",
        headers={"Content-Type": content_type, "Stream-Retention": "events=1000"},
    )
    urllib.request.urlopen(request).close()


def freshet(name, binary, *flags):
    port = free_port()
    command = [binary, "serve", "--port", str(port), "--event-loops", "1", *flags]
    candidate = Candidate(name, command, port, None, None)
    create(port, "text", "text/plain")
    create(port, "lines", "application/x-ndjson")
    return candidate


def start(binaries, scratch):
    """The servers by name."""
    servers = {}
    port = free_port()
    configuration = pathlib.Path(scratch) / "nchan.conf"
    configuration.write_text((HERE.parent / "Delivery" / "nchan.conf").read_text().replace("PORT", str(port)))
    servers["nchan"] = Candidate("nchan", ["nginx", "-c", configuration], port, None, None)
    port = free_port()
    servers["node"] = Candidate("node", ["node", HERE.parent / "Delivery" / "peer.mjs", str(port)], port, None, None)
    for name, binary in binaries.items():
        servers[f"{name}, memory"] = freshet(name, binary, "--memory")
        servers[f"{name}, SQLite"] = freshet(name, binary, "--data", f"{scratch}/{name}")
    return servers


def rows(servers, binaries):
    """(row, server, method, target, type, body, events)"""
    yield "Nchan publish", servers["nchan"], "POST", "/pub", "text/plain", TEXT, 1
    yield "Node", servers["node"], "POST", "/publish", "text/plain", TEXT, 1
    for name in binaries:
        yield f"{name}: /health", servers[f"{name}, memory"], "GET", "/health", "text/plain", b"", 1
        for store in ("memory", "SQLite"):
            server = servers[f"{name}, {store}"]
            yield f"{name}: append, {store}", server, "POST", "/v1/stream/text", "text/plain", TEXT, 1
            yield f"{name}: 16 events, {store}", server, "POST", "/v1/stream/lines", "application/x-ndjson", LINES, 16


def build(scratch):
    """The load program."""
    load = pathlib.Path(scratch) / "appendload"
    subprocess.run(["cc", "-O2", "-o", load, HERE / "appendload.c"], check=True)
    return load


def measure(load, scratch, connections, seconds, server, method, target, content_type, body):
    """What `appendload` printed of one row of one round."""
    content = pathlib.Path(scratch) / "body"
    content.write_bytes(body)
    command = [load, server.port, server.process.pid, connections, seconds, method, target, content_type, content]
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the release build of freshet")
    parser.add_argument("--against", help="another release build of freshet, to be compared with")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    binaries = {"freshet": arguments.binary}
    if arguments.against:
        binaries["before"] = arguments.against
    with tempfile.TemporaryDirectory() as scratch:
        load = build(scratch)
        servers = start(binaries, scratch)
        try:
            table = list(rows(servers, binaries))
            costs = {row: [] for row, *_ in table}
            for turn in range(arguments.rounds):
                # Every other round in the other order: what the machine does by the way hits each of them alike.
                for row, *request, _ in table[:: -1 if turn % 2 else 1]:
                    done = measure(load, scratch, arguments.connections, arguments.seconds, *request)
                    costs[row].append(done["cpu_us"])
        finally:
            for server in servers.values():
                server.stop()
    print(f"CPU of the server for one request, {arguments.connections} connections, median of {arguments.rounds} rounds")
    for row, *_, events in table:
        ratios = [cost / nchan for cost, nchan in zip(costs[row], costs["Nchan publish"])]
        each = f"  {statistics.median(costs[row]) / events:6.2f} us an event" if events > 1 else ""
        print(
            f"  {row:28} {statistics.median(costs[row]):8.2f} us  {statistics.median(ratios):6.2f} x Nchan"
            f"  ({min(ratios):.2f} to {max(ratios):.2f}){each}"
        )
    for row in costs if arguments.against else []:
        if row.startswith("freshet: "):
            ratios = [now / then for now, then in zip(costs[row], costs[row.replace("freshet", "before", 1)])]
            print(f"  {row} to before: {statistics.median(ratios):.3f}  ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
