"""What a transaction was asked to do, and by whom: read from the peer's message, nothing is asked for."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from chaincode.shim.identity import ClientIdentity, parse_identity
from chaincode.shim.iterators import to_datetime
from chaincode.shim.stream import Message


class Invocation:
    """A transaction's arguments and origin.

    Args:
        message: TRANSACTION or INIT.

    Raises:
        DecodeError: the message is not well formed.
    """

    def __init__(self, message: Message) -> None:
        call = chaincode_pb2.ChaincodeInput.FromString(message.payload)
        self.tx_id = message.txid
        self.channel_id = message.channel_id
        self.args: tuple[bytes, ...] = tuple(call.args)
        self.decorations: Mapping[str, bytes] = dict(call.decorations)
        self._signed_proposal = message.proposal
        proposal = proposal_pb2.Proposal.FromString(message.proposal.proposal_bytes)
        header = common_pb2.Header.FromString(proposal.header)
        self._channel_header = common_pb2.ChannelHeader.FromString(header.channel_header)
        self._signature_header = common_pb2.SignatureHeader.FromString(header.signature_header)
        self._payload = proposal.payload

    @property
    def function(self) -> str:
        """The first argument. Raises ValueError when it is not UTF-8."""
        return self.args[0].decode() if self.args else ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arguments after the function, as text. Raises ValueError when one is not UTF-8."""
        return tuple(argument.decode() for argument in self.args[1:])

    @property
    def timestamp(self) -> datetime:
        """The time in the proposal: what the client's clock said, the same for all endorsers.

        Raises ValueError when it is no date.
        """
        return to_datetime(self._channel_header.timestamp.seconds, self._channel_header.timestamp.nanos)

    @property
    def creator(self) -> bytes:
        """The submitter, as a serialised identity."""
        return self._signature_header.creator

    @property
    def client_identity(self) -> ClientIdentity:
        """The submitter. The peer has checked its certificate and signature."""
        return parse_identity(self._signature_header.creator)

    @cached_property
    def transient(self) -> Mapping[str, bytes]:
        """Data that goes to endorsers and not into the transaction."""
        payload = proposal_pb2.ChaincodeProposalPayload.FromString(self._payload)
        return dict(payload.TransientMap)

    @property
    def signed_proposal(self) -> tuple[bytes, bytes]:
        """The proposal's bytes and the submitter's signature."""
        return self._signed_proposal.proposal_bytes, self._signed_proposal.signature

    @property
    def binding(self) -> bytes:
        """SHA-256 over nonce, creator and epoch: ties transient data to this proposal."""
        header = self._signature_header
        epoch = self._channel_header.epoch.to_bytes(8, "little")
        return sha256(header.nonce + header.creator + epoch).digest()
