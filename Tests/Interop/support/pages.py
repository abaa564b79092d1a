"""Pages of the tests' own, on an origin of their own."""

import http.server
import ssl
import sys
import threading

HTML = "text/html; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


class Pages:
    """Serves `pages`, a path to (content type, text), on a free loopback port; what is no text is called for it. With a `certificate`
    it speaks TLS."""

    def __init__(self, pages, certificate=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self):
                # In the connection's own thread: a browser may open one and say nothing for a while.
                if certificate:
                    self.request.do_handshake()
                super().setup()

            def do_GET(self):
                path = self.path.partition("?")[0]
                if path not in pages:
                    return self.send_error(404)
                type, text = pages[path]
                body = (text() if callable(text) else text).encode()
                self.send_response(200)
                self.send_header("Content-Type", type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.chain, certificate.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def origin(self, host="127.0.0.1"):
        return f"{self._scheme}://{host}:{self.port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # A browser that leaves, or that does not go on with a handshake, is no error of a page.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
