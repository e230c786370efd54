"""Blocks as peers deliver them: requests and answers of `protos.Deliver`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2

from node_client.errors import EventsError
from node_client.gateway.requests import ChaincodeEvent, seek_position
from node_client.protocol.block import Block, parse_block
from node_client.protocol.transaction import validation_code_name

LAST_BLOCK = 2**64 - 1
_CODES = {
    common_pb2.BAD_REQUEST: "INVALID_ARGUMENT",
    common_pb2.FORBIDDEN: "PERMISSION_DENIED",
    common_pb2.NOT_FOUND: "NOT_FOUND",
    common_pb2.REQUEST_ENTITY_TOO_LARGE: "RESOURCE_EXHAUSTED",
    common_pb2.SERVICE_UNAVAILABLE: "UNAVAILABLE",
}


@dataclass(frozen=True)
class FilteredTransaction:
    """What a filtered block says of a transaction.

    Attributes:
        type: the kind of envelope (`common.HeaderType`), 3 for a chaincode's transaction.
        code, name: the validation code; 0 is valid.
        events: its chaincode events, without payloads; those of invalid ones are there too.
    """

    transaction_id: str
    type: int
    code: int
    name: str
    events: tuple[ChaincodeEvent, ...] = ()

    @property
    def successful(self) -> bool:
        """Whether the transaction is valid."""
        return self.code == 0


@dataclass(frozen=True)
class FilteredBlock:
    """A block without its content: which transactions are in it, and how they ended."""

    channel: str
    number: int
    transactions: tuple[FilteredTransaction, ...]


@dataclass(frozen=True)
class BlockAndPrivateData:
    """A block, and the private data of its transactions that the asking organisation may see.

    Attributes:
        private: by the transaction's place in the block, its `rwset.TxPvtReadWriteSet`, serialised.
    """

    block: Block
    private: Mapping[int, bytes] = field(default_factory=dict)


def seek_payload(channel: str, creator: bytes, start_block: int | None, tls_certificate_hash: bytes) -> bytes:
    """The payload to sign when asking for blocks, from the start block (the next one without it) without an end.

    A peer refuses a timestamp that is a quarter of an hour from its own (`common/deliver/deliver.go`).
    """
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.DELIVER_SEEK_INFO, channel_id=channel, tls_cert_hash=tls_certificate_hash
    )
    channel_header.timestamp.GetCurrentTime()
    seek = ab_pb2.SeekInfo(
        start=seek_position(start_block),
        stop=ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=LAST_BLOCK)),
    )
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=creator).SerializeToString(),
    )
    return common_pb2.Payload(header=header, data=seek.SerializeToString()).SerializeToString()


def seek_envelope(payload: bytes, signature: bytes) -> common_pb2.Envelope:
    """A signed request for blocks."""
    return common_pb2.Envelope(payload=payload, signature=signature)


def read_block(response: events_pb2.DeliverResponse) -> Block:
    """The block in an answer. Raises EventsError."""
    _require(response, "block")
    return parse_block(response.block.SerializeToString())


def read_filtered_block(response: events_pb2.DeliverResponse) -> FilteredBlock:
    """The filtered block in an answer. Raises EventsError."""
    _require(response, "filtered_block")
    block = response.filtered_block
    return FilteredBlock(
        block.channel_id,
        block.number,
        tuple(
            FilteredTransaction(
                one.txid,
                one.type,
                one.tx_validation_code,
                validation_code_name(one.tx_validation_code),
                tuple(
                    ChaincodeEvent(block.number, event.tx_id, event.chaincode_id, event.event_name, event.payload)
                    for event in (action.chaincode_event for action in one.transaction_actions.chaincode_actions)
                    if event.event_name
                ),
            )
            for one in block.filtered_transactions
        ),
    )


def read_block_and_private_data(response: events_pb2.DeliverResponse) -> BlockAndPrivateData:
    """The block and private data in an answer. Raises EventsError."""
    _require(response, "block_and_private_data")
    found = response.block_and_private_data
    return BlockAndPrivateData(
        parse_block(found.block.SerializeToString()),
        {place: data.SerializeToString() for place, data in found.private_data_map.items()},
    )


def _require(response: events_pb2.DeliverResponse, kind: str) -> None:
    got = response.WhichOneof("Type")
    if got == "status":
        name = common_pb2.Status.DESCRIPTOR.values_by_number.get(response.status)
        text = str(response.status) if name is None else name.name
        raise EventsError(_CODES.get(response.status, "UNKNOWN"), f"the peer ended the stream with {text}")
    if got != kind:
        raise EventsError("DATA_LOSS", f"the peer answered with {got or 'nothing'} where a {kind} was asked for")
