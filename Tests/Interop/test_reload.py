"""What SIGHUP, or a timer, reads again, what stays open, and what ends with its right."""

import contextlib
import json
import os
import signal
import threading
import time

import pytest

from support.freshet import IS_DEBUG, TRANSPORT, run
from support.looks import Looks
from support.progress import Progress
from support.waiting import eventually
from support.wire import Closed, Connection
from test_tokens import SECRET, code, signed

KEYS = {name: f"{name}-key-0123456789abcdef" for name in ("owner", "one", "two")}
LINES = {"owner": "all *", "one": "read room/", "two": "read room/"}
CUT = (Closed, ConnectionError)


def line(name, rights=None):
    return f"{name} {KEYS[name]} {rights or LINES[name]}\n"


def bearer(name):
    return {"Authorization": f"Bearer {KEYS[name]}"}


def cookie(server, name, seconds, **rights):
    """A session that ends in so many seconds, for a page of the server's own."""
    page = {**bearer(name), "Sec-Fetch-Site": "same-origin"}
    answer = server.request("POST", "/v1/session", page, json.dumps({**rights, "for": seconds}))
    assert answer.status == 204, answer
    return {"Cookie": answer["Set-Cookie"].split(";")[0]}


def with_session(server, who, begin, **rights):
    """What `begin` opens with a session that ends soon after, and the session. It returns nothing where the session was over
    before, on a busy machine: then there is more time."""
    for seconds in (2, 4, 8, 16, 32):
        session = cookie(server, who, seconds, **rights)
        if opened := begin(session):
            return opened, session
    raise AssertionError("no session lasts until a request is answered")


def is_good(*connections):
    """Whether all of them were answered; where not, they are closed."""
    if all(one.head.status == 200 for one in connections):
        return True
    for one in connections:
        assert one.head.status in (200, 401)
        one.close()
    return False


