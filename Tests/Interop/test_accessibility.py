"""Every page of `freshet demo`, for people who see, point or read otherwise: checked by axe, with the keyboard, on a phone."""

import pytest

from support import axe

PATHS = ("/", "/race", "/article")
FOCUS = """
const { tagName, textContent, id, name, value } = document.activeElement;
return id || name || textContent.trim().replace(/\\s+/g, ' ').slice(0, 30) || `${tagName} ${value}`;
"""


def open_page(browser, demo, path):
    browser.goto(demo.url + path)
    browser.wait_for("document.readyState === 'complete'")
    if path == "/race":
        browser.wait_for("document.querySelector('#chart').height > 150")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, demo, path, scheme):
    if browser.name == "firefox" and scheme == "dark":
        pytest.skip("colours are the same in both")
    browser.resize(1280, 900)
    browser.color_scheme(scheme)
    try:
        open_page(browser, demo, path)
        if path == "/race":
            # With something in every part of it.
            browser.run("document.querySelector('#seconds').value = '1'; document.querySelector('#start').click()")
            browser.wait_for("document.querySelector('#lanes').dataset.state === 'over'")
        if path == "/article":
            for side in ("failure", "remedy"):
                browser.run(f"document.querySelector('[data-case=newline] [data-show={side}]').click()")
                browser.wait_for(f"document.querySelector('[data-case=newline]').dataset.{side} === 'over'")
        assert axe.violations(browser) == []
        browser.screenshot(f"page{path.replace('/', '-')}-{scheme}")
    finally:
        browser.color_scheme("")


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_does_not_scroll_sideways(browser, demo, path):
    browser.resize(390, 844)
    open_page(browser, demo, path)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    browser.screenshot(f"phone{path.replace('/', '-')}")
    browser.resize(1280, 900)


def tab(browser, times):
    order = []
    for _ in range(times):
        browser.press("Tab")
        order.append(browser.run(FOCUS))
    return order


def test_the_race_is_run_with_the_keyboard(browser, demo):
    open_page(browser, demo, "/race")
    start = ["Skip to the race", "Freshet", "Chat", "Race", "Article", "holding", "cut", "single", "seconds", "start"]
    assert tab(browser, len(start)) == start
    # The page notes it, a frame after each change: a second of racing may be over before a busy machine looks.
    browser.run(
        """
        document.querySelector('#seconds').value = '1';
        const lanes = document.querySelector('#lanes');
        window.seen = [];
        new MutationObserver(() => {
          const { state } = lanes.dataset;
          requestAnimationFrame(() => setTimeout(() => seen.push([state, document.activeElement.id])));
        }).observe(lanes, { attributeFilter: ['data-state'] });
        """
    )
    browser.press("Enter")
    browser.wait_for("seen.length === 2")
    assert browser.run("return seen") == [["running", "start"], ["over", "start"]], "a button that works keeps the focus"


def test_the_keyboard_may_skip_what_every_page_has(browser, demo):
    open_page(browser, demo, "/article")
    assert tab(browser, 1) == ["Skip to the code"]
    browser.press("Enter")
    browser.wait_for("document.activeElement.id === 'main'")
    assert tab(browser, 3)[2] == "Run it"


def test_every_page_leads_to_the_others(browser, demo):
    browser.console_errors()
    open_page(browser, demo, "/")
    for title, path in (("Race", "/race"), ("Article", "/article"), ("Chat", "/")):
        link = f"[...document.querySelectorAll('.pages a')].find(({{ textContent }}) => textContent === '{title}')"
        open_page(browser, demo, browser.run(f"return new URL({link}.href).pathname"))
        assert browser.run("return [location.pathname, document.querySelector('[aria-current=page]').textContent]") == [path, title]
    assert browser.console_errors() == []
