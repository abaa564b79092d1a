"""A page of an origin of its own that reads streams with the browser modules, as the server serves them."""

import contextlib
import http.server
import pathlib
import threading

from .freshet import Freshet
from .pages import HTML, SCRIPT, Pages

MODULES = pathlib.Path(__file__).resolve().parents[3] / "Sources" / "FreshetServer" / "Browser" / "Modules"

PAGE = """<!doctype html><meta charset="utf-8"><title>Module</title><body><main></main><script type="module">
import { FreshetSource, reserve } from '/freshet.js';
import { text } from '/freshet-text.js';

const types = ['message', 'end', 'gap', 'start', 'reconnect'];
const logs = [];

/** Reads with all that is noted of it. */
window.listen = (url, options) => {
  const log = { events: [], opens: 0, errors: [], source: new FreshetSource(url, options) };
  log.source.onopen = () => log.opens += 1;
  log.source.onerror = ({ status }) => log.errors.push([log.source.readyState, status]);
  for (const type of types) {
    log.source.addEventListener(type, ({ data, lastEventId }) => log.events.push({ type, data, id: lastEventId }));
  }
  logs.push(log);
  window.log = log;
  return true;
};
window.words = () => log.events.filter(({ type }) => type === 'message').map(({ data }) => data);
window.closeAll = () => logs.splice(0).forEach(({ source }) => source.close());
window.modules = { FreshetSource, reserve, text };
</script>"""


def modules(folder):
    """The modules as the files of an origin, in this folder of it."""
    names = ("freshet.js", "freshet-text.js")
    return {f"{folder}/{name}": (SCRIPT, (MODULES / name).read_text()) for name in names}


def module_pages():
    return Pages({"/": (HTML, PAGE), **modules("")})


@contextlib.contextmanager
def server_for(pages, **settings):
    """A server whose streams these pages may read."""
    server = Freshet(allowed_origins=pages.origin(), **settings)
    try:
        yield server
    finally:
        server.stop()


class Unavailable:
    """Answers every request with 503, and counts them."""

    def __init__(self, origin):
        outer = self
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                outer.requests += self.command != "OPTIONS"
                self.send_response(204 if self.command == "OPTIONS" else 503)
                self.send_header("Access-Control-Allow-Origin", origin)
                self.send_header("Access-Control-Allow-Headers", "Last-Event-ID")
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")
                self.end_headers()

            do_GET = do_HEAD = do_OPTIONS = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = self._server.server_address
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
