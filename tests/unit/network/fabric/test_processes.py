"""Processes that are found again, and never mistaken for others."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from network import process_end
from network.fabric import processes
from network.fabric.processes import Process, parse_stat, read, start_time, stop

SLEEPER = "print('ready', flush=True); import time; time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
# Starts a process of its own, which stays in the group, and tells its id.
PARENT = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); print(p.pid, flush=True)"

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program as the first of a group, and waits until it has said something."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        processes.kill_group(process.pid)
        process.wait()
        if process.stdout:
            process.stdout.close()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def known(process: "subprocess.Popen[str]") -> Process:
    return Process(process.pid, start_time(process.pid))


def test_running_process_is_known_again_from_its_file(start: Start, tmp_path: Path) -> None:
    process = start(SLEEPER)
    one = known(process)
    one.write(tmp_path / "one.json")
    found = read(tmp_path / "one.json")
    assert found == one
    assert found.alive
    process.kill()
    process.wait()
    assert not found.alive


def test_process_that_nobody_has_waited_for_counts_as_ended(start: Start) -> None:
    process = start(SLEEPER)
    one = known(process)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not one.alive


def test_later_process_of_the_same_id_is_another(start: Start) -> None:
    process = start(SLEEPER)
    said(process)
    earlier = Process(process.pid, "an earlier time")
    assert not earlier.alive
    stop([earlier])
    assert process.poll() is None
    assert not Process(process.pid, "").alive


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}', '{"pid": 1, "started": "x", "more": 1}'])
def test_damaged_files_name_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.json").write_text(text)
    assert read(tmp_path / "one.json") is None
    assert read(tmp_path / "none.json") is None


def test_stopping_asks_first(start: Start) -> None:
    process = start(SLEEPER)
    said(process)
    stop([known(process)])
    assert process.wait() == -signal.SIGTERM


def test_what_does_not_end_when_asked_is_killed(start: Start) -> None:
    process = start(STUBBORN)
    said(process)
    stop([known(process)], patience=0.05)
    assert process.wait() == -signal.SIGKILL


def test_what_a_process_started_goes_with_it(start: Start) -> None:
    parent = start(PARENT + "; sys.stdout.close(); p.wait()")
    with process_end.Process(int(said(parent))) as child:
        stop([known(parent)])
        assert parent.wait() == -signal.SIGTERM
        assert child.wait(60)


def test_stopping_what_is_gone_is_nothing(start: Start) -> None:
    process = start("print('gone')")
    one = known(process)
    process.wait()
    stop([one])
    stop([])


@pytest.mark.skipif(sys.platform != "linux", reason="the format is Linux'")
def test_names_of_programs_do_not_confuse() -> None:
    fields = " ".join(str(number) for number in range(4, 60))
    assert parse_stat(f"1 (a) b) S {fields}") == "22"
    assert parse_stat(f"1 ((sd-pam) 3 4) Z {fields}") == ""
    assert start_time(os.getpid()) == start_time(os.getpid()) != ""
