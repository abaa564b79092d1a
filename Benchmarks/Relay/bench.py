"""What the relay costs: the same answers read directly and through it, alternately, in one run.

An upstream writes chat completion chunks at a fixed pace, each with the moment of its writing in it; a client reads as many answers
at a time and notes when each chunk arrives. Printed: latency of a chunk, direct and relayed; CPU time of the relay per token.

With --against, another build of freshet relays too, and the ratio of the CPU times is printed, round by round.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

BODY = json.dumps({"model": "m", "stream": True}).encode()
PATH = "/v1/chat/completions"


def chunk(number):
    delta = {"index": 0, "delta": {"content": f" {time.monotonic_ns()}"}, "logprobs": None, "finish_reason": None}
    event = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


async def answer(reader, writer, tokens, interval):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head.lower())[1]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            start = time.monotonic()
            for number in range(tokens):
                await asyncio.sleep(max(0, start + interval * number - time.monotonic()))
                piece = chunk(number)
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def upstream(pipe, tokens, interval):
    async def serve():
        server = await asyncio.start_server(lambda r, w: answer(r, w, tokens, interval), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def read(port, latencies):
    """One answer; adds the age of each chunk at its arrival, in milliseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    writer.write(head.encode() + BODY)
    rest = b""
    while b"[DONE]" not in rest:
        data = await reader.read(65536)
        if not data:
            raise SystemExit(f"the answer ended early: {rest!r}")
        now = time.monotonic_ns()
        *whole, rest = (rest + data).split(b"\n\n")
        for event in whole:
            if found := re.search(rb'"content": " (\d+)"', event):
                latencies.append((now - int(found[1])) / 1e6)
        rest = rest if b"[DONE]" not in b"".join(whole) else b"[DONE]"
    writer.close()


async def run(port, answers):
    latencies = []
    await asyncio.gather(*(read(port, latencies) for _ in range(answers)))
    return latencies


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--answers", type=int, default=20, help="at one time")
    parser.add_argument("--tokens", type=int, default=300, help="of an answer")
    parser.add_argument("--pace", type=float, default=50, help="tokens a second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", help="another release build of freshet, to be compared with")
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=upstream, args=(there, options.tokens, 1 / options.pace), daemon=True)
    process.start()
    port = here.recv()
    print(f"{options.answers} answers at one time, {options.tokens} tokens each, {options.pace:g} a second, {options.rounds} rounds")
    print(f"{'':28}{'p50':>9}{'p99':>9}   CPU of the relay per token")
    candidates = {}
    for store in ["memory", "SQLite"]:
        candidates[store] = options.binary
        if options.against:
            candidates[f"{store}, before"] = options.against
    direct, relayed = [], {name: [] for name in candidates}
    seconds = {name: [] for name in candidates}
    with tempfile.TemporaryDirectory() as data:
        servers = {}
        for name, binary in candidates.items():
            flags = ["--memory"] if name.startswith("memory") else ["--data", f"{data}/{len(servers)}"]
            server = subprocess.Popen(
                [binary, "relay", "--port", "0", "--upstreams", f"one http://127.0.0.1:{port}/v1 key=none", *flags],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            servers[name] = (server, int(re.search(r":(\d+)$", server.stdout.readline().strip())[1]))
        try:
            for turn in range(options.rounds):
                direct += asyncio.run(run(port, options.answers))
                # Every other round in the other order: what the machine does by the way hits each of them alike.
                for name, (server, relay) in list(servers.items())[:: -1 if turn % 2 else 1]:
                    before = cpu(server.pid)
                    relayed[name] += asyncio.run(run(relay, options.answers))
                    seconds[name].append(cpu(server.pid) - before)
        finally:
            for server, _ in servers.values():
                server.terminate()
                server.wait()
    print(f"{'direct':28}{quantile(direct, 0.5):6.2f} ms{quantile(direct, 0.99):6.2f} ms")
    tokens = options.rounds * options.answers * options.tokens
    for name, values in relayed.items():
        assert len(values) == tokens, (name, len(values), tokens)
        cost = sum(seconds[name]) / tokens * 1e6
        print(f"{'relayed, ' + name:28}{quantile(values, 0.5):6.2f} ms{quantile(values, 0.99):6.2f} ms   {cost:.0f} µs")
    for store in ["memory", "SQLite"] if options.against else []:
        ratios = [now / then for now, then in zip(seconds[store], seconds[f"{store}, before"])]
        print(f"{store}: CPU to before {statistics.median(ratios):.3f}  ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    sys.exit(main())
