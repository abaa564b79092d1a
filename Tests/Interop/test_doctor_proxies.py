"""What `freshet doctor` says of real proxies, each stock, badly configured, or as `freshet proxy-config` configures it.

A row is a setup of support/proxies, the verdict, and every finding but LIVE with what its figures must be. Codes in `may` are
not asked for: what decides about them is the proxy's timing. Every row has a server of its own, as a proxy's user has.
"""

import concurrent.futures
import dataclasses
import json

import pytest

from support.freshet import Freshet, run
from support.proxies import SETUPS, Front


@dataclasses.dataclass
class Row:
    verdict: str
    findings: dict = dataclasses.field(default_factory=dict)
    may: tuple = ()
    idle: int = 0


def about(value, share=0.15):
    """Within a share of the value: buffers hold chunk sizes and heads too, and timers are late on a busy machine."""
    return lambda figure: isinstance(figure, (int, float)) and abs(figure - value) <= share * value


def between(low, high):
    return lambda figure: isinstance(figure, (int, float)) and low <= figure <= high


def with_any(*words):
    return lambda figure: any(word in figure for word in words)


XAB, IDENTITY, NO_TRANSFORM = "X-Accel-Buffering: no", "Content-Encoding: identity", "Cache-Control: no-transform"

# Findings that many rows share.
OLD_HTTP = {"HTTP10_UPSTREAM": {"http": "1.0"}}
UPLOAD = {"UPLOAD_BUFFERED": {}}
HELD_HEAD = {"HEADERS_HELD": {"headers": "plain"}}
CLEAN_FIN = {"DEATH_LOOKS_CLEAN": {"fin": "clean", "rst": "torn"}}
CLEAN = {"DEATH_LOOKS_CLEAN": {"fin": "clean", "rst": "clean"}}
# Which write tells a proxy that its reader left depends on when the reset of the one before arrives.
ON_WRITE = {"DISCONNECT_ON_WRITE": {"writes": between(1, 5)}}
NEVER_LEFT = {"DISCONNECT_ON_WRITE": {"writes": "never"}}
STOCK_NGINX = {**OLD_HTTP, **CLEAN_FIN, **UPLOAD}


def plain_buffer(size, hint):
    """A buffer for servers that send no hint, which Freshet does."""
    return {"BUFFER": {"bytes": about(size), "fixed_by": [hint], "headers": "plain"}}


def buffer(**figures):
    return {"BUFFER": {"headers": "freshet", **figures}}


# HAProxy's timer of 200 ms, and what is measured of it.
TIMER = buffer(period_ms=between(180, 300), fixed_by=[])

ROWS = {
    "nginx-ours": Row("LIVE"),
    "haproxy-ours": Row("LIVE"),
    "apache-ours": Row("LIVE", ON_WRITE),
    "varnish-ours": Row("LIVE"),
    "caddy-ours": Row("LIVE", CLEAN),
    "lighttpd-ours": Row("LIVE", ON_WRITE),
    "trafficserver-ours": Row("LIVE", ON_WRITE),
    "squid-ours": Row("LIVE"),
    "envoy-ours": Row("LIVE"),
    "nginx-stock": Row("LIVE", plain_buffer(4096, XAB) | STOCK_NGINX),
    "nginx-h2": Row("LIVE", plain_buffer(4096, XAB) | STOCK_NGINX),
    # Of a stream of HTTP/2 it is told at once that the reader left, and its timer is for HTTP/1.1 alone.
    "haproxy-h2": Row("LIVE", CLEAN),
    # Of one HTTP/2 connection it serves six streams until some have ended; the seventh may overlap with the first.
    "apache-h2": Row(
        "LIVE", ON_WRITE | UPLOAD | {"CONCURRENCY": {"streams": between(6, 7), "connections": 1, "limit": "proxy"}}
    ),
    "caddy-h2": Row("LIVE", CLEAN),
    "nghttpx-h2": Row("LIVE"),
    "h2o-h2": Row("LIVE", HELD_HEAD | CLEAN_FIN | UPLOAD),
    "nginx-stock-gzip": Row("LIVE", plain_buffer(4096, XAB) | STOCK_NGINX),
    "nginx-16k": Row("LIVE", plain_buffer(16384, XAB) | STOCK_NGINX),
    "nginx-http11": Row("LIVE", HELD_HEAD | UPLOAD),
    "nginx-ignoring-hint": Row("BUFFER", buffer(bytes=about(4096), fixed_by=[]) | STOCK_NGINX),
    "nginx-nginx": Row("BUFFER", buffer(bytes=about(4096), fixed_by=[]) | OLD_HTTP | CLEAN | UPLOAD),
    "nginx-nginx-passing": Row("LIVE", plain_buffer(4096, XAB) | OLD_HTTP | CLEAN | UPLOAD),
    "nginx-unbuffered-gzip": Row("LIVE", STOCK_NGINX),
    "nginx-ignore-abort": Row("LIVE", ON_WRITE | UPLOAD),
    "nginx-unchunked": Row("LIVE", CLEAN | UPLOAD),
    "nginx-cache": Row("REPLAYED_FROM_CACHE", {"REPLAYED_FROM_CACHE": {}} | UPLOAD),
    "haproxy-stock": Row("BUFFER", TIMER | ON_WRITE),
    "haproxy-compression": Row("BUFFER", TIMER | ON_WRITE),
    "haproxy-abortonclose": Row("BUFFER", TIMER),
    # Coarse: it holds 8 KB, of which the doctor sees only those that its own stream had before the time was over.
    "haproxy-wait-for-body": Row(
        "BUFFER", buffer(first_bytes=between(8192, 16384)) | UPLOAD, may=("DISCONNECT_ON_WRITE",)
    ),
    # Coarse: a stream that the doctor has just closed may still have its place.
    "haproxy-maxconn": Row("BUFFER", TIMER | ON_WRITE | {"CONCURRENCY": {"streams": between(2, 3), "of": 8}}),
    "haproxy-tcp": Row("LIVE"),
    "apache-stock": Row("LIVE", ON_WRITE | UPLOAD),
    "apache-deflate": Row("LIVE", ON_WRITE | UPLOAD),
    "apache-brotli": Row("LIVE", ON_WRITE | UPLOAD),
    "varnish-stock": Row("LIVE", ON_WRITE | {"SHARED_RESPONSE": {"no_cache": False}}),
    "varnish-pass": Row("LIVE", ON_WRITE),
    "varnish-pipe": Row("LIVE"),
    "varnish-gzip": Row(
        "BUFFER",
        buffer(bytes=about(32768), fixed_by=[IDENTITY]) | NEVER_LEFT | {"SHARED_RESPONSE": {"no_cache": False}},
    ),
    "varnish-no-stream": Row(
        "FULL_BUFFER",
        {"FULL_BUFFER": {"headers": "freshet"}, "SHARED_RESPONSE": {"no_cache": False}} | NEVER_LEFT,
        may=("DEATH_LOOKS_CLEAN",),
    ),
    "varnish-forced": Row("SHARED_RESPONSE", {"SHARED_RESPONSE": {"no_cache": True}} | NEVER_LEFT),
    "caddy-stock": Row("LIVE", CLEAN),
    # What a reader gets who comes back is large enough to make it begin; the head and the greeting of others are not.
    "caddy-encode": Row(
        "COMPRESSION_BUFFER",
        {"COMPRESSION_BUFFER": {"encoding": "gzip", "fixed_by": with_any(IDENTITY), "headers": "freshet"}}
        | HELD_HEAD
        | CLEAN,
    ),
    "caddy-flush": Row("LIVE", CLEAN | ON_WRITE),
    "lighttpd-stock": Row("FULL_BUFFER", {"FULL_BUFFER": {"fixed_by": []}} | CLEAN | NEVER_LEFT | UPLOAD),
    "lighttpd-deflate": Row("FULL_BUFFER", {"FULL_BUFFER": {"fixed_by": []}} | CLEAN | NEVER_LEFT | UPLOAD),
    "lighttpd-streaming": Row("LIVE", ON_WRITE | UPLOAD),
    "trafficserver-stock": Row("LIVE", ON_WRITE),
    "trafficserver-compress": Row(
        "COMPRESSION_BUFFER",
        {"COMPRESSION_BUFFER": {"encoding": "gzip", "fixed_by": with_any(IDENTITY)}} | HELD_HEAD | ON_WRITE,
    ),
    "squid-stock": Row("LIVE"),
    "envoy-stock": Row("LIVE"),
    "envoy-short-idle": Row("LIVE"),
    "h2o-stock": Row("LIVE", HELD_HEAD | CLEAN_FIN | ON_WRITE | UPLOAD),
    "h2o-compress": Row("LIVE", HELD_HEAD | CLEAN_FIN | ON_WRITE | UPLOAD),
    # It keeps back the last bytes of what it compressed: mostly the line that ends an event.
    "h2o-brotli": Row(
        "ONE_EVENT_BEHIND",
        {"ONE_EVENT_BEHIND": {"encoding": "br", "headers": "freshet", "fixed_by": with_any(IDENTITY)}}
        | HELD_HEAD
        | CLEAN_FIN
        | ON_WRITE
        | UPLOAD,
    ),
    "nghttpx": Row("LIVE"),
    "privoxy": Row(
        "FULL_BUFFER", {"FULL_BUFFER": {"fixed_by": with_any("Content-Type: application/json")}} | UPLOAD
    ),
    "tinyproxy": Row("LIVE"),
    # A torn response is kept open, or closed as it was, by how much of it came before.
    "node": Row("LIVE", HELD_HEAD | NEVER_LEFT | {"DEATH_LOOKS_CLEAN": {"fin": "hangs"}}),
    "node-compression": Row(
        "LIVE",
        {"COMPRESSION_BUFFER": {"encoding": "gzip", "fixed_by": [NO_TRANSFORM], "headers": "plain"}}
        | HELD_HEAD
        | NEVER_LEFT
        | {"DEATH_LOOKS_CLEAN": {"fin": "hangs"}},
    ),
    "node-flush-before": Row(
        "LIVE",
        {"ONE_EVENT_BEHIND": {"fixed_by": [NO_TRANSFORM], "share": between(0.7, 1)}}
        | HELD_HEAD
        | NEVER_LEFT
        | {"DEATH_LOOKS_CLEAN": {"fin": "hangs"}},
    ),
    "node-flush-after": Row("LIVE", HELD_HEAD | NEVER_LEFT | {"DEATH_LOOKS_CLEAN": {"fin": "hangs"}}),
    "mitmproxy-stock": Row("FULL_BUFFER", {"FULL_BUFFER": {"fixed_by": []}} | UPLOAD),
    "mitmproxy-streaming": Row("LIVE", HELD_HEAD),
}


def cut(seconds, code="IDLE_CUT"):
    return {code: {"seconds": between(seconds - 2, seconds + 4)}}


# The same with 65 s of silence.
IDLE_ROWS = {
    **{name: ROWS[name] for name in ("nginx-ours", "haproxy-ours", "varnish-ours", "trafficserver-ours", "envoy-ours")},
    "nginx-http11": Row("LIVE", ROWS["nginx-http11"].findings | cut(60)),
    "haproxy-stock": Row("BUFFER", ROWS["haproxy-stock"].findings | cut(50)),
    "haproxy-wait-for-body": Row(
        "BUFFER",
        ROWS["haproxy-wait-for-body"].findings | cut(10, "DURATION_CAP"),
        may=("DISCONNECT_ON_WRITE",),
    ),
    "apache-stock": Row("LIVE", ROWS["apache-stock"].findings | cut(60)),
    "varnish-stock": Row("LIVE", ROWS["varnish-stock"].findings | cut(61)),
    "trafficserver-stock": Row("LIVE", ROWS["trafficserver-stock"].findings | cut(30)),
    "envoy-stock": Row("LIVE", cut(15, "DURATION_CAP")),
    "envoy-short-idle": Row("IDLE_CUT", cut(10)),
    "h2o-stock": Row("LIVE", ROWS["h2o-stock"].findings | cut(30)),
}
ALL = ROWS | {f"{name} --idle": dataclasses.replace(row, idle=65) for name, row in IDLE_ROWS.items()}

# One of each kind.
DOZEN = (
    "nginx-ours haproxy-ours nginx-h2 nginx-nginx nginx-cache haproxy-stock haproxy-maxconn apache-stock "
    "varnish-gzip caddy-encode h2o-brotli lighttpd-stock trafficserver-compress node-flush-before mitmproxy-stock"
).split()


def examine(name, row, directory):
    """Runs the doctor; a machine that was too busy to judge by is asked again."""
    server = Freshet()
    try:
        front = Front(name.split()[0], SETUPS[name.split()[0]], server.address, directory)
        try:
            for _ in range(4):
                # Each proxy with TLS has a certificate of its own.
                arguments = ["doctor", front.url, "--origin", server.url, "--json", "--insecure"]
                result = run(*arguments, *(["--idle", row.idle] if row.idle else []), timeout=400)
                assert result.stdout, (name, result.returncode, result.stderr)
                report = json.loads(result.stdout)
                if report["verdict"] != "INCONCLUSIVE":
                    break
            return result.returncode, report
        finally:
            front.stop()
    finally:
        server.stop()


def mistakes(row, status, report):
    """What is not as the row says."""
    found = {finding["code"]: finding for finding in report["findings"] if finding["code"] != "LIVE"}
    said = {code: finding["figures"] for code, finding in found.items()}
    if report["verdict"] != row.verdict:
        yield f"the verdict is {report['verdict']}, not {row.verdict}: {said}"
    if status != (0 if row.verdict == "LIVE" else 1):
        yield f"the exit status is {status}"
    for code in found.keys() - row.findings.keys() - set(row.may):
        yield f"a false alarm: {code} {said[code]}"
    for code, figures in row.findings.items():
        if code not in found:
            yield f"{code} was missed"
            continue
        for figure, wanted in figures.items():
            actual = said[code].get(figure)
            if not (wanted(actual) if callable(wanted) else actual == wanted):
                yield f"{code}: {figure} is {actual}: {said[code]}"
        if not found[code]["evidence"] or not found[code]["remedy"]:
            yield f"{code} has no evidence, or no remedy"


def judge(names, directory):
    """Examines every name and returns what was wrong, by name.

    A proxy on a busy machine holds what it would pass on, and the doctor rightly says so. What came out otherwise than its row says is
    examined again, with fewer at once, for what the doctor gets wrong it gets wrong each time.
    """

    def one(name, workers):
        try:
            status, report = examine(name, ALL[name], directory / f"{workers}-{name.replace(' ', '')}")
        except Exception as error:
            # One that failed must not hide what was wrong with the others.
            return [str(error)]
        found = list(mistakes(ALL[name], status, report))
        if report["http"] != ("2" if name.endswith("-h2") else "1.1"):
            found.append(f"it spoke HTTP/{report['http']}")
        return found

    wrong = dict.fromkeys(names)
    for workers in (14, 7, 3):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            wrong = {name: found for name, found in zip(wrong, pool.map(one, wrong, [workers] * len(wrong))) if found}
        if not wrong:
            break
        print(f"not as expected with {workers} at once: {wrong}")
    return wrong


@pytest.mark.apart
@pytest.mark.long(60)
@pytest.mark.timeout(900)
def test_a_dozen_proxies_get_the_verdict_that_is_true_of_them(tmp_path):
    assert judge(DOZEN, tmp_path) == {}


@pytest.mark.nightly
@pytest.mark.apart
@pytest.mark.long(150)
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("number", range(10))
def test_every_proxy_gets_its_verdict_ten_times(tmp_path, number):
    # The long ones first, so that nothing waits for them alone.
    assert judge(sorted(ALL, key=lambda name: -ALL[name].idle), tmp_path) == {}


def test_every_setup_has_a_row():
    assert set(ROWS) == set(SETUPS)
