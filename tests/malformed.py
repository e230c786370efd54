"""Transactions in the making, of which any part may be something else than it should be.

What is around a changed part is made after it: hashes fit, endorsers have signed what is there, and so has the creator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)
from google.protobuf.message import Message

from node_client.protocol.proposal import new_nonce, transaction_id

Change = Callable[[Any], object]  # is given the message, to change it, or returns the bytes that take its place


@dataclass(frozen=True)
class Signer:
    """An identity, serialised, and what signs for it."""

    identity: bytes
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Draft:
    """A transaction that writes a key of a chaincode, named by its nonce, and sets an event; it would be valid.

    Attributes:
        peers: the endorsers.
        changes: by the name of the part, what is done to it: `extension` and `channel_header`, `signature_header`,
            `action_header` (a signature header, too), `proposal`; `event`, `results`, `action` (`ChaincodeAction`),
            `response` (`ProposalResponsePayload`), `endorsed` (`ChaincodeEndorsedAction`), `payload_of_action`,
            `transaction_action`, `transaction`, `payload`.
    """

    channel: str
    chaincode: str
    creator: Signer
    peers: tuple[Signer, ...]
    nonce: bytes
    changes: Mapping[str, Change]

    @property
    def tx_id(self) -> str:
        """The id that it should have."""
        return transaction_id(self.nonce, self.creator.identity)

    def changed(self, **changes: Change) -> "Draft":
        """The same transaction with other changes."""
        return replace(self, changes=changes)

    def envelope(self) -> bytes:
        """The signed envelope."""
        signature_header = self._made(
            "signature_header", common_pb2.SignatureHeader(creator=self.creator.identity, nonce=self.nonce)
        )
        header = common_pb2.Header(channel_header=self._channel_header(), signature_header=signature_header)
        action_header = self._made("action_header", common_pb2.SignatureHeader.FromString(signature_header))
        proposal = self._made("proposal", self._proposal())
        response = self._made(
            "response",
            proposal_response_pb2.ProposalResponsePayload(
                proposal_hash=sha256(header.channel_header + action_header + proposal).digest(),
                extension=self._action(),
            ),
        )
        endorsed = transaction_pb2.ChaincodeEndorsedAction(proposal_response_payload=response)
        for peer in self.peers:
            endorsed.endorsements.add(endorser=peer.identity, signature=peer.sign(response + peer.identity))
        action = transaction_pb2.ChaincodeActionPayload(chaincode_proposal_payload=proposal)
        action.action.ParseFromString(self._made("endorsed", endorsed))
        one = transaction_pb2.TransactionAction(header=action_header, payload=self._made("payload_of_action", action))
        transaction = transaction_pb2.Transaction()
        transaction.actions.add().ParseFromString(self._made("transaction_action", one))
        payload = self._made("payload", common_pb2.Payload(header=header, data=self._made("transaction", transaction)))
        return common_pb2.Envelope(payload=payload, signature=self.creator.sign(payload)).SerializeToString()

    def _made(self, part: str, message: Message) -> bytes:
        change = self.changes.get(part)
        instead = change(message) if change else None
        return instead if isinstance(instead, bytes) else message.SerializeToString()

    def _channel_header(self) -> bytes:
        extension = proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_pb2.ChaincodeID(name=self.chaincode))
        header = common_pb2.ChannelHeader(
            type=common_pb2.ENDORSER_TRANSACTION,
            channel_id=self.channel,
            tx_id=self.tx_id,
            extension=self._made("extension", extension),
        )
        header.timestamp.GetCurrentTime()
        return self._made("channel_header", header)

    def _proposal(self) -> proposal_pb2.ChaincodeProposalPayload:
        spec = chaincode_pb2.ChaincodeSpec(
            chaincode_id=chaincode_pb2.ChaincodeID(name=self.chaincode),
            input=chaincode_pb2.ChaincodeInput(args=[b"Put", self.nonce]),
        )
        invocation = chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec)
        return proposal_pb2.ChaincodeProposalPayload(input=invocation.SerializeToString())

    def _action(self) -> bytes:
        event = chaincode_event_pb2.ChaincodeEvent(chaincode_id=self.chaincode, tx_id=self.tx_id, event_name="Put")
        results = rwset_pb2.TxReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.KV)
        written = kv_rwset_pb2.KVRWSet(writes=[kv_rwset_pb2.KVWrite(key=self.nonce.hex(), value=b"value")])
        results.ns_rwset.add(namespace=self.chaincode, rwset=written.SerializeToString())
        action = proposal_pb2.ChaincodeAction(
            results=self._made("results", results),
            events=self._made("event", event),
            response=proposal_response_pb2.Response(status=200),
            chaincode_id=chaincode_pb2.ChaincodeID(name=self.chaincode, version="1"),
        )
        return self._made("action", action)


def draft(channel: str, chaincode: str, creator: Signer, peers: tuple[Signer, ...], **changes: Change) -> Draft:
    """A draft that is unlike every other one."""
    return Draft(channel, chaincode, creator, peers, new_nonce(), changes)
