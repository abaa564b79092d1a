"""Ports for what has to be told its port, or comes back on the one it had."""

import os
import random
import socket

# Each lane of the tests has ports of its own, and none is given twice: it is free only until somebody listens there.
_LANE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_LANES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_given = set()


def free_port(host="127.0.0.1"):
    """A port below those that the system gives to connections, one of which could take it while nobody listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = random.randrange(10_000 + _LANE, 32_000, _LANES)
        if port in _given:
            continue
        _given.add(port)
        try:
            with socket.create_server((host, port), family=family):
                return port
        except OSError:
            continue
