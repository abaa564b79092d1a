"""Tokens: made by PyPI's pyjwt and joserfc, checked by a server, with issuers that rotate their keys, die and lie."""

import base64
import concurrent.futures
import hmac
import http.server
import json
import signal
import threading
import time
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwt as jose
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from support.freshet import TRANSPORT, run
from support.relayed import Scripted, relays
from support.upstream import CHAT, PATHS, Answer
from support.waiting import eventually
from support.wire import Connection

SECRET = "a-secret-of-at-least-thirty-two-bytes"
PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def claims(rights=None, **more):
    made = {"iss": "app", "aud": "freshet", "sub": "u42", "exp": int(time.time()) + 600}
    made["freshet"] = {"all": ["*"]} if rights is None else rights
    return {name: value for name, value in {**made, **more}.items() if value is not None}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def signed(rights=None, **more):
    return bearer(jwt.encode(claims(rights, **more), SECRET, "HS256"))


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def guarded(serve, secret):
    return serve(jwt_secret_file=secret, jwt_issuer="app", jwt_audience="freshet", jwt_leeway_seconds=0)


def code(answer):
    return None if answer.status < 300 else json.loads(answer.body)["type"].removeprefix("urn:freshet:")


def test_nobody_enters_without_a_credential_on_loopback_too(guarded):
    assert code(guarded.request("GET", "/v1/streams")) == "no-token"
    assert code(guarded.request("GET", "/v1/streams", bearer("a-key-of-sixteen-characters"))) == "wrong-token"
    assert code(guarded.request("GET", "/metrics")) == "no-token"
    assert code(guarded.request("GET", "/v1/probe")) == "probe-off"
    assert guarded.request("GET", "/health").status == 200


def test_a_token_has_the_rights_that_it_names_and_no_others(guarded):
    everything = signed()
    for name in ("answers/42", "answers/420", "users/42/a"):
        assert guarded.request("PUT", f"/v1/stream/{name}", {"Content-Type": "text/plain", **everything}).status == 201
    reader = signed({"read": ["answers/42", "users/42/"]})
    assert guarded.request("GET", "/v1/stream/answers/42", reader).status == 200
    assert guarded.request("HEAD", "/v1/stream/answers/42", reader).status == 200
    assert guarded.request("GET", "/v1/stream/users/42/a", reader).status == 200
    assert code(guarded.request("GET", "/v1/stream/answers/420", reader)) == "missing-right"
    assert code(guarded.request("DELETE", "/v1/stream/answers/42", reader)) == "missing-right"
    listed = json.loads(guarded.request("GET", "/v1/streams", reader).body)["streams"]
    assert [stream["name"] for stream in listed] == ["answers/42", "users/42/a"]
    forked = {"Content-Type": "text/plain", "Stream-Forked-From": "/v1/stream/answers/420", **signed({"create": ["*"], "read": ["answers/42"]})}
    assert code(guarded.request("PUT", "/v1/stream/fork", forked)) == "missing-right"
    with guarded.subscribe("/v1/stream/answers/42", reader) as subscription:
        assert subscription.head.status == 200


@pytest.mark.parametrize(
    "token, says",
    [
        (lambda: jwt.encode(claims(), None, "none"), "wrong-token"),
        (lambda: jwt.encode(claims(), "another-secret-of-at-least-32-bytes", "HS256"), "wrong-token"),
        (lambda: jwt.encode(claims(), SECRET, "HS256", headers={"kid": "other"}), "wrong-token"),
        (lambda: jwt.encode(claims(), SECRET, "HS256", headers={"crit": ["exp"]}), "wrong-token"),
        (lambda: jwt.encode(claims(exp=int(time.time()) - 1), SECRET, "HS256"), "expired-token"),
        (lambda: jwt.encode(claims(exp=None), SECRET, "HS256"), "wrong-token"),
        (lambda: jwt.encode(claims(nbf=int(time.time()) + 60), SECRET, "HS256"), "wrong-token"),
        (lambda: jwt.encode(claims(aud="other"), SECRET, "HS256"), "wrong-token"),
        (lambda: jwt.encode(claims(aud=None), SECRET, "HS256"), "wrong-token"),
        (lambda: jwt.encode(claims(iss="other"), SECRET, "HS256"), "wrong-token"),
        (lambda: jwt.encode(claims({"raed": ["*"]}), SECRET, "HS256"), "wrong-token"),
        (lambda: jwt.encode(claims(freshet=None), SECRET, "HS256"), "missing-right"),
        (lambda: jwt.encode(claims(aud=["other", "freshet"]), SECRET, "HS256"), None),
        (lambda: jwt.encode(claims(), SECRET, "HS512"), None),
    ],
)
def test_each_wrong_token_is_refused_for_what_is_wrong(guarded, token, says):
    made = token()
    answer = guarded.request("PUT", "/v1/stream/a", {"Content-Type": "text/plain", **bearer(made)})
    assert code(answer) == says, answer.body
    if answer.status == 401:
        assert "invalid_token" in answer["WWW-Authenticate"]
    guarded.stop()
    assert made not in guarded.logged()


