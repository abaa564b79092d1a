"""Waiting for a condition that no connection tells about."""

import time


def eventually(condition, seconds=15, what="the condition"):
    """Asks again and again until the answer is true, and returns it."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, f"{what} did not come true in {seconds} s"
        time.sleep(0.01)
    return value
