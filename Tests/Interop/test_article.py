"""The article's own code in `freshet demo`: it runs, each of its failures is shown for real, and so is the answer."""

import pytest

from support.late import come_late
from support.wire import exchange

CASES = ("markup", "newline", "space", "again", "lost")


@pytest.fixture
def page(browser, demo):
    browser.resize(1280, 1000)
    browser.goto(demo.url + "/article")
    browser.wait_for("document.readyState === 'complete'")
    return browser


def press(page, case, side):
    page.run(f"document.querySelector('[data-case={case}] [data-show={side}]').click()")


def said(page, case, side):
    page.wait_for(f"document.querySelector('[data-case={case}]').dataset.{side} === 'over'")
    return page.run(
        f"const said = document.querySelector('[data-case={case}] [data-verdict={side}]');"
        "return [said.dataset.state, said.textContent]"
    )


def test_the_articles_code_shows_hello_world(page, demo):
    page.console_errors()
    press(page, "hello", "failure")
    assert said(page, "hello", "failure") == ["good", "Both words came, the second a second after the first."]
    assert page.console_errors() == []
    page.screenshot("article-hello")


def test_each_failure_is_shown_and_each_answer(page, demo):
    page.console_errors()
    for side, state in (("failure", "bad"), ("remedy", "good")):
        # Five at a time: a browser has six connections.
        for case in CASES:
            press(page, case, side)
        verdicts = {case: said(page, case, side) for case in CASES}
        for _ in range(2):
            # The answer takes three seconds: a browser that is back only after them is shown nothing that could be missing.
            if side == "failure" and not verdicts["lost"][1].startswith("Never arrived"):
                press(page, "lost", side)
                verdicts["lost"] = said(page, "lost", side)
        assert {case: verdict[0] for case, verdict in verdicts.items()} == dict.fromkeys(CASES, state), verdicts
        if side == "failure":
            assert "script in the answer ran" in verdicts["markup"][1]
            # Of a stream that HTTP/2 resets a browser may drop the word that it had just received.
            assert verdicts["lost"][1].startswith(("Never arrived: 8, 9", "Never arrived: 9") if demo.http2 else "Never arrived: 9")
        else:
            assert "204" in verdicts["again"][1]
            assert verdicts["lost"][1] == "All 30 arrived, over 2 connections."
    # A connection that is cut is told in the console by some browsers; a script that fails would be, too.
    assert [error for error in page.console_errors() if "net::ERR" not in error] == []
    page.screenshot("article-failures")


def test_a_reader_that_comes_late_is_cut_off_too(page):
    come_late(page)
    press(page, "lost", "remedy")
    assert said(page, "lost", "remedy") == ["good", "All 30 arrived, over 2 connections."]


def test_the_script_in_the_answer_reaches_nothing_but_its_frame(page, demo):
    press(page, "markup", "failure")
    said(page, "markup", "failure")
    frame = "document.querySelector('[data-case=markup] iframe')"
    assert page.run(f"return {frame}.getAttribute('sandbox')") == "allow-scripts"
    assert page.run(f"return {frame}.contentDocument") is None, "the frame has an origin"
    # Opened by itself, without the frame, it is sandboxed too.
    policy = exchange(demo.address, "GET", "/article/client?case=markup")["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    page.goto(demo.url + "/article/client?case=markup")
    page.wait_for("document.body.textContent.includes('ran as a script: 42')")
    assert page.run("return self.origin") == "null"


def test_the_sixth_connection(page):
    press(page, "held", "failure")
    state, text = said(page, "held", "failure")
    assert (state, text) == ("bad", "The request waited until a stream was closed.")
    for _ in range(3):
        press(page, "held", "remedy")
        state, text = said(page, "held", "remedy")
        # To the page, two seconds in which the machine stands still are a request that waits for a stream.
        if state == "good":
            break
    assert state == "good" and text.startswith("Six readers on one connection"), text


def test_the_server_writes_what_the_article_writes(demo):
    with demo.subscribe("/api/chat-stream") as reader:
        assert [event.data for event in reader.take(2)] == ["Hello", "World"]
    assert demo.request("GET", "/api/chat-stream?case=none").status == 400
    # A case is a word of ours: nothing of the request gets into the page.
    page = demo.request("GET", "/article/client?case=lost&run=a'%3Cscript%3E").body.decode()
    assert "'/api/chat-stream?case=lost&run=ascript'" in page
