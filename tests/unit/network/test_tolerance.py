"""What ordering bears, counted from who runs how many orderers."""

from dataclasses import replace

import pytest

from network.tolerance import Tolerance, tolerance
from network.topology import Organisation, Topology, default_configtx, read_topology


@pytest.mark.parametrize(
    ("profile", "expected"),
    [("Raft", Tolerance("raft", 3, 1, ())), ("BFT", Tolerance("bft", 4, 1, ("City",)))],
)
def test_what_the_consortiums_ordering_bears(profile: str, expected: Tolerance) -> None:
    assert tolerance(read_topology(default_configtx(), profile)) == expected


@pytest.mark.parametrize(
    ("consensus", "orderers", "faults", "indispensable"),
    [
        ("etcdraft", (1,), 0, ("A",)),
        ("etcdraft", (1, 1), 0, ("A", "B")),
        ("etcdraft", (3, 1, 1), 2, ("A",)),
        ("etcdraft", (1, 1, 1, 1, 1), 2, ()),
        ("BFT", (1, 1, 1), 0, ("A", "B", "C")),
        ("BFT", (1, 1, 1, 1), 1, ()),
        ("BFT", (2, 2, 2, 1), 2, ()),
    ],
)
def test_whoever_runs_more_orderers_than_may_fail_is_indispensable(
    consensus: str, orderers: tuple[int, ...], faults: int, indispensable: tuple[str, ...]
) -> None:
    base = Organisation("A", "AMSP", "a:1", "a:2")
    organisations = tuple(
        replace(base, name=name, more_orderers=tuple(f"a:{port}" for port in range(3, 2 + count)))
        for name, count in zip("ABCDE", orderers, strict=False)
    )
    found = tolerance(Topology(organisations, "any", {"Orderer": {"OrdererType": consensus}}))
    assert (found.orderers, found.faults, found.indispensable) == (sum(orderers), faults, indispensable)
