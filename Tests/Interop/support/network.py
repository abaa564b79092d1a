"""A network of the tests' own: machines are network namespaces on one bridge, and any two can be cut off from each other.

Linux and root are needed. A machine knows the others by fixed Ethernet addresses. A link is cut by an address that nobody has, in both
directions: what is sent there is lost without an answer, as with a cable that is out, on connections that are open as on new ones. A slow
link has the address of `SlowFrames`, which passes on what it gets.
"""

import array
import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import threading

from .slow_frames import SlowFrames

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL = 0x8946
# Checksums and segments made by the card: receive, transmit, TSO, GSO, GRO (linux/ethtool.h).
_OFFLOADS = (0x15, 0x17, 0x1F, 0x24, 0x2C)
_NOBODY = "02:00:00:00:de:ad"


def lacking():
    """Why there can be no such network here; None where there can."""
    if not shutil.which("ip", path="/usr/sbin:" + os.environ["PATH"]):
        return "there is no ip (Debian: iproute2)"
    try:
        Namespace().close()
    except OSError as error:
        return f"no network namespace can be made (as root on Linux it can): {error}"
    return None


def _enter(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """It goes with the last process or descriptor that has it, so that a killed test leaves nothing."""

    def __init__(self):
        failed = []
        # A thread of its own: the namespace is that of a thread, and this one's stays.
        thread = threading.Thread(target=self._make, args=(failed,))
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    def _make(self, failed):
        try:
            if _libc.unshare(_CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        except OSError as error:
            failed.append(error)

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def enter(self):
        """For this thread, and the threads and processes that it starts."""
        _enter(self.descriptor)

    def ip(self, *commands):
        """Commands of `ip`, all or none of which work."""
        lines = "".join(command + "\n" for command in commands)
        path = "/usr/sbin:" + os.environ["PATH"]
        done = subprocess.run(
            ["ip", "-batch", "-"], input=lines, text=True, capture_output=True, preexec_fn=self.enter, env={**os.environ, "PATH": path}
        )
        assert done.returncode == 0, (commands, done.stderr)

    def close(self):
        os.close(self.descriptor)


class Machine:
    """One machine of a network."""

    def __init__(self, network, number):
        self.number = number
        self.address = f"10.118.0.{number}"
        self.ethernet = f"02:00:00:00:00:{number:02x}"
        self.namespace = Namespace()
        network.hub.ip(f"link add port{number} type veth peer name eth0 netns {self.namespace.path}", f"link set port{number} master switch up")
        self.namespace.ip(
            "link set lo up", f"link set eth0 address {self.ethernet}", f"addr add {self.address}/24 dev eth0", "link set eth0 up"
        )
        thread = threading.Thread(target=self._leave_nothing_to_the_card)
        thread.start()
        thread.join()

    def enter(self):
        """For a process that is to run here, before its program."""
        self.namespace.enter()

    def _leave_nothing_to_the_card(self):
        """What `SlowFrames` gets are frames as a wire has them, of at most 1514 bytes and with their checksums."""
        self.enter()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            for command in _OFFLOADS:
                value = array.array("B", struct.pack("II", command, 0))
                with contextlib.suppress(OSError):
                    fcntl.ioctl(any_socket, _SIOCETHTOOL, struct.pack("16sQ8x", b"eth0", value.buffer_info()[0]))


class Network:
    """The machines, and this process in their midst: whoever made the network reaches all of them until `close`, and no other network."""

    def __init__(self):
        self.machines = []
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.hub = Namespace()
        self.hub.enter()
        self._slow = None
        self.hub.ip(
            "link set lo up",
            "link add switch type bridge",
            "link set switch address 02:00:00:00:00:01",
            "addr add 10.118.0.1/24 dev switch",
            "link set switch up",
            f"link add slow0 address {SlowFrames.ETHERNET} type veth peer name slow1",
            "link set slow1 master switch up",
            "link set slow0 up",
        )

    def machine(self):
        """One more, which all others reach."""
        machine = Machine(self, len(self.machines) + 2)
        self.hub.ip(_neighbor(machine, machine.ethernet, "switch"))
        machine.namespace.ip("neigh replace 10.118.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent")
        for other in self.machines:
            _link(machine, other)
        self.machines.append(machine)
        return machine

    def cut(self, some, others):
        """Loses what is sent between each of some machines and each of others."""
        for one, other in _pairs(some, others):
            _link(one, other, _NOBODY)

    def slow(self, some, others, delays):
        """Delays what is sent between them. `delays` gives the seconds for each frame; none overtakes another."""
        if self._slow:
            self._slow.close()
        self._slow = SlowFrames("slow0", {socket.inet_aton(one.address): one.ethernet for one in self.machines}, delays)
        for one, other in _pairs(some, others):
            _link(one, other, SlowFrames.ETHERNET)

    @property
    def delayed(self):
        """How many frames were passed on late."""
        return self._slow.count if self._slow else 0

    def heal(self):
        """All reach each other at once."""
        for index, machine in enumerate(self.machines):
            for other in self.machines[:index]:
                _link(machine, other)
        if self._slow:
            self._slow.close()
            self._slow = None

    def close(self):
        if self._slow:
            self._slow.close()
        _enter(self._outside)
        os.close(self._outside)
        for machine in self.machines:
            machine.namespace.close()
        self.hub.close()


def _pairs(some, others):
    return [(one, other) for one in some for other in others if one is not other]


def _neighbor(machine, ethernet, device="eth0"):
    return f"neigh replace {machine.address} lladdr {ethernet} dev {device} nud permanent"


def _link(one, other, ethernet=None):
    one.namespace.ip(_neighbor(other, ethernet or other.ethernet))
    other.namespace.ip(_neighbor(one, ethernet or one.ethernet))