def replace(path, text):
    """Replaces a file at once: half a file would be refused."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    os.replace(new, path)


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text("".join(line(name) for name in KEYS))
    path.chmod(0o600)
    return path


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


@pytest.fixture
def guarded(serve, keys):
    server = serve(keys=keys)
    server.keys = keys
    return server


def create(server, name, type="text/plain"):
    answer = server.request("PUT", f"/v1/stream/{name}", {"Content-Type": type, **bearer("owner")})
    assert answer.status == 201, answer
    return f"/v1/stream/{name}"


def append(server, path, text):
    answer = server.append(path, text, headers=bearer("owner"))
    assert answer.status == 204, answer


def reload(server):
    """Returns when it was done, or refused."""
    before = outcomes(server)
    server.process.send_signal(signal.SIGHUP)
    try:
        eventually(lambda: outcomes(server) > before, 100)
    except AssertionError:
        raise AssertionError(f"{before} reloads, and no more: {server.logged()[-2000:]}") from None


def outcomes(server):
    log = server.logged()
    return log.count("was reloaded") + log.count("stays as it was")


def told(event):
    return (event.type, event.json, event.retry)


# Reload


def test_who_loses_a_right_is_told_within_a_second_and_nobody_else(guarded):
    path, took = create(guarded, "room/a"), []
    with guarded.subscribe(path, bearer("two")) as two:
        # The machine may be busy in one round, and does nothing for a while.
        for number in range(3):
            guarded.keys.write_text("".join(line(name) for name in KEYS))
            reload(guarded)
            with guarded.subscribe(f"{path}?offset=now", bearer("one")) as one:
                assert one.next().type == "start"
                append(guarded, path, f"before {number}")
                assert one.next().data == two.next().data == f"before {number}"
                guarded.keys.write_text(line("owner") + line("two"))
                guarded.process.send_signal(signal.SIGHUP)
                began = time.monotonic()
                assert told(one.next()) == ("reconnect", {"why": "revoked"}, 5000)
                assert one.next() is None
                took.append(time.monotonic() - began)
        assert IS_DEBUG or min(took) < 1
        for number in range(20):
            append(guarded, path, f"{number}")
            assert two.next().data == f"{number}"
    assert guarded.request("GET", path, bearer("one")).status == 401
    assert guarded.request("GET", path, bearer("two")).status == 200


def test_a_right_that_is_narrowed_ends_what_it_no_longer_covers(guarded):
    kept, lost = create(guarded, "room/kept"), create(guarded, "room/lost")
    with guarded.subscribe(kept, bearer("one")) as stays, guarded.subscribe(lost, bearer("one")) as goes:
        guarded.keys.write_text(line("owner") + line("two") + line("one", "read room/kept"))
        reload(guarded)
        assert told(goes.next())[1] == {"why": "revoked"} and goes.next() is None
        append(guarded, kept, "still")
        assert stays.next().data == "still"


def test_a_new_key_is_good_after_a_reload(guarded):
    path = create(guarded, "room/new")
    new = {"Authorization": "Bearer new-key-0123456789abcdef"}
    assert guarded.request("GET", path, new).status == 401
    with guarded.keys.open("a") as file:
        file.write("new new-key-0123456789abcdef read room/\n")
    reload(guarded)
    assert guarded.request("GET", path, new).status == 200


def test_a_broken_keys_file_changes_nothing_and_is_named_by_its_line(guarded):
    path = create(guarded, "room/b")
    with guarded.subscribe(path, bearer("one")) as one:
        guarded.keys.write_text(line("owner") + "nonsense\n")
        reload(guarded)
        assert f"{guarded.keys}:2" in guarded.logged()
        append(guarded, path, "still here")
        assert one.next().data == "still here"
    assert guarded.request("GET", path, bearer("two")).status == 200


def test_a_prefix_that_ends_within_a_name_is_warned_of_at_the_start_and_at_a_reload(serve, keys):
    keys.write_text(line("owner") + line("one", "read room/4"))
    server = serve(keys=keys)
    create(server, "room/42")
    assert server.request("GET", "/v1/stream/room/42", bearer("one")).status == 200
    assert server.logged().count(f"{keys}:2: room/4 is every stream") == 1
    reload(server)
    assert server.logged().count(f"{keys}:2: room/4 is every stream") == 2


def test_a_cookie_dies_with_its_key(guarded):
    path = create(guarded, "room/c")
    session = guarded.request("POST", "/v1/session", bearer("one"))["Set-Cookie"].split(";")[0]
    with guarded.subscribe(path, {"Cookie": session}) as one:
        # The same name, and another key.
        guarded.keys.write_text(line("owner") + line("one").replace("one-key", "new-key"))
        reload(guarded)
        assert told(one.next())[1] == {"why": "revoked"} and one.next() is None
    assert guarded.request("GET", path, {"Cookie": session}).status == 401


def test_settings_of_the_file_are_read_again_and_those_that_cannot_change_are_named(serve, tmp_path):
    settings = tmp_path / "freshet.yaml"
    settings.write_text("heartbeat-seconds: 9\nallowed-origins: [https://one.example]\n")
    server = serve(config=settings)
    path = server.create()

    def allows(origin):
        return server.request("GET", path, {"Origin": origin})["Access-Control-Allow-Origin"] == origin

    assert allows("https://one.example") and not allows("https://two.example")
    settings.write_text("heartbeat-seconds: 8\nallowed-origins: [https://two.example]\nhosts: [web.example]\n")
    assert server.request("GET", path, {"Host": "web.example"}).status == 403
    reload(server)
    assert allows("https://two.example") and not allows("https://one.example")
    assert server.request("GET", path, {"Host": "web.example"}).status == 200
    eventually(lambda: "next start" in server.logged())
    named = [found for found in server.logged().splitlines() if "next start" in found]
    assert len(named) == 1 and "heartbeat-seconds" in named[0] and "hosts" not in named[0]
    # What is wrong in it keeps all of it from being taken.
    settings.write_text("allowed-origins: [https://three.example]\nlog-levle: debug\n")
    reload(server)
    assert f"{settings}:2: log-levle" in server.logged()
    assert allows("https://two.example") and not allows("https://three.example")


def test_the_log_level_changes_while_the_server_runs(serve, tmp_path):
    settings = tmp_path / "freshet.yaml"
    settings.write_text("log-level: error\n")
    server = serve(config=settings)

    def logged(name):
        assert server.request("GET", f"/v1/stream/{name}?offset=nonsense").status == 400
        return name in server.logged()

    logged("quiet")
    settings.write_text("log-level: trace\n")
    server.process.send_signal(signal.SIGHUP)
    number = iter(range(10_000))
    eventually(lambda: logged(f"loud{next(number)}"))
    assert "quiet" not in server.logged()


def test_a_hundred_reloads_under_load_cut_nobody_and_lose_nothing(serve, keys, secret):
    server = serve(keys=keys, jwt_secret_file=secret, jwt_issuer="app", jwt_audience="freshet")
    token = signed({"read": ["room/"], "append": ["room/body-token"]}, exp=int(time.time()) + 3600)
    readers = {"key": bearer("one"), "cookie": cookie(server, "two", 3600), "token": token}
    posts = [create(server, f"room/post{index}") for index in range(2)]
    bodies = {create(server, "room/body-key"): bearer("owner"), create(server, "room/body-token"): token}
    progress, done, found = Progress(), threading.Event(), {}

    def write(path):
        count = 0
        while not done.is_set():
            append(server, path, f"{count} ")
            count += 1
            progress.reached(path, count)

    def stream(path, who):
        with contextlib.closing(Connection(server.address, timeout=300)) as producer:
            producer.send_head("POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", **who})
            count = 0
            while not done.is_set():
                producer.send_chunk(f"{count} ")
                count += 1
                progress.reached(path, count)
                # Nothing is said to the body before its end: the next word follows when everybody has read this one.
                progress.until({(path, name): count for name in readers})
            producer.send_chunk("")
            answer = producer.read_answer()
        assert answer.status in (200, 204), answer
        assert answer["Stream-Next-Offset"] == server.request("HEAD", path, bearer("owner"))["Stream-Next-Offset"]

    def read(path, name):
        with server.subscribe(path, readers[name], timeout=300) as reader:
            text, event = "", reader.next()
            while event.type == "message":
                text += event.data
                progress.reached((path, name), text.count(" "))
                event = reader.next()
            assert event.type == "end" and reader.next() is None, event
            found[path, name] = text

    reading = [progress.thread(read, path, name) for path in (*posts, *bodies) for name in readers]
    writing = [progress.thread(write, path) for path in posts]
    writing += [progress.thread(stream, path, who) for path, who in bodies.items()]
    everybody = [*posts, *bodies, *((path, name) for path in (*posts, *bodies) for name in readers)]
    base = "".join(line(name) for name in KEYS)
    for number in range(100):
        # Each of them goes on between any two reloads, and so through all of them.
        progress.until({who: progress.counts[who] + 1 for who in everybody})
        replace(keys, base + f"other{number} other-key-{number:010} read *\n")
        reload(server)
    progress.until({who: progress.counts[who] + 1 for who in everybody})
    done.set()
    for thread in writing:
        thread.join(timeout=300)
        assert not thread.is_alive()
    for path in (*posts, *bodies):
        assert server.request("POST", path, {"Stream-Closed": "true", **bearer("owner")}).status == 204
    for thread in reading:
        thread.join(timeout=300)
        assert not thread.is_alive()
    assert not progress.problems
    for path in (*posts, *bodies):
        whole = "".join(f"{number} " for number in range(progress.counts[path]))
        assert {name: found[path, name] for name in readers} == dict.fromkeys(readers, whole)
    assert server.logged().count("was reloaded") == 100 and "stays as it was" not in server.logged()


@pytest.mark.skipif(TRANSPORT in ("tls", "h2"), reason="its certificate is read again")
def test_without_anything_to_read_again_a_hangup_ends_the_server(serve):
    server = serve()
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(30) == -signal.SIGHUP


# By a timer


def mounted(folder, text):
    """Puts a keys file where Kubernetes would: behind a link that is replaced, with what it leads to."""
    folder.mkdir(exist_ok=True)
    place = folder / f"..{len(list(folder.iterdir()))}"
    place.mkdir()
    (place / "keys").write_text(text)
    (place / "keys").chmod(0o600)
    (folder / "..new").symlink_to(place.name)
    os.replace(folder / "..new", folder / "..data")
    return folder / "..data" / "keys"


def test_without_a_signal_a_key_that_is_added_is_let_in_and_who_loses_a_right_is_told(serve, tmp_path):
    volume, everybody = tmp_path / "volume", "".join(line(name) for name in KEYS)
    server = serve(keys=mounted(volume, everybody), reload_seconds=0.05)
    path = create(server, "room/t")
    new = {"Authorization": "Bearer new-key-0123456789abcdef"}
    assert server.request("GET", path, new).status == 401
    with server.subscribe(path, bearer("one")) as one, server.subscribe(path, bearer("two")) as two:
        mounted(volume, everybody + "new new-key-0123456789abcdef read room/\n")
        eventually(lambda: server.request("GET", path, new).status == 200)
        append(server, path, "both")
        assert one.next().data == two.next().data == "both"
        mounted(volume, line("owner") + line("two"))
        assert told(one.next()) == ("reconnect", {"why": "revoked"}, 5000) and one.next() is None
        append(server, path, "still")
        assert two.next().data == "still"
    assert server.request("GET", path, new).status == server.request("GET", path, bearer("one")).status == 401
    eventually(lambda: outcomes(server) >= 2)
    assert server.stop(patience=60) == 0
    assert server.logged().count("was reloaded") == 2 and "stays as it was" not in server.logged()


def test_without_a_signal_a_broken_file_changes_nothing_and_is_told_once(serve, keys):
    server = serve(keys=keys, reload_seconds=0.05)
    path, good = create(server, "room/u"), keys.read_text()

    def refusals():
        return server.logged().count("stays as it was")

    with Looks(keys.parent) as looks, server.subscribe(path, bearer("one")) as one:
        for count, broken in ((1, "nonsense\n"), (2, good + "nonsense\n")):
            replace(keys, broken)
            eventually(lambda count=count: refusals() == count)
            looks.more("keys", 10)
            assert refusals() == count and f"{keys}:{broken.count(chr(10))}" in server.logged()
            append(server, path, "still here")
            assert one.next().data == "still here"
        assert server.request("GET", path, bearer("two")).status == 200
        replace(keys, line("owner") + line("two"))
        assert told(one.next())[1] == {"why": "revoked"} and one.next() is None
    eventually(lambda: "was reloaded" in server.logged())
    assert refusals() == 2


def test_without_a_signal_files_that_stay_the_same_are_not_told_of(serve, keys, tmp_path):
    settings = tmp_path / "freshet.yaml"
    settings.write_text("reload-seconds: 0.05\n")
    server = serve(keys=keys, config=settings)
    path = create(server, "room/v")
    with Looks(tmp_path) as looks, server.subscribe(path, bearer("one")) as one:
        eventually(lambda: "Streams are kept in memory" in server.logged())
        before = server.logged()
        looks.more("keys", 5)
        # Another file, and another time.
        replace(keys, "".join(line(name) for name in KEYS))
        looks.more("keys", 5)
        append(server, path, "still here")
        assert one.next().data == "still here"
        assert server.logged() == before
        # And one that is changed is.
        replace(settings, "reload-seconds: 0.05\nhosts: [web.example]\n")
        eventually(lambda: "was reloaded" in server.logged())
        assert server.request("GET", path, {"Host": "web.example", **bearer("one")}).status == 200


def test_a_timer_without_anything_to_look_at_is_refused():
    for arguments in (["--check-config"], ["--memory"]):
        done = run("serve", *arguments, "--reload-seconds", "5")
        assert done.returncode == 64 and b"reload-seconds" in done.stderr, done


# Expiry


def test_a_native_read_is_told_that_its_session_expired(guarded):
    path = create(guarded, "room/d")
    append(guarded, path, "first")

    def begin(session):
        readers = guarded.subscribe(path, session), guarded.lines(path, session)
        return readers if is_good(*readers) else None

    (sse, lines), session = with_session(guarded, "one", begin)
    with sse, lines:
        assert sse.next().data == lines.next()["data"] == "first"
        assert told(sse.next()) == ("reconnect", {"why": "expired"}, 5000)
        assert sse.next() is None
        last = lines.next()
        assert (last["event"], last["data"]) == ("reconnect", {"why": "expired"})
        assert lines.next() is None
    assert guarded.request("GET", path, session).status == 401


def subscribed(guarded, target):
    """A read with a session that ends soon after, and the session."""

    def begin(session):
        reader = guarded.subscribe(target, session)
        return reader if is_good(reader) else None

    return with_session(guarded, "one", begin)


def test_a_read_before_the_stream_is_told_too(guarded):
    reader, _ = subscribed(guarded, "/v1/stream/room/none")
    with reader:
        assert told(reader.next())[1] == {"why": "expired"} and reader.next() is None


def test_a_durable_streams_read_ends_well_and_is_refused_when_it_comes_back(guarded):
    path = create(guarded, "room/e")
    append(guarded, path, "first")
    reader, session = subscribed(guarded, f"{path}?offset=-1&live=sse")
    with reader:
        while reader.more():
            pass
    assert [line for line in reader.body.split(b"\n") if line.startswith(b"event:")] == [b"event: data", b"event: control"]
    assert guarded.request("GET", f"{path}?offset=-1&live=sse", session).status == 401


def test_a_long_poll_is_answered_that_there_is_nothing(guarded):
    path = create(guarded, "room/f")

    def begin(session):
        answer = guarded.request("GET", f"{path}?offset=now&live=long-poll", session)
        return answer if answer.status != 401 else None

    answer, _ = with_session(guarded, "one", begin)
    assert answer.status == 204 and answer["Stream-Next-Offset"]


def test_the_plain_form_is_left_unfinished(guarded):
    path = create(guarded, "room/g")
    append(guarded, path, "first")
    reader, _ = subscribed(guarded, f"{path}?as=plain")
    with reader:
        assert reader.next().data == "first"
        with pytest.raises(CUT):
            reader.next()


def test_a_catch_up_body_is_left_unfinished(guarded):
    path = create(guarded, "room/h")
    for _ in range(24):
        append(guarded, path, "x" * 900_000)

    def begin(session):
        connection = Connection(guarded.address)
        connection.send_head("GET", path, session)
        connection.head = connection.read_head()
        return connection if is_good(connection) else None

    connection, _ = with_session(guarded, "one", begin)
    with connection:
        # More than the peer takes: it is open until its right ends, and what follows then never comes.
        eventually(lambda: "cut short" in guarded.logged())
        with pytest.raises(CUT):
            while connection.read_chunk():
                pass


def test_a_read_by_a_token_ends_when_its_leeway_has_passed_too(serve, keys, secret):
    leeway = 2
    server = serve(keys=keys, jwt_secret_file=secret, jwt_issuer="app", jwt_audience="freshet", jwt_leeway_seconds=leeway)
    path = create(server, "room/l")
    # Over by now, but for the leeway; on a busy machine that may pass before it is shown.
    for seconds in (0, 2, 4, 8, 16, 32):
        expiry = int(time.time()) + seconds
        token = signed({"read": ["room/"]}, exp=expiry)
        reader = server.subscribe(path, token)
        if is_good(reader):
            break
    with reader:
        assert told(reader.next()) == ("reconnect", {"why": "expired"}, 5000)
        assert time.time() >= expiry + leeway and reader.next() is None
    assert code(server.request("GET", path, token)) == "expired-token"


def test_a_streaming_append_is_told_how_far_it_came(guarded):
    path = create(guarded, "room/i")

    def begin(session):
        producer = Connection(guarded.address)
        # A cookie changes something only for a page of the server's own.
        page = {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
        producer.send_head("POST", path, {**page, **session})
        producer.send_chunk("kept")
        # It is there, or was refused.
        while not guarded.read(path, bearer("owner")).body:
            if guarded.request("HEAD", path, session).status == 401:
                producer.close()
                return None
        return producer

    producer, _ = with_session(guarded, "owner", begin, read=True, append=["room/i"])
    with producer:
        answer = producer.read_answer()
    assert answer.status == 401 and answer.json["type"].endswith("credential-expired")
    head = guarded.request("HEAD", path, bearer("owner"))
    assert answer["Stream-Next-Offset"] == head["Stream-Next-Offset"]


def test_a_streaming_append_whose_key_is_taken_out_is_refused(guarded):
    path = create(guarded, "room/j")
    with contextlib.closing(Connection(guarded.address)) as producer, guarded.subscribe(path, bearer("one")) as reader:
        producer.send_head(
            "POST", path, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", **bearer("owner")}
        )
        producer.send_chunk("kept")
        assert reader.next().data == "kept"
        guarded.keys.write_text(line("one"))
        reload(guarded)
        answer = producer.read_answer()
    assert answer.status == 401 and answer["Stream-Next-Offset"]


# Checking


def check(*arguments):
    return run("serve", "--check-config", *arguments)


def test_a_configuration_is_checked_without_a_store_and_without_a_port(serve, keys, tmp_path):
    settings = tmp_path / "freshet.yaml"
    data = tmp_path / "data"
    # Somebody has the port.
    settings.write_text(f"keys: {keys}\ndata: {data}\nport: {serve().port}\n")
    done = check("--config", settings)
    assert (done.returncode, done.stdout) == (0, b"The configuration is valid.\n")
    assert not data.exists()
    keys.chmod(0o644)
    done = check("--config", settings)
    assert done.returncode == 0 and b"chmod 600" in done.stderr


def test_an_issuer_whose_keys_are_on_the_web_is_not_asked():
    done = check("--jwt-issuer", "app", "--jwt-audience", "freshet", "--jwt-jwks", "https://127.0.0.1:1/keys")
    assert (done.returncode, done.stdout) == (0, b"The configuration is valid.\n")


def test_everything_that_is_wrong_with_it_is_said(keys, tmp_path):
    settings = tmp_path / "freshet.yaml"
    settings.write_text("prot: 1\nheartbeat-seconds: never\n")
    done = check("--config", settings)
    assert done.returncode == 64 and not done.stdout
    assert b"freshet.yaml:1: prot" in done.stderr and b"freshet.yaml:2: heartbeat-seconds" in done.stderr
    keys.write_text("nonsense\n")
    missing = tmp_path / "missing.pem"
    done = check("--keys", keys, "--tls-certificate", missing, "--tls-key", missing)
    assert done.returncode == 64 and f"{keys}:1".encode() in done.stderr and str(missing).encode() in done.stderr
