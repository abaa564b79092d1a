"""Several nodes over one Redis."""

from .freshet import Freshet
from .ports import free_port
from .redis import RedisServer
from .waiting import eventually
from .wire import Connection


class Nodes:
    """Servers with the same store. A Redis that is killed loses nothing of what they acknowledge: with `everysec` it would, where the disk is busy."""

    KEEPING = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")

    def __init__(self, count=3, options=KEEPING, redis=None, network=None, **settings):
        self.redis = redis or RedisServer(*options)
        self.settings = settings
        self.nodes = []
        try:
            for _ in range(count):
                self.nodes.append(self.start(machine=network and network.machine()))
        except BaseException:
            self.stop()
            raise

    def start(self, port=None, machine=None, **settings):
        """One more node, or the one of a port again."""
        return Freshet(port=port or free_port(), store=self.redis.url, machine=machine, **{**self.settings, **settings})

    def __getitem__(self, index):
        return self.nodes[index]

    def __iter__(self):
        return iter(self.nodes)

    def kill(self, index):
        """Ends a node as a crash does."""
        self.nodes[index].process.kill()
        self.nodes[index].process.wait()

    def kill_and_start(self, index):
        """The same, and it comes back on its port."""
        self.kill(index)
        self.nodes[index] = self.start(self.nodes[index].port, self.nodes[index].machine)
        return self.nodes[index]

    def stop(self):
        # Nobody waits for a node that cannot reach a Redis which a test has stopped.
        for node in self.nodes:
            node.process.kill()
            node.stop()
        self.redis.stop()


def open_append(node, path, headers=None):
    """A streaming append that has appended a word."""
    connection = Connection(node.address)
    connection.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", **(headers or {})})
    connection.send_chunk("a")
    eventually(lambda: node.read(path).body.endswith(b"a"))
    return connection


def described(node, path):
    answer = node.request("GET", path.replace("/v1/stream/", "/v1/streams/"))
    return answer.json if answer.status == 200 else None
