"""The README's examples, as they stand there: each is run, and what it prints is what the README says."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from support.freshet import BINARY

README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
EXAMPLE = re.compile(
    r"<!-- run: (?P<name>.+?) -->\n```(?P<language>\w+)\n(?P<code>.*?)```\n"
    r"(?:<!-- prints -->\n```\n(?P<output>.*?)```\n)?",
    re.DOTALL,
)
EXAMPLES = {found["name"]: found for found in EXAMPLE.finditer(README)}


@pytest.fixture
def run(demo, tmp_path):
    """Runs an example by its name, on this server instead of the default one, and returns what it prints."""
    (tmp_path / "freshet").symlink_to(BINARY)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "FRESHET_URL": demo.url}
    programs = {"sh": ["bash", "-euc"], "js": ["node", "--input-type=module", "-e"]}

    def start(name):
        example = EXAMPLES[name]
        code = example["code"].replace("http://127.0.0.1:4437", demo.url)
        done = subprocess.run(
            [*programs[example["language"]], code], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return start


def without_ids(text):
    return re.sub(r"(?<=\bid: )[0-9A-Z_a-z~]{12}$", "ID", text.strip(), flags=re.MULTILINE)


def printed(name):
    return without_ids(EXAMPLES[name]["output"])


def test_every_example_is_run():
    assert list(EXAMPLES) == ["a program's output", "curl reads", "curl writes", "a browser", "node"]


def together(text):
    """What arrives together is one event: on a busy machine that may be both lines of the example."""
    return text.replace("data: \n\nid: ID\ndata: ", "data: ")


def test_a_program_s_output_and_curl_that_reads_it(run):
    assert without_ids(run("a program's output")) == printed("a program's output")
    assert together(without_ids(run("curl reads"))) == together(printed("curl reads"))


def test_curl_writes(run):
    assert without_ids(run("curl writes")) == printed("curl writes")


def test_node_writes_and_reads(run):
    *words, end = [json.loads(line) for line in run("node").splitlines() if line]
    # What arrives together is one event.
    assert all(set(word) == {"id", "data"} for word in words)
    assert "".join(word["data"] for word in words) == "Hello from node "
    assert (end["event"], end["data"]) == ("end", {"reason": "done"})


def test_a_browser_reads(browser, demo):
    path = demo.create()
    browser.goto(demo.url + "/")
    code = EXAMPLES["a browser"]["code"].replace("/v1/stream/answer", path)
    # `const` would stay inside the function that the driver makes of a script.
    browser.run(code.replace("const source", "window.source"))
    browser.wait_for("window.source.readyState === EventSource.OPEN")
    demo.append(path, "appended while it reads")
    browser.wait_for("document.body.innerText.includes('appended while it reads')")
    demo.end(path)
    browser.wait_for("window.source.readyState === EventSource.CLOSED")
