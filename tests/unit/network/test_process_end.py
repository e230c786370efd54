"""The end of other processes: known when nothing of them is left, whoever fetches their exit status."""

import os
import signal
import subprocess
import sys

import pytest

from network.process_end import Ended, Process

WAITING = "print('ready', flush=True); import sys; sys.stdin.read()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITING


def started(program: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    return process


def test_a_process_that_is_not_there_cannot_be_watched() -> None:
    with started(WAITING) as child:
        child.communicate()
    with pytest.raises(Ended):
        Process(child.pid)


def test_the_end_comes_with_the_signal_though_nobody_fetches_the_status() -> None:
    with started(WAITING) as child, Process(child.pid) as process:
        assert not process.wait(0.01)
        process.send(signal.SIGTERM)
        assert process.wait(30)
        os.kill(child.pid, 0)  # its status is still there to be fetched
        process.send(signal.SIGTERM)  # nothing happens any more


def test_waiting_is_bounded() -> None:
    with started(DEAF) as child, Process(child.pid) as process:
        process.send(signal.SIGTERM)
        assert not process.wait(0.05)
        process.send(signal.SIGKILL)
        assert process.wait(30)


def test_no_descriptor_is_left_open() -> None:
    with started(WAITING) as child:
        for _ in range(3):
            with Process(child.pid) as process:
                held = process._descriptor
            if held >= 0:
                with pytest.raises(OSError):
                    os.fstat(held)
        child.communicate()
