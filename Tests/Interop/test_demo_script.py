"""`scripts/demo`: it runs the program of its sources that is there, and otherwise builds it and says how far it is."""

import os
import pathlib
import platform
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Both stand for what they are named after.
FRESHET = """#!/bin/sh
case "$1" in
--version) echo "{version}" ;;
demo) shift; echo "the demo of {name}: $*" ;;
esac
"""
SWIFT = """#!/bin/bash
case "$*" in
--version) echo 'Swift version 6.3.1' ;;
*--show-bin-path*) echo .build/debug ;;
*)
    echo '[1/200] Compiling A a.swift'
    echo '[199/200] Compiling B b.swift'
    [ ! -e broken ] || { echo 'b.swift:1:1: error: there is a mistake'; exit 1; }
    mkdir -p .build/debug
    cp built .build/debug/freshet
    ;;
esac
"""


class Sources:
    """A repository that has of ours the scripts and the version."""

    def __init__(self, directory):
        self.directory = directory
        shutil.copytree(ROOT / "scripts", directory / "scripts")
        version = pathlib.Path("Sources", "FreshetServer", "Service", "FreshetVersion.swift")
        (directory / version).parent.mkdir(parents=True)
        shutil.copy(ROOT / version, directory / version)
        (directory / ".gitignore").write_text(".build/\ndist/\nbin/\nbuilt\nbroken\n")
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("-c", "user.name=Tests", "-c", "user.email=tests@example", "commit", "--quiet", "--message", "All")
        self.version = self.shell("version_number")
        (directory / "bin").mkdir()
        self.program("bin/swift", SWIFT)
        self.program("built", FRESHET.format(version="0 (development build)", name="the build"))

    def git(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.directory, check=True, capture_output=True, text=True).stdout.strip()

    def shell(self, command):
        sourced = f"source scripts/lib/machine.sh; source scripts/lib/version.sh; {command}"
        return subprocess.run(["bash", "-c", sourced], cwd=self.directory, check=True, capture_output=True, text=True).stdout.strip()

    def program(self, path, text):
        path = self.directory / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def demo(self, *arguments):
        environment = os.environ | {"PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}"}
        return subprocess.run(
            [self.directory / "scripts" / "demo", *arguments], capture_output=True, text=True, env=environment, timeout=60
        )


@pytest.fixture
def sources(tmp_path):
    return Sources(tmp_path)


def test_the_version_has_the_commit_and_the_tag(sources):
    commit = sources.git("rev-parse", "--short=12", "HEAD")
    assert sources.shell("version_text") == f"{sources.version} ({commit})"
    sources.git("tag", f"v{sources.version}")
    assert sources.shell("version_text") == f"{sources.version} (v{sources.version}, {commit})"
    (sources.directory / "scripts" / "demo").write_text("changed")
    assert sources.shell("version_text") == f"{sources.version} (v{sources.version}, {commit}, changed)"


def test_a_tag_of_another_version_is_a_mistake(sources):
    sources.git("tag", "v99.0.0")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        sources.shell("version_text")
    assert "The tag is v99.0.0" in failed.value.stderr


def test_an_installed_program_of_these_sources_runs_at_once(sources):
    sources.program("bin/freshet", FRESHET.format(version=sources.shell("version_text"), name="the installed one"))
    done = sources.demo("--port", "0")
    assert (done.returncode, done.stdout) == (0, "the demo of the installed one: --port 0\n")


def test_a_packaged_program_of_these_sources_runs_at_once(sources):
    name = f"freshet-{sources.version}-linux-{platform.machine()}"
    for who in ("the first", "the second"):
        sources.program(f"{name}/bin/freshet", FRESHET.format(version=sources.shell("version_text"), name=who))
        (sources.directory / "dist").mkdir(exist_ok=True)
        subprocess.run(["tar", "-czf", f"dist/{name}.tar.gz", name], cwd=sources.directory, check=True)
        assert sources.demo().stdout == f"the demo of {who}: \n"


@pytest.mark.parametrize("other", ["0.0.1 (aaaaaaaaaaaa)", "{number} (aaaaaaaaaaaa)", "{number} (development build)", ""])
def test_a_program_of_other_sources_does_not_run(sources, other):
    sources.program("bin/freshet", FRESHET.format(version=other.format(number=sources.version), name="the installed one"))
    done = sources.demo()
    assert (done.returncode, done.stdout) == (0, "the demo of the build: \n")


def test_changed_sources_are_built(sources):
    (sources.directory / "scripts" / "test").write_text("changed")
    sources.program("bin/freshet", FRESHET.format(version=sources.shell("version_text"), name="the installed one"))
    assert sources.demo().stdout == "the demo of the build: \n"


def test_a_build_says_how_far_it_is(sources):
    steps = sources.shell("source scripts/lib/progress.sh; echo $steps_from_nothing")
    assert f"1 of {steps} steps\n" in sources.demo().stderr, "of the first build SwiftPM does not know yet how long it is"
    done = sources.demo()
    assert "1 of 200 steps\n" in done.stderr, "where there is no terminal, a line now and then"
    assert "199 of 200" not in done.stderr, "not one for each step"
    assert "Compiling" not in done.stderr


def test_a_build_that_fails_shows_why(sources):
    (sources.directory / "broken").touch()
    done = sources.demo()
    assert done.returncode != 0 and done.stdout == ""
    assert "b.swift:1:1: error: there is a mistake" in done.stderr


@pytest.mark.parametrize(
    "done, of, seconds, said",
    [
        (10, 100, 5, ""),
        (0, 100, 60, ""),
        (100, 1000, 60, ", about 9 minutes left"),
        (500, 1000, 60, ", about a minute left"),
        (999, 1000, 600, ", about a minute left"),
    ],
)
def test_the_time_left_follows_from_what_is_done(done, of, seconds, said):
    command = f"source scripts/lib/progress.sh; time_left {done} {of} {seconds}"
    told = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=ROOT, check=True, capture_output=True, text=True)
    assert told.stdout.strip("\n") == said


@pytest.mark.parametrize("script", ["demo", "test"])
def test_the_help_is_there_from_any_directory(script):
    asked = subprocess.run([f"{ROOT.name}/scripts/{script}", "--help"], cwd=ROOT.parent, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    assert f"\n  scripts/{script} " in asked.stdout


def test_a_number_of_nodes_is_a_number(sources):
    for wrong in ("0", "many", ""):
        refused = sources.demo("--nodes", wrong)
        assert refused.returncode == 64 and "from 1 to 9" in refused.stderr, refused
