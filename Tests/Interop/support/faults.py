"""Faults of a cluster in the safe configuration, one at a time: each begins, lasts as long as it says, and is over when it returns.

A fault is a function of the cluster, the work that goes on, and dice.
"""

import contextlib
import signal
import time

from .nodes import Nodes
from .sentinel import Watched
from .waiting import eventually

# Longer than after which a node counts as dead, or Redis as away.
LONG = 7
SHORT = 1


class Cluster:
    """Three nodes, a master with a replica, and three sentinels, each on a machine of its own. No acknowledged event may be lost with one."""

    OPTIONS = (*Watched.KEEPING, "--appendfsync", "always", "--repl-timeout", "10")

    def __init__(self, network):
        self.network = network
        # Where the machine is busy, a sentinel that waits for less takes another for the master though nothing happened.
        self.redis = Watched(1, options=self.OPTIONS, network=network, down_after=2000)
        settings = {"redis_replicas": 1, "redis_require_safe": True, "torn_lease_seconds": 2}
        self.nodes = Nodes(redis=self.redis, network=network, **settings)

    @property
    def master(self):
        eventually(self.redis.is_complete, what="a master, its replica, and three sentinels that agree")
        return self.redis.master()

    @property
    def replica(self):
        [replica] = [server for server in self.redis.servers if server is not self.master]
        return replica

    @property
    def node_machines(self):
        return [node.machine for node in self.nodes]

    def master_of(self, node):
        """The Redis that a node says it is connected to; None while it is at none."""
        store = node.request("GET", "/health").json["store"]
        return store["master"] if store["state"] == "up" else None

    def are_at(self, server, nodes=None):
        """Waits until nodes are connected to it."""
        for node in nodes or self.nodes:
            eventually(lambda: self.master_of(node) == f"{server.host}:{server.port}", what=f"a node at {server.host}")

    def is_whole(self):
        """Waits until nothing is left of a fault: the next one is the only one."""
        self.are_at(self.master)

    def logged(self):
        """The last lines of everyone, for whoever looks why a fault was not survived."""
        everyone = [*self.nodes, *self.redis.servers, *self.redis.sentinels]
        return "\n".join(f"{one.machine.address}:{one.port}\n{one.logged()[-3000:]}" for one in everyone)

    def stop(self):
        self.nodes.stop()


@contextlib.contextmanager
def standing_still(server):
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def cut(cluster, some, others):
    cluster.network.cut(some, others)
    try:
        yield
    finally:
        cluster.network.heal()


def last(dice):
    """How long a fault lasts, which nothing tells."""
    time.sleep(dice.choice((SHORT, LONG)))


# Processes.


def a_node_is_killed(cluster, work, dice):
    cluster.nodes.kill_and_start(dice.randrange(3))


def a_node_stands_still(cluster, work, dice):
    with standing_still(cluster.nodes[dice.randrange(3)]):
        last(dice)


def the_master_is_killed(cluster, work, dice):
    old = cluster.master
    old.kill()
    new = cluster.redis.replaced(old)
    cluster.are_at(new)
    old.start()


def the_master_is_killed_and_back_at_once(cluster, work, dice):
    master = cluster.master
    master.kill()
    master.start()


def the_master_stands_still_for_a_moment(cluster, work, dice):
    with standing_still(cluster.master):
        time.sleep(0.7)


def the_master_stands_still(cluster, work, dice):
    old = cluster.master
    with standing_still(old):
        cluster.are_at(cluster.redis.replaced(old))


def the_replica_is_killed(cluster, work, dice):
    replica = cluster.replica
    replica.kill()
    last(dice)
    replica.start()


def the_replica_stands_still(cluster, work, dice):
    with standing_still(cluster.replica):
        last(dice)


def a_sentinel_is_killed(cluster, work, dice):
    sentinel = dice.choice(cluster.redis.sentinels)
    sentinel.kill()
    work.goes_on()
    sentinel.start()


def a_sentinel_stands_still(cluster, work, dice):
    with standing_still(dice.choice(cluster.redis.sentinels)):
        work.goes_on()


# Links.


def connections_are_killed(cluster, work, dice):
    master, replica = cluster.master, cluster.replica
    for _ in range(5):
        server, kind = dice.choice([(master, "normal"), (master, "pubsub"), (master, "replica"), (replica, "master")])
        with server.client() as client:
            # Once there is one again.
            eventually(lambda: client("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"), what=f"a connection of the kind {kind}")


