"""docs/stacks.md, its example in Swift: it is compiled by the debug build, so these tests come after it."""

import json
import re
import subprocess

import pytest

from support import processes
from support.documents import ROOT
from support.wire import exchange
from test_stacks import EXAMPLES, TEXT, ended, environment

SWIFT = ROOT / ".build" / "debug" / "AnswerBackEnd"


@pytest.fixture
def swift(server):
    """The address of the application in Swift, which listens."""
    process = processes.start([SWIFT, "0"], env=environment(server), stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.search(r"listening on 127\.0\.0\.1:(\d+)", line):
                yield ("127.0.0.1", int(found[1]))
                break
        else:
            raise AssertionError(f"it did not start: {process.wait()}")
    finally:
        processes.end(process)


def ask(address, question):
    """Asks an application, which answers at once; the path of the stream."""
    answer = exchange(address, "POST", "/ask", {"Content-Type": "application/json"}, json.dumps({"question": question}))
    assert answer.status == 200, answer
    return json.loads(answer.body)["stream"]


def test_the_swift_of_the_page_is_what_is_compiled():
    source = (ROOT / "Examples" / "AnswerBackEnd" / "AnswerBackEnd.swift").read_text()
    # The version of macOS is for this package alone: others say theirs in their manifest.
    assert EXAMPLES["swift"] == source.replace("@available(macOS 14, *)\n", "")


def test_swift(server, swift):
    assert ended(server, ask(swift, "Why?")) == TEXT


def test_swift_is_told_of_a_stop(server, swift):
    path = ask(swift, "What else?")
    with server.subscribe(path) as reader:
        assert "more " in reader.next().data
        assert server.cancel(path).status == 204
        assert reader.rest()[-1].json == {"reason": "cancelled"}
    # It writes no more and goes on.
    assert ended(server, ask(swift, "Why?")) == TEXT
