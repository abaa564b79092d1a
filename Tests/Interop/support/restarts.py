"""A server that comes back: killed without a warning, and started again on the same port and directory."""

import contextlib
import socket
import time

from .freshet import Freshet


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(port, data, **settings):
    """Starts a server on a port that one before may have left a moment ago."""
    for _ in range(50):
        with contextlib.suppress(AssertionError):
            return Freshet(port=port, data=data, **settings)
        time.sleep(0.1)
    raise AssertionError("the server did not start again")


def kill_and_start(server, data, **settings):
    server.process.kill()
    server.process.wait()
    return start(server.port, data, **settings)
