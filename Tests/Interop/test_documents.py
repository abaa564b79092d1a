"""The documents keep to the code: what can be compared is compared."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support import transports

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "Tests" / "Interop" / "README.md", *sorted((ROOT / "clients").rglob("README.md"))]


def anchors(text):
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    text = document.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        assert linked.exists(), f"{document.name} links to {target}"
        if anchor:
            assert anchor in anchors(linked.read_text()), f"{document.name} links to {target}"


def test_the_table_of_transports_names_tests_that_there_are():
    assert transports.unknown() == []


def test_the_protocol_page_lists_every_problem_of_the_server():
    problems = {}
    for source in (ROOT / "Sources").rglob("*.swift"):
        if "FreshetCLI" in source.parts or "FreshetDemo" in source.parts:
            continue
        for status, code in re.findall(
            r'(?:Problem|self\.init)\(\s*(\d{3}|status),\s*"([a-z0-9-]+)"', source.read_text()
        ):
            # Where a problem comes with more than one status, the code has a variable.
            several = {"too-many-connections": "429, 503", "stream-deleted": "409, 410"}
            problems[code] = several[code] if status == "status" else status
    page = (ROOT / "docs" / "protocol.md").read_text()
    assert {code: status for status, code in re.findall(r"^\| ([\d, ]+) \| `([a-z0-9-]+)` \|", page, re.MULTILINE)} == problems


def test_a_problem_has_one_title():
    """RFC 9457, section 3.1.3: a title does not change from occurrence to occurrence. What does is the detail."""
    titles = {}
    for source in (ROOT / "Sources").rglob("*.swift"):
        for code, title in re.findall(
            r'(?:Problem|self\.init)\(\s*[^,()]+,\s*"([a-z0-9-]+)",\s*title:\s*"((?:[^"\\]|\\.)*)"', source.read_text()
        ):
            titles.setdefault(code, set()).add(title)
    assert len(titles) > 80
    assert {code: found for code, found in titles.items() if len(found) > 1} == {}


def test_the_readme_s_swift_is_the_library_s_own_example():
    """An example of a documentation comment, or one that is compiled."""
    comments = "".join(
        line.strip().removeprefix("///").removeprefix(" ")
        for line in (ROOT / "Sources" / "EventSource" / "EventSource.swift").read_text().splitlines(keepends=True)
    )
    comments += "".join(path.read_text() for path in sorted((ROOT / "Examples").rglob("*.swift")))
    examples = re.findall(r"```swift\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert examples
    for example in examples:
        assert "".join(example.split()) in "".join(comments.split())


def test_the_architecture_page_names_every_folder():
    page = (ROOT / "docs" / "architecture.md").read_text()
    for target in (ROOT / "Sources").iterdir():
        assert f"`{target.name}`" in page, target.name
        for folder in target.iterdir():
            if folder.is_dir() and folder.suffix != ".docc":
                assert f"`{folder.name}`" in page, f"{target.name}/{folder.name}"


def test_every_idea_of_the_wire_has_the_file_that_the_development_page_names():
    page = (ROOT / "docs" / "development.md").read_text()
    section = page.split("## Which file to open", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (.+?) \| (`.+`) \|$", section, re.MULTILINE)
    assert len(rows) >= 30
    for idea, files in rows:
        for file in re.findall(r"`([^`]+\.swift)`", files):
            assert (ROOT / "Sources" / file).is_file(), f"{idea}: {file}"
    ideas = " ".join(idea for idea, _ in rows)
    for word in [
        "lease", "heartbeat", "Last-Event-ID", "gap", "NDJSON", "retry", "drain", "OpenAI", "Idempotency-Key", "offset", "retention",
        "Producer-Id", "fork", "CORS", "session cookie", "long-poll", "chunked", "problem", "probe", "SIGTERM",
    ]:
        assert word in ideas, word


def test_the_release_workflow_runs_scripts_that_are_there():
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    scripts = re.findall(r"- run: ((?:\.ci|scripts)/\S+)", workflow)
    assert len(scripts) >= 3
    for script in scripts:
        assert os.access(ROOT / script, os.X_OK), script


PLANTED = """import Synchronization

@available(freshet 0.1, *)
func planted(_ bytes: [UInt8], _ time: Duration) async {
    _ = String(validating: bytes, as: UTF8.self)
    _ = "\\(Data(bytes).base64EncodedString(options: .base64URLAlphabet))"
    Task.immediate { await Task.yield() }
    let count = Atomic(bytes.count)
    if #available(macOS 15, iOS 18, *) { _ = String(validating: bytes, as: UTF8.self) }
    _ = "Task.immediate"  // Task.immediate
    #if os(Linux)
    Task.immediate { await Task.yield() }
    #endif
    guard #available(macOS 26, iOS 26, *) else { return }
    Task.immediate { await Task.yield() }
}

struct Bare {}

@available(macOS 26, iOS 26, *)
private func guarded(_ bytes: [UInt8], _ lock: borrowing Atomic<Int>) { _ = String(validating: bytes, as: UTF8.self) }
"""


def test_what_apple_s_systems_have_only_since_later_is_found_by_name(tmp_path):
    """`scripts/check-availability`, on a tree where something newer than the stated minimum was planted."""
    shutil.copy(ROOT / "Package.swift", tmp_path)
    for folder in ["scripts", "Sources"]:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("Site", "Knowledge", "*.docc"))
    (tmp_path / "Sources" / "StreamCore" / "Planted.swift").write_text(PLANTED)
    (tmp_path / "Sources" / "PartialJSON" / "Planted.swift").write_text(
        'func planted(_ time: Duration) { print("ab".firstRange(of: "b") as Any) }\nstruct Bare {}\n'
    )
    run = subprocess.run([tmp_path / "scripts" / "check-availability"], capture_output=True, text=True)
    assert run.returncode == 1, run.stderr
    found = re.findall(r"^Sources/(\w+)/Planted.swift:(\d+): (\S+?),? ", run.stderr, re.MULTILINE)
    assert found == [
        ("PartialJSON", "1", "Duration"),
        ("PartialJSON", "1", "Collection.firstRange(of:)"),
        ("StreamCore", "1", "Synchronization"),
        ("StreamCore", "5", "String.init(validating:as:)"),
        ("StreamCore", "6", "base64URLAlphabet"),
        ("StreamCore", "7", "Task.immediate(name:priority:executorPreference:operation:)"),
        ("StreamCore", "8", "Atomic"),
        ("StreamCore", "18", "struct"),
        ("StreamCore", "21", "func"),
    ], run.stderr
