"""A peer comes back while another site is away: its gateway finds the endorsers that are there."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from network.fabric.hearing import PATIENCE
from tests.sites import NAMES, Site, bring, formed, free_topology, site

pytestmark = pytest.mark.fabric

DEADLINE = 10 * PATIENCE


@pytest.fixture
def two_of_three(tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """The city's site and one that is away; a data centre is there, and a block came after the other had gone.

    What the data centre tells of itself is newer then than what it knows of the one that is away, which comes first in
    what it tells others: Fabric's peers read no further.
    """
    city, centre, other = (site(tmp_path, name) for name in NAMES)
    with formed([city, centre, other], free_topology()):
        other.run("down")
        city.commands.document("before.pdf")
        city.issue("before.pdf")
        yield city, other


def test_a_restarted_peer_finds_endorsers(two_of_three: tuple[Site, Site]) -> None:
    city, other = two_of_three
    assert city.run("restart", "peer0.city")["trouble"] is None
    city.commands.document("after.pdf")
    city.commands.ok("issue", "after.pdf")
    other.run("start")
    bring("after.pdf", city, other)
    (verdict,) = other.commands.ok("verify", "after.pdf", "--profile", "trivalley-verifier")
    assert verdict["verdict"] == "genuine"


def test_a_peer_that_was_killed_finds_endorsers_by_itself(two_of_three: tuple[Site, Site]) -> None:
    city, _ = two_of_three
    (peer,) = [node for node in city.run("status")["nodes"] if node["kind"] == "peer"]
    os.kill(peer["pid"], signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE
    while (status := city.run("status"))["trouble"] or status["nodes"] == [peer]:
        assert time.monotonic() < deadline, status
    city.commands.document("after.pdf")
    city.commands.ok("issue", "after.pdf")
