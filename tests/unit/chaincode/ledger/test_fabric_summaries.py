"""Summaries of long ranges, against those of Fabric's `rwsetutil` and its own tests' trees."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from chaincode.ledger.merkle_summary import MAX_DEGREE, summarise
from chaincode.ledger.read_write_set import MerkleSummary
from chaincode.ledger.scan import Scan
from chaincode.ledger.state import Version

RECORDED = json.loads((Path(__file__).parent / "fabric_summaries.json").read_text(encoding="utf-8"))

Read = tuple[str, Version]


def reads(count: int) -> list[Read]:
    return [(f"key_{number:05}", Version(number // 3, number % 3)) for number in range(count)]


def encoded(summary: MerkleSummary) -> bytes:
    return kv_rwset_pb2.QueryReadsMerkleSummary(
        max_degree=summary.max_degree, max_level=summary.max_level, max_level_hashes=summary.hashes
    ).SerializeToString()


@pytest.mark.parametrize(
    "row", [row for row in RECORDED if row["merkle"]], ids=lambda row: f"degree {row['degree']}, {row['count']} reads"
)
def test_a_summary_is_fabrics(row: dict[str, Any]) -> None:
    summary = summarise(reads(row["count"]), row["degree"])
    assert sha256(encoded(summary)).hexdigest() == row["merkle"]


@pytest.mark.parametrize(
    "row", [row for row in RECORDED if row["degree"] == MAX_DEGREE], ids=lambda row: f"{row['count']} reads"
)
def test_reads_are_summarised_when_fabric_does(row: dict[str, Any]) -> None:
    scan = Scan("ns", ((key, b"value", version) for key, version in reads(row["count"])), "", "")
    assert len(list(scan)) == row["count"]
    query = scan.query()
    assert len(query.reads) == row["reads"]
    assert (query.merkle is not None) == bool(row["merkle"])
    if query.merkle:
        assert sha256(encoded(query.merkle)).hexdigest() == row["merkle"]


# The trees that Fabric's query_results_helper_test.go spells out.


def leaf(rows: list[Read]) -> bytes:
    message = kv_rwset_pb2.QueryReads()
    for key, version in rows:
        message.kv_reads.add(key=key).version.CopyFrom(
            kv_rwset_pb2.Version(block_num=version.block, tx_num=version.transaction)
        )
    return sha256(message.SerializeToString()).digest()


def node(*children: bytes) -> bytes:
    return sha256(b"".join(children)).digest()


def leaves(rows: list[Read], size: int) -> list[bytes]:
    return [leaf(rows[begin : begin + size]) for begin in range(0, len(rows), size)]


def test_one_level() -> None:
    rows = reads(9)
    assert summarise(rows, 3) == MerkleSummary(3, 1, tuple(leaves(rows, 4)))


def test_two_levels() -> None:
    level = leaves(reads(25), 4)
    assert summarise(reads(25), 3) == MerkleSummary(3, 2, (node(*level[:4]), node(*level[4:])))


def test_three_levels_of_which_a_lone_leaf_rises_unhashed() -> None:
    level = leaves(reads(65), 4)
    second = [node(*level[begin : begin + 4]) for begin in range(0, 16, 4)]
    assert summarise(reads(65), 3) == MerkleSummary(3, 3, (node(*second), level[16]))


def test_a_last_level_that_is_too_long_becomes_one_hash_of_the_next() -> None:
    level = leaves(reads(24), 3)
    second = [node(*level[:3]), node(*level[3:6]), node(*level[6:])]
    assert summarise(reads(24), 2) == MerkleSummary(2, 3, (node(*second),))


def test_an_empty_first_level_is_skipped() -> None:
    level = leaves(reads(45), 3)
    second = [node(*level[begin : begin + 3]) for begin in range(0, 15, 3)]
    assert summarise(reads(45), 2) == MerkleSummary(2, 3, (node(*second[:3]), node(*second[3:])))


@pytest.mark.parametrize("change", ["a key", "a version", "one less", "one more", "the order"])
def test_every_read_counts(change: str) -> None:
    rows = reads(200)
    before = summarise(rows)
    if change == "a key":
        rows[123] = ("key_00123x", rows[123][1])
    elif change == "a version":
        rows[123] = (rows[123][0], Version(9, 9))
    elif change == "one less":
        del rows[123]
    elif change == "one more":
        rows.append(("zzz", Version(1, 1)))
    else:
        rows[5], rows[6] = rows[6], rows[5]
    assert summarise(rows) != before


@pytest.mark.parametrize("degree", [0, 1, -1])
def test_a_degree_that_makes_no_tree_is_refused(degree: int) -> None:
    with pytest.raises(ValueError, match="degree"):
        summarise(reads(10), degree)
