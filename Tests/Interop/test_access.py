"""Who may: hosts, origins, keys and cookies."""

import os
import re

import pytest

from support.freshet import Freshet, run
from support.waiting import eventually

FOREIGN = "https://evil.example"
KEYS = {
    "backend": "backend-key-0123456789",
    "writer": "writer-key-0123456789",
    "reader": "reader-key-0123456789",
}


@pytest.fixture
def guarded(serve, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(
        "# name key rights streams\n"
        f"backend {KEYS['backend']} all *\n"
        f"writer {KEYS['writer']} append,end chat/ jobs/\n"
        f"reader {KEYS['reader']} read chat/\n"
    )
    keys.chmod(0o600)
    return serve(keys=keys)


def bearer(name):
    return {"Authorization": f"Bearer {KEYS[name]}"}


# Origins


CHANGES = [
    ("PUT", {"Content-Type": "text/plain"}, None),
    ("POST", {"Content-Type": "text/plain"}, "x"),
    ("POST", {"Stream-Closed": "true"}, None),
    ("POST", {"Stream-Cancel": "true"}, None),
    ("POST", {"Stream-Lease": "1"}, None),
    ("DELETE", {}, None),
]


@pytest.mark.parametrize(
    "who", [{"Origin": FOREIGN}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://localhost:1"}]
)
@pytest.mark.parametrize("method, headers, body", CHANGES)
def test_a_page_of_another_origin_changes_nothing(server, who, method, headers, body):
    path = server.create() if method != "PUT" else "/v1/stream/forged"
    assert server.request(method, path, {**headers, **who}, body).status == 403
    if method == "PUT":
        assert server.request("HEAD", path).status == 404
    else:
        head = server.request("HEAD", path)
        assert head.status == 200 and "Stream-Closed" not in head
        assert server.read(path).body == b""


def test_it_is_refused_before_its_body_is_read(server):
    from support.wire import Connection

    path = server.create()
    with Connection(server.address) as connection:
        connection.send_head(
            "POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", "Origin": FOREIGN}
        )
        assert connection.read_answer().status == 403


def test_the_servers_own_pages_may(server):
    path = server.create()
    own = {
        "Host": f"127.0.0.1:{server.port}",
        "Origin": server.url,
        "Sec-Fetch-Site": "same-origin",
    }
    assert server.append(path, "x", headers=own).status == 204
    assert server.append(path, "x", headers={"Sec-Fetch-Site": "same-origin"}).status == 204


def test_a_program_without_an_origin_may(server):
    path = server.create()
    assert server.append(path, "x").status == 204


def test_a_configured_origin_may_and_sees_every_answer(serve):
    server = serve(allowed_origins="https://app.example")
    origin = {"Origin": "https://app.example"}
    path = server.create()
    ended, last = end_of(server)
    answers = [
        server.append(path, "x", headers=origin),
        server.request("GET", path, origin),
        server.request("GET", "/v1/stream/unknown", origin),
        server.request("GET", ended, {**origin, "Accept": "text/event-stream"}),
        server.request("GET", ended, {**origin, "Accept": "text/event-stream", "Last-Event-ID": last}),
        server.request("PATCH", path, origin),
        server.request("GET", path, {**origin, "If-None-Match": server.read(path)["ETag"]}),
        server.request("OPTIONS", path, {**origin, "Access-Control-Request-Method": "POST"}),
    ]
    for answer in answers:
        assert answer["Access-Control-Allow-Origin"] == "https://app.example", answer
        assert answer["Vary"] == "Accept, Origin"
    exposed = answers[0]["Access-Control-Expose-Headers"].lower()
    for field in ("stream-next-offset", "stream-closed", "etag", "location", "retry-after", "producer-epoch"):
        assert field in exposed
    preflight = answers[-1]
    assert preflight.status in (200, 204)
    assert "POST" in preflight["Access-Control-Allow-Methods"]
    assert "stream-closed" in preflight["Access-Control-Allow-Headers"].lower()
    assert server.request("GET", path, {"Origin": FOREIGN})["Access-Control-Allow-Origin"] is None


def end_of(server):
    path = server.create()
    server.end(path)
    with server.subscribe(path) as reader:
        return path, reader.rest()[-1].id


# Hosts


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io", ""]
)
def test_a_name_that_was_rebound_to_loopback_is_403(server, host):
    path = server.create()
    for method in ("GET", "POST"):
        answer = server.request(method, path, {"Host": host.format(port=server.port), "Content-Type": "text/plain"})
        assert answer.status in ((403,) if host else (400, 403)), answer


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}"])
def test_loopback_names_are_answered(server, host):
    path = server.create()
    assert server.request("GET", path, {"Host": host.format(port=server.port)}).status == 200


