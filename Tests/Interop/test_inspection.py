"""Who reads a stream, lists by state and order, and the node's numbers: what they say, who is told, and what they cost others."""

import http.client
import statistics
import time

import pytest

from support.crowd import Crowd, allow_many_sockets
from support.freshet import NIGHTLY, Freshet
from support.repeaters import Repeaters
from support.waiting import eventually
from support.wire import Connection


def readers(server, path, query="", headers=None):
    answer = server.request("GET", f"/v1/readers?stream={path.removeprefix('/v1/stream/')}{query}", headers)
    assert answer.status == 200, answer
    return answer.json


def test_each_reader_is_told_with_where_it_is(server):
    path = server.create(body="zero")
    with server.subscribe(path + "?offset=-1") as one, server.lines(path + "?offset=now") as two:
        [offset] = server.append_each(path, ["one"])
        assert [one.next().data, one.next().data] == ["zero", "one"]
        while two.next().get("data") != "one":
            pass
        told = eventually(
            lambda: (found := readers(server, path)) and [r["state"] for r in found["readers"]] == ["following"] * 2 and found
        )
        assert told["stream"] == path.removeprefix("/v1/stream/") and told["tail"] == offset and told["next"] is None
        assert {r["form"]: r["events"] for r in told["readers"]} == {"sse": 2, "ndjson": 1}
        for reader in told["readers"]:
            assert reader["address"] == "127.0.0.1" and reader["position"] == offset and reader["lag"] == 0
            assert reader["connected"] >= 0 and reader["stalled"] is None
    eventually(lambda: readers(server, path)["readers"] == [])


def test_pages_of_readers_hold_each_of_them(serve):
    allow_many_sockets()
    server = serve(connections_per_address=0)
    path = server.create()
    with Crowd(server, path, 1300):
        first = readers(server, path)
        second = readers(server, path, f"&cursor={first['next']}")
        assert (len(first["readers"]), len(second["readers"]), second["next"]) == (1000, 300, None)


def test_lists_by_state_and_order_and_the_node(server):
    small, large = server.create(name="i/small", body="x"), server.create(name="i/large", body="x" * 100)
    server.end(small)

    def listed(query):
        answer = server.request("GET", f"/v1/streams?prefix=i/&{query}")
        assert answer.status == 200, answer
        return [f"/v1/stream/{stream['name']}" for stream in answer.json["streams"]]

    assert listed("state=open") == [large] and listed("state=ended") == [small]
    assert listed("sort=-bytes") == [large, small] and listed("sort=bytes") == [small, large]
    node = server.request("GET", "/v1/node").json
    assert node["streams"] >= 2 and node["memory"] > 1 << 20 and node["started"] <= node["now"]
    assert 0 <= node["appendSeconds"]["p50"] <= node["appendSeconds"]["p99"]


def test_an_address_is_told_only_with_inspect_on_the_stream(serve, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("all 0123456789abcdef all *\noperator fedcba9876543210 all,inspect team/\n")
    keys.chmod(0o600)
    server = serve(keys=keys)
    plain, operator = ({"Authorization": f"Bearer {key}"} for key in ("0123456789abcdef", "fedcba9876543210"))
    for name in ("team/a", "other/a"):
        assert server.request("PUT", f"/v1/stream/{name}", {"Content-Type": "text/plain", **plain}).status == 201
    with server.subscribe("/v1/stream/team/a", plain):
        eventually(lambda: [r["address"] for r in readers(server, "team/a", headers=operator)["readers"]] == ["127.0.0.1"])
        for headers, target in [
            (plain, "/v1/readers?stream=team/a"), (operator, "/v1/readers?stream=other/a"), (plain, "/v1/streams?state=open"),
            (plain, "/v1/node"), (operator, "/v1/node"), (plain, "/v1/nodes"), (operator, "/v1/nodes"),
        ]:
            refused = server.request("GET", target, headers)
            assert (refused.status, refused.json["type"]) == (403, "urn:freshet:missing-right"), target
            assert b"127.0.0.1" not in refused.body
        # What was there before says no more than before.
        assert "address" not in server.request("GET", "/v1/streams/team/a", plain).text


@pytest.mark.apart
@pytest.mark.long(60)
def test_neither_readers_nor_other_requests_notice_that_many_readers_are_listed():
    count = 10_000 if NIGHTLY else 3000
    allow_many_sockets()
    server = Freshet(connections_per_address=0, connections=2 * count)
    try:
        path = server.create(name="crowd")
        with Crowd(server, path, count):
            size = len(server.request("GET", "/v1/readers?stream=crowd").body)
            control = server.create("application/octet-stream", name="control", body=b"x" * size)
            # What else the machine does may come in the one and not in the other, and spoils some rounds; what lists cost spoils all.
            for _ in range(5):
                calm, busy = beside(server, control + "?offset=-1"), beside(server, "/v1/readers?stream=crowd")
                told = f"beside lists of {count} readers 95 % within {busy * 1000:.1f} ms, {calm * 1000:.1f} ms beside as many bytes"
                print(told)
                if busy < 4 * calm + 0.02:
                    break
            else:
                pytest.fail(told)
    finally:
        server.stop()


def beside(server, path):
    """What health and an append take, 95 in a hundred, beside four clients that ask for something else again and again."""
    others = Repeaters(server, path, 4)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    own = server.create()
    times = []
    others.begin()
    until = time.monotonic() + 2
    while time.monotonic() < until or len(times) < 200:
        for method, target, body, status in [("GET", "/health", None, 200), ("POST", own, b"x", 204)]:
            started = time.monotonic()
            connection.request(method, target, body, {"Content-Type": "text/plain"} if body else {})
            response = connection.getresponse()
            response.read()
            assert response.status == status
            times.append(time.monotonic() - started)
    assert others.end() >= 4
    return statistics.quantiles(times, n=20)[-1]
