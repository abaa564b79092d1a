"""Real proxies in front of the server, configured by `freshet proxy-config`, and what they do without it."""

import concurrent.futures
import itertools
import socket
import threading
import time

import pytest

from support.arrivals import Arrivals, follow
from support.events import Subscription
from support.freshet import NIGHTLY, run
from support.proxies import OURS, SETUPS, ours, start_all, stop_all
from support.waiting import eventually, settled, within
from support.wire import Closed, Connection, exchange

LIVE_BODY = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
GZIP = {"Accept-Encoding": "gzip, br"}


@pytest.fixture(scope="module")
def fronts(server, tmp_path_factory):
    """Every proxy with our configuration, in front of the server."""
    fronts = start_all(OURS, server.address, tmp_path_factory.mktemp("proxies"))
    yield fronts
    stop_all(fronts)


@pytest.fixture(params=OURS)
def front(request, fronts):
    return fronts[request.param]


def readers(server, path):
    return server.request("GET", path.replace("/v1/stream/", "/v1/streams/")).json["readers"]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def test_no_event_waits_for_the_next_and_none_is_late(server, fronts):
    """Each event is sent only after all readers have the one before, so one that waited for its successor would never come.

    The delay that a proxy adds is the time between an event's arrival over a direct connection and its arrival through the proxy. A
    second direct connection is the control: what its events are late by is the machine's, and is allowed to the proxies too. A busy
    machine only ever adds to a delay, so a proxy passes in the best of a few rounds; one that buffers is late in all of them.
    """
    addresses = {"direct": server.address, "control": server.address}
    addresses |= {name: front.address for name, front in fronts.items()}
    late, measured = set(fronts), {}
    for round in range(6):
        path = server.create()
        with Arrivals(addresses, path, GZIP) as arrivals:
            assert len(arrivals.of(": ok")) == len(addresses), "the head and the first bytes come before any event"
            added = {name: [] for name in addresses}
            for number in range(120):
                word = f"word-{round}-{number:03}."
                assert server.append(path, word).status == 204
                found = arrivals.of(word)
                assert len(found) == len(addresses), f"{word} never came to {set(addresses) - set(found)}"
                for name, arrival in found.items():
                    added[name].append(arrival - found["direct"])
                # Uneven, so that no timer of a proxy keeps step.
                time.sleep((number * 7 % 5) / 200)
        control = percentile([abs(value) for value in added["control"]], 0.99)
        for name in fronts:
            measured[name] = min(measured.get(name, 9), percentile(added[name], 0.99))
        late = {name for name in late if percentile(added[name], 0.99) > 0.020 + control}
        if not late:
            break
    print({name: f"{value * 1000:.1f} ms" for name, value in measured.items()}, f"control {control * 1000:.1f} ms")
    assert not late, f"added at the 99th percentile: {measured}, control {control}"


QUIET_SECONDS = 600 if NIGHTLY else 62


@pytest.mark.apart
@pytest.mark.long(QUIET_SECONDS)
@pytest.mark.timeout(900)
def test_a_quiet_stream_lives_and_so_does_a_silent_producer(server, fronts):
    """All at the same time: what a proxy cuts after its 60 s of silence, or of anything else, is missed here."""
    path = server.create()
    written = {name: server.create() for name in fronts}
    addresses = {"direct": server.address} | {name: front.address for name, front in fronts.items()}
    producers = {name: Connection(front.address) for name, front in fronts.items()}
    try:
        for name, producer in producers.items():
            producer.send_head("POST", written[name], LIVE_BODY)
            producer.send_chunk("before")
        with Arrivals(addresses, path) as arrivals:
            assert len(arrivals.of(": ok")) == len(addresses)
            until = time.monotonic() + QUIET_SECONDS
            while time.monotonic() < until:
                arrivals.pump(until)
                assert not arrivals.ended, f"cut after {QUIET_SECONDS - until + time.monotonic():.0f} s"
            # The heartbeats that the direct connection had, but for one that was just due. Pieces less than half a period apart are one.
            beats = {name: 1 + sum(b - a > 5 for a, b in itertools.pairwise(times)) for name, times in arrivals.last.items()}
            assert beats["direct"] >= QUIET_SECONDS // 10
            for name in fronts:
                assert abs(beats[name] - beats["direct"]) <= 1, (name, beats)
            assert server.append(path, "the first word").status == 204
            assert len(arrivals.of("the first word")) == len(addresses)
        for name, producer in producers.items():
            producer.send_chunk(" and after")
            eventually(lambda: server.read_whole(written[name]) == b"before and after", what=f"{name} passing the word")
            producer.send_chunk("")
            assert producer.read_answer().status == 204, name
    finally:
        for producer in producers.values():
            producer.close()


