"""A channel of three organisations made in memory: its configuration, definitions of chaincode, and transactions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from fabric_protos.common import common_pb2, configtx_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.peer import policy_pb2

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import Updates
from chaincode.ledger.simulator import SimulationResults, Simulator
from chaincode.ledger.state import Version, VersionedValue
from node_client.protocol import definitions
from node_client.protocol.block import new_block
from node_client.protocol.collection_config import Collection, encode_collections
from node_client.protocol.config import ChannelConfig
from node_client.protocol.definitions import LIFECYCLE, NAMESPACES, Definition, field_key, metadata_key
from node_client.protocol.msp import Member
from node_client.protocol.policy_dsl import parse_policy
from node_client.protocol.proposal import build_proposal, parse_proposal
from node_client.protocol.transaction import ChaincodeEvent, Endorsement, assemble, build_event, build_response_payload
from node_client.protocol.transaction import envelope as sealed
from tests.authorities import Ca, Holder, msp_config

CHANNEL = "certificates"
ORGANISATIONS = ("City", "Nishitetsu", "TriValley")
Policy = policies_pb2.Policy
Meta = policies_pb2.ImplicitMetaPolicy


@dataclass(frozen=True)
class People:
    """An organisation's authority, its peer, and a client."""

    msp_id: str
    ca: Ca
    peer: Holder
    client: Holder

    @property
    def peer_identity(self) -> bytes:
        return self.peer.serialized(self.msp_id)

    @property
    def client_identity(self) -> bytes:
        return self.client.serialized(self.msp_id)


@cache
def people(name: str) -> People:
    ca = Ca.root(f"ca.{name}")
    return People(f"{name}MSP", ca, ca.issue("peer0", "peer"), ca.issue("client0", "client"))


@cache
def config() -> ChannelConfig:
    """A majority of the organisations endorses; members of any of them may propose."""
    channel = configtx_pb2.ConfigGroup()
    channel.groups["Orderer"].SetInParent()
    application = channel.groups["Application"]
    for name in ORGANISATIONS:
        one = application.groups[name]
        definition = msp_config(f"{name}MSP", [people(name).ca])
        one.values["MSP"].value = msp_config_pb2.MSPConfig(config=definition).SerializeToString()
        for policy in ("Readers", "Writers"):
            one.policies[policy].policy.CopyFrom(_signature(f"OR('{name}MSP.member')"))
        one.policies["Endorsement"].policy.CopyFrom(_signature(f"OR('{name}MSP.peer')"))
    for policy, rule in (("Readers", Meta.ANY), ("Writers", Meta.ANY), ("Endorsement", Meta.MAJORITY)):
        application.policies[policy].policy.CopyFrom(_meta(policy, rule))
    application.policies["LifecycleEndorsement"].policy.CopyFrom(_meta("Endorsement", Meta.MAJORITY))
    header = common_pb2.ChannelHeader(type=common_pb2.CONFIG, channel_id=CHANNEL)
    envelope = configtx_pb2.ConfigEnvelope(config=configtx_pb2.Config(channel_group=channel))
    payload = common_pb2.Payload(
        header=common_pb2.Header(channel_header=header.SerializeToString()), data=envelope.SerializeToString()
    )
    return ChannelConfig(
        new_block(0, b"", [common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString()])
    )


def _signature(text: str) -> Policy:
    return Policy(type=Policy.SIGNATURE, value=parse_policy(text))


def _meta(name: str, rule: "Meta.Rule.ValueType") -> Policy:
    return Policy(type=Policy.IMPLICIT_META, value=Meta(sub_policy=name, rule=rule).SerializeToString())


def signature_policy(text: str) -> bytes:
    """An endorsement policy as definitions have it."""
    message = policy_pb2.ApplicationPolicy()
    message.signature_policy.ParseFromString(parse_policy(text))
    return message.SerializeToString()


def channel_policy(path: str) -> bytes:
    """The endorsement policy that the channel's configuration has at this path."""
    return policy_pb2.ApplicationPolicy(channel_config_policy_reference=path).SerializeToString()


MAJORITY = channel_policy("/Channel/Application/Endorsement")


