"""Quotas: what one key, or one subject of tokens, may have and do next to the others, over HTTP/1.1 and HTTP/2."""

import contextlib
import re
import time

import jwt
import pytest

from support.freshet import TRANSPORT
from support.relayed import Scripted, relays
from support.upstream import CHAT, PATHS, Answer
from support.waiting import eventually
from support.wire import Connection

KEYS = {"app": "a" * 32, "other": "b" * 32, "operator": "c" * 32}
SECRET = "a-secret-of-at-least-thirty-two-bytes"
TEXT = {"Content-Type": "text/plain"}
QUOTAS = ["requests", "readers", "producers", "streams", "bytes"]


def key(name):
    return {"Authorization": f"Bearer {KEYS[name]}"}


def token(subject):
    claims = {"iss": "app", "aud": "freshet", "sub": subject, "exp": int(time.time()) + 600, "freshet": {"all": ["*"]}}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}


class Guarded:
    """A server with quotas, somebody whom they bound, and somebody else."""

    def __init__(self, server, who):
        self.server = server
        self.mine = who("app")
        self.others = who("other")
        self.operator = key("operator")

    def ask(self, method, target, headers=None, body=None, who=None):
        return self.server.request(method, target, {**(who or self.mine), **(headers or {})}, body)

    def create(self, name, body=None, who=None):
        return self.ask("PUT", f"/v1/stream/{name}", TEXT, body, who)

    def append(self, name, body, who=None):
        return self.ask("POST", f"/v1/stream/{name}", TEXT, body, who)

    @contextlib.contextmanager
    def producing(self, name, who=None):
        """A streaming append that is open; what it is told can be read."""
        with Connection(self.server.address) as connection:
            fields = {**TEXT, **(who or self.mine), "Transfer-Encoding": "chunked"}
            connection.send_head("POST", f"/v1/stream/{name}", fields)
            connection.send_chunk("x")
            yield connection

    def attendance(self, name):
        return self.ask("GET", f"/v1/streams/{name}", who=self.others).json

    def refused(self):
        text = self.ask("GET", "/metrics", who=self.operator).text
        return {quota: int(n) for quota, n in re.findall(r'^freshet_quota_refused_total\{quota="(\w+)"\} (\d+)$', text, re.M)}


@pytest.fixture(params=["keys", "tokens", "keys over HTTP/2"])
def guarded(request, serve, tmp_path):
    """Starts a server with the quotas that it is given; callers are known by keys or by tokens."""
    if request.param == "keys over HTTP/2" and TRANSPORT in ("h2c", "h2"):
        pytest.skip("all of them are over HTTP/2")

    def start(**quotas):
        file = tmp_path / "keys"
        file.write_text("".join(f"{name} {secret} all *\n" for name, secret in KEYS.items()))
        file.chmod(0o600)
        if request.param != "tokens":
            return Guarded(serve(keys=file, http2=request.param != "keys", **quotas), key)
        secret = tmp_path / "secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        server = serve(keys=file, jwt_secret_file=secret, jwt_issuer="app", jwt_audience="freshet", **quotas)
        return Guarded(server, token)

    return start


def over(answer, quota, limit):
    """Whether an answer is the refusal of a quota."""
    assert answer.status == 429, answer
    assert answer["Content-Type"].split(";")[0] == "application/problem+json"
    told = answer.json
    assert told["type"] == "urn:freshet:over-quota" and told["status"] == 429
    assert told["quota"] == quota and told["limit"] == limit
    assert f"`quota-{quota}" in told["detail"]
    assert int(answer["Retry-After"]) >= 1
    return True


def is_farewell(answer):
    assert answer.status == 200 and answer["Content-Type"] == "text/event-stream"
    return "event: reconnect\nretry: " in answer.text and 'data: {"why":"overloaded"}' in answer.text


def test_without_quotas_nothing_is_counted(guarded):
    server = guarded()
    assert server.refused() == dict.fromkeys(QUOTAS, 0)
    for number in range(30):
        assert server.create(f"s{number}").status == 201
    assert server.refused() == dict.fromkeys(QUOTAS, 0)


def test_requests_a_second(guarded):
    server = guarded(quota_requests_per_second=1)
    for name in ("ended", "cancelled", "deleted", "read"):
        assert server.create(name, who=server.others if name == "read" else None).status in (201, 429)
    # Two at once, then one a second: of a hundred that follow one another, few are served.
    answers = [server.ask("GET", "/v1/stream/read") for _ in range(100)]
    refused = [answer for answer in answers if answer.status != 200]
    assert refused and all(over(answer, "requests", 1) for answer in refused)