def test_a_reader_resumes_after_the_proxy_is_restarted(server, fronts):
    path = server.create()
    seen = {name: [] for name in fronts}
    connections = {name: [] for name in fronts}
    done = threading.Event()
    written = 0

    def write():
        nonlocal written
        while not done.is_set():
            assert server.append(path, f"{written}").status == 204
            written += 1
            time.sleep(0.02)
        assert server.end(path).status == 204

    def restart(name):
        eventually(lambda: len(seen[name]) > 20, seconds=120, what=f"events through {name}")
        fronts[name].restart()
        before = len(seen[name])
        eventually(lambda: len(seen[name]) > before + 20, seconds=120, what=f"events through {name} again")

    with concurrent.futures.ThreadPoolExecutor(max_workers=2 * len(fronts) + 1) as pool:
        give_up = time.monotonic() + 500
        following = {
            name: pool.submit(follow, front.address, path, seen[name], connections[name], give_up)
            for name, front in fronts.items()
        }
        writing = pool.submit(write)
        restarts = [pool.submit(restart, name) for name in fronts]
        try:
            for one in restarts:
                one.result()
        finally:
            done.set()
        writing.result()
        for name, one in following.items():
            assert one.result(), f"{name}: the end did not come"
    for name in fronts:
        assert len(connections[name]) > 1 and connections[name][-1], f"{name}: nothing was cut"
        assert seen[name] == [str(number) for number in range(written)], f"{name}: lost or doubled"


def test_a_producer_s_words_arrive_as_they_are_sent(server, front):
    path = server.create()
    with server.subscribe(path) as reader, Connection(front.address) as producer:
        producer.send_head("POST", path, LIVE_BODY)
        for number in range(20):
            producer.send_chunk(f"word {number}")
            assert reader.next().data == f"word {number}", "it came before the next was sent"
        for _ in range(40):
            producer.send_chunk("x" * 65536)
        producer.send_chunk("")
        assert producer.read_answer().status == 204
    assert len(server.read_whole(path)) > 40 * 65536


# What reads a request to its end before it passes on an answer that came earlier.
DEAF_WHILE_SENDING = {"apache", "caddy"}


def is_told_of_the_cancel(server, front, ends):
    """Whether a producer whose stream is cancelled, and that ends its body at once if `ends`, is told so. Where it is not, the machine
    was too busy to say anything about the proxy."""
    path = server.create()
    with server.subscribe(path) as reader, Connection(front.address) as producer:
        producer.send_head("POST", path, LIVE_BODY)
        producer.send_chunk("word")
        assert reader.next().data == "word"
        cancelled = time.monotonic()
        assert server.cancel(path).status == 204
        try:
            if ends:
                producer.send_chunk("")
            answer = producer.read_answer()
            is_told = (answer.status, answer["Stream-End-Reason"]) == (409, "cancelled")
            if front.name == "apache":
                # It has forgotten the server's answer by then.
                is_told = answer.status in (400, 409)
        except TimeoutError:
            raise
        except (OSError, Closed) as error:
            answer, is_told = error, False
    # The server hears a producer out for 2 s. What a proxy makes of it when a busy machine took longer, is its own.
    assert is_told or time.monotonic() - cancelled > 1.9, answer
    return is_told


