"""Ports for what has to be told its port, or comes back on the one it had."""

import random
import socket


def free_port(host="127.0.0.1"):
    """A port below those that the system gives to connections, one of which could take it while nobody listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        try:
            with socket.create_server((host, random.randint(10_000, 32_000)), family=family) as listener:
                return listener.getsockname()[1]
        except OSError:
            continue
