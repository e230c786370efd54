"""Proposals and envelopes with a fault put in."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from node_client.protocol.proposal import ENDORSER_TRANSACTION, new_nonce

GARBAGE = b"\xff\xff\xff\xff"


@dataclass(frozen=True)
class Person:
    """Someone who signs."""

    identity: Identity
    signer: KeySigner

    @property
    def serialized(self) -> bytes:
        return self.identity.serialized

    def sign(self, message: bytes) -> bytes:
        return self.signer.sign(Hash.SHA256.digest(message))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A proposal. What is None is made as it should be."""

    creator: bytes
    channel: str
    chaincode: str
    args: tuple[str | bytes, ...] = ()
    transient: dict[str, bytes] = field(default_factory=dict)
    nonce: bytes = field(default_factory=new_nonce)
    type: int = ENDORSER_TRANSACTION
    epoch: int = 0
    age: timedelta | None = timedelta()
    tx_id: str | None = None
    extension: bytes | None = None
    channel_header: bytes | None = None
    signature_header: bytes | None = None
    header: bytes | None = None
    invocation: bytes | None = None
    payload: bytes | None = None

    def calling(self, args: tuple[str | bytes, ...]) -> "Draft":
        """The same proposal with other arguments."""
        return replace(self, args=args)

    @property
    def data(self) -> bytes:
        """The proposal's bytes."""
        return proposal_pb2.Proposal(header=self._header(), payload=self._payload()).SerializeToString()

    def signed(self, person: Person) -> proposal_pb2.SignedProposal:
        """The proposal, signed."""
        data = self.data
        return proposal_pb2.SignedProposal(proposal_bytes=data, signature=person.sign(data))

    def _header(self) -> bytes:
        if self.header is not None:
            return self.header
        signature_header = common_pb2.SignatureHeader(creator=self.creator, nonce=self.nonce).SerializeToString()
        return common_pb2.Header(
            channel_header=self._channel_header() if self.channel_header is None else self.channel_header,
            signature_header=signature_header if self.signature_header is None else self.signature_header,
        ).SerializeToString()

    def _channel_header(self) -> bytes:
        extension = proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_pb2.ChaincodeID(name=self.chaincode))
        header = common_pb2.ChannelHeader(
            type=self.type,
            channel_id=self.channel,
            epoch=self.epoch,
            tx_id=sha256(self.nonce + self.creator).hexdigest() if self.tx_id is None else self.tx_id,
            extension=extension.SerializeToString() if self.extension is None else self.extension,
        )
        if self.age is not None:
            header.timestamp.FromDatetime(datetime.now(UTC) - self.age)
        return header.SerializeToString()

    def _payload(self) -> bytes:
        if self.payload is not None:
            return self.payload
        invocation = invocation_of(self.chaincode, *self.args) if self.invocation is None else self.invocation
        return proposal_pb2.ChaincodeProposalPayload(input=invocation, TransientMap=self.transient).SerializeToString()


def invocation_of(chaincode: str, *args: str | bytes, is_init: bool = False) -> bytes:
    """A call of a chaincode, as proposals carry it."""
    texts = [one.encode() if isinstance(one, str) else one for one in args]
    return chaincode_pb2.ChaincodeInvocationSpec(
        chaincode_spec=chaincode_pb2.ChaincodeSpec(
            type=chaincode_pb2.ChaincodeSpec.GOLANG,
            chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode),
            input=chaincode_pb2.ChaincodeInput(args=texts, is_init=is_init),
        )
    ).SerializeToString()
