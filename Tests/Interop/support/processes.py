"""Processes that the tests start, and that never outlive them."""

import contextlib
import ctypes
import os
import signal
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _begin():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Tests that are run under nohup would hand on that it is ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(arguments, before=None, **options):
    """Starts a process in a session of its own, so that whatever it starts can be ended with it."""
    options.setdefault("stdin", subprocess.DEVNULL)

    def prepare():
        _begin()
        if before:
            before()

    return subprocess.Popen([str(a) for a in arguments], preexec_fn=prepare, start_new_session=True, **options)


def end(process, patience=10):
    """Asks the process to stop, insists after `patience` seconds, and ends what it left in its process group."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    status = process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            # What was still to be written to it goes nowhere.
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    return status
