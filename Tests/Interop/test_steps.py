"""The runner of `scripts/test`: its steps' words stay together, each is bounded, and none leaves a process behind."""

import os
import pathlib
import signal
import subprocess

from support import processes
from support.waiting import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGINNING = "source scripts/lib/machine.sh; source scripts/lib/steps.sh\n"


def start(script):
    return processes.start(["bash", "-c", BEGINNING + script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def run(script):
    process = start(script)
    try:
        output, errors = process.communicate(timeout=300)
    finally:
        processes.end(process)
    assert errors == ""
    return process.returncode, output


def is_running(pid):
    """A process that waits to be reaped does not run."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_step_beside_others_says_everything_when_it_has_ended(tmp_path):
    # Each of the two waits for the other to have spoken.
    status, output = run(
        f"""
        speak() {{ echo "$1 begins"; : >{tmp_path}/$1; until [ -e {tmp_path}/$2 ]; do sleep 0.01; done; echo "$1 ends"; }}
        export -f speak
        beside step one 50 bash -c "speak one two"
        step two 50 bash -c "speak two one"
        join
        step three 50 echo last
        summary
        """
    )
    assert status == 0, output
    for name in ("one", "two"):
        assert f"\n==> {name}\n{name} begins\n{name} ends\n--- {name}: ok, " in output
    assert output.index("==> three\nlast\n--- three: ok, ") > max(output.index("one ends"), output.index("two ends"))
    assert output.endswith("\n\nEverything passed.\n")


def test_what_failed_is_told_wherever_it_ran():
    status, output = run(
        """
        lane() { step "in the lane" 50 false; step "goes on" 50 true; }
        beside lane
        step "beside it" 50 bash -c "exit 3"
        join
        summary
        """
    )
    assert status == 1
    assert "--- in the lane: FAILED with status 1, " in output and "--- beside it: FAILED with status 3, " in output
    assert sorted(output.partition("\nFAILED:\n")[2].splitlines()) == ["    beside it", "    in the lane"]
    assert "--- goes on: ok, " in output


def test_the_end_names_what_failed_in_a_step_wherever_it_ran():
    status, output = run(
        """
        tests() { echo "many lines"; echo "FAILED test_$1.py::test_that - assert 1 == 2"; echo "1 failed in 3 s"; false; }
        export -f tests
        lane() { step "in the lane" 50 bash -c "tests lane"; }
        beside lane
        step build 50 bash -c "echo 'a.swift:1:2: error: no such name'; false"
        join
        step after 50 bash -c "tests after"
        step good 50 echo "FAILED is no failure here"
        summary
        """
    )
    assert status == 1
    assert output.count("many lines\nFAILED test_after.py::test_that - assert 1 == 2\n1 failed in 3 s\n--- after: FAILED") == 1
    told = output.partition("\nFAILED:\n")[2]
    assert "    after\n        FAILED test_after.py::test_that - assert 1 == 2\n" in told
    assert "    in the lane\n        FAILED test_lane.py::test_that - assert 1 == 2\n" in told
    assert "    build\n        a.swift:1:2: error: no such name\n" in told
    assert "1 failed" not in told and "good" not in told



def test_a_step_that_takes_too_long_is_stopped_with_all_that_it_started(tmp_path):
    pids = {}
    # On a busy machine a second may be over before a step has started what it is to start.
    while len(pids) < 2:
        status, output = run(
            f"""
            endless() {{ step endless 1 bash -c 'sleep 1000 & echo $! >{tmp_path}/$0; wait' "$1"; }}
            beside endless lane
            endless main
            join
            summary
            """
        )
        assert status == 1
        assert output.count("--- endless: stopped after its limit of 1 s\n--- endless: FAILED with status 124, ") == 2
        pids = {name: pid for name in ("lane", "main") if (file := tmp_path / name).exists() and (pid := file.read_text().strip())}
    for name, pid in pids.items():
        # What is killed ends when it is next given a processor.
        eventually(lambda: not is_running(pid), what=f"the end of what {name} started")


def test_an_interrupt_ends_both_lanes(tmp_path):
    process = start(
        f"""
        endless() {{ step endless 1000 bash -c 'sleep 1000 & echo $! >{tmp_path}/$0; wait' "$1"; }}
        beside endless lane
        endless main
        """
    )
    try:
        pids = [eventually(lambda: (tmp_path / name).exists() and (tmp_path / name).read_text().strip()) for name in ("lane", "main")]
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(120) == 130
        eventually(lambda: not any(is_running(pid) for pid in pids), what="the end of both lanes")
    finally:
        processes.end(process)
