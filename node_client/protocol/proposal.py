"""Proposals: what a client asks endorsers to simulate. Source: Fabric's `protoutil/proputils.go`."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError

NONCE_SIZE = 24
ENDORSER_TRANSACTION = common_pb2.ENDORSER_TRANSACTION
CONFIG = common_pb2.CONFIG


def new_nonce() -> bytes:
    """A new nonce: 24 random bytes."""
    return secrets.token_bytes(NONCE_SIZE)


def transaction_id(nonce: bytes, creator: bytes) -> str:
    """The id of the transaction with this nonce by this creator: SHA-256 over both, in hex."""
    return sha256(nonce + creator).hexdigest()


@dataclass(frozen=True)
class Proposal:
    """A proposal, taken apart.

    Attributes:
        data: the bytes that are signed.
        channel_header, signature_header, payload: the parts that the proposal's hash covers, serialised; `payload`
            without transient data.
    """

    data: bytes
    channel: str
    chaincode: str
    args: tuple[bytes, ...]
    creator: bytes
    nonce: bytes
    transaction_id: str
    type: int
    seconds: int
    nanos: int
    channel_header: bytes
    signature_header: bytes
    header: bytes
    payload: bytes
    epoch: int = 0
    tls_certificate_hash: bytes = b""
    chaincode_input: bytes = b""
    transient: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def hash(self) -> bytes:
        """What endorsers sign of the proposal: SHA-256 over its headers and its payload without transient data."""
        return proposal_hash(self.channel_header, self.signature_header, self.payload)


def proposal_hash(channel_header: bytes, signature_header: bytes, payload: bytes) -> bytes:
    """`GetProposalHash1` of `protoutil/txutils.go`; the payload is the one without transient data."""
    return sha256(channel_header + signature_header + payload).digest()


def make_proposal(
    *,
    channel: str,
    chaincode: str,
    args: Sequence[bytes],
    creator: bytes,
    nonce: bytes | None = None,
    transient: Mapping[str, bytes] | None = None,
    timestamp: datetime | None = None,
    tls_certificate_hash: bytes = b"",
) -> Proposal:
    """Make a proposal.

    Args:
        channel: the channel; empty for calls of a peer's own system chaincode.
        args: function and arguments.
        creator: the submitter's serialised identity.
        nonce: random bytes that make the transaction id unique; new ones by default.
        transient: data for endorsers that does not enter the transaction.
        timestamp: the submitter's time; now by default.
        tls_certificate_hash: SHA-256 of the client's TLS certificate (DER), with mutual TLS.

    Returns:
        The proposal; its `data` are to be signed.
    """
    nonce = nonce or new_nonce()
    identifier = chaincode_pb2.ChaincodeID(name=chaincode)
    channel_header = common_pb2.ChannelHeader(
        type=ENDORSER_TRANSACTION,
        channel_id=channel,
        tx_id=transaction_id(nonce, creator),
        tls_cert_hash=tls_certificate_hash,
        extension=proposal_pb2.ChaincodeHeaderExtension(chaincode_id=identifier).SerializeToString(),
    )
    channel_header.timestamp.FromDatetime(timestamp or datetime.now(UTC))
    spec = chaincode_pb2.ChaincodeInvocationSpec(
        chaincode_spec=chaincode_pb2.ChaincodeSpec(
            type=chaincode_pb2.ChaincodeSpec.NODE,
            chaincode_id=identifier,
            input=chaincode_pb2.ChaincodeInput(args=args),
        )
    )
    message = proposal_pb2.ChaincodeProposalPayload(input=spec.SerializeToString())
    visible = payload = message.SerializeToString()
    if transient:
        message.TransientMap.update(transient)
        payload = message.SerializeToString(deterministic=True)
    signature_header = common_pb2.SignatureHeader(creator=creator, nonce=nonce)
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(), signature_header=signature_header.SerializeToString()
    )
    header_bytes = header.SerializeToString()
    return assembled(
        data=proposal_pb2.Proposal(header=header_bytes, payload=payload).SerializeToString(),
        header=header,
        header_bytes=header_bytes,
        channel_header=channel_header,
        signature_header=signature_header,
        chaincode=chaincode,
        chaincode_input=spec.chaincode_spec.input,
        payload=visible,
        transient=transient or {},
    )


def build_proposal(
    *,
    channel: str,
    chaincode: str,
    args: Sequence[bytes],
    creator: bytes,
    nonce: bytes | None = None,
    transient: Mapping[str, bytes] | None = None,
    timestamp: datetime | None = None,
    tls_certificate_hash: bytes = b"",
) -> bytes:
    """A proposal's bytes, ready to be signed. Arguments are those of `make_proposal`."""
    return make_proposal(
        channel=channel,
        chaincode=chaincode,
        args=args,
        creator=creator,
        nonce=nonce,
        transient=transient,
        timestamp=timestamp,
        tls_certificate_hash=tls_certificate_hash,
    ).data


