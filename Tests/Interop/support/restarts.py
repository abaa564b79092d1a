"""A server that comes back: killed without a warning, and started again on the same port and directory."""

from .freshet import Freshet


def kill_and_start(server, data, **settings):
    server.process.kill()
    # Once it is waited for, its port and the lock of its directory are free.
    server.process.wait()
    return Freshet(port=server.port, data=data, **settings)
