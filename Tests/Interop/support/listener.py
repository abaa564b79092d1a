"""A server of a test's own: what it says is for its subclass to know."""

import pathlib
import socket
import threading

from support.waiting import eventually


class Listener:
    """Listens on a free port, and serves each connection on a thread of its own, by `_serve`."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @staticmethod
    def _until_read(connection):
        """Waits until the peer has read all that was sent: a reset takes what is still on its way, and what is there unread."""
        own, peer = (f"{address[1]:04X}" for address in (connection.getsockname(), connection.getpeername()))

        def is_read():
            unread = 0
            for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
                _, local, remote, _, queues, *_ = line.split()
                ports = local.partition(":")[2], remote.partition(":")[2]
                sending, received = (int(queue, 16) for queue in queues.split(":"))
                unread += sending if ports == (own, peer) else received if ports == (peer, own) else 0
            return unread == 0

        eventually(is_read, what="that all is read")

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
