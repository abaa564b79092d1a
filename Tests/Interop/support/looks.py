"""How often somebody has read a file, as the kernel tells it (inotify): for a test that waits for looks, and not for a time."""

import ctypes
import os
import select
import struct

IN_CLOSE_NOWRITE = 0x10
_HEAD = struct.Struct("iIII")


class Looks:
    """The looks at the files of a folder, from now on."""

    def __init__(self, folder):
        library = ctypes.CDLL(None, use_errno=True)
        self.descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if library.inotify_add_watch(self.descriptor, os.fsencode(folder), IN_CLOSE_NOWRITE) < 0:
            raise OSError(ctypes.get_errno(), f"{folder} cannot be watched")
        self.counts = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def more(self, name, count, seconds=60):
        """Returns when the file of that name was opened, read and closed so many times more than by now."""
        self._take()
        goal = self.counts.get(name, 0) + count
        while self.counts.get(name, 0) < goal:
            ready, _, _ = select.select([self.descriptor], [], [], seconds)
            assert ready, f"{self.counts}: {name} was not read any more"
            self._take()

    def _take(self):
        while True:
            try:
                events = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return
            while events:
                _, _, _, length = _HEAD.unpack_from(events)
                name = os.fsdecode(events[_HEAD.size : _HEAD.size + length].rstrip(b"\0"))
                self.counts[name] = self.counts.get(name, 0) + 1
                events = events[_HEAD.size + length :]
