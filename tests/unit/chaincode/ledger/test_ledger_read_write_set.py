"""Read-write sets between values and bytes: what is encoded decodes to itself, and Fabric's own sets do too."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2
from hypothesis import given
from hypothesis import strategies as st

from chaincode.ledger import read_write_set
from chaincode.ledger.read_write_set import (
    CollectionSet,
    HashedWrite,
    MerkleSummary,
    NamespaceSet,
    RangeQuery,
    Write,
    decode,
    decode_metadata,
    decode_private,
    encode,
    encode_metadata,
    encode_private,
)
from chaincode.ledger.state import Version
from tests.unit.chaincode.properties import tried

BLOCKS = Path(__file__).parents[3] / "vectors" / "fabric"

KEYS = st.text(st.characters(codec="utf-8"), max_size=8)
HASHES = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, 2**64 - 1)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS)
ENTRIES = st.dictionaries(KEYS, st.binary(max_size=8), max_size=3)
NO_VALUE = sha256().digest()


def write(key: str, value: bytes) -> Write:
    return Write(key, value, not value)


def hashed_write(key_hash: bytes, value_hash: bytes, purge: bool) -> HashedWrite:
    return HashedWrite(key_hash, value_hash, not value_hash, purge)


def by_key(items: list[Any], name: str) -> dict[Any, Any]:
    return {getattr(item, name): item for item in items}


WRITES = st.lists(st.builds(write, KEYS, st.binary(max_size=8)), max_size=3).map(lambda found: by_key(found, "key"))
SUMMARIES = st.builds(MerkleSummary, st.integers(2, 60), st.integers(1, 9), st.lists(HASHES, max_size=3).map(tuple))
QUERIES = st.builds(
    RangeQuery, KEYS, KEYS, st.booleans(), st.lists(st.tuples(KEYS, VERSIONS), max_size=3).map(tuple)
) | st.builds(RangeQuery, KEYS, KEYS, st.booleans(), merkle=SUMMARIES)
COLLECTIONS = st.builds(
    CollectionSet,
    st.dictionaries(HASHES, st.none() | VERSIONS, max_size=3),
    st.lists(st.builds(hashed_write, HASHES, st.sampled_from([b"", b"\1" * 32]), st.booleans()), max_size=3).map(
        lambda found: by_key(found, "key_hash")
    ),
    st.dictionaries(HASHES, ENTRIES, max_size=2),
    st.just(b"") | HASHES,
)
SETS = st.dictionaries(
    KEYS,
    st.builds(
        NamespaceSet,
        st.dictionaries(KEYS, st.none() | VERSIONS, max_size=3),
        st.lists(QUERIES, max_size=2),
        WRITES,
        st.dictionaries(KEYS, ENTRIES, max_size=2),
        st.dictionaries(KEYS, COLLECTIONS, max_size=2),
    ),
    max_size=3,
)


@tried
@given(SETS)
def test_sets_decode_to_what_was_encoded(sets: dict[str, NamespaceSet]) -> None:
    data = encode(sets)
    assert decode(data) == sets
    assert encode(decode(data)) == data


@tried
@given(SETS)
def test_bytes_do_not_depend_on_the_order_of_namespaces_and_public_keys(sets: dict[str, NamespaceSet]) -> None:
    backwards = {
        name: NamespaceSet(
            dict(reversed(part.reads.items())),
            part.range_queries,
            dict(reversed(part.writes.items())),
            dict(reversed(part.metadata_writes.items())),
            dict(reversed(part.collections.items())),
        )
        for name, part in reversed(sets.items())
    }
    assert encode(backwards) == encode(sets)


def test_nothing_is_no_bytes() -> None:
    assert encode({}) == b""
    assert decode(b"") == {}


def test_hashed_keys_keep_the_order_that_the_simulation_gave_them() -> None:
    hashes = [b"\2" * 32, b"\1" * 32, b"\3" * 32]
    part = NamespaceSet(collections={"c": CollectionSet(reads=dict.fromkeys(hashes))})
    found = decode(encode({"ns": part}))["ns"].collections["c"]
    assert list(found.reads) == hashes


@tried
@given(ENTRIES)
def test_metadata_decode_to_what_was_encoded(entries: dict[str, bytes]) -> None:
    data = encode_metadata(entries)
    assert decode_metadata(data) == entries
    assert encode_metadata(dict(reversed(entries.items()))) == data
    assert bool(data) == bool(entries)


@tried
@given(WRITES, st.dictionaries(KEYS, st.just({}), max_size=2))
def test_private_sets_decode_to_what_was_encoded(
    writes: dict[str, Write], metadata: dict[str, dict[str, bytes]]
) -> None:
    data = encode_private({("ns", "c"): NamespaceSet(writes=writes, metadata_writes=metadata)})["ns", "c"]
    assert decode_private(data) == writes
    assert read_write_set.private_metadata_keys(data) == sorted(metadata, key=str.encode)


def test_a_private_set_loses_the_key_that_was_purged() -> None:
    writes = {key: write(key, b"x") for key in ("a", "b")}
    data = encode_private({("ns", "c"): NamespaceSet(writes=writes)})["ns", "c"]
    left = read_write_set.without_private_key(data, sha256(b"a").digest())
    assert decode_private(left) == {"b": writes["b"]}
    assert read_write_set.without_private_key(data, sha256(b"z").digest()) == data


def test_a_write_without_a_value_deletes_whatever_it_says() -> None:
    """Fabric's `IsKVWriteDelete` and `IsKVWriteHashDelete`."""
    part = rwset_pb2.NsReadWriteSet(
        namespace="ns",
        rwset=kv_rwset_pb2.KVRWSet(
            writes=[kv_rwset_pb2.KVWrite(key="a"), kv_rwset_pb2.KVWrite(key="b", value=b"x", is_delete=True)]
        ).SerializeToString(),
    )
    hashed = kv_rwset_pb2.HashedRWSet(
        hashed_writes=[
            kv_rwset_pb2.KVWriteHash(key_hash=b"a"),
            kv_rwset_pb2.KVWriteHash(key_hash=b"b", value_hash=NO_VALUE),
            kv_rwset_pb2.KVWriteHash(key_hash=b"c", value_hash=b"x"),
        ]
    )
    part.collection_hashed_rwset.add(collection_name="c", hashed_rwset=hashed.SerializeToString())
    found = decode(rwset_pb2.TxReadWriteSet(ns_rwset=[part]).SerializeToString())["ns"]
    assert [one.is_delete for one in found.writes.values()] == [True, True]
    assert [one.is_delete for one in found.collections["c"].writes.values()] == [True, True, False]


