"""A master with replicas, and Redis Sentinels that watch it."""

import pathlib

from .redis import RedisServer
from .waiting import eventually


class Sentinel(RedisServer):
    """One sentinel, which takes a master for dead after a second, and begins another failover soon after one that failed.

    The same program as `redis-sentinel`, which Debian has in a package of its own. Started again it knows what it knew.
    """

    def __init__(self, name, master_port, quorum, *lines):
        self.watching = (
            f"sentinel monitor {name} 127.0.0.1 {master_port} {quorum}\n"
            f"sentinel down-after-milliseconds {name} 1000\n"
            f"sentinel failover-timeout {name} 5000\n"
            f"sentinel parallel-syncs {name} 8\n" + "".join(line + "\n" for line in lines)
        )
        super().__init__()

    def _arguments(self):
        path = pathlib.Path(self.directory, "conf")
        if not path.exists():
            path.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {self.directory}\n{self.watching}")
        return [path, "--sentinel"]

    def described(self, name):
        """What it knows of the master."""
        with self.client() as client:
            words = client("SENTINEL", "MASTER", name)
        return dict(zip((word.decode() for word in words[::2]), (word.decode() for word in words[1::2])))

    def master_port(self, name):
        with self.client() as client:
            return int(client("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)[1])


class Watched:
    """A master, its replicas and their sentinels. They lose nothing of what all replicas have."""

    NAME = "main"
    KEEPING = (
        *("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
        *("--min-replicas-to-write", "1", "--min-replicas-max-lag", "10"),
        # A replica that comes back waits 5 s otherwise, for others that may want the same.
        *("--repl-diskless-sync-delay", "0"),
    )

    def __init__(self, replicas=2, sentinels=3, options=KEEPING):
        self.servers, self.sentinels = [], []
        try:
            first = RedisServer(*options)
            self.servers.append(first)
            for _ in range(replicas):
                self.servers.append(RedisServer(*options, "--replicaof", f"127.0.0.1 {first.port}"))
            for _ in range(sentinels):
                self.sentinels.append(Sentinel(self.NAME, first.port, sentinels // 2 + 1))
            eventually(self._is_complete, what="sentinels that know of all others and of all replicas")
        except BaseException:
            self.stop()
            raise

    def _is_complete(self):
        known = [sentinel.described(self.NAME) for sentinel in self.sentinels]
        return all(
            int(one["num-slaves"]) == len(self.servers) - 1 and int(one["num-other-sentinels"]) == len(self.sentinels) - 1
            for one in known
        ) and self.is_whole()

    @property
    def url(self):
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis-sentinel://{hosts}/{self.NAME}"

    def master(self):
        """As those sentinels say that run."""
        ports = {sentinel.master_port(self.NAME) for sentinel in self.sentinels if sentinel.process.poll() is None}
        assert len(ports) == 1, ports
        [port] = ports
        return next(server for server in self.servers if server.port == port)

    def replicas(self):
        master = self.master()
        return [server for server in self.servers if server is not master]

    def replaced(self, old, seconds=60):
        """Waits until all sentinels that run know another master, and returns it."""

        def look():
            running = [sentinel for sentinel in self.sentinels if sentinel.process.poll() is None]
            return all(sentinel.master_port(self.NAME) != old.port for sentinel in running) and self.master()

        return eventually(look, seconds, "another master")

    def is_whole(self):
        """Whether all but one of the servers follow that one."""
        try:
            with self.master().client(timeout=5) as client:
                role = client("ROLE")
        except (OSError, AssertionError, ConnectionError):
            return False
        return role[0] == b"master" and len(role[2]) == len(self.servers) - 1

    def stop(self):
        for process in self.sentinels + self.servers:
            # One that a test has stopped does not end by itself.
            process.process.kill()
            process.stop()
