"""Passes Ethernet frames on late: what makes a link slow where the kernel has no `netem`."""

import collections
import heapq
import select
import socket
import threading
import time


class SlowFrames:
    """Takes the frames that are sent to its own Ethernet address, and sends each to the machine that has its IP address, after a delay.

    No frame overtakes another of the same two machines, as on one wire. `delays` is called for each frame, and so may change between the
    commands of a pipeline.
    """

    ETHERNET = "02:00:00:00:51:00"

    def __init__(self, interface, machines, delays):
        self.count = 0
        self._own = _bytes(self.ETHERNET)
        self._machines = {address: _bytes(ethernet) for address, ethernet in machines.items()}
        self._delays = delays
        self._last = collections.defaultdict(float)
        self._waiting = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self._socket.bind((interface, 0x0800))
        self._stopping, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            patience = max(0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            readable, _, _ = select.select([self._socket, self._stopping], [], [], patience)
            if self._stopping in readable:
                return
            if readable:
                self._take(self._socket.recv(65536))
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                self._socket.send(heapq.heappop(self._waiting)[2])

    def _take(self, frame):
        # A bridge sends to all what it knows no owner of.
        receiver = self._machines.get(frame[30:34])
        if frame[:6] != self._own or receiver is None:
            return
        wire = frame[26:34]
        self._last[wire] = max(self._last[wire], time.monotonic() + self._delays())
        self.count += 1
        heapq.heappush(self._waiting, (self._last[wire], self.count, receiver + self._own + frame[12:]))

    def close(self):
        """What is still waiting is lost; TCP sends it again."""
        self._stop.close()
        self._thread.join()
        self._stopping.close()
        self._socket.close()


def _bytes(ethernet):
    return bytes.fromhex(ethernet.replace(":", ""))
