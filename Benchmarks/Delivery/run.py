"""What one delivered event costs: Freshet beside peers, in turn, in one run.

Every candidate serves the same load: N subscribers of one stream, small events, one publisher that waits until everyone
has the last one (`fan`), or four publishers with sixteen events on their way (`burst`). The figure is the server's CPU
time for one delivery, from the scheduler's own account, median over the rounds; the ratio is to an idealised C server
that makes one send() for each delivery. Wall times are not compared: client and servers share the machine.

With --against, another build of freshet takes part as `before`, and the ratio to it is printed too.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
# What `sseload` is told beside the defaults.
LOADS = {"fan": [], "burst": ["-k", "4", "-W", "16"]}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


class Candidate:
    """A server that is started once and measured in every round."""

    def __init__(self, name, command, port, subscribe, publish, environment=None):
        self.name, self.port, self.subscribe, self.publish = name, port, subscribe, publish
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        wait_for(port)

    def measure(self, sseload, subscribers, seconds, options, warmup=1):
        command = [sseload, "-p", str(self.port), "-n", str(subscribers), "-u", self.subscribe, "-U", self.publish]
        command += ["-P", str(self.process.pid), "-l", self.name, "-w", str(warmup), "-d", str(seconds), *options]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def build(directory):
    """The C server and the load program."""
    for source, libraries in (("csrv", ["-luring"]), ("sseload", [])):
        subprocess.run(["cc", "-O2", "-o", directory / source, HERE / f"{source}.c", *libraries], check=True)


def start(name, binary, built, scratch):
    """A candidate. `binary` is that of freshet, and for sse-starlette the Python that has it."""
    port = free_port()
    if name == "c":
        return Candidate(name, [built / "csrv", "-p", str(port)], port, "/events", "/publish")
    if name in ("freshet", "before", "hummingbird"):
        command = [binary, "serve", "--memory", "--port", str(port), "--event-loops", "1", "--connections-per-address", "20000"]
        if name == "hummingbird":
            command = [pathlib.Path(binary).parent / "HummingbirdApp", str(port)]
        candidate = Candidate(name, command, port, "/v1/stream/bench?as=sse&offset=now", "/v1/stream/bench")
        create = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/stream/bench",
            method="PUT",
            headers={"Content-Type": "text/plain", "Stream-Retention": "events=1000"},
        )
        urllib.request.urlopen(create).close()
        return candidate
    if name == "node":
        return Candidate(name, ["node", HERE / "peer.mjs", str(port)], port, "/events", "/publish")
    if name == "go":
        command = ["go", "build", "-o", built / "go-peer", HERE / "peer.go"]
        # Not into the cache of whoever runs this.
        subprocess.run(command, check=True, env={**os.environ, "GOCACHE": f"{built}/go-cache", "GO111MODULE": "off"})
        # One thread that runs Go, as the others have one.
        environment = {**os.environ, "GOMAXPROCS": "1"}
        return Candidate(name, [built / "go-peer", str(port)], port, "/events", "/publish", environment)
    if name == "sse-starlette":
        return Candidate(name, [binary, HERE / "peer.py", str(port)], port, "/events", "/publish")
    configuration = pathlib.Path(scratch) / "nchan.conf"
    configuration.write_text((HERE / "nchan.conf").read_text().replace("PORT", str(port)))
    return Candidate(name, ["nginx", "-c", configuration], port, "/sub", "/pub")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the release build of freshet")
    parser.add_argument("--subscribers", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--against", help="another release build of freshet, to be compared with")
    parser.add_argument("--peers", nargs="*", default=["node", "nchan"], choices=["node", "nchan", "hummingbird"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        built = pathlib.Path(scratch)
        build(built)
        binaries = {"before": arguments.against} if arguments.against else {}
        names = ["c", "freshet", *binaries, *arguments.peers]
        candidates = []
        try:
            for name in names:
                candidates.append(start(name, binaries.get(name, arguments.binary), built, scratch))
            for load, options in LOADS.items():
                for subscribers in arguments.subscribers:
                    compare(candidates, built / "sseload", load, subscribers, options, arguments)
        finally:
            for candidate in candidates:
                candidate.stop()


def measure(candidates, sseload, subscribers, options, rounds, seconds, warmup=1):
    """What `sseload` printed of each candidate by its name, for each round."""
    # Every other round in the other order: what the machine does by the way hits each of them alike.
    return [
        {
            one.name: one.measure(sseload, subscribers, seconds, options, warmup)
            for one in candidates[:: -1 if turn % 2 else 1]
        }
        for turn in range(rounds)
    ]


def compare(candidates, sseload, load, subscribers, options, arguments):
    rounds = measure(candidates, sseload, subscribers, options, arguments.rounds, arguments.seconds)
    print(f"\n{load}, {subscribers} subscribers: CPU of the server for one delivery, median of {len(rounds)} rounds")
    for one in candidates:
        costs = [turn[one.name]["srv_us"] for turn in rounds]
        ratios = [turn[one.name]["srv_us"] / turn["c"]["srv_us"] for turn in rounds]
        user = statistics.median(turn[one.name]["srv_user_us"] for turn in rounds)
        lost = sum(turn[one.name]["missing"] + turn[one.name]["dups"] for turn in rounds)
        print(
            f"  {one.name:8} {statistics.median(costs):7.2f} us  (user {user:5.2f})"
            f"  {statistics.median(ratios):5.2f} x C   lost or doubled: {lost}"
        )
    if arguments.against:
        ratios = [turn["freshet"]["srv_us"] / turn["before"]["srv_us"] for turn in rounds]
        print(f"  freshet to before: {statistics.median(ratios):.3f}  ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