def test_a_token_of_64_kib_is_too_much(serve, secret):
    server = serve(jwt_secret_file=secret, jwt_issuer="app", jwt_audience="freshet", header_bytes="256KiB")
    big = jwt.encode(claims(big="x" * 65536), SECRET, "HS256")
    assert code(server.request("GET", "/v1/streams", bearer(big))) == "wrong-token"


def test_a_token_ends_when_it_says(guarded):
    # On a busy machine it may be over before it is shown.
    for seconds in (2, 4, 8, 16, 32):
        token = signed({"read": ["*"]}, exp=int(time.time()) + seconds)
        if (answer := guarded.request("GET", "/v1/streams", token)).status == 200:
            break
        assert code(answer) == "expired-token"
    assert answer.status == 200
    eventually(lambda: code(guarded.request("GET", "/v1/streams", token)) == "expired-token")


def forged(secret):
    part = lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")  # noqa: E731
    text = f'{part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())}.{part(json.dumps(claims()).encode())}'
    return f"{text}.{part(hmac.digest(secret, text.encode(), 'sha256'))}"


def session(server, credential, wish=None, **fields):
    return server.request("POST", "/v1/session", {**credential, **fields}, wish and json.dumps(wish))


def cookie(answer):
    assert answer.status == 204, answer.body
    return {"Cookie": answer["Set-Cookie"].partition(";")[0]}


def test_a_page_reads_by_a_cookie_that_a_token_is_exchanged_for(guarded):
    path = guarded.create(name="answers/42", headers=signed())
    guarded.create(name="answers/43", headers=signed())
    token = signed({"read": ["answers/"], "append": ["answers/42"]}, exp=int(time.time()) + 300)
    answer = session(guarded, token)
    assert 290 < int(answer["Set-Cookie"].partition("Max-Age=")[2].partition(";")[0]) <= 300
    page = cookie(answer)
    assert token["Authorization"].split()[1] not in answer["Set-Cookie"]
    assert guarded.append(path, "one", headers=signed()).status == 204
    with guarded.subscribe(path, page) as reader:
        assert next_data(reader) == "one"
    # Without being asked for more, it is for reading.
    own = {"Origin": guarded.url, "Host": guarded.url.partition("//")[2]}
    assert code(guarded.append(path, "x", headers={**page, **own})) == "missing-right"
    writing = {"append": ["answers/42"], "read": ["answers/42"]}
    assert code(session(guarded, token, writing)) == "session-origin"
    both = cookie(session(guarded, token, writing, **own))
    assert guarded.append(path, "two", headers={**both, **own}).status == 204
    assert guarded.append(path, "x", headers=both).status == 401


@pytest.mark.parametrize("site", ["cross-site", None])
def test_a_page_of_another_site_is_told_whether_its_cookie_is_of_use(serve, secret, site):
    page = {"Origin": "https://page.example", **({"Sec-Fetch-Site": site} if site else {})}
    issuer = {"jwt_secret_file": secret, "jwt_issuer": "app", "jwt_audience": "freshet"}
    clear = serve(allowed_origins="https://page.example", **issuer)
    answer = session(clear, signed(), **page)
    if TRANSPORT not in ("tls", "h2"):
        assert answer["Freshet-Session"].startswith("unusable; expires=")
    assert "Freshet-Session" in answer["Access-Control-Expose-Headers"]
    server = serve(allowed_origins="https://page.example", secure_cookie=True, **issuer)
    answer = session(server, signed(), **page)
    state, _, expires = answer["Freshet-Session"].partition("; expires=")
    assert state == "partitioned" and 0 < int(expires) - time.time() <= 605
    assert answer["Set-Cookie"].endswith("SameSite=None; Secure; Partitioned")
    assert session(server, signed())["Freshet-Session"].startswith("same-site; ")
    refused = server.request("GET", "/v1/streams", page)
    assert code(refused) == "no-token" and "Freshet-Session" in json.loads(refused.body)["detail"]
    # No other page gets one.
    assert code(session(server, signed(), Origin="https://evil.example")) == "foreign-origin"