def test_a_cancelled_producer_learns_it_through_the_proxy(server, front):
    ends = front.name in DEAF_WHILE_SENDING
    assert any(is_told_of_the_cancel(server, front, ends) for _ in range(5)), "five times this machine took two seconds for one answer"


def test_a_producer_that_ends_right_after_the_cancel_learns_it_through_the_proxy(server, front):
    told = [is_told_of_the_cancel(server, front, ends=True) for _ in range(20)]
    assert any(told), "twenty times this machine took two seconds for one answer"


# What notices a reader's leave only when it writes to it; the others do so at once, however quiet the stream is.
NOTICED_BY_WRITING = {"apache", "trafficserver", "lighttpd"}


def test_a_reader_that_leaves_is_noticed(server, front):
    def is_noticed_in_time():
        path = server.create()
        with Subscription(front.address, path) as reader:
            assert reader.next_block().is_comment
            eventually(lambda: readers(server, path) == 1, what="the reader being counted")

        def is_noticed():
            if front.name in NOTICED_BY_WRITING:
                # What a heartbeat does every 10 s. The answer to a write, a reset, may come after the next one.
                server.append(path, "is anybody there?")
            return readers(server, path) == 0

        return within(8, is_noticed)

    # A busy machine may pause for so long, but not each time.
    assert any(is_noticed_in_time() for _ in range(4)), f"{front.name} does not close its connection"


def test_answers_pass_as_they_are(server, front):
    answer = exchange(front.address, "GET", "/v1/stream/never-made")
    assert (answer.status, answer.json["type"]) == (404, "urn:freshet:no-such-stream")
    path = server.create(body="what there is")
    answer = exchange(front.address, "GET", path, GZIP)
    assert answer.body == b"what there is" and answer["Stream-Next-Offset"] and answer["ETag"]
    with Subscription(front.address, path, GZIP) as reader:
        assert reader.head["Content-Encoding"] is None
        assert reader.head["Content-Type"] == "text/event-stream"
        assert "no-cache" in reader.head["Cache-Control"]


def test_only_what_is_under_the_path_is_passed_on(server, front):
    assert exchange(server.address, "GET", "/health").status == 200
    assert exchange(front.address, "GET", "/health").status in (403, 404, 503)


def test_an_odd_path_means_itself(server, tmp_path):
    """Characters that have a meaning in one configuration syntax or another, in every proxy."""
    path = "/v1/stream/it&is-a$odd(path)+x!,y=z:@w~.&/"
    fronts = start_all(ours(path), server.address, tmp_path)
    try:
        for name, front in fronts.items():
            inside = f"{path}of-{name}"
            assert exchange(front.address, "PUT", inside, {"Content-Type": "text/plain"}, "hello").status == 201, name
            assert server.read(inside).body == b"hello", name
            with Subscription(front.address, inside) as reader:
                assert reader.next().data == "hello", name
            outside = server.create(body="outside")
            assert exchange(front.address, "GET", outside).status in (403, 404, 503), name
            # What a pattern would have matched too.
            like = inside.replace(".", "x")
            assert server.request("PUT", like, {"Content-Type": "text/plain"}).status == 201
            assert exchange(front.address, "GET", like).status in (403, 404, 503), name
    finally:
        stop_all(fronts)


# Of Freshet under a path of a site: (what is passed on, what is taken away of it). Odd ones have a meaning in some syntax.
MOUNTS = [("/live/v1/", "/live"), ("/live/", "/live"), ("/it&is-a$odd(path)+x!,y=z:@w~./v1/", "/it&is-a$odd(path)+x!,y=z:@w~.")]


