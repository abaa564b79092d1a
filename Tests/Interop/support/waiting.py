"""Waiting for a condition that no connection tells about."""

import time


def eventually(condition, seconds=60, what="the condition"):
    """Asks again and again until the answer is true, and returns it."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, f"{what} did not come true in {seconds} s"
        time.sleep(0.01)
    return value


def settled(look, expected, seconds=15):
    """What is there once all that is expected is, and as long again has passed, at least 1 s.

    For what should not come, which no event tells: what should come measures how long this machine needs. `look` returns a set.
    """
    started, until = time.monotonic(), None
    while True:
        found, now = look(), time.monotonic()
        if until is None and found >= expected:
            until = now + max(1, now - started)
        if now >= (until or started + seconds):
            return found
        time.sleep(0.02)
