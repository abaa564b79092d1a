"""The chat of `freshet demo`, in Chromium and Firefox: ask, reload, a second window, Stop."""

import contextlib
import statistics

import pytest

ANSWER = "document.querySelector('.turn:last-child .prose')"
LENGTH = f"({ANSWER}?.textContent.length ?? 0)"
ENDED = "document.querySelector('.turn:last-child .end')?.dataset.reason"

ASK = """
const question = document.querySelector('#question');
const speed = document.querySelector('#speed');
speed.value = arguments[1];
speed.dispatchEvent(new Event('input', { bubbles: true }));
question.value = arguments[0];
question.dispatchEvent(new Event('input', { bubbles: true }));
document.querySelector('#composer').requestSubmit();
"""


@pytest.fixture
def chat(browser, demo):
    browser.resize(1280, 900)
    begin(browser, demo)
    return browser


def begin(browser, demo):
    browser.goto(demo.url + "/")
    browser.wait_for("document.querySelector('#composer')")


class EndedTooEarly(Exception):
    """The answer is written at its own pace, and was done before this machine had looked at it in the middle."""


def in_the_middle(chat, demo, test, words_per_second):
    """Runs a test of an answer that is being written; where the machine is too slow for it, with an answer that is slower too."""
    for slower in (1, 2, 4):
        with contextlib.suppress(EndedTooEarly):
            begin(chat, demo)
            ask(chat, words_per_second=words_per_second // slower)
            return test()
    pytest.fail("each answer ended before it could be looked at in the middle")


def ask(chat, question="What happens when I reload in the middle?", words_per_second=25):
    chat.run(ASK, question, words_per_second)
    chat.wait_for(f"{LENGTH} > 0")


def answer(chat):
    return chat.run(f"return {ANSWER}.textContent")


def finish(chat):
    return chat.wait_for(f"!['waiting', 'writing'].includes({ENDED}) && {ENDED}", seconds=90)


def grow(chat, by):
    """Waits until the answer has grown, while it is still being written."""
    length = chat.run(f"return {LENGTH}")
    chat.wait_for(f"{LENGTH} >= {length + by} || ({ENDED} !== 'writing')")
    if chat.run(f"return {ENDED}") != "writing":
        raise EndedTooEarly


def test_the_answer_arrives_word_by_word(chat, demo):
    def watch():
        lengths = chat.run_async(
            f"""
            const done = arguments[0], lengths = [];
            const finish = () => {{ watch.disconnect(); done(lengths); }};
            const watch = new MutationObserver(() => {{
              const length = {LENGTH};
              if (length !== lengths.at(-1)) lengths.push(length);
              if (lengths.length === 15 || {ENDED} !== 'writing') finish();
            }});
            watch.observe(document.body, {{ attributes: true, childList: true, characterData: true, subtree: true }});
            if ({ENDED} !== 'writing') finish();
            """
        )
        if len(lengths) < 15:
            raise EndedTooEarly
        return lengths

    lengths = in_the_middle(chat, demo, watch, words_per_second=20)
    steps = [after - before for before, after in zip(lengths, lengths[1:])]
    assert all(0 < step for step in steps), lengths
    # A machine that stands still for a moment shows at once what was written meanwhile.
    assert statistics.median(steps) < 120, lengths
    chat.screenshot("chat-writing")


def test_the_end_and_its_reason_are_shown(chat):
    ask(chat, words_per_second=100)
    assert finish(chat) == "done"
    assert len(answer(chat)) > 100
    assert chat.run("return document.querySelector('#stop').hidden")
    chat.screenshot("chat-done")
    chat.resize(390, 844)
    assert chat.run("return document.documentElement.scrollWidth <= window.innerWidth"), "a phone scrolls sideways"
    chat.screenshot("chat-phone")


def test_a_reload_in_the_middle_continues_the_answer(chat, demo):
    facts = "return document.querySelector('.turn:last-child .facts').innerText"

    def reload():
        assert "first word after" in chat.run(facts)
        for _ in range(3):
            grow(chat, 60)
            before = answer(chat)
            chat.reload()
            chat.wait_for(f"{LENGTH} >= {len(before)}")
            assert answer(chat).startswith(before)

    in_the_middle(chat, demo, reload, words_per_second=16)
    assert "first word" not in chat.run(facts), "how long it took is not known to a page that did not ask"
    chat.screenshot("chat-reloaded")
    assert finish(chat) == "done"
    whole = answer(chat)
    chat.reload()
    chat.wait_for(f"{LENGTH} >= {len(whole)}")
    assert answer(chat) == whole, "what was pieced together is what the stream holds"


def test_a_second_window_sees_the_same(chat, demo):
    first = chat.window()

    def open_second():
        url = chat.run("return location.href")
        chat.open_window()
        try:
            chat.goto(url)
            chat.wait_for(f"{LENGTH} > 0")
            grow(chat, 30)
            assert finish(chat) == "done"
            return answer(chat)
        finally:
            chat.close_window()
            chat.switch(first)

    second = in_the_middle(chat, demo, open_second, words_per_second=20)
    assert finish(chat) == "done"
    assert answer(chat) == second


def test_stop_stops_the_producer_in_every_window(chat, demo):
    first = chat.window()
    second = chat.open_window()
    chat.switch(first)

    def stop():
        url = chat.run("return location.href")
        chat.switch(second)
        chat.goto(url)
        chat.wait_for(f"{LENGTH} > 0")
        chat.switch(first)
        grow(chat, 20)
        chat.run("document.querySelector('#stop').click()")
        if finish(chat) == "done":
            raise EndedTooEarly
        assert finish(chat) == "cancelled"

    in_the_middle(chat, demo, stop, words_per_second=8)
    chat.screenshot("chat-stopped")
    stopped = answer(chat)
    chat.switch(second)
    assert finish(chat) == "cancelled"
    assert answer(chat) == stopped
    chat.close_window()
    chat.switch(first)
    # Nothing was appended after the stop: the log is what the page shows.
    chat.reload()
    assert finish(chat) == "cancelled"
    assert answer(chat) == stopped


def test_a_question_asked_in_one_window_appears_in_the_other(chat):
    first = chat.window()
    ask(chat, words_per_second=100)
    finish(chat)
    url = chat.run("return location.href")
    second = chat.open_window()
    chat.goto(url)
    chat.wait_for("document.querySelectorAll('.turn').length === 1")
    ask(chat, "How do I configure nginx?", words_per_second=100)
    chat.wait_for("document.querySelectorAll('.turn').length === 2")
    finish(chat)
    text = answer(chat)
    chat.switch(first)
    chat.wait_for("document.querySelectorAll('.turn').length === 2")
    finish(chat)
    assert answer(chat) == text
    chat.switch(second)
    chat.close_window()
    chat.switch(first)


def test_a_question_asked_while_an_answer_is_written_waits_for_its_turn(chat, demo):
    first = "return document.querySelector('.turn .end').dataset.reason"

    def ask_again():
        chat.run(ASK, "How do I configure nginx?", 8)
        chat.wait_for("document.querySelectorAll('.turn').length === 2")
        second = chat.run(f"return {ENDED}")
        if chat.run(first) == "done":
            raise EndedTooEarly
        assert second == "waiting"
        chat.run("document.querySelector('#stop').click()")
        chat.wait_for(f"{ENDED} !== 'waiting'")
        # Stop may have come after the end of the first, and stopped the second.
        if chat.run(first) == "done":
            raise EndedTooEarly
        assert chat.run(first) == "cancelled"
        assert chat.run(f"return {ENDED}") in ("writing", "done")
        chat.run("document.querySelector('#stop').click()")
        if finish(chat) == "done":
            raise EndedTooEarly
        assert finish(chat) == "cancelled"

    in_the_middle(chat, demo, ask_again, words_per_second=8)


@pytest.mark.parametrize(
    "question",
    [
        '<img src=x onerror="window.pwned=1"> <script>window.pwned=1</script>',
        "[x](javascript:window.pwned=1) **bold** `code` &lt;b&gt;",
    ],
)
def test_a_question_cannot_run_markup(chat, question):
    ask(chat, question, words_per_second=100)
    finish(chat)
    assert chat.run("return document.querySelector('.turn .question').textContent") == question
    assert chat.run("return window.pwned === undefined")
    assert chat.run("return document.querySelectorAll('.turn img, .turn script').length") == 0
    assert chat.run("return [...document.querySelectorAll('.turn a')].every((a) => /^(https?:|$)/.test(a.protocol))")
