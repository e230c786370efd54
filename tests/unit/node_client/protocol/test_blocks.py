"""Blocks: hashes and metadata as Fabric has them, and bytes that are no block."""

from hashlib import sha256

import pytest
from fabric_protos.common import common_pb2
from hypothesis import given
from hypothesis import strategies as st

from node_client.protocol.block import (
    COMMIT_HASH,
    LAST_CONFIG,
    METADATA_SLOTS,
    ORDERER,
    SIGNATURES,
    TRANSACTIONS_FILTER,
    block_signatures,
    check_transactions,
    data_hash,
    header_bytes,
    last_config_value,
    new_block,
    parse_block,
    signature_header,
    signature_message,
    signatures_metadata,
)
from node_client.protocol.errors import ProtocolError
from node_client.protocol.transaction import envelope

DATA_HASH = b"\2" * 32

# What Fabric's `protoutil.BlockHeaderBytes` gives for a block of this number without a previous hash.
HEADERS = {
    0: "3027020100",
    1: "3027020101",
    127: "302702017f",
    128: "302802020080",
    255: "3028020200ff",
    256: "302802020100",
    32767: "302802027fff",
    32768: "30290203008000",
    2**31: "302b02050080000000",
    2**32 - 1: "302b020500ffffffff",
    2**63 - 1: "302e02087fffffffffffffff",
    2**63: "302f0209008000000000000000",
    2**64 - 1: "302f020900ffffffffffffffff",
}


@pytest.mark.parametrize("number", HEADERS)
def test_a_header_is_hashed_in_asn1(number: int) -> None:
    assert header_bytes(number, b"", DATA_HASH).hex() == HEADERS[number] + "0400" + "0420" + DATA_HASH.hex()


def test_a_long_hash_has_a_long_length() -> None:
    header = header_bytes(0, b"x" * 200, DATA_HASH)
    assert header[:2].hex() == "3081"
    assert header[2] == len(header) - 3
    assert b"\x04\x81\xc8" + b"x" * 200 in header


def test_the_data_hash_is_over_the_envelopes_one_after_the_other() -> None:
    assert data_hash([b"one", b"two"]) == sha256(b"onetwo").digest() == data_hash([b"on", b"etwo"])
    assert data_hash([]) == sha256(b"").digest()


def _configuration() -> bytes:
    header = common_pb2.ChannelHeader(type=common_pb2.CONFIG).SerializeToString()
    payload = common_pb2.Payload(header=common_pb2.Header(channel_header=header)).SerializeToString()
    return common_pb2.Envelope(payload=payload).SerializeToString()


SIGNED = envelope(b"one", b"signature"), envelope(b"two", b"signature")
UNKNOWN = b"\x22\x01x"  # a field 4, which envelopes have not got


@pytest.mark.parametrize(
    "envelopes",
    [SIGNED[:1], SIGNED, [_configuration()], [SIGNED[0] + UNKNOWN], [_configuration() + b"\x12\x00"]],
    ids=["one", "two", "configuration", "unknown field", "configuration that is no encoding of its own content"],
)
def test_a_block_of_envelopes_that_peers_take(envelopes: list[bytes]) -> None:
    check_transactions(envelopes)


@pytest.mark.parametrize(
    ("envelopes", "text"),
    [
        ([], "the block is empty"),
        ([SIGNED[0] + SIGNED[1]], "transaction 0 is not the encoding of its own content"),
        ([SIGNED[1], SIGNED[0] + b"\x12\x09signature"], "transaction 1 is not the encoding of its own content"),
        ([b"\x12\x01s\x0a\x01p"], "transaction 0 is not the encoding of its own content"),
        ([b"\x0a\x81\x00p\x12\x01s"], "transaction 0 is not the encoding of its own content"),
        ([UNKNOWN + SIGNED[0]], "transaction 0 is not the encoding of its own content"),
        ([SIGNED[0], b"\xff"], "transaction 1: not a Envelope"),
        ([SIGNED[0], b""], "transaction 1 has no payload"),
        ([envelope(b"", b"signature")], "transaction 0 has no payload"),
        ([envelope(b"one", b"")], "transaction 0 has no signature"),
        ([_configuration(), SIGNED[0]], "transaction 0 has no signature"),
    ],
)
def test_a_block_of_envelopes_that_peers_refuse(envelopes: list[bytes], text: str) -> None:
    with pytest.raises(ProtocolError, match=f"^{text}"):
        check_transactions(envelopes)