def members(*names: str) -> list[Member]:
    """The organisations' peers."""
    return [config().msp_manager.member(people(name).peer_identity) for name in names]


def define(
    state: MemoryState,
    name: str,
    policy: bytes | str = MAJORITY,
    *,
    sequence: int = 1,
    collections: Iterable[Collection] = (),
    version: str = "1.0",
    **options: str | bool,
) -> Definition:
    """Put a definition into force, as the transaction 0 of the block of its sequence."""
    definition = Definition(
        name=name,
        version=version,
        sequence=sequence,
        policy=signature_policy(policy) if isinstance(policy, str) else policy,
        collections=encode_collections(collections),
        **options,  # type: ignore[arg-type]
    )
    updates = Updates()
    for key, value in definition_writes(definition).items():
        updates.public[LIFECYCLE, key] = VersionedValue(value, Version(sequence, 0))
    state.apply(updates)
    return definition


def definition_writes(definition: Definition) -> dict[str, bytes]:
    """What a definition is in the lifecycle's namespace."""
    fields = {**definition.fields(), "Sequence": definitions.number(definition.sequence)}
    writes = {field_key(NAMESPACES, definition.name, name): value for name, value in fields.items()}
    described = definitions.metadata("ChaincodeDefinition", list(definitions.DEFINITION_FIELDS))
    return {**writes, metadata_key(NAMESPACES, definition.name): described}


def simulated(state: MemoryState, *steps: Callable[[Simulator], object]) -> SimulationResults:
    simulator = Simulator(state)
    for step in steps:
        step(simulator)
    return simulator.results()


@dataclass(frozen=True)
class Sent:
    """A transaction as a client of the city would send it, and how one thing of it may be wrong.

    Attributes:
        endorsers: the organisations whose peers sign.
        hash_of: the proposal that the endorsers signed, when it is another one.
        endorsements: these ones instead of the endorsers'.
    """

    chaincode: str = "cc"
    result: bytes = b""
    endorsers: Sequence[str] = ("City", "TriValley")
    channel: str = CHANNEL
    nonce: bytes = b"nonce"
    creator: str = "City"
    executed: str | None = None
    version: str = "1.0"
    event: ChaincodeEvent | None = None
    hash_of: bytes | None = None
    endorsements: Sequence[Endorsement] | None = None
    change_header: Callable[[common_pb2.ChannelHeader, common_pb2.SignatureHeader], object] = field(
        default=lambda channel, signature: None
    )

    @property
    def proposal(self) -> bytes:
        return build_proposal(
            channel=self.channel,
            chaincode=self.chaincode,
            args=[b"do"],
            creator=people(self.creator).client_identity,
            nonce=self.nonce,
        )

    @property
    def tx_id(self) -> str:
        return parse_proposal(self.proposal).transaction_id

    def envelope(self) -> bytes:
        """The signed envelope."""
        proposal = parse_proposal(self.proposal)
        header = common_pb2.Header.FromString(proposal.header)
        channel_header = common_pb2.ChannelHeader.FromString(header.channel_header)
        signature_header = common_pb2.SignatureHeader.FromString(header.signature_header)
        self.change_header(channel_header, signature_header)
        proposal = replace(
            proposal,
            channel_header=channel_header.SerializeToString(),
            signature_header=signature_header.SerializeToString(),
        )
        header.channel_header, header.signature_header = proposal.channel_header, proposal.signature_header
        proposal = replace(proposal, header=header.SerializeToString())
        response = build_response_payload(
            proposal_hash=proposal.hash if self.hash_of is None else self.hash_of,
            chaincode=self.chaincode if self.executed is None else self.executed,
            chaincode_version=self.version,
            status=200,
            message="",
            payload=b"",
            result=self.result,
            event=build_event(self.event) if self.event else b"",
        )
        endorsements = self.endorsements
        if endorsements is None:
            endorsements = [endorsement(name, response) for name in self.endorsers]
        payload = assemble(proposal, response, endorsements)
        return sealed(payload, people(self.creator).client.sign(payload))


def endorsement(name: str, response: bytes) -> Endorsement:
    endorser = people(name).peer_identity
    return Endorsement(endorser, people(name).peer.sign(response + endorser))
