"""A relay, and the upstream that it stands before, which answers as the test says."""

import contextlib

from .freshet import Freshet
from .upstream import Upstream


class Scripted:
    """`upstreams` are the relay's, with `{url}` and `{root}` for the test's own: its address with and without `/v1`."""

    def __init__(self, upstreams, answer, **settings):
        self.script = lambda request: answer
        self.upstream = Upstream(lambda request: self.script(request))
        places = {"url": self.upstream.url, "root": self.upstream.url.removesuffix("/v1")}
        self.settings = {"memory": True, "upstreams": [text.format(**places) for text in upstreams], **settings}
        self.server = self.start()

    def start(self):
        return Freshet("relay", **self.settings)

    def begin(self, script):
        """From now on the upstream answers so: with one answer, or with what a function makes of each request."""
        self.script = script if callable(script) else lambda request: script
        self.upstream.requests.clear()
        self.upstream.answers.clear()
        return self


@contextlib.contextmanager
def relays(kind):
    """What starts relays with settings of a test's own; they end with the test, whatever they are at."""
    started = []

    def start(*arguments, **settings):
        started.append(kind(*arguments, **settings))
        return started[-1]

    try:
        yield start
    finally:
        for one in started:
            one.server.process.kill()
            one.server.stop()
