"""One fault after the other, each by itself, in the safe configuration of docs/operations.md, under load: nothing that was acknowledged is
lost, doubled or reordered, nobody is shown what is gone afterwards, and every stream that ends has one end.

A run has every fault of support/faults.py once, in an order that `FRESHET_FAULTS_SEED` decides, the nightly one 300 in all. What fails says
its seed and its fault; `FRESHET_FAULTS` runs faults by name, and nothing else.
"""

import itertools
import os
import random
import time

import pytest

from support.faults import FAULTS, Cluster
from support.freshet import NIGHTLY
from support.work import Work

ROUNDS = 300 if NIGHTLY else len(FAULTS)
SEED = os.environ.get("FRESHET_FAULTS_SEED") or "18"
NAMES = os.environ.get("FRESHET_FAULTS", "").split()


@pytest.fixture
def cluster(network):
    cluster = Cluster(network)
    yield cluster
    cluster.stop()


def chosen():
    """The faults in their order, each with dice of its own: it does the same when it is run alone."""
    dice = random.Random(SEED)
    order = []
    while len(order) < ROUNDS:
        order += dice.sample(FAULTS, len(FAULTS))
    for round, fault in enumerate(order[:ROUNDS], 1):
        if not NAMES or fault.__name__ in NAMES:
            yield round, fault, random.Random(f"{SEED} {round}")


@pytest.mark.apart
@pytest.mark.timeout(3 * 3600 if NIGHTLY else 1800)
@pytest.mark.long(4500 if NIGHTLY else 180)
def test_one_fault_at_a_time_loses_doubles_reorders_and_unsays_nothing(cluster):
    with Work(cluster.nodes, streams=3, producers=2, pollers=1, enders=3, pace=0.03) as work:
        work.goes_on()
        for round, fault, dice in chosen():
            times = [time.monotonic()]
            try:
                for step in (lambda: fault(cluster, work, dice), cluster.is_whole, work.goes_on, work.verify):
                    step()
                    times.append(time.monotonic())
            except BaseException as error:
                where = f"in round {round}, {fault.__name__}"
                again = f"FRESHET_FAULTS_SEED={SEED} FRESHET_FAULTS={fault.__name__}"
                print(cluster.logged())
                error.add_note(f"{where}, of {ROUNDS} with seed {SEED}; by itself: {again}")
                raise
            spent = [f"{after - before:.1f}" for before, after in itertools.pairwise(times)]
            print(f"round {round}, {fault.__name__}: {' + '.join(spent)} s")
