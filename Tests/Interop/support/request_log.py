"""How often a server was asked for a stream, by its access log."""

import itertools
import json

from .waiting import eventually

_numbers = itertools.count(1)


class RequestLog:
    """Of a server that is started with `access_log=log.file`."""

    def __init__(self, file):
        self.file = file

    def reads(self, server, path):
        """The requests of readers for a stream so far, by their methods, with those that ask before them."""
        # Their lines are there before that of a request that is made now.
        last = f"/v1/stream/nothing-{next(_numbers)}"
        server.request("GET", last)
        lines = eventually(lambda: self._lines_to(last), what=f"the line of {last}")
        # A read that follows has a second line, at its end.
        return [
            line["method"]
            for line in lines
            if line["path"] == path and line["event"] != "end" and line["method"] in ("GET", "HEAD", "OPTIONS")
        ]

    def _lines_to(self, path):
        """All whole lines, once one for this path is among them."""
        whole = self.file.read_text().rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines()]
        return lines if any(line["path"] == path for line in lines) else None
