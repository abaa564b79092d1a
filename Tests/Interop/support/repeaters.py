"""Clients that ask the same again and again, in a process of their own: what they cost is not what the test measures.

    python -m support.repeaters PORT CLIENTS TIMES PATH

Each has its own connection. They begin at a line on standard input, and end after so many requests each, or at the end of the input.
The number of responses is printed.
"""

import http.client
import pathlib
import subprocess
import sys
import threading

from . import processes


class Repeaters:
    """Such clients of a server, connected by now."""

    def __init__(self, server, path, clients, times=1_000_000):
        self.process = processes.start(
            [sys.executable, "-m", "support.repeaters", str(server.port), str(clients), str(times), path],
            cwd=pathlib.Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "connected\n"

    def begin(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def are_done(self):
        return self.process.poll() is not None

    def end(self):
        """How many responses there were; each was 200."""
        output, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, output
        return int(output)


def main(port, clients, times, path):
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for _ in range(clients)]
    for connection in connections:
        connection.connect()
    counts = [0] * clients
    is_over = threading.Event()

    def ask(number):
        # At least once, however late it begins.
        while counts[number] < times and not (counts[number] and is_over.is_set()):
            connections[number].request("GET", path)
            response = connections[number].getresponse()
            response.read()
            if response.status != 200:
                return
            counts[number] += 1

    print("connected", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=ask, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    for thread in threads:
        thread.join()
    if min(counts) < (1 if is_over.is_set() else times):
        sys.exit("a client was refused")
    print(sum(counts), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