@pytest.mark.parametrize("path, mount", MOUNTS, ids=["api", "all", "odd"])
def test_what_the_server_does_not_know_of_a_path_is_taken_away(serve, tmp_path, path, mount):
    public = f"https://app.example{mount}"
    server = serve(public_url=public)
    fronts = start_all(ours(path), server.address, tmp_path)
    try:
        for name, front in fronts.items():
            # What is encoded stays so: a slash, a blank, a percent sign.
            inside = f"/v1/stream/of-{name}/a%2Fb%20c%25d"
            made = exchange(front.address, "PUT", mount + inside, {"Content-Type": "text/plain"}, "hello")
            assert made.status == 201, (name, made)
            assert server.read(inside).body == b"hello", name
            # Of a whole site lighttpd maps Location itself, and is told so by what is printed for it.
            again = mount if (name, path) == ("lighttpd", "/live/") else ""
            assert made["Location"] == f"https://app.example{mount}{again}/v1/stream/of-{name}/a/b%20c%25d", name
            with Subscription(front.address, mount + inside) as reader, Connection(front.address) as producer:
                assert reader.next().data == "hello", name
                producer.send_head("POST", mount + inside, LIVE_BODY)
                producer.send_chunk("live")
                assert reader.next().data == "live", name
                producer.send_chunk("")
                assert producer.read_answer().status == 204, name
            found = exchange(front.address, "GET", f"{mount}/v1/streams?prefix=of-{name}/").json["streams"]
            assert [stream["name"] for stream in found] == [f"of-{name}/a/b c%d"], (name, found)
            missing = exchange(front.address, "GET", f"{mount}/v1/stream/missing")
            assert (missing.status, missing.json["type"]) == (404, "urn:freshet:no-such-stream"), name
            for outside in (inside, "/v1/streams", f"/other{mount}/v1/streams", f"{mount}x/v1/streams"):
                refused = exchange(front.address, "GET", outside)
                assert refused.status in (403, 404, 503) and b"urn:freshet:" not in refused.body, (name, outside, refused)
    finally:
        stop_all(fronts)


def test_lighttpd_maps_location_of_a_whole_site_itself(serve, tmp_path):
    server = serve(public_url="https://app.example")
    fronts = start_all({"lighttpd": ours("/live/")["lighttpd"]}, server.address, tmp_path)
    try:
        made = exchange(fronts["lighttpd"].address, "PUT", "/live/v1/stream/a", {"Content-Type": "text/plain"})
        assert (made.status, made["Location"]) == (201, "https://app.example/live/v1/stream/a")
    finally:
        stop_all(fronts)


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_addresses_of_ipv6_are_written_as_each_wants_them(serve, tmp_path):
    server = serve(host="::1")
    fronts = start_all(OURS, ("::1", server.port), tmp_path, host="::1")
    try:
        for name, front in fronts.items():
            path = f"/v1/stream/by-{name}"
            assert exchange(front.address, "PUT", path, {"Content-Type": "text/plain"}, "hello").status == 201, name
            with Subscription(front.address, path) as reader:
                assert reader.next().data == "hello", name
    finally:
        stop_all(fronts)


# What each does without our configuration: (events, a producer's words, a reader's leave). "held" is not passed on; "late" is
# delayed by 100 ms or more each time; "writing" is noticed after a few more events, "never" not even then. h2o, nghttpx, Privoxy, tinyproxy, node's http-proxy and mitmproxy have no configuration of ours.
DEFAULTS = {
    "nginx-stock": ("live", "held", "at once"),  # thanks to X-Accel-Buffering: no
    "nginx-ignoring-hint": ("held", "held", None),
    "nginx-nginx": ("held", "held", None),
    "haproxy-stock": ("late", "live", "writing"),
    "haproxy-wait-for-body": ("held", "held", None),
    "apache-stock": ("live", "held", "writing"),
    "varnish-stock": ("live", "live", "writing"),
    "varnish-gzip": ("held", "live", None),
    "varnish-no-stream": ("held", "live", None),
    "caddy-stock": ("live", "live", "at once"),
    "lighttpd-stock": ("held", "held", None),
    "trafficserver-stock": ("live", "live", "writing"),
    "squid-stock": ("live", "live", "at once"),
    "envoy-stock": ("live", "live", "at once"),
    "h2o-stock": ("live", "held", "writing"),
    "nghttpx": ("live", "live", "at once"),
    "privoxy": ("held", "held", None),
    "tinyproxy": ("live", "live", "at once"),
    "node": ("live", "live", "never"),
    "mitmproxy-stock": ("held", "held", None),
    "mitmproxy-streaming": ("live", "live", "at once"),
}


