"""Waiting for a condition that no connection tells about."""

import time


def within(seconds, condition):
    """Asks again and again until the answer is true, and returns the last one: one that is not true when the time is over."""
    until = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < until:
        time.sleep(0.01)
    return value


def eventually(condition, seconds=60, what="the condition"):
    """The same for what has to come true."""
    value = within(seconds, condition)
    assert value, f"{what} did not come true in {seconds} s"
    return value


def settled(look, expected, seconds=60):
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
