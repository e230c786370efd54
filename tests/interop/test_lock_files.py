"""The Node programs' packages are pinned, from whichever registry a machine uses."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ["tests/interop/node_client", "tests/interop/node_shim", "bench/node_client", "bench/openattestation"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_lock_files_name_contents_and_no_registry(program: str) -> None:
    lock = json.loads((ROOT / program / "package-lock.json").read_text())
    wanted = json.loads((ROOT / program / "package.json").read_text())
    packages = lock["packages"]
    assert packages.pop("")["dependencies"] == wanted["dependencies"]
    assert packages
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package["integrity"].startswith("sha512-"), name
