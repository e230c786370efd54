"""The Node programs' packages are pinned, from whichever registry a machine uses."""

import json
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("program", ["node_client", "node_shim"])
def test_lock_files_name_contents_and_no_registry(program: str) -> None:
    lock = json.loads((HERE / program / "package-lock.json").read_text())
    wanted = json.loads((HERE / program / "package.json").read_text())
    packages = lock["packages"]
    assert packages.pop("")["dependencies"] == wanted["dependencies"]
    assert packages
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package["integrity"].startswith("sha512-"), name
