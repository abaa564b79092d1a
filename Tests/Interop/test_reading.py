"""Which answer a GET gets, catch-up reads, HEAD, and what every answer carries."""

import json

import pytest

SSE, NDJSON = "text/event-stream", "application/x-ndjson"


@pytest.fixture(scope="module")
def ended(server):
    path = server.create()
    server.append_each(path, ["one", "two"])
    server.end(path)
    return path


def kind(answer):
    return (answer["Content-Type"] or "").split(";")[0]


@pytest.mark.parametrize(
    "query, accept, expected",
    [
        ("", None, "text/plain"),
        ("", "*/*", "text/plain"),
        ("", "text/*", "text/plain"),
        ("", "text/html,application/xhtml+xml,*/*;q=0.8", "text/plain"),
        ("", SSE, SSE),
        ("", NDJSON, NDJSON),
        ("", f"{SSE};q=0", "text/plain"),
        ("", f"{SSE};q=0, {NDJSON}", NDJSON),
        ("", f"{SSE};q=0.5, {NDJSON};q=0.9", NDJSON),
        ("", f"{SSE};q=0.9, {NDJSON};q=0.5", SSE),
        ("", f"{NDJSON}, {SSE}", SSE),
        ("", f"{NDJSON};q=0.3, {SSE};q=0.3, */*", SSE),
        ("", "Text/Event-Stream", SSE),
        ("", f"{SSE}; charset=utf-8", SSE),
        ("", f"{SSE};Q=0.000", "text/plain"),
        ("?as=sse", None, SSE),
        ("?as=ndjson", SSE, NDJSON),
        ("?as=sse", NDJSON, SSE),
        ("?as=ndjson", f"{NDJSON};q=0", NDJSON),
    ],
)
def test_the_first_rule_that_matches_decides(server, ended, query, accept, expected):
    answer = server.request("GET", ended + query, {"Accept": accept})
    assert answer.status == 200
    assert kind(answer) == expected


def test_two_accept_fields_are_one(server, ended):
    answer = server.request("GET", ended, {"Accept": f"text/html\r\nAccept: {NDJSON}"})
    assert kind(answer) == NDJSON


def test_every_answer_carries_the_fields_that_keep_it_apart(server, ended):
    requests = [
        ("GET", ended, {}),
        ("GET", ended, {"Accept": SSE}),
        ("GET", ended, {"Accept": NDJSON}),
        ("HEAD", ended, {}),
        ("GET", "/v1/stream/not-there", {}),
        ("POST", ended, {"Content-Type": "text/plain"}),
        ("OPTIONS", ended, {}),
        ("PATCH", ended, {}),
        ("GET", f"{ended}?offset=nonsense", {}),
    ]
    for method, target, headers in requests:
        answer = server.request(method, target, headers)
        assert answer["Vary"] == "Accept, Origin", (method, target, answer)
        assert answer["X-Content-Type-Options"] == "nosniff", (method, target, answer)
        assert "Cross-Origin-Resource-Policy" in answer, (method, target, answer)


def test_catch_up_gives_the_bytes_and_the_position(server):
    path = server.create()
    assert server.read(path).body == b""
    birth = server.read(path)["Stream-Next-Offset"]
    first, second = server.append_each(path, ["one", "two"])
    answer = server.read(path)
    assert answer.body == b"onetwo"
    assert answer["Content-Type"].split(";")[0] == "text/plain"
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["Stream-Next-Offset"] == second
    assert answer["Stream-Up-To-Date"] == "true"
    assert "Stream-Closed" not in answer
    assert server.read(f"{path}?offset={first}").body == b"two"
    assert server.read(f"{path}?offset={second}").body == b""
    assert server.read(f"{path}?offset={birth}").body == b"onetwo"
    assert server.read(f"{path}?offset=-1").body == b"onetwo"
    now = server.read(f"{path}?offset=now")
    assert (now.body, now["Stream-Next-Offset"]) == (b"", second)
    server.end(path)
    assert server.read(path)["Stream-Closed"] == "true"
    at_tail = server.read(f"{path}?offset={second}")
    assert at_tail["Stream-Closed"] == "true" and at_tail["Stream-Next-Offset"] == second


def test_the_tail_is_never_the_offset_of_the_end(server):
    path = server.create()
    offset = server.append_each(path, ["one"])[0]
    answer = server.end(path)
    assert answer["Stream-Next-Offset"] == offset
    assert server.request("HEAD", path)["Stream-Next-Offset"] == offset
    with server.subscribe(path) as reader:
        end = reader.rest()[-1]
    tail = server.read(f"{path}?offset={end.id}")
    assert tail.status == 200 and tail.body == b"" and tail["Stream-Closed"] == "true"