def test_what_ends_something_is_never_refused(guarded):
    server = guarded(quota_requests_per_second=2)
    names = [f"{what}{number}" for what in ("end", "cancel", "delete") for number in range(3)]
    for name in names:
        # Somebody else may have to be asked again too.
        eventually(lambda name=name: server.create(name, who=server.others).status in (200, 201))
    eventually(lambda: server.ask("GET", "/v1/stream/end0").status == 429)
    for name in names:
        path = f"/v1/stream/{name}"
        if name.startswith("end"):
            assert server.ask("POST", path, {"Stream-Closed": "true"}).status == 204
        elif name.startswith("cancel"):
            assert server.ask("POST", path, {"Stream-Cancel": "true"}).status == 204
        else:
            assert server.ask("DELETE", path).status == 204
    assert server.server.request("GET", "/health").status == 200


def test_a_native_read_beyond_the_requests_is_asked_to_come_back(guarded):
    server = guarded(quota_requests_per_second=1)
    assert server.create("a", who=server.others).status == 201
    # So that one that is served comes to its end too.
    assert server.ask("POST", "/v1/stream/a", {"Stream-Closed": "true"}).status == 204
    eventually(lambda: is_farewell(server.ask("GET", "/v1/stream/a?as=sse")))
    eventually(lambda: server.ask("GET", "/v1/stream/a?as=plain").status == 429)


def test_open_readers(guarded):
    server = guarded(quota_readers=2)
    assert server.create("a").status == 201
    path = "/v1/stream/a"
    with server.server.subscribe(path, server.mine) as first, server.server.subscribe(path, server.others):
        with server.server.lines(path, server.mine):
            assert first.head.status == 200
            assert is_farewell(server.ask("GET", f"{path}?as=sse"))
            for form in ("as=plain", "live=sse&offset=-1", "live=long-poll&offset=now"):
                assert over(server.ask("GET", f"{path}?{form}"), "readers", 2)
            # What there is can be read all the same.
            assert server.ask("GET", path).status == 200
            assert server.refused()["readers"] == 4
        # One that is cut off makes room, and one that waits for its stream takes it.
        eventually(lambda: server.attendance("a")["readers"] == 2)
        with server.server.subscribe("/v1/stream/later", server.mine):
            assert over(server.ask("GET", f"{path}?as=plain"), "readers", 2)


def test_a_session_counts_for_whom_it_was_made(guarded):
    server = guarded(quota_readers=1)
    assert server.create("a").status == 201
    made = server.ask("POST", "/v1/session")
    assert made.status == 204
    cookie = {"Cookie": made["Set-Cookie"].split(";")[0]}
    with server.server.subscribe("/v1/stream/a", cookie) as reader:
        assert reader.head.status == 200
        assert over(server.ask("GET", "/v1/stream/a?as=plain"), "readers", 1)
    eventually(lambda: server.attendance("a")["readers"] == 0)
    with server.server.subscribe("/v1/stream/a", server.mine) as reader:
        assert reader.head.status == 200
        assert over(server.server.request("GET", "/v1/stream/a?as=plain", cookie), "readers", 1)


def test_open_producers(guarded):
    server = guarded(quota_producers=1)
    assert server.create("a").status == 201
    open_producers = lambda count: server.attendance("a")["producers"] == count  # noqa: E731
    with server.producing("a") as first:
        eventually(lambda: open_producers(1))
        with server.producing("a") as second:
            assert over(second.read_answer(), "producers", 1)
        # One at a time is an atomic append.
        assert server.append("a", "y").status == 204
        with server.producing("a", server.others):
            eventually(lambda: open_producers(2))
        eventually(lambda: open_producers(1))
        first.send_chunk("")
        assert first.read_answer().status == 204
        with server.producing("a"):
            eventually(lambda: open_producers(1))
    # Cut off in the middle.
    eventually(lambda: open_producers(0))
    with server.producing("a"):
        eventually(lambda: open_producers(1))
    assert server.refused()["producers"] == 1


def test_a_call_of_the_relay_is_a_producer_while_it_is_open(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{name} {secret} all *\n" for name, secret in KEYS.items()))
    keys.chmod(0o600)
    body = b'{"model": "m", "stream": true, "messages": []}'
    with relays(Scripted) as relay:
        held = Answer(CHAT, stepped=True)
        relayed = relay(["openai {url} key=none"], held, keys=keys, quota_producers=1)

        def call(name):
            return relayed.server.request("POST", PATHS["chat"], {"Content-Type": "application/json", **key(name)}, body)

        with Connection(relayed.server.address) as first:
            fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **key("app")}
            first.send_head("POST", PATHS["chat"], fields)
            first.send(body)
            held.let(1)
            assert first.read_head().status == 200
            relayed.begin(Answer(CHAT))
            refused = call("app")
            assert over(refused, "producers", 1)
            assert refused.json["error"]["type"] == "rate_limit_error"
            assert call("other").status == 200
            # What is no call is none.
            assert relayed.server.request("GET", "/v1/streams", key("app")).status == 200
            held.let(len(CHAT))
            while first.read_chunk():
                pass
        assert call("app").status == 200


