"""The synchronous client is what the generator makes of the asynchronous one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_generated_files_are_up_to_date():
    pytest.importorskip("unasync")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_sync.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_asynchronous_is_left():
    for path in ROOT.glob("node_client/*/_sync/*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("async ", "await ", "asyncio", "aio.Channel", "Async"):
            assert word not in text, f"{path.name}: {word}"