def leaving(server, fronts):
    """When it comes to the server that a reader left, by the name of the front that it left."""
    paths = {name: server.create() for name in fronts}
    for name, front in fronts.items():
        with Subscription(front.address, paths[name]) as reader:
            assert reader.next_block().is_comment

    def noticed():
        return {name for name, path in paths.items() if not readers(server, path)}

    def noticed_by_writing():
        for path in paths.values():
            server.append(path, "is anybody there?")
        return noticed()

    def expected(how):
        return {name for name in fronts if DEFAULTS[name][2] == how}

    at_once = settled(noticed, expected("at once"))
    by_writing = settled(noticed_by_writing, expected("writing"))
    return {name: "at once" if name in at_once else "writing" if name in by_writing else "never" for name in fronts}


@pytest.mark.apart
def test_what_each_does_by_default(serve, tmp_path):
    # No heartbeat tells a proxy that a reader has left.
    server = serve(heartbeat_seconds=3600)
    fronts = start_all({name: SETUPS[name] for name in DEFAULTS}, server.address, tmp_path)
    producers = {name: Connection(front.address) for name, front in fronts.items()}
    try:
        path = server.create()
        addresses = {"direct": server.address} | {name: front.address for name, front in fronts.items()}
        found, delays = {}, {name: [] for name in fronts}
        passing = {name for name in fronts if DEFAULTS[name][0] != "held"}
        with Arrivals(addresses, path) as arrivals:
            live = settled(lambda: set(arrivals.of(": ok", seconds=0.1)), passing)
            prompt = {name for name in live - {"direct"} if DEFAULTS[name][0] == "live"}
            for number in range(60):
                sent = time.monotonic()
                server.append(path, f"word-{number}.")
                found = arrivals.of(f"word-{number}.", names=live)
                for name in live - {"direct"}:
                    delays[name].append(found[name] - sent)
                # A busy machine only ever adds to a delay: whoever passes on at once does so some time.
                if number >= 4 and all(min(delays[name]) <= 0.1 for name in prompt):
                    break
        events = {
            name: "held" if name not in live else "late" if min(delays[name]) > 0.1 else "live" for name in fronts
        }
        written = {name: server.create() for name in fronts}
        for name, producer in producers.items():
            producer.send_head("POST", written[name], LIVE_BODY)
            producer.send_chunk("word")
        passed = settled(
            lambda: {name for name in fronts if server.read(written[name]).body},
            {name for name in fronts if DEFAULTS[name][1] == "live"},
        )
        words = {name: "live" if name in passed else "held" for name in fronts}
        leaves = leaving(server, {name: front for name, front in fronts.items() if events[name] != "held"})
        assert {name: (events[name], words[name], leaves.get(name)) for name in fronts} == DEFAULTS
    finally:
        for producer in producers.values():
            producer.close()
        stop_all(fronts)


# What a reader sees when the server is killed in mid-answer: "torn" is an answer that was cut, "whole" one that looks complete,
# "waits" one that goes on for ever.
DEATHS = {
    **{f"{name}-ours": "torn" for name in OURS},
    "caddy-ours": "whole",
    "nginx-stock": "whole",
    "h2o-stock": "whole",
    "nghttpx": "torn",
    "tinyproxy": "torn",
    "node": "waits",
}