def test_streams_an_hour(guarded):
    server = guarded(quota_streams_per_hour=2, create_on_post=["posted/"])
    assert server.create("a").status == 201
    assert server.create("a").status == 200
    assert server.append("posted/1", "x").status == 204
    assert over(server.create("b"), "streams", 2)
    assert over(server.append("posted/2", "x"), "streams", 2)
    with server.producing("posted/3") as producer:
        assert over(producer.read_answer(), "streams", 2)
    assert int(server.create("b")["Retry-After"]) > 1700
    # What is there is there, and room in the store is none in the hour.
    assert server.create("a").status == 200
    assert server.append("posted/1", "y").status == 204
    assert server.ask("DELETE", "/v1/stream/a").status == 204
    assert over(server.create("a"), "streams", 2)
    assert server.create("b", who=server.others).status == 201
    assert server.refused()["streams"] == 5


def test_bytes_kept(guarded):
    server = guarded(quota_bytes=1000)
    assert server.create("a", "x" * 400).status == 201
    assert server.create("b").status == 201
    assert server.append("b", "x" * 600, server.others).status == 204
    assert over(server.append("a", "x"), "bytes", 1000)
    assert over(server.append("a", "x", server.others), "bytes", 1000)
    assert over(server.create("c", "x"), "bytes", 1000)
    with server.producing("a") as producer:
        answer = producer.read_answer()
        assert over(answer, "bytes", 1000) and answer["Stream-Next-Offset"]
    assert server.create("c").status == 201
    assert server.create("d", "x" * 600, server.others).status == 201
    assert server.refused()["bytes"] == 4
    # What frees is never refused.
    assert server.ask("POST", "/v1/stream/b", {"Stream-Closed": "true"}).status == 204
    assert server.ask("POST", "/v1/stream/c", {"Stream-Cancel": "true"}).status == 204
    assert server.ask("DELETE", "/v1/stream/a").status == 204
    assert server.create("e", "x" * 400).status == 201
    assert over(server.append("e", "x"), "bytes", 1000)


@pytest.mark.parametrize("is_stored", [False, True], ids=["in memory", "on disk"])
def test_a_fork_needs_room_for_what_it_copies(serve, tmp_path, is_stored):
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{name} {secret} all *\n" for name, secret in KEYS.items()))
    keys.chmod(0o600)
    where = {"data": tmp_path / "data"} if is_stored else {}
    server = Guarded(serve(keys=keys, quota_bytes=1000, **where), key)
    assert server.create("source", "x" * 300, server.others).status == 201
    middle = server.ask("HEAD", "/v1/stream/source")["Stream-Next-Offset"]
    assert server.append("source", "x" * 400, server.others).status == 204
    assert server.create("a", "x" * 500).status == 201

    def fork(name, body=None, **fields):
        given = {"Stream-Forked-From": "/v1/stream/source", **{field.replace("_", "-"): value for field, value in fields.items()}}
        return server.ask("PUT", f"/v1/stream/{name}", {**TEXT, **given}, body)

    assert over(fork("f"), "bytes", 1000)
    assert server.ask("HEAD", "/v1/stream/f").status == 404
    assert over(fork("f", "x" * 201, Stream_Fork_Offset=middle), "bytes", 1000)
    assert fork("f", "x" * 200, Stream_Fork_Offset=middle).status == 201
    # The same again is no other fork.
    assert fork("f", Stream_Fork_Offset=middle).status == 200
    assert over(server.append("f", "x"), "bytes", 1000)
    assert server.ask("DELETE", "/v1/stream/a").status == 204
    assert over(fork("g"), "bytes", 1000)
    assert server.ask("DELETE", "/v1/stream/f").status == 204
    assert fork("g").status == 201


def test_bytes_kept_outlive_the_process(serve, tmp_path):
    keys, data = tmp_path / "keys", tmp_path / "data"
    keys.write_text("".join(f"{name} {secret} all *\n" for name, secret in KEYS.items()))
    keys.chmod(0o600)
    server = Guarded(serve(keys=keys, data=data, quota_bytes=1000), key)
    assert server.create("a", "x" * 900).status == 201
    server.server.stop()
    server = Guarded(serve(keys=keys, data=data, quota_bytes=1000), key)
    assert over(server.append("a", "x" * 101), "bytes", 1000)
    assert over(server.create("b", "x" * 101), "bytes", 1000)
    assert server.create("b", "x" * 101, server.others).status == 201
    assert server.append("a", "x" * 100).status == 204
    assert server.ask("DELETE", "/v1/stream/a").status == 204
    assert server.create("b2", "x" * 1000).status == 201


def test_quotas_that_would_count_nobody_are_refused_at_the_start(serve):
    server = serve(wait=False, quota_readers=3)
    server.process.wait(30)
    assert server.process.returncode == 64
    assert "quotas: without keys nobody is known" in server.logged()
