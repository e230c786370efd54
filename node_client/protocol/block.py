"""Blocks. Source: Fabric's `protoutil/blockutils.go`."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from fabric_protos.common import common_pb2

from node_client.protocol.codec import der, parse
from node_client.protocol.errors import ProtocolError

SIGNATURES = common_pb2.SIGNATURES
LAST_CONFIG = common_pb2.LAST_CONFIG
TRANSACTIONS_FILTER = common_pb2.TRANSACTIONS_FILTER
ORDERER = common_pb2.ORDERER
COMMIT_HASH = common_pb2.COMMIT_HASH
METADATA_SLOTS = 5


@dataclass(frozen=True)
class Block:
    """A block, taken apart.

    Attributes:
        envelopes: the transactions' envelopes in their order.
        metadata: the metadata slots, serialised.
    """

    number: int
    previous_hash: bytes
    data_hash: bytes
    envelopes: tuple[bytes, ...]
    metadata: tuple[bytes, ...]

    @property
    def header_bytes(self) -> bytes:
        """The header as it is hashed and signed."""
        return header_bytes(self.number, self.previous_hash, self.data_hash)

    @property
    def hash(self) -> bytes:
        """The block's hash: SHA-256 over the header."""
        return sha256(self.header_bytes).digest()

    @property
    def validation_codes(self) -> bytes:
        """One byte a transaction; empty before a peer has judged the block."""
        return self.metadata[TRANSACTIONS_FILTER] if len(self.metadata) > TRANSACTIONS_FILTER else b""

    def with_metadata(self, slot: int, data: bytes) -> "Block":
        """The block with one metadata slot replaced."""
        slots = [*self.metadata, *[b""] * (METADATA_SLOTS - len(self.metadata))]
        slots[slot] = data
        return Block(self.number, self.previous_hash, self.data_hash, self.envelopes, tuple(slots))

    def encode(self) -> bytes:
        """The block as `common.Block`."""
        return common_pb2.Block(
            header=common_pb2.BlockHeader(
                number=self.number, previous_hash=self.previous_hash, data_hash=self.data_hash
            ),
            data=common_pb2.BlockData(data=self.envelopes),
            metadata=common_pb2.BlockMetadata(metadata=self.metadata),
        ).SerializeToString()


def new_block(number: int, previous_hash: bytes, envelopes: Sequence[bytes]) -> Block:
    """A block without metadata."""
    return Block(number, previous_hash, data_hash(envelopes), tuple(envelopes), (b"",) * METADATA_SLOTS)


def parse_block(data: bytes) -> Block:
    """Take a block apart. Raises ProtocolError."""
    message = parse(common_pb2.Block, data, "block")
    return Block(
        message.header.number,
        message.header.previous_hash,
        message.header.data_hash,
        tuple(message.data.data),
        tuple(message.metadata.metadata),
    )


def data_hash(envelopes: Sequence[bytes]) -> bytes:
    """SHA-256 over the envelopes one after the other: no Merkle tree."""
    return sha256(b"".join(envelopes)).digest()


def check_transactions(envelopes: Sequence[bytes]) -> None:
    """Check that every envelope of a block is signed and the encoding of its own content.

    Else two blocks that say the same would have different hashes, and what stands between two envelopes, or behind one,
    could be moved without changing the hash over all of them. Peers and BFT's orderers refuse a block that fails this
    (`VerifyTransactionsAreWellFormed`). A configuration that is alone in its block is not looked at.

    Raises:
        ProtocolError: one is not, or there is none.
    """
    if not envelopes:
        raise ProtocolError("the block is empty")
    if len(envelopes) == 1 and _header_type(envelopes[0]) == common_pb2.CONFIG:
        return
    for position, data in enumerate(envelopes):
        envelope = parse(common_pb2.Envelope, data, f"transaction {position}")
        if not envelope.payload:
            raise ProtocolError(f"transaction {position} has no payload")
        if not envelope.signature:
            raise ProtocolError(f"transaction {position} has no signature")
        # Unknown fields are part of the content here, as they are for Fabric.
        if envelope.SerializeToString() != data:
            raise ProtocolError(f"transaction {position} is not the encoding of its own content")


def header_bytes(number: int, previous_hash: bytes, data_hash: bytes) -> bytes:
    """The header as ASN.1: a SEQUENCE of the number and both hashes (`BlockHeaderBytes`)."""
    size = max(1, number.bit_length() // 8 + 1)
    body = der(0x02, number.to_bytes(size, "big", signed=True)) + der(0x04, previous_hash) + der(0x04, data_hash)
    return der(0x30, body)


@dataclass(frozen=True)
class BlockSignature:
    """An orderer's signature; it signs the metadata's value, this header and the block's header.

    Attributes:
        creator: the orderer's identity; empty where the header only has its number among the channel's orderers, as
            BFT's do.
    """

    header: bytes
    signature: bytes
    creator: bytes
    identifier: int = 0


def last_config_value(last_config: int) -> bytes:
    """The value that orderers sign with a block: the number of the last configuration block."""
    return common_pb2.OrdererBlockMetadata(last_config=common_pb2.LastConfig(index=last_config)).SerializeToString()


def last_config(block: Block) -> int:
    """The number of the configuration block in force with a block, as its orderer signed it; 0 for the first one.

    Raises:
        ProtocolError: the block does not say.
    """
    value, _ = block_signatures(block)
    return parse(common_pb2.OrdererBlockMetadata, value, "orderer block metadata").last_config.index


def is_config_block(block: Block) -> bool:
    """Whether a block holds a configuration (`protoutil.IsConfigBlock`)."""
    return bool(block.envelopes) and _header_type(block.envelopes[0]) in (
        common_pb2.CONFIG,
        common_pb2.ORDERER_TRANSACTION,
    )


def _header_type(data: bytes) -> int | None:
    """The type that an envelope's header states; None where it cannot be read."""
    try:
        envelope = parse(common_pb2.Envelope, data, "envelope")
        payload = parse(common_pb2.Payload, envelope.payload, "payload")
        return parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header").type
    except ProtocolError:
        return None


def signature_message(value: bytes, signature_header: bytes, header: bytes) -> bytes:
    """What an orderer signs."""
    return value + signature_header + header


def signatures_metadata(value: bytes, signatures: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The SIGNATURES slot: the value, and per signature its header and the signature itself."""
    return common_pb2.Metadata(
        value=value,
        signatures=[
            common_pb2.MetadataSignature(signature_header=header, signature=signature)
            for header, signature in signatures
        ],
    ).SerializeToString()


def signature_header(creator: bytes, nonce: bytes) -> bytes:
    """A signature header."""
    return common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString()


def block_signatures(block: Block) -> tuple[bytes, tuple[BlockSignature, ...]]:
    """The signed value and the orderers' signatures of a block. Raises ProtocolError."""
    if len(block.metadata) <= SIGNATURES:
        raise ProtocolError("the block has no signatures")
    metadata = parse(common_pb2.Metadata, block.metadata[SIGNATURES], "block signatures")
    found = []
    for one in metadata.signatures:
        if one.identifier_header and not one.signature_header:
            number = parse(common_pb2.IdentifierHeader, one.identifier_header, "identifier header").identifier
            found.append(BlockSignature(one.identifier_header, one.signature, b"", number))
            continue
        header = parse(common_pb2.SignatureHeader, one.signature_header, "signature header")
        found.append(BlockSignature(one.signature_header, one.signature, header.creator))
    return metadata.value, tuple(found)