def test_a_session_may_narrow_and_no_more(guarded):
    for name in ("answers/42", "answers/420"):
        guarded.create(name=name, headers=signed())
    token = signed({"read": ["answers/"]})
    answer = session(guarded, token, {"read": ["answers/42"], "for": 60})
    assert "Max-Age=60;" in answer["Set-Cookie"]
    page = cookie(answer)
    assert guarded.request("GET", "/v1/stream/answers/42", page).status == 200
    assert code(guarded.request("GET", "/v1/stream/answers/420", page)) == "missing-right"
    for wish in ({"read": ["users/1"]}, {"read": ["*"]}, {"read": ["answers*"]}, {"append": ["answers/42"]}):
        refused = session(guarded, token, wish)
        assert code(refused) == "session-too-wide" and next(iter(wish.values()))[0] in json.loads(refused.body)["detail"]
    assert code(session(guarded, token, {"raed": ["answers/42"]})) == "bad-session"
    many = session(guarded, token, {"read": [f"answers/{number:040}" for number in range(100)]})
    assert (many.status, code(many)) == (413, "session-too-large")
    # A cookie is good for no session of its own.
    assert session(guarded, page).status == 401


def test_a_session_that_is_asked_for_longer_than_its_token_ends_with_it(guarded):
    exp = int(time.time()) + 90
    token = signed({"read": ["answers/"]}, exp=exp)
    for more in ({}, {"for": 3600}, {"for": 10**12}):
        answer = session(guarded, token, {"read": ["answers/42"], **more})
        assert answer.status == 204 and answer["Freshet-Session"].endswith(f"; expires={exp}")
        assert 0 < int(answer["Set-Cookie"].partition("Max-Age=")[2].partition(";")[0]) <= 90
    answer = session(guarded, token, {"read": ["answers/42"], "for": 30})
    assert "Max-Age=30;" in answer["Set-Cookie"]


def test_a_session_of_a_token_ends_with_the_key_that_signed_it(guarded, secret):
    path = guarded.create(name="answers/1", headers=signed())
    page = cookie(session(guarded, signed({"read": ["answers/1"]})))
    with guarded.subscribe(path, page) as reader:
        assert guarded.append(path, "one", headers=signed()).status == 204
        assert next_data(reader) == "one"
        secret.write_text("another-secret-of-at-least-32-bytes")
        reload(guarded)
        event = reader.next()
        assert (event.type, event.json) == ("reconnect", {"why": "revoked"})
    assert code(guarded.request("GET", path, page)) == "no-token"