def the_master_is_cut_off_from_the_nodes(cluster, work, dice):
    with cut(cluster, [cluster.master.machine], cluster.node_machines):
        last(dice)


def the_master_is_cut_off(cluster, work, dice):
    """From everyone: another one takes over. It comes back as one that knows nothing of it."""
    old = cluster.master
    with cut(cluster, [old.machine], cluster.network.machines):
        cluster.are_at(cluster.redis.replaced(old))


def the_master_is_cut_off_with_a_node_and_a_sentinel(cluster, work, dice):
    """They go on with each other, while the others have another master: what is acknowledged there may not be denied here."""
    old, new, node = cluster.master, cluster.replica, cluster.nodes[dice.randrange(3)]
    *others, sentinel = dice.sample(cluster.redis.sentinels, 3)
    few = [old.machine, node.machine, sentinel.machine]
    with cut(cluster, few, [machine for machine in cluster.network.machines if machine not in few]):
        eventually(lambda: all(one.master_port(Watched.NAME) == new.port for one in others), what="another master")
        cluster.are_at(new, [one for one in cluster.nodes if one is not node])
        last(dice)


def the_replica_is_cut_off_from_the_master(cluster, work, dice):
    with cut(cluster, [cluster.master.machine], [cluster.replica.machine]):
        last(dice)


def the_replica_is_cut_off(cluster, work, dice):
    with cut(cluster, [cluster.replica.machine], cluster.network.machines):
        last(dice)


def a_node_is_cut_off_from_redis(cluster, work, dice):
    with cut(cluster, [dice.choice(cluster.node_machines)], [server.machine for server in cluster.redis.servers]):
        last(dice)


def a_node_is_cut_off(cluster, work, dice):
    with cut(cluster, [dice.choice(cluster.node_machines)], cluster.network.machines):
        last(dice)


def a_sentinel_is_cut_off(cluster, work, dice):
    with cut(cluster, [dice.choice(cluster.redis.sentinels).machine], cluster.network.machines):
        last(dice)
        work.goes_on()


def redis_is_slow(cluster, work, dice):
    """A delay of 5 to 200 ms, which changes with every tenth frame: in the middle of pipelines, too."""
    servers = [server.machine for server in cluster.redis.servers]
    delay = 0.1

    def delays():
        nonlocal delay
        if dice.random() < 0.1:
            delay = dice.uniform(0.005, 0.2)
        return delay

    cluster.network.slow(servers, cluster.node_machines + servers, delays)
    try:
        work.goes_on(3)
        assert cluster.network.delayed
    finally:
        cluster.network.heal()


# What is done to Redis.


def another_master_is_chosen(cluster, work, dice):
    eventually(cluster.redis.is_complete, what="a master, its replica, and three sentinels that agree")
    cluster.are_at(cluster.redis.depose(dice.choice(cluster.redis.sentinels)))


def functions_are_flushed(cluster, work, dice):
    with cluster.master.client() as client:
        for _ in range(3):
            client("FUNCTION", "FLUSH", dice.choice(("SYNC", "ASYNC")))
            client("SCRIPT", "FLUSH")
            work.goes_on(1)


def memory_is_full(cluster, work, dice):
    """Appends are refused; streams end all the same."""
    before = [producer.refusals for producer in work.producers]
    work.room.is_lacking = True
    with cluster.master.client() as client:
        client("CONFIG", "SET", "maxmemory", "1")
        try:
            refused = lambda: all(producer.refusals > count for producer, count in zip(work.producers, before))  # noqa: E731
            eventually(refused, what="a refusal of each producer")
        finally:
            client("CONFIG", "SET", "maxmemory", "0")
    # Who was refused before may be told so after that.
    work.goes_on()
    work.room.is_lacking = False


FAULTS = [
    a_node_is_killed,
    a_node_stands_still,
    the_master_is_killed,
    the_master_is_killed_and_back_at_once,
    the_master_stands_still_for_a_moment,
    the_master_stands_still,
    the_replica_is_killed,
    the_replica_stands_still,
    a_sentinel_is_killed,
    a_sentinel_stands_still,
    connections_are_killed,
    the_master_is_cut_off_from_the_nodes,
    the_master_is_cut_off,
    the_master_is_cut_off_with_a_node_and_a_sentinel,
    the_replica_is_cut_off_from_the_master,
    the_replica_is_cut_off,
    a_node_is_cut_off_from_redis,
    a_node_is_cut_off,
    a_sentinel_is_cut_off,
    redis_is_slow,
    another_master_is_chosen,
    functions_are_flushed,
    memory_is_full,
]
