"""What an idle reader takes: Freshet's own server, and the same streams inside a Hummingbird application.

Resident memory with 500 readers and with 2,500 of one stream that says nothing; the difference for one of the 2,000. One server after
the other.
"""

import argparse
import pathlib
import re
import resource
import socket
import subprocess
import time
import urllib.request

from run import free_port, wait_for

REQUEST = b"GET /v1/stream/bench?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n"


def resident(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


def readers(port, count):
    found = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(REQUEST)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        found.append(connection)
    return found


def measure(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        url = f"http://127.0.0.1:{port}/v1/stream/bench"
        urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers={"Content-Type": "text/plain"})).close()
        held = readers(port, 500)
        time.sleep(1)
        before = resident(process)
        held += readers(port, 2000)
        time.sleep(1)
        after = resident(process)
        for connection in held:
            connection.close()
        return (after - before) / 2000
    finally:
        process.terminate()
        process.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the release build of freshet, with that of HummingbirdApp beside it")
    binary = pathlib.Path(parser.parse_args().binary)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    port = free_port()
    own = measure([binary, "serve", "--memory", "--port", str(port), "--connections-per-address", "0"], port)
    port = free_port()
    hosted = measure([binary.parent / "HummingbirdApp", str(port)], port)
    print(f"a reader: {own:.1f} KiB in Freshet's own server, {hosted:.1f} KiB in a Hummingbird application")


main()