def summary(degree: int) -> bytes:
    query = kv_rwset_pb2.RangeQueryInfo(
        reads_merkle_hashes=kv_rwset_pb2.QueryReadsMerkleSummary(
            max_degree=degree, max_level=1, max_level_hashes=[b"x"]
        )
    )
    part = rwset_pb2.NsReadWriteSet(
        namespace="ns", rwset=kv_rwset_pb2.KVRWSet(range_queries_info=[query]).SerializeToString()
    )
    return rwset_pb2.TxReadWriteSet(ns_rwset=[part]).SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        rwset_pb2.TxReadWriteSet(ns_rwset=[rwset_pb2.NsReadWriteSet(rwset=b"\xff")]).SerializeToString(),
        rwset_pb2.TxReadWriteSet(
            ns_rwset=[
                rwset_pb2.NsReadWriteSet(
                    collection_hashed_rwset=[rwset_pb2.CollectionHashedReadWriteSet(hashed_rwset=b"\xff")]
                )
            ]
        ).SerializeToString(),
        rwset_pb2.TxReadWriteSet(ns_rwset=[rwset_pb2.NsReadWriteSet(namespace="a")] * 2).SerializeToString(),
        summary(0),
        summary(1),
    ],
    ids=["no message", "no namespace", "no collection", "a namespace twice", "no degree", "degree one"],
)
def test_what_is_no_set_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode(data)


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (NamespaceSet(reads={"a": None}, range_queries=[RangeQuery("a", "b", True)]), False),
        (NamespaceSet(writes={"a": Write("a", b"x")}), True),
        (NamespaceSet(metadata_writes={"a": {}}), True),
        (NamespaceSet(collections={"c": CollectionSet(reads={b"a": None})}), False),
        (NamespaceSet(collections={"c": CollectionSet(writes={b"a": HashedWrite(b"a", b"x")})}), True),
        (NamespaceSet(collections={"c": CollectionSet(metadata_writes={b"a": {}})}), True),
    ],
)
def test_a_namespace_is_written_when_anything_of_it_would_change(part: NamespaceSet, written: bool) -> None:
    assert part.is_written is written


def recorded_sets(block: Path) -> list[bytes]:
    """The read-write sets of a block that real Fabric made."""
    found = []
    for data in common_pb2.Block.FromString(block.read_bytes()).data.data:
        payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(data).payload)
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        if header.type != common_pb2.ENDORSER_TRANSACTION:
            continue
        for action in transaction_pb2.Transaction.FromString(payload.data).actions:
            endorsed = transaction_pb2.ChaincodeActionPayload.FromString(action.payload).action
            response = proposal_response_pb2.ProposalResponsePayload.FromString(endorsed.proposal_response_payload)
            found.append(proposal_pb2.ChaincodeAction.FromString(response.extension).results)
    return found


def test_the_sets_of_recorded_transactions_encode_to_themselves() -> None:
    sets = [data for block in sorted(BLOCKS.glob("*.pb")) for data in recorded_sets(block)]
    assert len(sets) > 60
    assert any(part.collections for data in sets for part in decode(data).values())
    for data in sets:
        assert encode(decode(data)) == data
