"""What SIGHUP reads again, and what it cuts: nothing."""

import base64
import hashlib
import hmac
import os
import signal
import threading
import time

import pytest

from support.freshet import TRANSPORT, run
from support.waiting import eventually

KEYS = {name: f"{name}-key-0123456789abcdef" for name in ("owner", "one", "two")}
LINES = {"owner": "all *", "one": "read room/", "two": "read room/"}


def line(name, rights=None):
    return f"{name} {KEYS[name]} {rights or LINES[name]}\n"


def bearer(name):
    return {"Authorization": f"Bearer {KEYS[name]}"}


def cookie(name, seconds):
    """A session that ends in so many seconds, as the server makes them: `freshet_session=NAME.EXPIRY.MAC`."""
    expiry = int(time.time()) + seconds
    digest = hashlib.sha256(KEYS[name].encode()).digest()
    mac = hmac.new(digest, f"freshet_session|{name}|{expiry}".encode(), hashlib.sha256).digest()
    text = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    return {"Cookie": f"freshet_session={name}.{expiry}.{text}"}


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text("".join(line(name) for name in KEYS))
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
    eventually(lambda: outcomes(server) > before)


def outcomes(server):
    log = server.logged()
    return log.count("was reloaded") + log.count("stays as it was")


# Reload


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


def test_a_hundred_reloads_under_load_cut_nobody_and_lose_nothing(guarded):
    names = [f"room/load{index}" for index in range(4)]
    paths = [create(guarded, name) for name in names]
    count, done = 200, threading.Event()
    found, problems = {}, []

    def write(path):
        for number in range(count):
            append(guarded, path, f"{number} ")

    def read(path, who):
        with guarded.subscribe(path, who, timeout=120) as reader:
            ready.release()
            text = ""
            while len(text.split()) < count:
                event = reader.next()
                if event is None or event.type != "message":
                    return problems.append((path, event))
                text += event.data
            found[path, str(who)] = text

    ready = threading.Semaphore(0)
    readers = [
        threading.Thread(target=read, args=(path, who)) for path in paths for who in (bearer("one"), cookie("two", 3600))
    ]
    for thread in readers:
        thread.start()
    for _ in readers:
        assert ready.acquire(timeout=60)
    writers = [threading.Thread(target=write, args=(path,)) for path in paths]
    for thread in writers:
        thread.start()
    base = "".join(line(name) for name in KEYS)
    for number in range(100):
        # Replaced, as editors do: half a file would be refused.
        new = guarded.keys.with_suffix(".new")
        new.write_text(base + f"other{number} other-key-{number:010} read *\n")
        os.replace(new, guarded.keys)
        reload(guarded)
    for thread in [*writers, *readers]:
        thread.join(timeout=120)
        assert not thread.is_alive()
    assert not problems
    assert len(found) == len(readers)
    assert set(found.values()) == {"".join(f"{number} " for number in range(count))}
    assert "stays as it was" not in guarded.logged()


@pytest.mark.skipif(TRANSPORT in ("tls", "h2"), reason="its certificate is read again")
def test_without_anything_to_read_again_a_hangup_ends_the_server(serve):
    server = serve()
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(30) == -signal.SIGHUP


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
