"""A collector of OpenTelemetry for tests: it takes OTLP over HTTP in JSON, as the protocol buffers' own parser reads it."""

import base64
import contextlib
import http.server
import json
import queue
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from .waiting import eventually

SERVER, CLIENT = Message.SPAN_KIND_SERVER, Message.SPAN_KIND_CLIENT
ERROR, UNSET = Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET


def _hexadecimal(id):
    """OTLP writes ids in hexadecimal where the JSON of protocol buffers has base64, which is what the parser took them for."""
    return base64.b64encode(id).decode()


def _value(value):
    kind = value.WhichOneof("value")
    return [_value(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


class Span:
    def __init__(self, message):
        self.name, self.kind, self.flags = message.name, message.kind, message.flags
        self.trace, self.id, self.parent = (_hexadecimal(id) for id in (message.trace_id, message.span_id, message.parent_span_id))
        self.start, self.end = message.start_time_unix_nano, message.end_time_unix_nano
        self.attributes = {one.key: _value(one.value) for one in message.attributes}
        self.events = {event.name: event.time_unix_nano for event in message.events}
        self.status = message.status.code

    def __getitem__(self, name):
        return self.attributes.get(name)

    def __repr__(self):
        return f"{self.name} {self.trace}-{self.id} of {self.parent or 'nobody'}: {self.attributes}"


class Call:
    """One export."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        # Whatever the protocol does not know is an error.
        self.message = json_format.Parse(body, ExportTraceServiceRequest())
        self.json = json.loads(body)
        [resource] = self.message.resource_spans
        self.resource = {one.key: _value(one.value) for one in resource.resource.attributes}
        [scope] = resource.scope_spans
        self.scope = scope.scope
        self.spans = [Span(message) for message in scope.spans]


class Collector:
    """Answers exports one by one as it was told, and then with 200. An answer is a status, a pair of one and fields, the bytes of a
    body with 200, or an event that is waited for first."""

    def __init__(self, *answers, port=0):
        self.answers = queue.Queue()
        for answer in answers:
            self.answers.put(answer)
        self.calls = []
        # What could not be read, for the test to fail by.
        self.failures = []
        self.arrived = threading.Condition()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector.arrived:
                    try:
                        collector.calls.append(Call(self.path, self.headers, body))
                    except Exception as failure:
                        collector.failures.append((failure, body))
                    collector.arrived.notify_all()
                try:
                    answer = collector.answers.get_nowait()
                except queue.Empty:
                    answer = b"{}"
                if isinstance(answer, threading.Event):
                    answer.wait(60)
                    answer = b"{}"
                body = answer if isinstance(answer, bytes) else b""
                status, fields = answer if isinstance(answer, tuple) else (200 if isinstance(answer, bytes) else answer, {})
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in {"Content-Type": "application/json", **fields}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.server.shutdown()
        self.server.server_close()
        assert kind or not self.failures, self.failures

    @property
    def spans(self):
        return [span for call in list(self.calls) for span in call.spans]

    def call(self, number, seconds=180):
        """The export of a number, counted from 0, once it is here."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.calls) > number or self.failures, seconds), "no export came"
        assert not self.failures, self.failures
        return self.calls[number]

    def span(self, seconds=180, **wanted):
        """The one span that has these attributes, with _ for a full stop, or this name, once it is here."""

        def found():
            assert not self.failures, self.failures
            return [span for span in self.spans if all(self._has(span, name, value) for name, value in wanted.items())]

        [one] = eventually(found, seconds, what=f"a span of {wanted}")
        return one

    @staticmethod
    def _has(span, name, value):
        return span.name == value if name == "name" else any(key.replace(".", "_") == name and had == value for key, had in span.attributes.items())
