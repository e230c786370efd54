"""The first block of recorded bundles is the recorded one, to the last byte: on every machine, and in years to come."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from network.bundle_files import read_bundle
from network.channel import channel_of
from network.topology import read_topology

VECTORS = Path(__file__).parents[2] / "vectors" / "bundles"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # while the recorded certificates are valid
PROGRAM = """
import sys
from tests.unit.network.test_recorded_channels import block
sys.stdout.write(block(sys.argv[1]).hex())
"""


def block(profile: str) -> bytes:
    topology = read_topology((VECTORS / "configtx.yaml").read_text(encoding="utf-8"), profile)
    bundles = [read_bundle(path) for path in (VECTORS / profile).glob("*.bundle.json")]
    return channel_of(topology, bundles, NOW).block


@pytest.mark.parametrize("profile", ["Raft", "BFT"])
def test_recorded_bundles_make_the_recorded_block(profile: str) -> None:
    assert block(profile) == (VECTORS / profile / "channel.block").read_bytes()


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_no_order_within_a_process_shows_in_the_block(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "Raft"],
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(VECTORS.parents[2])},
        capture_output=True,
        check=True,
    )
    assert bytes.fromhex(done.stdout.decode()) == (VECTORS / "Raft" / "channel.block").read_bytes()


def test_nothing_private_was_recorded_with_the_bundles() -> None:
    for path in VECTORS.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes()


def test_a_bundles_digest_is_that_of_its_file() -> None:
    for path in VECTORS.rglob("*.bundle.json"):
        assert read_bundle(path).digest == sha256(path.read_bytes()).hexdigest()
        assert json.loads(path.read_bytes())["schema"] == "certledger/v1/bundle"
