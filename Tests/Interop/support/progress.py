"""Load that goes on until it is told to end, while the test waits for how far it has come."""

import collections
import threading


class Progress:
    """How far everybody has come, each by a count. Whoever waits for more is woken, and so is who waits while another fails."""

    def __init__(self):
        self.changed = threading.Condition()
        self.counts = collections.Counter()
        self.problems = []

    def reached(self, who, count):
        with self.changed:
            self.counts[who] = count
            self.changed.notify_all()

    def until(self, goals, seconds=300):
        with self.changed:
            self.changed.wait_for(lambda: self.problems or all(self.counts[who] >= goals[who] for who in goals), seconds)
            assert not self.problems
            missing = {who: (self.counts[who], goal) for who, goal in goals.items() if self.counts[who] < goal}
            assert not missing, missing

    def thread(self, body, *arguments):
        def run():
            try:
                body(*arguments)
            except BaseException as problem:
                with self.changed:
                    self.problems.append((body.__name__, arguments, problem))
                    self.changed.notify_all()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread
