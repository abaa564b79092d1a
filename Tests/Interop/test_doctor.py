"""`freshet doctor` through a proxy that meddles: it names each meddling, and nothing else."""

import concurrent.futures
import dataclasses
import json
import re
import subprocess

import pytest

from support import processes
from support.freshet import BINARY, run
from support.meddling_proxy import Meddling, MeddlingProxy


class Origin:
    """`freshet doctor --listen`."""

    def __init__(self):
        self.process = processes.start([BINARY, "doctor", "--listen"], stdout=subprocess.PIPE, text=True)
        self.url, self.port = None, None
        for line in self.process.stdout:
            if found := re.search(r"listens on (http://127\.0\.0\.1:(\d+))", line):
                self.url, self.port = found[1], int(found[2])
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end(self.process)


@dataclasses.dataclass
class Row:
    """A meddling, and what the doctor must find: codes with figures, all that are not good and no others."""

    meddling: Meddling
    verdict: str
    codes: dict
    arguments: tuple = ()
    status: int = 1


def near(low, high):
    return lambda figure: low <= figure <= high


ROWS = {
    "nothing": Row(Meddling(), "LIVE", {}, status=0),
    "everything held": Row(Meddling(hold="all"), "FULL_BUFFER", {"FULL_BUFFER": {"fixed_by": []}}),
    "4 KB, unless X-Accel-Buffering": Row(
        Meddling(hold="size", size=4096, obeys=("xab",)),
        "LIVE",
        {"BUFFER": {"bytes": near(3500, 4700), "headers": "plain", "fixed_by": ["X-Accel-Buffering: no"]}},
        status=0,
    ),
    "16 KB": Row(Meddling(hold="size", size=16384), "BUFFER", {"BUFFER": {"bytes": near(15000, 18000)}}),
    "a timer": Row(Meddling(hold="timer", seconds=0.3), "BUFFER", {"BUFFER": {"period_ms": near(280, 420)}}),
    "one behind": Row(Meddling(hold="behind"), "ONE_EVENT_BEHIND", {"ONE_EVENT_BEHIND": {"share": near(0.7, 1)}}),
    "compression that holds": Row(
        Meddling(compress="hold"), "COMPRESSION_BUFFER", {"COMPRESSION_BUFFER": {"encoding": "gzip", "fixed_by": []}}
    ),
    "compression that heeds no-transform": Row(
        Meddling(compress="hold", obeys=("nt",)),
        "LIVE",
        {"COMPRESSION_BUFFER": {"headers": "plain", "fixed_by": ["Cache-Control: no-transform"]}},
        status=0,
    ),
    "compression that flushes": Row(Meddling(compress="flush"), "LIVE", {}, status=0),
    "compression one behind": Row(
        Meddling(compress="behind"), "ONE_EVENT_BEHIND", {"ONE_EVENT_BEHIND": {"encoding": "gzip"}}
    ),
    "compression inside": Row(
        Meddling(compress="hold", compresses_always=True, obeys=("ce",)),
        "BUFFER",
        {"BUFFER": {"bytes": near(28000, 36000), "fixed_by": ["Content-Encoding: identity"]}},
    ),
    "a filter of text": Row(
        Meddling(hold="all", obeys=("json",)),
        "FULL_BUFFER",
        {"FULL_BUFFER": {"fixed_by": ["Content-Type: application/json"]}},
    ),
    "heads held": Row(
        Meddling(holds_head=True), "LIVE", {"HEADERS_HELD": {"headers": "plain"}}, status=0
    ),
    "HTTP/1.0 to the server": Row(
        Meddling(speaks_http10=True, server="nginx/1.22.1"),
        "LIVE",
        {"HTTP10_UPSTREAM": {"http": "1.0"}, "DEATH_LOOKS_CLEAN": {"fin": "clean"}},
        status=0,
    ),
    "a field stripped": Row(
        Meddling(strips=("last-event-id",)), "STRIPPED", {"STRIPPED": {"fields": ["Last-Event-ID"]}}
    ),
    "Cache-Control taken from answers": Row(
        Meddling(strips_answer=("cache-control",)), "LIVE", {"STRIPPED": {"side": "answer"}}, status=0
    ),
    "a cache that ignores the query": Row(
        Meddling(cache="path"), "REPLAYED_FROM_CACHE", {"REPLAYED_FROM_CACHE": {}}
    ),
    "equal requests joined": Row(
        Meddling(cache="url"), "LIVE", {"SHARED_RESPONSE": {"no_cache": False, "answers": 1}}, status=0
    ),
    "equal requests joined, whatever they say": Row(
        Meddling(cache="url", heeds_no_cache=False),
        "SHARED_RESPONSE",
        {"SHARED_RESPONSE": {"no_cache": True, "answers": 1}},
    ),
    "a death that looks clean": Row(
        Meddling(death="clean"), "LIVE", {"DEATH_LOOKS_CLEAN": {"fin": "clean", "rst": "clean"}}, status=0
    ),
    "a death that hangs": Row(
        Meddling(death="hangs"), "LIVE", {"DEATH_LOOKS_CLEAN": {"fin": "hangs", "rst": "hangs"}}, status=0
    ),
    "departures seen on writing": Row(
        Meddling(departure="on-write"), "LIVE", {"DISCONNECT_ON_WRITE": {"writes": near(1, 4)}}, status=0
    ),
    "departures never seen": Row(
        Meddling(departure="never"), "LIVE", {"DISCONNECT_ON_WRITE": {"writes": "never"}}, status=0
    ),
    "three connections": Row(Meddling(most=3), "LIVE", {"CONCURRENCY": {"streams": 3, "of": 8}}, status=0),
    "uploads held": Row(Meddling(upload="held"), "LIVE", {"UPLOAD_BUFFERED": {"parts": near(1, 1)}}, status=0),
    "uploads refused": Row(Meddling(upload="refused"), "LIVE", {"UPLOAD_BUFFERED": {"status": 411}}, status=0),
    "a firewall that looks at the beginning": Row(
        Meddling(hold="size", size=2048, first=12000), "BUFFER", {"BUFFER": {"first_bytes": near(9000, 15000)}}
    ),
    "silence cut": Row(
        Meddling(idle_cut=4), "IDLE_CUT", {"IDLE_CUT": {"seconds": near(3.5, 7), "looks_clean": False}}, ("--idle", "9")
    ),
    "silence cut, which looks clean": Row(
        Meddling(idle_cut=4, cut_looks_clean=True),
        "IDLE_CUT",
        {"IDLE_CUT": {"looks_clean": True}},
        ("--idle", "9"),
    ),
    "all cut": Row(Meddling(cap=8), "LIVE", {"DURATION_CAP": {"seconds": near(7.5, 11)}}, ("--idle", "12"), status=0),
}


def examine(row):
    with Origin() as origin, MeddlingProxy(("127.0.0.1", origin.port), row.meddling) as proxy:
        return run("doctor", "--json", proxy.url, "--origin", origin.url, *row.arguments, timeout=180)


@pytest.fixture(scope="module")
def examined():
    """Each row's run. They wait most of the time, so that several go on at once."""
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        return dict(zip(ROWS, pool.map(examine, ROWS.values())))


@pytest.mark.parametrize("name", ROWS)
def test_the_doctor_names_what_meddles(examined, name):
    row, result = ROWS[name], examined[name]
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    found = {finding["code"]: finding for finding in report["findings"] if finding["severity"] != "good"}
    assert set(found) == set(row.codes), result.stdout.decode()
    for code, figures in row.codes.items():
        for figure, wanted in figures.items():
            got = found[code]["figures"].get(figure)
            assert wanted(got) if callable(wanted) else got == wanted, (code, figure, found[code])
        assert found[code]["evidence"] and found[code]["layer"]
    assert report["verdict"] == row.verdict
    assert result.returncode == row.status
