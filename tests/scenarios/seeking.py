"""Asking peers and orderers for blocks with messages made here: no client library in between."""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
from fabric_protos.peer import events_pb2_grpc

from network.folder import Folder
from network.topology import CHANNEL
from node_client import ConnectionProfile, Endpoint, Gateway
from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner

DEADLINE = 60.0

OLDEST = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
NEWEST = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
NEXT = ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())


def at(number: int) -> ab_pb2.SeekPosition:
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


@dataclass(frozen=True)
class Person:
    """Somebody who signs."""

    identity: Identity
    signer: KeySigner

    @classmethod
    def of(cls, folder: Folder, organisation: str, user: str) -> "Person":
        profile = profile_of(folder, organisation)
        return cls(profile.identity(organisation, user), profile.signer(organisation, user))

    def sign(self, message: bytes) -> bytes:
        return self.signer.sign(Hash.SHA256.digest(message))


def profile_of(folder: Folder, organisation: str) -> ConnectionProfile:
    return ConnectionProfile.load(folder.organisation(organisation) / "connection.json")


@dataclass(frozen=True)
class Ask:
    """A request for blocks; what is not set is as it should be."""

    start: ab_pb2.SeekPosition | None = field(default_factory=lambda: OLDEST)
    stop: ab_pb2.SeekPosition | None = field(default_factory=lambda: OLDEST)
    channel: str = CHANNEL
    minutes: float | None = 0.0
    tls_hash: bytes = b""
    fails: bool = False
    headers_only: bool = False
    content: bytes | None = None

    def payload(self, creator: bytes) -> bytes:
        header = common_pb2.ChannelHeader(
            type=common_pb2.DELIVER_SEEK_INFO, channel_id=self.channel, tls_cert_hash=self.tls_hash
        )
        if self.minutes is not None:
            header.timestamp.FromNanoseconds(time.time_ns() + int(self.minutes * 60 * 10**9))
        seek = ab_pb2.SeekInfo(
            start=self.start,
            stop=self.stop,
            behavior=ab_pb2.SeekInfo.FAIL_IF_NOT_READY if self.fails else ab_pb2.SeekInfo.BLOCK_UNTIL_READY,
            content_type=ab_pb2.SeekInfo.HEADER_WITH_SIG if self.headers_only else ab_pb2.SeekInfo.BLOCK,
        )
        signature_header = common_pb2.SignatureHeader(creator=creator, nonce=secrets.token_bytes(24))
        return common_pb2.Payload(
            header=common_pb2.Header(
                channel_header=header.SerializeToString(), signature_header=signature_header.SerializeToString()
            ),
            data=seek.SerializeToString() if self.content is None else self.content,
        ).SerializeToString()

    def signed_by(self, person: Person, *, signer: Person | None = None) -> common_pb2.Envelope:
        """The request in an envelope; with another signer, its signature is not the creator's."""
        payload = self.payload(person.identity.serialized)
        return common_pb2.Envelope(payload=payload, signature=(signer or person).sign(payload))


@dataclass(frozen=True)
class Source:
    """A service that delivers blocks: one of a peer's three, or an orderer's."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def of_orderer(self) -> bool:
        return self.name == "Orderer"

    @property
    def method(self) -> str:
        """The method's full name."""
        return "/orderer.AtomicBroadcast/Deliver" if self.of_orderer else f"/protos.Deliver/{self.name}"

    def stream(self, channel: grpc.Channel, envelopes: Sequence[common_pb2.Envelope]) -> Any:
        """The service's answers to these requests."""
        if self.of_orderer:
            method: Any = ab_pb2_grpc.AtomicBroadcastStub(channel).Deliver
        else:
            method = getattr(events_pb2_grpc.DeliverStub(channel), self.name)
        return method(iter(envelopes), timeout=DEADLINE)

    def connect(self, folder: Folder, organisation: str) -> grpc.Channel:
        """A connection to the organisation's node that has the service."""
        if not self.of_orderer:
            return dial(profile_of(folder, organisation).endpoint(organisation))
        node = next(one for one in folder.topology().organisations if one.name == organisation)
        root = (folder.organisation(organisation) / "tlsca" / "tlsca.crt").read_bytes()
        return dial(Endpoint(address=node.orderer, tls_roots=root))


PEER_SOURCES = [Source("Deliver"), Source("DeliverFiltered"), Source("DeliverWithPrivateData")]
SOURCES = [*PEER_SOURCES, Source("Orderer")]


def dial(endpoint: Endpoint) -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(endpoint.tls_roots, endpoint.client_key, endpoint.client_certificate)
    return grpc.secure_channel(endpoint.address, credentials, options=endpoint.channel_options)


def block_in(answer: Any) -> Any:
    """The block in an answer: whole, filtered, or the one beside private data."""
    kind = answer.WhichOneof("Type")
    found = getattr(answer, kind)
    return found.block if kind == "block_and_private_data" else found


def told(answer: Any) -> int | str:
    """A block's number, or a status's name."""
    if answer.WhichOneof("Type") == "status":
        return common_pb2.Status.Name(answer.status)
    block = block_in(answer)
    return int(block.header.number if hasattr(block, "header") else block.number)


def write_something(folder: Folder) -> str:
    """Have a transaction committed, which makes a block. Returns its id."""
    with Gateway.from_profile(profile_of(folder, "City"), "City", "issuer") as gateway:
        contract = gateway.get_network(CHANNEL).get_contract("registry")
        proposal = contract.new_proposal("IssueCertificate", secrets.token_hex(16), secrets.token_hex(32))
        proposal.endorse().submit().require_valid()
        return proposal.transaction_id


def height(folder: Folder, organisation: str = "City") -> int:
    """How many blocks the organisation's peer has."""
    with Gateway.from_profile(profile_of(folder, organisation), organisation, "auditor") as gateway:
        return gateway.get_network(CHANNEL).height()


def each(answers: Any) -> Iterator[int | str]:
    """The answers as they come, told."""
    return map(told, answers)