def test_a_new_block_names_its_contents_and_its_predecessor() -> None:
    block = new_block(7, b"p" * 32, [b"one", b"two"])
    assert (block.number, block.previous_hash, block.envelopes) == (7, b"p" * 32, (b"one", b"two"))
    assert block.data_hash == data_hash([b"one", b"two"])
    assert block.hash == sha256(header_bytes(7, b"p" * 32, block.data_hash)).digest()
    assert block.metadata == (b"",) * METADATA_SLOTS
    assert block.validation_codes == b""


def test_the_hash_covers_the_header_and_nothing_of_the_metadata() -> None:
    block = new_block(7, b"p" * 32, [b"one"])
    assert block.with_metadata(TRANSACTIONS_FILTER, b"\0").hash == block.hash
    others = [new_block(8, b"p" * 32, [b"one"]), new_block(7, b"q" * 32, [b"one"]), new_block(7, b"p" * 32, [b"two"])]
    assert len({block.hash, *(other.hash for other in others)}) == 4


def test_metadata_is_put_into_its_slot_and_nowhere_else() -> None:
    assert (SIGNATURES, LAST_CONFIG, TRANSACTIONS_FILTER, ORDERER, COMMIT_HASH) == (0, 1, 2, 3, 4)
    block = new_block(7, b"", [b"one"]).with_metadata(TRANSACTIONS_FILTER, b"\0").with_metadata(COMMIT_HASH, b"hash")
    assert block.metadata == (b"", b"", b"\0", b"", b"hash")
    assert block.validation_codes == b"\0"
    bare = parse_block(common_pb2.Block(header=common_pb2.BlockHeader(number=7)).SerializeToString())
    assert bare.metadata == ()
    assert bare.validation_codes == b""
    assert bare.with_metadata(COMMIT_HASH, b"hash").metadata == (b"", b"", b"", b"", b"hash")


@given(
    st.integers(0, 2**64 - 1),
    st.binary(max_size=32),
    st.lists(st.binary(max_size=20), max_size=4),
    st.lists(st.binary(max_size=8), max_size=5),
)
def test_every_block_is_read_as_it_was_written(
    number: int, previous: bytes, envelopes: list[bytes], metadata: list[bytes]
) -> None:
    block = new_block(number, previous, envelopes)
    for slot, data in enumerate(metadata):
        block = block.with_metadata(slot, data)
    assert parse_block(block.encode()) == block


@given(st.binary(max_size=100))
def test_bytes_are_a_block_or_refused(data: bytes) -> None:
    try:
        block = parse_block(data)
    except ProtocolError:
        return
    try:
        block_signatures(block)
    except ProtocolError:
        return


def test_orderers_sign_the_value_their_header_and_the_blocks_header() -> None:
    block = new_block(7, b"p" * 32, [b"one"])
    value = last_config_value(3)
    assert common_pb2.OrdererBlockMetadata.FromString(value).last_config.index == 3
    headers = [signature_header(b"orderer one", b"nonce 1"), signature_header(b"orderer two", b"nonce 2")]
    signed = block.with_metadata(
        SIGNATURES, signatures_metadata(value, [(headers[0], b"first"), (headers[1], b"second")])
    )
    found, signatures = block_signatures(parse_block(signed.encode()))
    assert found == value
    assert [(one.header, one.signature, one.creator) for one in signatures] == [
        (headers[0], b"first", b"orderer one"),
        (headers[1], b"second", b"orderer two"),
    ]
    assert signature_message(value, headers[0], block.header_bytes) == value + headers[0] + block.header_bytes


def test_a_block_without_signatures_has_none() -> None:
    assert block_signatures(new_block(0, b"", [b"one"])) == (b"", ())
    with pytest.raises(ProtocolError, match="no signatures"):
        block_signatures(parse_block(common_pb2.Block().SerializeToString()))
    damaged = signatures_metadata(b"", [(b"\xff", b"signature")])
    with pytest.raises(ProtocolError, match="signature header"):
        block_signatures(new_block(0, b"", []).with_metadata(SIGNATURES, damaged))