def test_an_etag_saves_reading_again(server):
    path = server.create()
    server.append(path, "one")
    first = server.read(path)
    assert "ETag" in first
    again = server.read(path, {"If-None-Match": first["ETag"]})
    assert again.status == 304 and again.body == b""
    server.append(path, "two")
    changed = server.read(path, {"If-None-Match": first["ETag"]})
    assert (changed.status, changed.body) == (200, b"onetwo")
    server.end(path)
    assert server.read(path, {"If-None-Match": changed["ETag"]}).status == 200, "the end changes what is read"


@pytest.mark.parametrize(
    "type, bodies, view",
    [
        ("text/plain", [b"a\r\n", b"\xc3\xa9"], b"a\r\n\xc3\xa9"),
        ("application/octet-stream", [b"\x00\xff", b"\xfe"], b"\x00\xff\xfe"),
        ("application/json", [b'{"a":1}', b'[2,"three"]'], b'[{"a":1},2,"three"]'),
        ("application/x-ndjson", [b'{"a":1}\n', b'{"b":2}'], b'{"a":1}\n{"b":2}\n'),
        (
            "text/event-stream",
            [b"id: 7\nretry: 5\n: hi\ndata:one\n\n", b"event: token\r\ndata: two\r\ndata: lines\r\n\r\n"],
            b"data: one\n\nevent: token\ndata: two\ndata: lines\n\n",
        ),
    ],
)
def test_the_byte_view_of_each_type(server, type, bodies, view):
    path = server.create(type)
    for body in bodies:
        assert server.append(path, body, type).status == 204
    answer = server.read(path)
    if type == "application/json":
        assert json.loads(answer.body) == json.loads(view)
    else:
        assert answer.body == view
    assert answer["Content-Type"].split(";")[0] == type


def test_a_large_log_is_read_page_by_page(server):
    path = server.create("application/octet-stream")
    whole = b""
    for number in range(40):
        piece = bytes([number]) * 150_000
        server.append(path, piece, "application/octet-stream")
        whole += piece
    got, offset = b"", "-1"
    while True:
        answer = server.read(f"{path}?offset={offset}")
        got += answer.body
        offset = answer["Stream-Next-Offset"]
        if answer["Stream-Up-To-Date"] == "true":
            break
        assert answer.body
    assert got == whole


def test_head_gives_the_metadata_and_never_subscribes(server):
    path = server.create(headers={"Stream-TTL": "3600"})
    offset = server.append_each(path, ["one"])[0]
    for accept in (None, SSE):
        answer = server.request("HEAD", path, {"Accept": accept})
        assert answer.status == 200
        assert answer["Content-Type"].split(";")[0] == "text/plain"
        assert answer["Stream-Next-Offset"] == offset
        assert answer["Stream-TTL"] == "3600"
        assert answer["Cache-Control"] == "no-store"
        assert "Stream-Closed" not in answer
    server.end(path)
    assert server.request("HEAD", path)["Stream-Closed"] == "true"
    assert server.request("HEAD", "/v1/stream/not-there").status == 404


def test_a_foreign_offset_in_a_catch_up_read_is_gone(server):
    other, path = server.create(), server.create()
    foreign = server.append_each(other, ["x"])[0]
    server.append(path, "a")
    answer = server.read(f"{path}?offset={foreign}")
    assert answer.status == 410
    assert "Stream-Earliest-Offset" in answer
    assert server.read(f"{path}?offset={answer['Stream-Earliest-Offset']}").body == b"a"


def test_health_says_ready(server):
    answer = server.request("GET", "/health")
    assert answer.status == 200
    assert b"ready" in answer.body


def test_a_connection_serves_one_request_after_another(server):
    from support.wire import Connection

    path = server.create()
    with Connection(server.address) as connection:
        for number in range(5):
            body = f"{number}".encode()
            connection.send_head("POST", path, {"Content-Type": "text/plain", "Content-Length": "1"})
            connection.send(body)
            assert connection.read_answer().status == 204
        connection.send_head("GET", path)
        assert connection.read_answer().body == b"01234"


def test_pipelined_requests_are_answered_in_order(server):
    from support.wire import Connection

    path = server.create()
    request = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n"
    with Connection(server.address) as connection:
        connection.send("".join(request + str(n) for n in range(8)) + f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(8):
            assert connection.read_answer().status == 204
        assert connection.read_answer().body == b"01234567"
