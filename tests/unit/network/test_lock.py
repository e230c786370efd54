"""A folder's lock: one process holds it, and asking who does is in nobody's way."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from network import lock as locking
from network.lock import Held, hold, holder


def test_nobody_holds_a_lock_that_is_not_there_or_let_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert holder(lock) is None
    with hold(lock):
        assert holder(lock) == os.getpid()
    assert holder(lock) is None


def test_a_held_lock_is_not_given_again(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with hold(lock), pytest.raises(Held), hold(lock):
        raise AssertionError("it was given twice")


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    program = (
        "import sys; from pathlib import Path; from network.lock import hold\n"
        "with hold(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        assert holder(lock) == process.pid
        process.kill()
    assert holder(lock) is None


def test_whoever_asks_for_the_holder_keeps_nobody_from_holding(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    over = Event()

    def ask() -> int:
        asked = 0
        while not over.is_set():
            holder(lock)
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            for _ in range(50):
                with hold(lock):
                    pass
        finally:
            over.set()
        assert all(one.result() for one in asking)


def test_a_lock_that_cannot_be_written_can_be_asked(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with hold(lock):
        lock.chmod(0o400)
        assert holder(lock) == os.getpid()


def test_an_error_while_it_is_held_lets_it_go(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hold(tmp_path / "lock"):
        raise RuntimeError
    assert holder(tmp_path / "lock") is None


@pytest.mark.parametrize("text", [b"", b"0", b"-1", b"1\n", b"one", b"99999999999", b"\xff", "１".encode()])
def test_a_holder_that_does_not_say_who_it_is_is_nobody_in_particular(
    tmp_path: Path, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking, "MOMENT", 0.0)
    with hold(tmp_path / "lock"):
        (tmp_path / "lock").write_bytes(text)
        assert holder(tmp_path / "lock") == 0


def test_who_held_the_lock_before_is_not_taken_for_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with hold(lock):
        lock.write_text(str(ended.pid))
        # As soon as the holder says who it is, that is the answer.
        monkeypatch.setattr(locking.time, "sleep", lambda _: lock.write_text(str(os.getpid())))
        assert holder(lock) == os.getpid()
        lock.write_text(str(ended.pid))
        monkeypatch.setattr(locking, "MOMENT", 0.0)
        assert holder(lock) == 0


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError), hold(tmp_path / "nowhere" / "lock"):
        pass
    assert holder(tmp_path / "nowhere" / "lock") is None