def test_a_session_of_a_key_is_narrowed_too(serve, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("backend backend-key-0123456789 all *\nreader reader-key-0123456789 read answers/\n")
    keys.chmod(0o600)
    server = serve(keys=keys)
    for name in ("answers/1", "answers/2"):
        server.create(name=name, headers=bearer("backend-key-0123456789"))
    page = cookie(session(server, bearer("reader-key-0123456789"), {"read": ["answers/1"]}))
    assert server.request("GET", "/v1/stream/answers/1", page).status == 200
    assert code(server.request("GET", "/v1/stream/answers/2", page)) == "missing-right"
    assert code(session(server, bearer("reader-key-0123456789"), {"read": ["*"]})) == "session-too-wide"


def test_sessions_outlive_a_restart_and_a_new_secret_signs_beside_the_old_one(serve, secret, tmp_path):
    issuer = {"jwt_secret_file": secret, "jwt_issuer": "app", "jwt_audience": "freshet"}
    data, file = tmp_path / "data", tmp_path / "sessions"
    server = serve(data=data, **issuer)
    path = server.create(name="answers/1", headers=signed())
    page = cookie(session(server, signed()))
    server.stop()
    assert (data / "session-secret").stat().st_mode & 0o777 == 0o600
    server = serve(data=data, **issuer)
    assert server.request("GET", path, page).status == 200
    server.stop()
    one, two = ("the-first-secret-of-more-than-32-bytes", "the-second-secret-of-more-than-32-bytes")
    file.write_text(one + "\n")
    file.chmod(0o600)
    server = serve(data=data, session_secret_file=file, **issuer)
    assert server.request("GET", path, page).status == 401
    first = cookie(session(server, signed()))
    file.write_text(f"{two}\n{one}\n")
    reload(server)
    second = cookie(session(server, signed()))
    assert server.request("GET", path, first).status == server.request("GET", path, second).status == 200
    file.write_text(two + "\n")
    reload(server)
    assert server.request("GET", path, first).status == 401
    assert server.request("GET", path, second).status == 200
    file.write_text("short\n")
    reload(server)
    assert f"{file}:1" in server.logged() and server.request("GET", path, second).status == 200


def reload(server):
    """Returns when it was done, or refused."""

    def outcomes():
        return server.logged().count("was reloaded") + server.logged().count("stays as it was")

    before = outcomes()
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: outcomes() > before)


def test_a_new_secret_ends_what_the_old_one_signed(guarded, secret):
    path, old = guarded.create(name="answers/1", headers=signed()), signed({"read": ["answers/"]})
    other = "another-secret-of-at-least-32-bytes"
    new = bearer(jwt.encode(claims(), other, "HS256"))
    with guarded.subscribe(path, old) as reader:
        # What is no secret changes nothing.
        secret.write_text("short")
        reload(guarded)
        assert str(secret) in guarded.logged()
        assert guarded.append(path, "still here", headers=signed()).status == 204
        assert next_data(reader) == "still here"
        secret.write_text(other)
        reload(guarded)
        event = reader.next()
        assert (event.type, event.json) == ("reconnect", {"why": "revoked"}) and reader.next() is None
    assert code(guarded.request("GET", path, old)) == "wrong-token"
    assert guarded.request("GET", path, new).status == 200


def write_keys(file, kind, keys, *names):
    """Writes the public keys of these names as a key set, or in PEM."""
    if kind == "jwks":
        made = [ECKey.import_key(keys[name], {"kid": name}).as_dict(private=False) for name in names]
        return file.write_text(json.dumps({"keys": made}))
    blocks = [f"kid: {name}\n{keys[name].public_key().public_bytes(*PEM).decode()}" for name in names]
    return file.write_text("".join(blocks))


@pytest.mark.parametrize("kind", ["jwks", "keys"])
def test_a_key_is_changed_in_a_file_without_a_gap(serve, tmp_path, kind):
    file = tmp_path / "public"
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("one", "two")}

    def holds(*names):
        return write_keys(file, kind, keys, *names)

    def by_key(name):
        return bearer(jwt.encode(claims(), keys[name], "ES256", headers={"kid": name}))

    holds("one")
    server = serve(jwt_issuer="app", jwt_audience="freshet", **{f"jwt_{kind}": file})
    path = server.create(name="answers/1", headers=by_key("one"))
    with server.subscribe(path, by_key("one")) as first:
        holds("one", "two")
        reload(server)
        with server.subscribe(path, by_key("two")) as second:
            assert server.append(path, "both", headers=by_key("two")).status == 204
            assert next_data(first) == next_data(second) == "both"
            holds("two")
            reload(server)
            event = first.next()
            assert (event.type, event.json) == ("reconnect", {"why": "revoked"})
            assert server.append(path, "one", headers=by_key("two")).status == 204
            assert next_data(second) == "one"
    assert code(server.request("GET", path, by_key("one"))) == "wrong-token"


def pair(kind):
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate() if kind == "Ed25519" else ec.generate_private_key(getattr(ec, kind)())