@pytest.mark.apart
def test_what_a_reader_sees_of_a_server_that_dies(serve, tmp_path):
    """Why `event: end` says that a stream has ended, and nothing else does."""
    server = serve()
    fronts = start_all({name: SETUPS[name] for name in DEATHS}, server.address, tmp_path)
    try:
        path = server.create(body="the last word")
        with Arrivals({name: front.address for name, front in fronts.items()}, path) as arrivals:
            assert len(arrivals.of("the last word")) == len(fronts)
            server.process.kill()
            ends = {}

            def ended():
                arrivals.pump(time.monotonic() + 0.1)
                for name in fronts.keys() - ends.keys():
                    head, _, body = arrivals.bytes[name].partition(b"\r\n\r\n")
                    if b"transfer-encoding: chunked" not in head.lower():
                        if name in arrivals.ended:
                            ends[name] = "whole"
                    elif body.endswith(b"\r\n0\r\n\r\n"):
                        ends[name] = "whole"
                    elif name in arrivals.ended:
                        ends[name] = "torn"
                return set(ends)

            settled(ended, {name for name, end in DEATHS.items() if end != "waits"})
        assert {name: ends.get(name, "waits") for name in fronts} == DEATHS
    finally:
        stop_all(fronts)


# After how many seconds of silence each cuts a stream as it comes; None is not within 70 s. Envoy's is of the whole answer.
SILENCES = {
    "nginx-stock": 60,
    "haproxy-stock": 50,
    "apache-stock": 60,
    "varnish-stock": 60,
    "caddy-stock": None,
    "trafficserver-stock": 30,
    "squid-stock": None,
    "envoy-stock": 15,
    "h2o-stock": 30,
    "nghttpx": 60,
    "tinyproxy": None,
    "node": None,
}


@pytest.mark.nightly
@pytest.mark.apart
@pytest.mark.long(75)
def test_how_long_a_stream_may_be_silent_by_default(serve, tmp_path):
    server = serve(heartbeat_seconds=3600)
    fronts = start_all({name: SETUPS[name] for name in SILENCES}, server.address, tmp_path)
    try:
        path = server.create()
        with Arrivals({name: front.address for name, front in fronts.items()}, path) as arrivals:
            assert len(arrivals.of(": ok")) == len(fronts)
            began, cut = time.monotonic(), {}
            while time.monotonic() < began + 70:
                arrivals.pump(began + 70)
                for name in arrivals.ended:
                    cut.setdefault(name, time.monotonic() - began)
        for name, seconds in SILENCES.items():
            if seconds is None:
                assert name not in cut, cut
            else:
                assert name in cut and seconds - 3 < cut[name] < seconds + 8, (name, cut)
    finally:
        stop_all(fronts)


@pytest.mark.apart
def test_an_answer_that_says_it_is_not_encoded_is_not_compressed(server, serve, tmp_path):
    """Who cannot configure a proxy that compresses sets `identity-encoding`; the same server without it is the control."""
    names = ("varnish-gzip", "trafficserver-compress", "caddy-encode", "nginx-stock-gzip")
    saying = serve(identity_encoding=True)
    setups = {name: SETUPS[name] for name in names}
    held, live = {}, {}
    for origin, result in ((server, held), (saying, live)):
        fronts = start_all(setups, origin.address, tmp_path / ("control" if result is held else "saying"))
        try:
            path = origin.create(body="x" * 1024)
            with Arrivals({name: front.address for name, front in fronts.items()}, path, {"Accept-Encoding": "gzip"}) as arrivals:
                if result is live:
                    assert len(arrivals.of(": ok")) == len(names)
                origin.append(path, "the word" + "x" * 1024)
                result.update(arrivals.of("the word", seconds=1 if result is held else 60))
        finally:
            stop_all(fronts)
    assert set(held) == set() and set(live) == set(names)


def test_the_list_names_every_proxy_and_a_wrong_name_is_answered_with_them():
    listed = run("proxy-config", "--list").stdout.decode()
    wrong = run("proxy-config", "iis")
    assert wrong.returncode == 64
    for name in OURS:
        assert f"{name}  (" in listed and name in wrong.stderr.decode()
    assert "from documentation" in listed


@pytest.mark.parametrize("arguments", [["--path", "/v1/;}"], ["--upstream", "https://x"], ["--listen", "x;y"]])
def test_a_value_that_would_break_a_configuration_is_refused(arguments):
    refused = run("proxy-config", "nginx", *arguments)
    assert refused.returncode == 64 and not refused.stdout
