"""Pages of the tests' own, on an origin of their own."""

import http.server
import threading

HTML = "text/html; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"


class Pages:
    """Serves `pages`, a path to (content type, text), on a free loopback port."""

    def __init__(self, pages):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.partition("?")[0]
                if path not in pages:
                    return self.send_error(404)
                type, text = pages[path]
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def origin(self, host="127.0.0.1"):
        return f"http://{host}:{self.port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
