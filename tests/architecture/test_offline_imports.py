"""Verifying without a network needs neither a network's code nor a ledger's: it starts fast, and anywhere."""

import subprocess
import sys
from pathlib import Path

ABSENT = ("grpc", "sqlite3", "asyncio", "fcntl", "network", "node_client.gateway", "pypdf", "cbor2", "multiprocessing")

PROGRAM = """
import sys
from cli.main import run
status = run(["verify", "a.txt", "--offline", "--trust", "trust.json", "--json"])
print(status, *[name for name in sys.argv[1:] if name in sys.modules], file=sys.stderr)
"""


def test_verify_offline_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    from tests.unit.node_client.certificates.consortium import DOCUMENT, Consortium

    city = Consortium()
    (tmp_path / "a.txt").write_bytes(DOCUMENT)
    (tmp_path / "a.txt.receipt.json").write_bytes(city.receipt().to_bytes())
    (tmp_path / "trust.json").write_bytes(city.trust.to_bytes())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *ABSENT], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert '"verdict": "unconfirmed"' in done.stdout
    assert done.stderr == "7\n"
