"""Completions and the manual page, made from the command line's own definitions, used as a shell and man use them."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support.freshet import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shell-help")
    script = ROOT / "scripts" / "install-shell-help"
    subprocess.run([script, directory, BINARY], check=True, capture_output=True)
    return directory / "share"


@pytest.fixture(scope="module")
def complete(installed):
    """What bash offers for a line whose last word is being typed."""
    script = installed / "bash-completion" / "completions" / "freshet"

    def complete(line):
        words = line.split(" ")
        program = f"""
            source {script}
            COMP_WORDS=({" ".join(repr(word) for word in words)})
            COMP_CWORD={len(words) - 1}
            COMP_LINE={line!r}
            COMP_POINT={len(line)}
            COMP_TYPE=9
            completion=$(complete -p freshet | sed 's/.*-F \\([^ ]*\\).*/\\1/')
            "$completion" freshet {words[-1]!r} {words[-2]!r}
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        environment = os.environ | {"PATH": f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}"}
        answer = subprocess.run(["bash", "-c", program], check=True, capture_output=True, text=True, env=environment)
        return [word.strip() for word in answer.stdout.split("\n") if word.strip()]

    return complete


def test_bash_completes_commands(complete):
    assert {"serve", "append", "tail", "doctor"} <= set(complete("freshet "))
    assert complete("freshet ser") == ["serve"]
    assert complete("freshet del") == ["delete"]


def test_bash_completes_the_flags_of_a_command(complete):
    offered = complete("freshet serve --dra")
    assert offered == ["--drain-deadline-seconds"]
    assert "--open" in complete("freshet serve --o")
    assert complete("freshet serve --no-such-flag") == []


def test_every_shell_s_script_is_one_that_its_shell_can_read(installed):
    scripts = {
        "bash": installed / "bash-completion" / "completions" / "freshet",
        "zsh": installed / "zsh" / "site-functions" / "_freshet",
        "fish": installed / "fish" / "vendor_completions.d" / "freshet.fish",
    }
    for shell, script in scripts.items():
        assert "serve" in script.read_text()
        if shutil.which(shell):
            subprocess.run([shell, "-n", script], check=True)


def test_the_manual_names_every_command_and_flag_of_the_program(installed):
    page = (installed / "man" / "man1" / "freshet.1").read_text()
    for command in ("serve", "demo", "append", "tail", "delete", "doctor", "backup"):
        assert f".Ss freshet {command}" in page
    usage = subprocess.run([BINARY, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    flags = {word for word in re.split(r"[\s,\[\]/]+", usage) if word.startswith("--")}
    plain = page.replace("\\-", "-")
    assert [flag for flag in sorted(flags) if flag not in plain] == []
    if shutil.which("mandoc"):
        subprocess.run(["mandoc", "-T", "lint", "-W", "error", installed / "man" / "man1" / "freshet.1"], check=True)