@pytest.mark.parametrize(
    "kind, algorithms", [("RSA", ["RS256", "PS256"]), ("SECP256R1", ["ES256"]), ("SECP384R1", ["ES384"]), ("Ed25519", ["EdDSA"])]
)
def test_tokens_of_pyjwt_by_keys_in_pem(serve, tmp_path, kind, algorithms):
    private = pair(kind)
    public = private.public_key().public_bytes(*PEM)
    (tmp_path / "keys.pem").write_bytes(public)
    server = serve(jwt_keys=tmp_path / "keys.pem", jwt_issuer="app", jwt_audience="freshet")
    for algorithm in algorithms:
        assert server.request("GET", "/v1/streams", bearer(jwt.encode(claims(), private, algorithm))).status == 200, algorithm
    # The text of the public key as a secret: no library makes that any more.
    assert code(server.request("GET", "/v1/streams", bearer(forged(public)))) == "wrong-token"


def test_tokens_of_joserfc_by_a_key_set(serve, tmp_path):
    keys = {
        "RS256": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"}),
        "ES256": ECKey.generate_key("P-256", {"kid": "p256"}),
        "ES384": ECKey.generate_key("P-384", {"kid": "p384"}),
        "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        "HS256": OctKey.generate_key(256, {"kid": "secret"}),
    }
    dicts = [key.as_dict(private=algorithm == "HS256") for algorithm, key in keys.items()]
    unknown = {"kty": "AKP", "kid": "post-quantum", "alg": "ML-DSA-44", "pub": "AA"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [unknown, *dicts]}))
    server = serve(jwt_jwks=tmp_path / "keys.json", jwt_issuer="app", jwt_audience="freshet")

    def token(algorithm, kid, key):
        return bearer(jose.encode({"alg": algorithm, "kid": kid}, claims(), key, algorithms=[algorithm]))

    for algorithm, key in keys.items():
        assert server.request("GET", "/v1/streams", token(algorithm, key.kid, key)).status == 200, algorithm
    # A key is for its own algorithm and under its own name alone.
    other = jwt.encode(claims(), keys["RS256"].as_pem(private=True), "PS256", headers={"kid": "rsa"})
    assert code(server.request("GET", "/v1/streams", bearer(other))) == "wrong-token"
    assert server.request("GET", "/v1/streams", token("RS256", "rsa", keys["RS256"])).status == 200
    assert code(server.request("GET", "/v1/streams", token("ES256", "p384", keys["ES256"]))) == "wrong-token"
    eventually(lambda: "post-quantum" in server.logged())


