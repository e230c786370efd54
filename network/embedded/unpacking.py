"""Proposals taken apart as Fabric takes them apart, and refused in its words.

A gateway looks at the channel and at the chaincode of the invocation; an endorser reads everything, and runs the
chaincode that the header names. Source: Fabric's `internal/pkg/gateway/evaluate.go` and `endorse.go`,
`core/endorser/msgvalidation.go`, `protoutil/unmarshalers.go`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2
from google.protobuf.message import DecodeError, Message

from node_client.protocol.proposal import Proposal, assembled

SMALL = 16 * 1024  # bytes of a proposal that is remembered
UNREADABLE = "proto: cannot parse invalid wire-format data"  # `google.golang.org/protobuf`

M = TypeVar("M", bound=Message)


class Malformed(Exception):
    """Something is not what it should be; the text is Fabric's."""


@dataclass(frozen=True)
class Addressed:
    """What a gateway sees of a proposal.

    Attributes:
        transient: whether there are data that only endorsers may see.
    """

    channel: str
    chaincode: str
    transient: bool


def unmarshal(kind: type[M], data: bytes) -> M:
    """The message in these bytes. Raises Malformed."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise Malformed(f"error unmarshalling {kind.DESCRIPTOR.name}: {UNREADABLE}") from error


def addressed(data: bytes, *, completely: bool) -> Addressed:
    """To whom a proposal goes.

    Args:
        completely: whether channel and chaincode must be there; else they may be empty.

    Raises:
        Malformed: it cannot be seen, or something is missing.
    """
    message = unmarshal(proposal_pb2.Proposal, data)
    header = unmarshal(common_pb2.Header, message.header)
    channel = unmarshal(common_pb2.ChannelHeader, header.channel_header).channel_id
    payload = unmarshal(proposal_pb2.ChaincodeProposalPayload, message.payload)
    invocation = unmarshal(chaincode_pb2.ChaincodeInvocationSpec, payload.input)
    spec = invocation.chaincode_spec
    if completely:
        where = f"is provided, channel id [{channel}]"
        for present, text in (
            (bool(channel), "no channel id provided"),
            (invocation.HasField("chaincode_spec"), f"no chaincode spec {where}"),
            (spec.HasField("chaincode_id"), f"no chaincode id {where}"),
            (bool(spec.chaincode_id.name), f"no chaincode name {where}"),
        ):
            if not present:
                raise Malformed(text)
    return Addressed(channel, spec.chaincode_id.name, bool(payload.TransientMap))


def unpack(data: bytes) -> Proposal:
    """A proposal as endorsers read it.

    Raises:
        Malformed: it is not one that can be run.
    """
    return _unpack_again(data) if len(data) <= SMALL else _unpack(data)


def _unpack(data: bytes) -> Proposal:
    message = unmarshal(proposal_pb2.Proposal, data)
    header = unmarshal(common_pb2.Header, message.header)
    channel_header = unmarshal(common_pb2.ChannelHeader, header.channel_header)
    signature_header = unmarshal(common_pb2.SignatureHeader, header.signature_header)
    extension = unmarshal(proposal_pb2.ChaincodeHeaderExtension, channel_header.extension)
    if not extension.HasField("chaincode_id"):
        raise Malformed("ChaincodeHeaderExtension.ChaincodeId is nil")
    if not extension.chaincode_id.name:
        raise Malformed("ChaincodeHeaderExtension.ChaincodeId.Name is empty")
    payload = unmarshal(proposal_pb2.ChaincodeProposalPayload, message.payload)
    invocation = unmarshal(chaincode_pb2.ChaincodeInvocationSpec, payload.input)
    if not invocation.HasField("chaincode_spec"):
        raise Malformed("chaincode invocation spec did not contain chaincode spec")
    if not invocation.chaincode_spec.HasField("input"):
        raise Malformed("chaincode input did not contain any input")
    return assembled(
        data=data,
        header=header,
        header_bytes=message.header,
        channel_header=channel_header,
        signature_header=signature_header,
        chaincode=extension.chaincode_id.name,
        chaincode_input=invocation.chaincode_spec.input,
        payload=proposal_pb2.ChaincodeProposalPayload(input=payload.input).SerializeToString(),
        transient=dict(payload.TransientMap),
    )


# Several organisations' peers are asked with the same bytes, one after the other.
_unpack_again = lru_cache(maxsize=1024)(_unpack)
