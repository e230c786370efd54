"""Summaries of long range queries: a tree of hashes over the reads, of which the top level is recorded.

Fabric's `core/ledger/kvledger/txmgmt/rwsetutil/query_results_helper.go`: reads are collected in groups; when a group
is full, the hash of its serialised reads becomes a node of the next level, and a full level is hashed into one above.
"""

from collections.abc import Iterable
from hashlib import sha256

from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from chaincode.ledger.read_write_set import MerkleSummary
from chaincode.ledger.state import Version

MAX_DEGREE = 50
MIN_DEGREE = 2


def summarise(reads: Iterable[tuple[str, Version]], max_degree: int = MAX_DEGREE) -> MerkleSummary:
    """The summary of reads in the order in which they were seen.

    A group closes when it holds more than `max_degree` reads; a level closes at the same count of hashes.

    Raises:
        ValueError: a tree cannot have this degree.
    """
    if max_degree < MIN_DEGREE:
        raise ValueError(f"a tree of hashes has a degree of at least {MIN_DEGREE}, not {max_degree}")
    tree: dict[int, list[bytes]] = {}
    max_level = 1
    pending: list[tuple[str, Version]] = []

    def add(level: int, digest: bytes) -> None:
        nonlocal max_level
        tree.setdefault(level, []).append(digest)
        if len(tree[level]) > max_degree:
            combined = sha256(b"".join(tree.pop(level))).digest()
            max_level = max(max_level, level + 1)
            add(level + 1, combined)

    def flush() -> None:
        message = kv_rwset_pb2.QueryReads(
            kv_reads=[
                kv_rwset_pb2.KVRead(
                    key=key,
                    version=kv_rwset_pb2.Version(block_num=version.block, tx_num=version.transaction),
                )
                for key, version in pending
            ]
        )
        add(1, sha256(message.SerializeToString()).digest())
        pending.clear()

    for read in reads:
        pending.append(read)
        if len(pending) > max_degree:
            flush()
    if pending:
        flush()
    # Unfinished lower levels are folded upwards, so that one level stands for all of them.
    for level in range(1, max_level):
        left = tree.pop(level, [])
        if left:
            tree.setdefault(level + 1, []).append(left[0] if len(left) == 1 else sha256(b"".join(left)).digest())
    top = tree.get(max_level, [])
    if len(top) > max_degree:
        top = [sha256(b"".join(top)).digest()]
        max_level += 1
    return MerkleSummary(max_degree, max_level, tuple(top))
