"""Readers that are gone when they are written to: the server goes on, and counts them no more."""

import pytest

from support.waiting import eventually
from support.wire import Connection


def gauge(server, name):
    for line in server.request("GET", "/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split(" ")[1])
    return 0


FORMS = ["as=sse", "as=ndjson", "live=sse&offset=-1"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("last", ["end", "delete"])
def test_readers_that_leave_as_their_stream_does_end_no_server(serve, form, last):
    server = serve()
    for _ in range(20):
        path = server.create()
        readers = [Connection(server.address) for _ in range(20)]
        for reader in readers:
            reader.send_head("GET", path + "?" + form)
        for reader in readers:
            reader.read_head()
        with Connection(server.address) as writer:
            if last == "end":
                writer.send_head("POST", path, {"Stream-Closed": "true", "Content-Length": "0"})
            else:
                writer.send_head("DELETE", path)
            for reader in readers:
                reader.reset()
            assert writer.read_answer().status == 204
        assert server.still_serves()


@pytest.mark.parametrize("form", FORMS)
def test_readers_that_have_left_before_their_answer_count_no_more(serve, form):
    server = serve()
    path = server.create(headers={"Stream-TTL": "1"})
    for _ in range(100):
        reader = Connection(server.address)
        reader.send_head("GET", path + "?" + form)
        reader.reset()
    # A reader that was still counted would keep the stream alive.
    eventually(lambda: server.request("HEAD", path).status == 404)
    kind = {"as=sse": "sse", "as=ndjson": "ndjson"}.get(form, "durable-streams-sse")
    eventually(lambda: gauge(server, 'freshet_readers{form="%s"}' % kind) == 0)
    assert server.still_serves()


def test_askers_that_have_left_before_their_answer_end_no_server(serve):
    server = serve()
    for _ in range(200):
        asker = Connection(server.address)
        asker.send_head("GET", "/health")
        asker.reset()
    eventually(lambda: gauge(server, "freshet_connections") == 1)
    assert server.still_serves()
