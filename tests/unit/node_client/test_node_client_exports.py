"""What the package exports, and what importing it costs."""

import subprocess
import sys

import pytest

import node_client

HEAVY = ("grpc", "google", "fabric_protos", "cryptography", "asyncio", "sqlite3")


def imported_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", node_client.__all__)
def test_every_export_is_there(name):
    assert getattr(node_client, name).__name__ == name


def test_exports_are_listed():
    assert set(node_client.__all__) <= set(dir(node_client))
    assert node_client.__all__ == sorted(node_client.__all__)


def test_what_is_not_exported_is_not_there():
    with pytest.raises(AttributeError, match="no attribute nothing"):
        _ = node_client.nothing


@pytest.mark.parametrize("statement", ["import node_client", "from node_client import EndorseError"])
def test_importing_costs_nothing(statement):
    assert not imported_by(statement).intersection(HEAVY)