class KeyServer(http.server.ThreadingHTTPServer):
    """A URL with a key set; `answer` says what comes: status, type, body."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked = 0
        self.answer = (200, "application/json", b"{}")
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/keys"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def has(self, *keys):
        self.answer = (200, "application/json", json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode())


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        answer = self.server.answer
        if answer == "silent":
            self.server.released.wait(60)
            return
        status, type, body = answer
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@pytest.fixture
def key_server():
    server = KeyServer()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def next_data(reader):
    return next(event.data for event in iter(reader.next, None) if event.data is not None)


def by(key, **more):
    return bearer(jose.encode({"alg": "ES256", "kid": key.kid}, claims(**more), key))


def test_an_issuer_that_rotates_its_keys(serve, key_server):
    old, new, third = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("old", "new", "third"))
    key_server.has(old)
    server = serve(jwt_jwks=key_server.url, jwt_issuer="app", jwt_audience="freshet")
    assert server.request("PUT", "/v1/stream/a", {"Content-Type": "text/plain", **by(old)}).status == 201
    assert key_server.asked == 1
    with server.subscribe("/v1/stream/a", by(old)) as reader:
        key_server.has(old, new)
        assert server.append("/v1/stream/a", "by the new key", headers=by(new)).status == 204
        assert key_server.asked == 2
        assert next_data(reader) == "by the new key"
        # At most once in 30 seconds.
        for _ in range(5):
            assert code(server.request("GET", "/v1/streams", by(third))) == "wrong-token"
        assert key_server.asked == 2


LIES = {
    "another type": (200, "text/html", b'{"keys": []}'),
    "no set": (200, "application/json", b"[]"),
    "no JSON": (200, "application/json", b"<html>"),
    "no keys member": (200, "application/json", b'{"error": "down for maintenance"}'),
    "what is no key": (200, "application/json", b'{"keys": ["soon"]}'),
    "10 MB": (200, "application/json", b" " * 10_000_000),
    "an error": (500, "application/json", b"{}"),
    "a redirection": (302, "application/json", b""),
    "silence": "silent",
    "a refused connection": "gone",
}
# A fetch is given up 5 s after its beginning; the rest is for a busy machine.
PATIENCE = 15


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_issuer_that_lies_keeps_the_keys_that_it_had(serve, key_server, lie):
    known, unknown = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("known", "unknown"))
    key_server.has(known)
    server = serve(jwt_jwks=key_server.url, jwt_issuer="app", jwt_audience="freshet")
    assert server.request("PUT", "/v1/stream/a", {"Content-Type": "text/plain", **by(known)}).status == 201
    with server.subscribe("/v1/stream/a", by(known)) as reader:
        key_server.answer = lie
        if lie == "gone":
            key_server.shutdown()
            key_server.server_close()
        began = time.monotonic()
        answer = server.request("GET", "/v1/streams", by(unknown))
        assert code(answer) == "wrong-token" and time.monotonic() - began < PATIENCE
        # Another token of the key that is known: this one is not remembered.
        assert server.append("/v1/stream/a", "still here", headers=by(known, jti="2")).status == 204
        assert next_data(reader) == "still here"
    eventually(lambda: "stay as they were" in server.logged())

    def metrics():
        return server.request("GET", "/metrics", by(known)).body.decode()

    eventually(lambda: 'freshet_issuer_keys_fetches_total{result="failed"} 1' in metrics())
    assert 'freshet_issuer_keys_fetches_total{result="ok"} 1' in metrics()


def test_a_token_of_a_key_that_is_not_known_waits_for_a_silent_issuer_and_nothing_else_does(serve, key_server):
    known, unknown = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("known", "unknown"))
    key_server.has(known)
    server = serve(jwt_jwks=key_server.url, jwt_issuer="app", jwt_audience="freshet", event_loops=1)
    path = server.create(name="a", headers=by(known))
    key_server.answer = "silent"
    fields = {"Content-Type": "text/plain", "Content-Length": "5", "Expect": "100-continue", **by(unknown)}
    with concurrent.futures.ThreadPoolExecutor() as pool, Connection(server.address) as connection:
        began = time.monotonic()
        connection.send_head("POST", path, fields)
        first = pool.submit(connection.read_head)
        eventually(lambda: key_server.asked == 2)
        # On the one event loop, while the other waits.
        assert server.request("GET", "/health").status == 200
        assert server.append(path, "meanwhile", headers=by(known, jti="2")).status == 204
        assert not first.done()
        # Not 100: its body is not asked for before it is known who sends it.
        assert first.result(timeout=60).status == 401
        assert time.monotonic() - began < PATIENCE
    assert server.read(path, by(known)).body == b"meanwhile"


def test_an_issuer_that_publishes_an_empty_set_has_taken_its_keys_back(serve, key_server, tmp_path):
    known, unknown = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("known", "unknown"))
    keys = tmp_path / "keys"
    keys.write_text("backend backend-key-0123456789 all *\n")
    keys.chmod(0o600)
    backend = bearer("backend-key-0123456789")
    key_server.has(known)
    issuer = {"jwt_jwks": key_server.url, "jwt_issuer": "app", "jwt_audience": "freshet"}
    server = serve(keys=keys, heartbeat_seconds=3600, **issuer)
    seen = by(known)
    path = server.create(name="answers/1", headers=seen)
    page = cookie(session(server, seen))
    assert server.request("GET", path, page).status == 200
    key_server.has()
    with server.subscribe(path, seen) as reader, server.subscribe(path, backend) as other:
        # Asked for because of a key that it does not know.
        assert code(server.request("GET", "/v1/streams", by(unknown))) == "wrong-token"
        # Seen before, and another one: neither counts, and no client is told to try again later.
        for token in (seen, by(known, jti="2")):
            assert code(server.request("GET", "/v1/streams", token)) == "wrong-token"
        assert server.request("GET", path, page).status == 401
        # What is open by them is asked again at a reload.
        reload(server)
        event = reader.next()
        assert (event.type, event.json) == ("reconnect", {"why": "revoked"})
        assert server.append(path, "still here", headers=backend).status == 204
        assert next_data(other) == "still here"
    eventually(lambda: "has taken its keys back" in server.logged())
    assert "stay as they were" not in server.logged()
    metrics = server.request("GET", "/metrics", backend).text
    assert "freshet_issuers_without_keys 1" in metrics
    assert 'freshet_issuer_keys_fetches_total{result="failed"} 0' in metrics


def test_a_server_starts_while_its_issuer_is_dead(serve, key_server):
    key = ECKey.generate_key("P-256", {"kid": "a"})
    key_server.answer = (503, "text/plain", b"")
    server = serve(jwt_jwks=key_server.url, jwt_issuer="app", jwt_audience="freshet")
    answer = server.request("GET", "/v1/streams", by(key))
    assert code(answer) == "issuer-unreachable" and answer["Retry-After"] == "30"
    eventually(lambda: "503" in server.logged())


def test_keys_go_on_working_beside_tokens(serve, secret, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("backend backend-key-0123456789 all *\ndotted eyJ.key.with-two-dots all *\n")
    keys.chmod(0o600)
    server = serve(keys=keys, jwt_secret_file=secret, jwt_issuer="app", jwt_audience="freshet")
    for credential in (bearer("backend-key-0123456789"), bearer("eyJ.key.with-two-dots"), signed()):
        assert server.request("GET", "/v1/streams", credential).status == 200
    assert code(server.request("GET", "/v1/streams")) == "no-key"
    assert code(server.request("GET", "/v1/streams", bearer("wrong-key-0123456789"))) == "wrong-key"
    assert server.request("POST", "/v1/session", bearer("backend-key-0123456789")).status == 204
    assert server.request("POST", "/v1/session", signed()).status == 204


def test_no_upstream_sees_a_token_of_ours(secret):
    with relays(Scripted) as relay:
        issuer = {"jwt_secret_file": secret, "jwt_issuer": "app", "jwt_audience": "freshet"}
        relayed = relay(["openai {url} key=caller"], Answer(CHAT), **issuer)
        relayed.begin(lambda request: Answer(CHAT))
        # In base64url this has a hyphen in every four characters.
        token = signed(jti="~" * 300)["Authorization"].removeprefix("Bearer ")
        assert token.count("-") > 50

        def call(**fields):
            headers = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in fields.items()}}
            return relayed.server.request("POST", PATHS["chat"], headers, b'{"model": "m", "stream": true, "messages": []}')

        assert call(Authorization="Bearer theirs").status == 401
        assert json.loads(call(Authorization=f"Bearer {token}").body)["type"] == "urn:freshet:key-passed-on"
        assert json.loads(call(x_goog_api_key=token).body)["type"] == "urn:freshet:key-passed-on"
        assert relayed.upstream.requests == []
        for also in ({}, {"X_Custom": token}, {"X_Prefixed": f"openai-insecure-api-key.{token}"}, {"Cookie": f"a={token}"}):
            assert call(Freshet_Key=token, Authorization="Bearer theirs", **also).status == 200, also
        assert len(relayed.upstream.requests) == 4
        for request in relayed.upstream.requests:
            assert request.fields["authorization"] == "Bearer theirs" and token not in str(request.fields)


def test_a_call_that_is_repeated_with_a_renewed_token_is_the_same_call(secret):
    with relays(Scripted) as relay:
        issuer = {"jwt_secret_file": secret, "jwt_issuer": "app", "jwt_audience": "freshet"}
        relayed = relay(["openai {url} key=none"], Answer(CHAT), **issuer)
        relayed.begin(lambda request: Answer(CHAT))

        def call(**token):
            headers = {"Content-Type": "application/json", "Idempotency-Key": "once", **signed(**token)}
            return relayed.server.request("POST", PATHS["chat"], headers, b'{"model": "m", "stream": true, "messages": []}')

        first, renewed = call(jti="1"), call(jti="2")
        assert first.status == 200 and renewed["Location"] == first["Location"]
        assert len(relayed.upstream.requests) == 1
        assert call(sub="u43")["Location"] != first["Location"]
        assert len(relayed.upstream.requests) == 2


def test_several_issuers_and_templates_in_the_settings_file(serve, tmp_path):
    secrets = {name: f"the-secret-of-{name}-which-has-more-than-32-bytes" for name in ("app", "shop")}
    for name, text in secrets.items():
        (tmp_path / name).write_text(text)
    config = tmp_path / "freshet.yaml"
    config.write_text(
        "jwt:\n"
        f"  - issuer: app\n    audience: freshet\n    secret-file: {tmp_path}/app\n"
        f"  - issuer: shop\n    audience: freshet\n    secret-file: {tmp_path}/shop\n"
        "    template: ['read=users/{sub}/', 'create=users/{sub}/']\n"
    )
    server = serve(config=config)

    def of(issuer, key=None, **more):
        return bearer(jwt.encode(claims(iss=issuer, **more), secrets[key or issuer], "HS256"))

    assert server.request("GET", "/v1/streams", of("app")).status == 200
    assert code(server.request("GET", "/v1/streams", of("app", "shop"))) == "wrong-token"
    assert code(server.request("GET", "/v1/streams", of("third", "shop"))) == "wrong-token"
    for sub, status in [("u42", 201), ("auth0|42", 403), ("u42/..", 403), ("*", 403), ("", 403), (None, 403)]:
        shopper = of("shop", sub=sub, freshet=None)
        answer = server.request("PUT", "/v1/stream/users/u42/a", {"Content-Type": "text/plain", **shopper})
        assert answer.status == status, sub
    piped = of("shop", sub="auth0|42", freshet=None)
    assert server.request("PUT", "/v1/stream/users/auth0%7C42/a", {"Content-Type": "text/plain", **piped}).status == 201
    # One segment, whatever is in it: each has its own streams, by the URL of docs/access.md, and none that a / would lead to.
    subjects = ["u/1", "u%2F1", "u%252F1", "u/*", "u", "ü ?#&+", "*", "../u"]
    shoppers = {sub: of("shop", sub=sub, freshet=None) for sub in subjects}
    paths = {sub: f"/v1/stream/users/{quote(sub.replace('%', '%25').replace('/', '%2F'), safe='')}/a" for sub in subjects}
    for sub, path in paths.items():
        assert server.request("PUT", path, {"Content-Type": "text/plain", **shoppers[sub]}).status == 201, sub
    for sub, shopper in shoppers.items():
        assert [other for other, path in paths.items() if server.request("GET", path, shopper).status == 200] == [sub]
    for path in ("u%2F1/a", "u/1/a"):
        made = server.request("PUT", f"/v1/stream/users/{path}", {"Content-Type": "text/plain", **shoppers["u/1"]})
        assert code(made) == "missing-right", path


def test_the_command_makes_and_checks_tokens(guarded, secret, tmp_path):
    common = ("--secret-file", secret, "--issuer", "app", "--audience", "freshet")
    made = run("token", *common, "--read", "users/42/", "--for", "10m", "--subject", "u42")
    assert made.returncode == 0 and made.stderr == b""
    token = made.stdout.decode().removesuffix("\n")
    assert jwt.decode(token, SECRET, ["HS256"], audience="freshet", issuer="app")["freshet"] == {"read": ["users/42/"]}
    assert guarded.request("GET", "/v1/streams", bearer(token)).status == 200
    checked = run("token", "--verify", *common, input=made.stdout)
    assert checked.returncode == 0 and json.loads(checked.stdout)["sub"] == "u42"
    wrong = run("token", "--verify", *common, input=jwt.encode(claims(aud="x"), SECRET, "HS256").encode())
    assert wrong.returncode == 1 and wrong.stdout == b"" and b"aud" in wrong.stderr
    for arguments in ([*common], [*common, "--read", "/a"], [*common, "--read", "a", "--for", "soon"], ["--read", "a"], ["--verify"]):
        assert run("token", *arguments).returncode == 64


@pytest.mark.parametrize(
    "bytes, says", [(b"too-short", b"32"), (b"-----BEGIN PUBLIC KEY-----\n" + b"A" * 64, b"PEM"), (None, b"cannot be read")]
)
def test_a_secret_file_that_is_none_stops_the_server(tmp_path, bytes, says):
    if bytes is not None:
        (tmp_path / "secret").write_bytes(bytes)
    ended = run("serve", "--memory", "--jwt-secret-file", tmp_path / "secret")
    assert ended.returncode == 64 and says in ended.stderr and b"secret" in ended.stderr
