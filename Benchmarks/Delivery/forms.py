"""What a reader costs by the way it reads: native SSE, `live=sse` and long-poll, in turn, in one run.

The load is that of `run.py`'s `fan`: one event on its way at a time, and the figure is the server's CPU time for one delivery. A
long-poll pays for a request and an answer of its own each time, which is what a catch-up read costs that has nothing to tell: the
control. `idle` is what readers cost that wait: the server's CPU time in a second, and its memory for each of them.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from run import HERE, start

FORMS = {
    "native SSE": ["-u", "/v1/stream/bench?as=sse&offset=now"],
    "live=sse": ["-u", "/v1/stream/bench?live=sse&offset=now"],
    "long-poll": None,
    "catch-up": None,
}


def measure(candidate, sseload, form, subscribers, seconds, idle):
    if FORMS[form]:
        command = [sseload, "-p", candidate.port, "-n", subscribers, *FORMS[form], "-U", "/v1/stream/bench"]
        command += ["-P", candidate.process.pid, "-w", 1, "-d", seconds, *(["--idle", seconds] if idle else [])]
    else:
        command = [sys.executable, HERE / "longpoll.py", "--port", candidate.port, "--pid", candidate.process.pid]
        command += ["--path", "/v1/stream/bench", "--subscribers", subscribers, "--seconds", seconds]
        command += (["--idle"] if idle else []) + (["--catch-up"] if form == "catch-up" else [])
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the release build of freshet")
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sseload = pathlib.Path(scratch) / "sseload"
        subprocess.run(["cc", "-O2", "-o", sseload, HERE / "sseload.c"], check=True)
        turns = []
        for _ in range(arguments.rounds):
            turn = {}
            for form in FORMS:
                # A server each: what the form before left behind in memory would count as this one's.
                candidate = start("freshet", arguments.binary, None, scratch)
                try:
                    load = (candidate, sseload, form, arguments.subscribers, arguments.seconds)
                    idle = {} if form == "catch-up" else measure(*load, idle=True)
                    turn[form] = {**idle, **measure(*load, idle=False)}
                finally:
                    candidate.stop()
            turns.append(turn)
    print(f"{arguments.subscribers} readers, median of {len(turns)} rounds")

    def middle(value):
        return statistics.median(value(turn) for turn in turns)

    for form in FORMS:
        cost = middle(lambda turn: turn[form]["srv_us"])
        user = middle(lambda turn: turn[form]["srv_user_us"])
        ratio = middle(lambda turn: turn[form]["srv_us"] / turn["native SSE"]["srv_us"])
        line = f"  {form:10} {cost:6.2f} us a delivery (user {user:5.2f})  {ratio:5.2f} x native"
        if form != "catch-up":
            idle = middle(lambda turn: turn[form]["idle_cpu_ms"]) / arguments.seconds
            memory = middle(lambda turn: turn[form]["idle_rss_per_conn_b"]) / 1024
            line += f"   idle: {idle:4.1f} ms CPU a second, {memory:4.1f} KiB a reader"
        print(line)


if __name__ == "__main__":
    main()
