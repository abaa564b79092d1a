"""Sessions whose secret, key or issuer is gone: what their cookies opened ends, and nothing else."""

import contextlib
import json
import signal
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from support.freshet import IS_DEBUG
from support.waiting import eventually
from support.wire import Connection
from test_reload import CUT, KEYS, append, bearer, create, line, reload, told
from test_tokens import SECRET, claims, code, cookie, next_data, session, signed, write_keys
from test_tokens import bearer as token_bearer

SECRETS = [f"the-{number}-secret-of-more-than-32-bytes" for number in ("first", "second")]


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text("".join(line(name) for name in KEYS))
    path.chmod(0o600)
    return path


@pytest.fixture
def secrets(tmp_path):
    """A file that only the first of two secrets is in, and what writes others into it."""
    path = tmp_path / "sessions"

    def hold(*secrets):
        path.write_text("".join(f"{secret}\n" for secret in secrets))
        path.chmod(0o600)

    hold(SECRETS[0])
    return path, hold


def narrowed(server, who, wish):
    """A session that has less than its key, for a page of the server's own."""
    fields = {**bearer(who), "Sec-Fetch-Site": "same-origin"}
    answer = server.request("POST", "/v1/session", fields, json.dumps(wish))
    assert answer.status == 204, answer
    return {"Cookie": answer["Set-Cookie"].split(";")[0], "Sec-Fetch-Site": "same-origin"}


def test_a_secret_of_sessions_that_is_taken_out_ends_what_its_cookies_opened_and_nothing_else(serve, keys, secrets):
    file, hold = secrets
    server = serve(keys=keys, session_secret_file=file, heartbeat_seconds=3600)
    path, took = create(server, "room/s"), []
    append(server, path, "first")
    stays = [server.subscribe(path, bearer(who)) for who in ("one", "two")]
    with contextlib.ExitStack() as open_ones:
        for reader in stays:
            open_ones.enter_context(reader)
            assert reader.next().data == "first"
        # The machine may be busy in one round, and does nothing for a while.
        for number in range(3):
            hold(SECRETS[0])
            reload(server)
            old = narrowed(server, "one", {"read": ["room/s"]})
            hold(SECRETS[1], SECRETS[0])
            reload(server)
            new = narrowed(server, "one", {"read": ["room/s"]})
            with server.subscribe(f"{path}?offset=now", old) as loser, server.subscribe(f"{path}?offset=now", new) as other:
                assert loser.next().type == other.next().type == "start"
                append(server, path, f"before {number}")
                for reader in (loser, other, *stays):
                    assert reader.next().data == f"before {number}"
                hold(SECRETS[1])
                server.process.send_signal(signal.SIGHUP)
                began = time.monotonic()
                assert told(loser.next()) == ("reconnect", {"why": "revoked"}, 5000)
                assert loser.next() is None
                took.append(time.monotonic() - began)
                append(server, path, f"after {number}")
                for reader in (other, *stays):
                    assert reader.next().data == f"after {number}"
            assert server.request("GET", path, old).status == 401
            assert server.request("GET", path, new).status == 200
    assert IS_DEBUG or min(took) < 1


def test_each_form_of_a_read_ends_in_its_own_way_when_the_secret_of_its_session_is_gone(serve, keys, secrets):
    file, hold = secrets
    server = serve(keys=keys, session_secret_file=file, heartbeat_seconds=3600)
    path = create(server, "room/f")
    append(server, path, "first")
    page = narrowed(server, "owner", {"read": ["room/f"], "append": ["room/f"]})
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(server.lines(path, page))
        plain = stack.enter_context(server.subscribe(f"{path}?as=plain", page))
        durable = stack.enter_context(server.subscribe(f"{path}?offset=-1&live=sse", page))
        poll = stack.enter_context(contextlib.closing(Connection(server.address)))
        poll.send_head("GET", f"{path}?offset=now&live=long-poll", page)
        producer = stack.enter_context(contextlib.closing(Connection(server.address)))
        producer.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", **page})
        assert lines.next()["data"] == plain.next().data == "first"
        described = f"/v1/streams/{path.removeprefix('/v1/stream/')}"

        def all_are_there():
            told = server.request("GET", described, bearer("owner")).json
            return (told["readers"], told["producers"]) == (4, 1)

        eventually(all_are_there)
        hold(SECRETS[1])
        reload(server)
        last = lines.next()
        assert (last["event"], last["data"]) == ("reconnect", {"why": "revoked"}) and lines.next() is None
        with pytest.raises(CUT):
            plain.next()
        while durable.more():
            pass
        assert durable.body.rstrip().split(b"\n")[-2] == b"event: control"
        assert poll.read_answer().status == 204
        refused = producer.read_answer()
        assert refused.status == 401 and refused.json["type"].endswith("credential-revoked")
        assert refused["Stream-Next-Offset"]


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("kind", ["jwks", "keys"])
def test_a_session_of_a_token_ends_with_its_kid(serve, tmp_path, kind):
    file = tmp_path / "public"
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("one", "two")}
    write_keys(file, kind, keys, "one", "two")
    server = serve(jwt_issuer="app", jwt_audience="freshet", heartbeat_seconds=3600, **{f"jwt_{kind}": file})
    tokens = {name: token_bearer(jwt.encode(claims(), keys[name], "ES256", headers={"kid": name})) for name in keys}
    path = server.create(name="answers/1", headers=tokens["two"])
    pages = {name: cookie(session(server, tokens[name])) for name in keys}
    with server.subscribe(path, pages["one"]) as first, server.subscribe(path, pages["two"]) as second:
        write_keys(file, kind, keys, "two")
        reload(server)
        event = first.next()
        assert (event.type, event.json) == ("reconnect", {"why": "revoked"}) and first.next() is None
        assert server.append(path, "two", headers=tokens["two"]).status == 204
        assert next_data(second) == "two"
    assert server.request("GET", path, pages["one"]).status == 401
    assert server.request("GET", path, pages["two"]).status == 200


def test_a_session_ends_with_the_issuer_that_is_gone_at_a_restart(serve, secret, tmp_path):
    sessions, data = tmp_path / "sessions", tmp_path / "data"
    sessions.write_text("a-secret-of-sessions-of-more-than-32-bytes\n")
    sessions.chmod(0o600)
    both = {"data": data, "session_secret_file": sessions, "jwt_secret_file": secret, "jwt_audience": "freshet"}
    server = serve(jwt_issuer="app", **both)
    path = server.create(name="answers/1", headers=signed())
    page = cookie(session(server, signed()))
    assert server.request("GET", path, page).status == 200
    server.stop()
    # The same keys, of somebody else.
    server = serve(jwt_issuer="shop", **both)
    assert code(server.request("GET", path, page)) == "no-token"
