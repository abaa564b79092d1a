"""Freshet beside other servers, in one run: what a delivery and an append cost, and how long they take.

The servers take turns in every round, in the other order every other time, under the loads of `scripts/bench-delivery` and
`scripts/bench-append`. Costs are the server's CPU time from the system's own account; times are those of a client that shares the
machine. Figures are medians of the rounds; ratios are of figures of the same round, with the least and the greatest.

Prints the tables as Markdown. With --into FILE it writes them between two comments of that file instead.
"""

import argparse
import csv
import datetime
import functools
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "Append"), str(HERE.parent / "Delivery")]
import append  # noqa: E402
import run as delivery  # noqa: E402
from transports import cpu  # noqa: E402

BEGIN = "<!-- The lines up to the next comment are written by scripts/compare. -->"
END = "<!-- The end of what scripts/compare writes. -->"

# As the tables call them.
DELIVERY = {
    "c": "C, `send()` only",
    "freshet": "Freshet",
    "nchan": "nginx with Nchan",
    "node": "Node",
    "go": "Go, `net/http`",
    "sse-starlette": "sse-starlette, uvicorn",
}


class Redis:
    """XADD of as many bytes, by redis-benchmark: no HTTP, and a stream that keeps 1,000 entries as ours do."""

    def __init__(self, scratch, flags):
        self.port = delivery.free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", scratch, *flags]
        self.server = delivery.Candidate("redis", command, self.port, None, None)

    def measure(self, connections, requests):
        self._load(connections, requests // 5)
        before = cpu(self.server.process.pid)
        row = self._load(connections, requests)
        return {
            "cpu_us": (cpu(self.server.process.pid) - before) / 1000 / requests,
            "p50_us": float(row["p50_latency_ms"]) * 1000,
            "p99_us": float(row["p99_latency_ms"]) * 1000,
        }

    def _load(self, connections, requests):
        command = ["redis-benchmark", "--csv", "-h", "127.0.0.1", "-p", self.port, "-c", connections, "-n", requests]
        command += ["XADD", "bench", "MAXLEN", "~", 1000, "*", "data", append.TEXT.decode()]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        # What it says of its progress is on the same output.
        lines = [line for line in done.stdout.splitlines() if line.startswith('"')]
        return list(csv.DictReader(lines))[-1]

    def stop(self):
        self.server.stop()


def deliveries(arguments, scratch):
    """Rounds of each load, by its name."""
    built = pathlib.Path(scratch)
    delivery.build(built)
    binaries = {"freshet": arguments.binary, "sse-starlette": arguments.python}
    candidates = []
    try:
        for name in DELIVERY:
            candidates.append(delivery.start(name, binaries.get(name), built, scratch))
        return {
            load: delivery.measure(
                candidates,
                built / "sseload",
                arguments.subscribers,
                options,
                arguments.rounds,
                arguments.seconds,
                min(1, arguments.seconds),
            )
            for load, options in delivery.LOADS.items()
        }
    finally:
        for candidate in candidates:
            candidate.stop()


def appends(arguments, scratch):
    """What was measured of each row, by its name, round by round; and how many events a request of it has."""
    load = append.build(scratch)
    servers = append.start({"freshet": arguments.binary}, scratch)
    others = []
    try:
        servers["go"] = delivery.start("go", None, pathlib.Path(scratch), scratch)
        table = list(append.rows(servers, {"freshet": arguments.binary}))
        table.append(("Go", servers["go"], "POST", "/publish", "text/plain", append.TEXT, 1))
        usual = (load, scratch, arguments.connections, arguments.seconds)
        measured = [
            (row, events, functools.partial(append.measure, *usual, *request)) for row, *request, events in table
        ]
        for row, flags, requests in (
            ("Redis, XADD, in memory", ["--appendonly", "no"], 20_000),
            ("Redis, XADD, appendfsync always", ["--appendonly", "yes", "--appendfsync", "always"], 4_000),
        ):
            others.append(Redis(scratch, flags))
            count = max(1000, int(requests * arguments.seconds))
            measured.append((row, 1, functools.partial(others[-1].measure, arguments.connections, count)))
        found = {row: [] for row, _, _ in measured}
        for turn in range(arguments.rounds):
            for row, _, run in measured[:: -1 if turn % 2 else 1]:
                found[row].append(run())
        return found, {row: events for row, events, _ in measured}
    finally:
        for server in [*servers.values(), *others]:
            server.stop()


def middle(rounds, key):
    return statistics.median(one[key] for one in rounds)


def ratio(ratios):
    """A median and the spread it is from."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def delivery_table(loads):
    lines = [
        "| | fan, µs | × C | p50, ms | p99, ms | burst, µs | × C | p50, ms | p99, ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, label in DELIVERY.items():
        cells = [label]
        for rounds in loads.values():
            own = [turn[name] for turn in rounds]
            cells.append(f"{middle(own, 'srv_us'):.1f}")
            cells.append(ratio([turn[name]["srv_us"] / turn["c"]["srv_us"] for turn in rounds]))
            cells += [f"{middle(own, key) / 1000:.1f}" for key in ("p50_us", "p99_us")]
        lines.append("| " + " | ".join(cells) + " |")
    lost = {
        label: count
        for name, label in DELIVERY.items()
        if (count := sum(turn[name]["missing"] + turn[name]["dups"] for rounds in loads.values() for turn in rounds))
    }
    told = ", ".join(f"{count} by {label}" for label, count in lost.items()) or "nothing"
    return [*lines, "", f"Lost or doubled: {told}."]


def append_table(found, events):
    lines = ["| | µs | × Nchan | p50, ms | p99, ms |", "|---|---|---|---|---|"]
    for row, rounds in found.items():
        cost = middle(rounds, "cpu_us")
        each = f" ({cost / events[row]:.1f} an event)" if events[row] > 1 else ""
        ratios = [one["cpu_us"] / nchan["cpu_us"] for one, nchan in zip(rounds, found["Nchan publish"])]
        times = " | ".join(f"{middle(rounds, key) / 1000:.2f}" for key in ("p50_us", "p99_us"))
        lines.append(f"| {row} | {cost:.1f}{each} | {ratio(ratios)} | {times} |")
    return lines


def said(*command):
    """The first line of what a program says of its version."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def versions(arguments):
    yield said(arguments.binary, "--version")
    yield said("nginx", "-v").removeprefix("nginx version: ")
    yield f"Node {said('node', '--version')}"
    yield said("go", "version").split(" ")[2]
    yield said(arguments.python, "-c", "import importlib.metadata as m; print('sse-starlette', m.version('sse-starlette'))")
    yield "Redis " + said("redis-server", "--version").split("v=")[1].split(" ")[0]


def machine():
    models = [
        line.partition(":")[2].strip()
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{os.cpu_count()} × {models[0] if models else platform.machine()}, Linux {platform.release()}"


def load_average():
    return f"{os.getloadavg()[0]:.1f}"


def write(path, lines):
    text = pathlib.Path(path).read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no place for the tables: the comments are missing")
    pathlib.Path(path).write_text("\n".join([before + BEGIN, "", *lines, "", END]) + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the release build of freshet")
    parser.add_argument("--python", required=True, help="the Python that has sse-starlette")
    parser.add_argument("--into", help="the file that has the place for the tables")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--subscribers", type=int, help="of the deliveries (1000, or 300 with --quick)")
    parser.add_argument("--connections", type=int, default=64, help="of the appends")
    parser.add_argument("--rounds", type=int, help="(5, or 3 with --quick)")
    parser.add_argument("--seconds", type=float, help="of a row in a round (3, or 0.7 with --quick)")
    arguments = parser.parse_args()
    for name, usual, quick in (("subscribers", 1000, 300), ("rounds", 5, 3), ("seconds", 3, 0.7)):
        if getattr(arguments, name) is None:
            setattr(arguments, name, quick if arguments.quick else usual)
        if getattr(arguments, name) <= 0:
            parser.error(f"--{name} is a number above 0")
    # Also for the servers, which inherit it.
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    date, before = datetime.date.today().isoformat(), load_average()
    with tempfile.TemporaryDirectory() as scratch:
        loads = deliveries(arguments, scratch)
        found, events = appends(arguments, scratch)
    rounds = f"{arguments.rounds} rounds of {arguments.seconds:g} s"
    lines = [
        f"{date}, {machine()}; load {before} before and {load_average()} after, the loads themselves included. "
        f"{'; '.join(versions(arguments))}.",
        "",
        f"A delivery, {arguments.subscribers} readers, medians of {rounds}:",
        "",
        *delivery_table(loads),
        "",
        f"An append of 100 bytes, {arguments.connections} connections, medians of {rounds}:",
        "",
        *append_table(found, events),
    ]
    if arguments.into:
        write(arguments.into, lines)
        print(f"written into {arguments.into}")
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