def test_a_configured_name_is_answered(serve):
    server = serve(hosts="freshet.internal")
    path = server.create()
    assert server.request("GET", path, {"Host": "freshet.internal"}).status == 200


def test_health_is_for_whoever_checks_it(server):
    assert server.request("GET", "/health").status == 200


# Binding


def test_it_refuses_to_bind_beyond_loopback_without_keys():
    server = Freshet(host="0.0.0.0", wait=False)
    output, _ = server.process.communicate(timeout=60)
    assert server.process.returncode not in (0, None)
    said = output + server.logged()
    assert "keys" in said and "open" in said


def test_it_binds_beyond_loopback_when_told_open(serve):
    server = serve(host="0.0.0.0", open=True)
    path = server.create()
    assert server.request("GET", path, {"Host": "any.example"}).status == 200


# Keys


def test_without_a_key_nothing_is_given(guarded):
    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        answer = guarded.request(method, "/v1/stream/chat/1", {"Content-Type": "text/plain"})
        assert answer.status == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
    assert guarded.request("GET", "/health").status == 200


@pytest.mark.parametrize("credential", ["Bearer wrong-key-0123456789", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b"])
def test_a_wrong_key_is_401(guarded, credential):
    assert guarded.request("GET", "/v1/stream/chat/1", {"Authorization": credential}).status == 401


def test_a_key_gives_its_rights_on_its_prefixes_and_no_others(guarded):
    def put(name, who):
        return guarded.request("PUT", f"/v1/stream/{name}", {"Content-Type": "text/plain", **bearer(who)}).status

    def post(name, who, body="x", **headers):
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        type = {"Content-Type": "text/plain"} if body else {}
        return guarded.request("POST", f"/v1/stream/{name}", {**type, **headers, **bearer(who)}, body).status

    def get(name, who, **headers):
        return guarded.request("GET", f"/v1/stream/{name}", {**headers, **bearer(who)}).status

    assert put("chat/1", "writer") == 403
    assert put("chat/1", "backend") == 201
    assert put("other/1", "backend") == 201
    assert post("chat/1", "writer") == 204
    assert post("other/1", "writer") == 403
    assert post("chat/1", "reader") == 403
    assert get("chat/1", "writer") == 403
    assert get("chat/1", "reader") == 200
    assert get("other/1", "reader") == 403
    assert get("chat/1", "writer", Accept="text/event-stream") == 403
    assert post("chat/1", "writer", body=None, Stream_Cancel="true") == 403
    assert guarded.request("DELETE", "/v1/stream/chat/1", bearer("writer")).status == 403
    assert post("chat/1", "writer", body=None, Stream_Closed="true") == 204
    assert guarded.request("DELETE", "/v1/stream/chat/1", bearer("backend")).status == 204


def test_who_may_not_read_does_not_learn_what_exists(guarded):
    there = guarded.request("PUT", "/v1/stream/other/2", {"Content-Type": "text/plain", **bearer("backend")})
    assert there.status == 201
    present = guarded.request("GET", "/v1/stream/other/2", bearer("reader"))
    absent = guarded.request("GET", "/v1/stream/other/3", bearer("reader"))
    assert (present.status, absent.status) == (403, 403)


def test_no_page_of_the_list_names_what_the_key_may_not_read(guarded):
    for name in ["chat/1", "chat/2"] + [f"secret/customer-{n:05}" for n in range(1100)]:
        assert guarded.request("PUT", f"/v1/stream/{name}", {"Content-Type": "text/plain", **bearer("backend")}).status == 201
    fork = {"Stream-Forked-From": "/v1/stream/secret/customer-00978", **bearer("backend")}
    assert guarded.request("PUT", "/v1/stream/chat/3", fork).status == 201
    for query in ("", "?prefix=", "?cursor=secret/customer-00500", "?prefix=secret/", "?prefix=s&cursor=secret/customer-00978"):
        answer = guarded.request("GET", "/v1/streams" + query, bearer("reader"))
        assert answer.status == 200 and b"secret" not in answer.body and answer.json["next"] is None, answer
    listed = guarded.request("GET", "/v1/streams", bearer("reader")).json["streams"]
    assert [stream["name"] for stream in listed] == ["chat/1", "chat/2", "chat/3"]
    assert guarded.request("GET", "/v1/streams/chat/3", bearer("reader")).json["forkedFrom"] is None
    told = guarded.request("GET", "/v1/streams/chat/3", bearer("backend")).json
    assert told["forkedFrom"] == "secret/customer-00978"


@pytest.mark.parametrize("mode, warned", [(0o600, False), (0o400, False), (0o640, True), (0o644, True)])
def test_a_keys_file_that_others_may_read_is_warned_of(serve, tmp_path, mode, warned):
    keys = tmp_path / "keys"
    keys.write_text(f"backend {KEYS['backend']} all *\n")
    keys.chmod(mode)
    server = serve(keys=keys)
    if warned:
        # A thread writes the log, and may be late.
        eventually(lambda: f"chmod 600 {keys}" in server.logged(), what="the warning")
    server.stop(patience=60)
    said = server.logged()
    assert (f"chmod 600 {keys}" in said) == warned, said
    assert KEYS["backend"] not in said
    client = tmp_path / "key"
    client.write_text(KEYS["backend"])
    client.chmod(mode)
    output = run("ls", "--key", client, env={**os.environ, "FRESHET_URL": "http://127.0.0.1:1"}).stderr.decode()
    assert (f"chmod 600 {client}" in output) == warned, output


def test_a_page_reads_through_a_cookie_that_is_set_from_a_key(guarded):
    guarded.request("PUT", "/v1/stream/chat/1", {"Content-Type": "text/plain", **bearer("backend")})
    answer = guarded.request("POST", "/v1/session", bearer("reader"))
    assert answer.status in (200, 204)
    cookie = answer["Set-Cookie"]
    assert "HttpOnly" in cookie and re.search(r"SameSite=(Strict|Lax)", cookie)
    assert KEYS["reader"] not in cookie
    value = cookie.split(";")[0]
    assert guarded.request("GET", "/v1/stream/chat/1", {"Cookie": value}).status == 200
    with guarded.subscribe("/v1/stream/chat/1", {"Cookie": f"theme=dark; {value}"}) as reader:
        assert reader.head.status == 200
    # The cookie reads what its key reads, and a forged one nothing.
    assert guarded.request("GET", "/v1/stream/other/1", {"Cookie": value}).status == 403
    assert guarded.request("GET", "/v1/stream/chat/1", {"Cookie": value[:-2] + "AA"}).status == 401
    assert guarded.request("POST", "/v1/session", {"Authorization": "Bearer wrong-key-0123456789"}).status == 401


def test_a_cookie_alone_does_not_let_another_site_write(guarded):
    guarded.request("PUT", "/v1/stream/chat/1", {"Content-Type": "text/plain", **bearer("backend")})
    page = {**bearer("backend"), "Sec-Fetch-Site": "same-origin"}
    cookie = guarded.request("POST", "/v1/session", page, '{"all": true}')["Set-Cookie"].split(";")[0]
    for who in ({"Origin": FOREIGN}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        headers = {"Cookie": cookie, "Content-Type": "text/plain", **who}
        assert guarded.request("POST", "/v1/stream/chat/1", headers, "x").status == 403


def test_a_cookie_is_for_reading_unless_its_page_names_other_rights(guarded):
    text = {"Content-Type": "text/plain"}
    guarded.request("PUT", "/v1/stream/chat/1", {**text, **bearer("backend")})
    page = {"Sec-Fetch-Site": "same-origin"}

    def session(wish, **fields):
        return guarded.request("POST", "/v1/session", {**bearer("backend"), **fields}, wish)

    for wish, status in ((None, 403), ('{"for": 600}', 403), ('{"read": true, "append": true}', 204), ('{"read": true, "append": ["chat/1"]}', 204)):
        made = session(wish, **page)
        assert made.status == 204, made
        cookie = {"Cookie": made["Set-Cookie"].split(";")[0], **page}
        assert guarded.request("GET", "/v1/stream/chat/1", cookie).status == 200
        assert guarded.request("POST", "/v1/stream/chat/1", {**text, **cookie}, "x").status == status, wish
    # A program is no page.
    assert session('{"append": true}').status == 403


def test_a_key_in_the_url_is_no_key(guarded):
    key = KEYS["backend"]
    for query in (f"?key={key}", f"?token={key}", f"?access_token={key}", f"?authorization={key}"):
        assert guarded.request("GET", f"/v1/stream/chat/1{query}").status == 401


def test_keys_are_not_logged(guarded):
    guarded.request("PUT", "/v1/stream/chat/1", {"Content-Type": "text/plain", **bearer("backend")})
    guarded.request("GET", "/v1/stream/chat/1", {"Authorization": "Bearer wrong-key-0123456789"})
    guarded.stop()
    for key in (*KEYS.values(), "wrong-key-0123456789"):
        assert key not in guarded.logged()


@pytest.mark.parametrize(
    "text", ["", "backend short all *\n", "backend backend-key-0123456789 everything *\n", "just-one-word\n"]
)
def test_a_keys_file_that_cannot_be_meant_stops_the_start(tmp_path, text):
    keys = tmp_path / "keys"
    keys.write_text(text)
    server = Freshet(keys=keys, wait=False)
    output, _ = server.process.communicate(timeout=60)
    assert server.process.returncode not in (0, None)
    assert str(keys) in output + server.logged()


# Settings


def test_an_unknown_setting_is_refused_by_name(tmp_path):
    file = tmp_path / "freshet.yaml"
    file.write_text("heartbeat-secnds: 5\n")
    server = Freshet(config=file, wait=False)
    output, _ = server.process.communicate(timeout=60)
    assert server.process.returncode not in (0, None)
    assert "heartbeat-secnds" in output + server.logged()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(serve, tmp_path):
    file = tmp_path / "freshet.yaml"
    file.write_text("retry-milliseconds: 111\nheartbeat-seconds: 33\n")

    def retry(server):
        path = server.create()
        server.append(path, "x")
        with server.subscribe(path) as reader:
            return reader.next().retry

    assert retry(serve(config=file)) == 111
    environment = {"FRESHET_RETRY_MILLISECONDS": "222"}
    assert retry(serve(config=file, environment=environment)) == 222
    assert retry(serve(config=file, environment=environment, retry_milliseconds=333)) == 333


def test_a_port_in_use_is_said_plainly(server):
    second = Freshet(port=server.port, wait=False)
    output, _ = second.process.communicate(timeout=60)
    assert second.process.returncode not in (0, None)
    assert str(server.port) in output + second.logged()
