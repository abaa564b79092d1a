"""A receiver of webhooks, and what its servers say of theirs."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import queue
import re
import threading
import time

from .freshet import run
from .waiting import eventually

SECRET = b"0123456789abcdef0123456789abcdef"
LINE = "whsec_" + base64.b64encode(SECRET).decode()


class Call:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.arrived = time.time()
        self.json = json.loads(body)
        self.data = self.json["data"]

    @property
    def id(self):
        return self.headers["webhook-id"]

    def is_signed_by(self, secret):
        timestamp = self.headers["webhook-timestamp"]
        assert abs(time.time() - int(timestamp)) < 300
        signed = b".".join([self.id.encode(), timestamp.encode(), self.body])
        expected = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


class Receiver:
    """Answers calls one by one as it was told, and then with 204. An answer is a status, or a pair of one and fields, or an event
    that is waited for first."""

    def __init__(self, *answers, port=0):
        self.answers = queue.Queue()
        for answer in answers:
            self.answers.put(answer)
        self.calls = queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.put(Call(self.path, self.headers, body))
                try:
                    answer = receiver.answers.get_nowait()
                except queue.Empty:
                    answer = 204
                if isinstance(answer, threading.Event):
                    answer.wait(60)
                    answer = 204
                status, fields = answer if isinstance(answer, tuple) else (answer, {})
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in fields.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def do_GET(self):
                raise AssertionError(f"nobody is asked for {self.path}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def next(self, seconds=180):
        return self.calls.get(timeout=seconds)


def finished(server, name, text="hello", headers=None):
    path = server.create(name=name)
    fields = {"Content-Type": "text/plain", "Stream-Closed": "true", **(headers or {})}
    answer = server.request("POST", path, fields, text)
    assert answer.status == 204, answer
    return answer


def metric(server, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", server.request("GET", "/metrics").body.decode(), re.MULTILINE)
    return found and float(found[1])


def listed(server, *arguments):
    shown = run("hooks", *arguments, env={**os.environ, "FRESHET_URL": server.url})
    assert shown.returncode == 0, shown
    return shown.stdout.decode()


def all_told(server):
    eventually(lambda: metric(server, "freshet_hook_backlog") == 0, what="that all is told")