def parse_proposal(data: bytes) -> Proposal:
    """Take a proposal apart.

    Raises:
        ProtocolError: it is not well formed.
    """
    message = parse(proposal_pb2.Proposal, data, "proposal")
    payload = parse(proposal_pb2.ChaincodeProposalPayload, message.payload, "proposal payload")
    visible = proposal_pb2.ChaincodeProposalPayload(input=payload.input).SerializeToString()
    return _taken_apart(data, message.header, visible, dict(payload.TransientMap))


def parse_headers(header: bytes, payload: bytes) -> Proposal:
    """The proposal behind a transaction: its header and its payload as the transaction carries it.

    Raises:
        ProtocolError: they are not well formed.
    """
    return _taken_apart(b"", header, payload, {})


def endorsed_proposal(*, channel_header: bytes, signature_header: bytes, chaincode: str, payload: bytes) -> Proposal:
    """The proposal behind a transaction of a block. Peers do not read its payload: it may have no arguments to be read.

    Args:
        channel_header, signature_header: those that were endorsed.
        chaincode: the name in the channel header's extension.

    Raises:
        ProtocolError: a header is not well formed.
    """
    header = common_pb2.Header(channel_header=channel_header, signature_header=signature_header)
    try:
        chaincode_input = _invocation(payload).input
    except ProtocolError:
        chaincode_input = chaincode_pb2.ChaincodeInput()
    return assembled(
        data=b"",
        header=header,
        header_bytes=header.SerializeToString(),
        channel_header=parse(common_pb2.ChannelHeader, channel_header, "channel header"),
        signature_header=parse(common_pb2.SignatureHeader, signature_header, "signature header"),
        chaincode=chaincode,
        chaincode_input=chaincode_input,
        payload=payload,
        transient={},
    )


def _invocation(payload: bytes) -> chaincode_pb2.ChaincodeSpec:
    visible = parse(proposal_pb2.ChaincodeProposalPayload, payload, "proposal payload")
    return parse(chaincode_pb2.ChaincodeInvocationSpec, visible.input, "chaincode invocation").chaincode_spec


def _taken_apart(data: bytes, header_bytes: bytes, payload: bytes, transient: dict[str, bytes]) -> Proposal:
    header = parse(common_pb2.Header, header_bytes, "header")
    channel_header = parse(common_pb2.ChannelHeader, header.channel_header, "channel header")
    signature_header = parse(common_pb2.SignatureHeader, header.signature_header, "signature header")
    extension = parse(proposal_pb2.ChaincodeHeaderExtension, channel_header.extension, "channel header extension")
    spec = _invocation(payload)
    return assembled(
        data=data,
        header=header,
        header_bytes=header_bytes,
        channel_header=channel_header,
        signature_header=signature_header,
        # Endorsers run the one that the header names, whatever the invocation says (`core/endorser/msgvalidation.go`).
        chaincode=extension.chaincode_id.name or spec.chaincode_id.name,
        chaincode_input=spec.input,
        payload=payload,
        transient=transient,
    )


def assembled(
    *,
    data: bytes,
    header: common_pb2.Header,
    header_bytes: bytes,
    channel_header: common_pb2.ChannelHeader,
    signature_header: common_pb2.SignatureHeader,
    chaincode: str,
    chaincode_input: chaincode_pb2.ChaincodeInput,
    payload: bytes,
    transient: Mapping[str, bytes],
) -> Proposal:
    """A proposal of its parts, each of which has been read.

    Args:
        data: the proposal's bytes; empty behind a transaction.
        header_bytes: the header's bytes as they came.
        payload: without transient data.
    """
    return Proposal(
        data=data,
        channel=channel_header.channel_id,
        chaincode=chaincode,
        args=tuple(chaincode_input.args),
        creator=signature_header.creator,
        nonce=signature_header.nonce,
        transaction_id=channel_header.tx_id,
        type=channel_header.type,
        seconds=channel_header.timestamp.seconds,
        nanos=channel_header.timestamp.nanos,
        channel_header=header.channel_header,
        signature_header=header.signature_header,
        header=header_bytes,
        payload=payload,
        epoch=channel_header.epoch,
        tls_certificate_hash=channel_header.tls_cert_hash,
        chaincode_input=chaincode_input.SerializeToString(),
        transient=transient,
    )
