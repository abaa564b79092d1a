"""A master with replicas, and Redis Sentinels that watch it."""

import pathlib

from .redis import RedisError, RedisServer
from .waiting import eventually, within


class Sentinel(RedisServer):
    """One sentinel, which takes a master for dead after a second, or `down_after` milliseconds, and begins another failover soon after
    one that failed.

    The same program as `redis-sentinel`, which Debian has in a package of its own. Started again it knows what it knew.
    """

    def __init__(
        self, name, master_port, quorum, *lines, master_host="127.0.0.1", machine=None, certificate=None, down_after=1000
    ):
        self.watching = (
            f"sentinel monitor {name} {master_host} {master_port} {quorum}\n"
            f"sentinel down-after-milliseconds {name} {down_after}\n"
            f"sentinel failover-timeout {name} 5000\n"
            f"sentinel parallel-syncs {name} 8\n" + "".join(line + "\n" for line in lines)
        )
        super().__init__(machine=machine, certificate=certificate)

    def _arguments(self):
        path = pathlib.Path(self.directory, "conf")
        if not path.exists():
            words = [*self._port(), "--bind", self.host, "--protected-mode", "no", "--dir", self.directory]
            path.write_text(lines(words) + self.watching)
        return [path, "--sentinel"]

    def described(self, name):
        """What it knows of the master."""
        with self.client() as client:
            return described(client("SENTINEL", "MASTER", name))

    def sees_everyone(self, name):
        """Whether it takes no replica and no other sentinel for dead."""
        with self.client() as client:
            return all(
                set(described(one)["flags"].split(",")) in ({"slave"}, {"sentinel"})
                for one in client("SENTINEL", "REPLICAS", name) + client("SENTINEL", "SENTINELS", name)
            )

    def master_port(self, name):
        with self.client() as client:
            return int(client("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)[1])


def described(words):
    """Names and values, as a sentinel gives them."""
    words = [word.decode() for word in words]
    return dict(zip(words[::2], words[1::2]))


def lines(arguments):
    """Arguments of a command line as the lines of a file: each name begins one."""
    words = [str(word) or '""' for word in arguments]
    return "".join(("\n" + word[2:] if word.startswith("--") else " " + word) for word in words).lstrip() + "\n"


class WatchedRedis(RedisServer):
    """One whose settings are in a file, as an operator's are: what sentinels change of them holds when it is started again."""

    def _arguments(self):
        path = pathlib.Path(self.directory, "conf")
        if not path.exists():
            path.write_text(lines(super()._arguments()))
        return [path]


class Watched:
    """A master, its replicas and their sentinels. They lose nothing of what all replicas have.

    Each runs on a machine of its own where `network` is given, else all of them here. With a `certificate` all speak TLS.
    """

    NAME = "main"
    KEEPING = (
        *("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
        *("--min-replicas-to-write", "1", "--min-replicas-max-lag", "10"),
        # A replica that comes back waits 5 s otherwise, for others that may want the same.
        *("--repl-diskless-sync-delay", "0"),
    )

    def __init__(self, replicas=2, sentinels=3, options=KEEPING, network=None, certificate=None, down_after=1000):
        self.servers, self.sentinels = [], []
        self.certificate = certificate

        def machine():
            return network and network.machine()

        try:
            first = WatchedRedis(*options, machine=machine(), certificate=certificate)
            self.servers.append(first)
            for _ in range(replicas):
                following = ("--replicaof", f"{first.host} {first.port}")
                self.servers.append(WatchedRedis(*options, *following, machine=machine(), certificate=certificate))
            for _ in range(sentinels):
                settings = {"master_host": first.host, "machine": machine(), "certificate": certificate, "down_after": down_after}
                self.sentinels.append(Sentinel(self.NAME, first.port, sentinels // 2 + 1, **settings))
            eventually(self.is_complete, what="sentinels that know of all others and of all replicas")
        except BaseException:
            self.stop()
            raise

    def is_complete(self):
        """Whether all sentinels know all others and all replicas as living, and agree on a master that those follow."""
        known = [sentinel.described(self.NAME) for sentinel in self.sentinels]
        return (
            len({one["port"] for one in known}) == 1
            and all(
                one["flags"] == "master"
                and int(one["num-slaves"]) == len(self.servers) - 1
                and int(one["num-other-sentinels"]) == len(self.sentinels) - 1
                for one in known
            )
            and all(sentinel.sees_everyone(self.NAME) for sentinel in self.sentinels)
            and self.is_whole()
        )

    @property
    def url(self):
        hosts = ",".join(f"{sentinel.host}:{sentinel.port}" for sentinel in self.sentinels)
        return f"{'rediss' if self.certificate else 'redis'}-sentinel://{hosts}/{self.NAME}"

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

    def depose(self, sentinel, seconds=60):
        """Has a sentinel choose another master, waits until all know it, and returns it.

        A failover that was asked for and does not get through within `failover-timeout` is given up, and nobody begins it again: so
        it is asked for again.
        """
        old = self.master()

        def ask():
            with sentinel.client() as client:
                try:
                    assert client("SENTINEL", "FAILOVER", self.NAME) == b"OK"
                except RedisError as error:
                    # One is under way, or the replica that is to be promoted has not been heard of since the last one.
                    assert str(error).startswith(("INPROG", "NOGOODSLAVE")), error

        def look():
            ask()
            return within(6, lambda: all(one.master_port(self.NAME) != old.port for one in self.sentinels))

        eventually(look, seconds, "another master")
        return self.master()

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
