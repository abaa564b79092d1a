"""Starting a proxy on a free loopback port, and again on the same one."""

import concurrent.futures
import dataclasses
import os
import pathlib
import socket
import subprocess
import tempfile
import time

from .. import processes
from ..ports import free_port

# Some daemons live where the path of an ordinary user does not look.
_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


_TEMPORARY = pathlib.Path(tempfile.gettempdir()).resolve()

# Linux ends what dies with its parent when the parent's *thread* ends, so they are all started by one that stays.
_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1)


def authority(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclasses.dataclass
class Place:
    """Where a proxy may write its files, listens, and finds the server."""

    directory: pathlib.Path
    port: int
    upstream: tuple
    host: str = "127.0.0.1"

    @property
    def listen(self):
        return authority(self.host, self.port)

    @property
    def origin(self):
        return authority(*self.upstream)

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def another(self):
        """A place for a second process of the same setup, on a port of its own."""
        return Place(self.directory, free_port(self.host), self.upstream, self.host)

    def certificate(self):
        """A certificate of its own for TLS, with its key in the same file."""
        path = self.directory / "site.pem"
        subprocess.run(
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {path} -out {path}.crt".split(),
            check=True,
            capture_output=True,
        )
        path.write_bytes(path.read_bytes() + pathlib.Path(f"{path}.crt").read_bytes())
        return path


class Front:
    """A running proxy. `setup` writes its files into a Place and returns the command lines of its processes."""

    def __init__(self, name, setup, upstream, directory, host="127.0.0.1"):
        self.name = name
        directory = pathlib.Path(directory) / name
        directory.mkdir(parents=True)
        if os.geteuid() == 0:
            # Daemons give up root's rights, and still have to reach their files; pytest's directories are its user's alone.
            for each in (directory, *directory.parents):
                if each != _TEMPORARY and each.is_relative_to(_TEMPORARY):
                    each.chmod(each.stat().st_mode | 0o011)
        self.place = Place(directory, free_port(host), upstream, host)
        self.commands = setup(self.place)
        self.processes = []
        self.log = open(directory / "output", "w+b")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self):
        return (self.place.host, self.place.port)

    @property
    def url(self):
        return f"{'https' if self.name.endswith('-h2') else 'http'}://{self.place.listen}"

    def start(self, patience=200):
        environment = {**os.environ, "PATH": _PATH, "HOME": str(self.place.directory)}
        for command in self.commands:
            self.processes.append(
                _starter.submit(
                    processes.start,
                    command,
                    stdout=self.log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=self.place.directory,
                ).result()
            )
        until = time.monotonic() + patience
        while not self._accepts():
            assert all(process.poll() is None for process in self.processes), f"{self.name} ended: {self.logged()}"
            assert time.monotonic() < until, f"{self.name} does not listen: {self.logged()}"
            time.sleep(0.02)

    def _accepts(self):
        try:
            socket.create_connection(self.address, 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        for process in self.processes:
            # What a proxy would still wait for, it waits for in vain: its readers stay for ever.
            processes.end(process, patience=1)
        self.processes = []

    def restart(self):
        self.stop()
        self.start()

    def logged(self):
        self.log.seek(0)
        return self.log.read()[-4000:].decode(errors="replace")


def start_all(setups, upstream, directory, **options):
    """Starts a proxy for each named setup, at the same time."""
    fronts, failures = {}, []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        started = {name: pool.submit(Front, name, setup, upstream, directory, **options) for name, setup in setups.items()}
    for name, future in started.items():
        if future.exception():
            failures.append(future.exception())
        else:
            fronts[name] = future.result()
    if failures:
        stop_all(fronts)
        raise failures[0]
    return fronts


def stop_all(fronts):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(Front.stop, fronts.values()))
