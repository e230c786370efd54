"""A gateway's plans: made once, and anew when a definition or who has the chaincode has changed."""

from dataclasses import dataclass, field
from typing import cast

import pytest
from fabric_protos.peer import proposal_response_pb2

from chaincode.ledger.memory_state import MemoryState
from network.embedded import plans as module
from network.embedded.ledger import Ledger
from network.embedded.peer import Peer
from network.embedded.planning import NoPlan, Plan
from network.embedded.plans import Plans
from node_client.protocol.config import ChannelConfig
from tests.unit.network.embedded.small_channel import ORGANISATIONS, config, define, people

Call = proposal_response_pb2.ChaincodeCall
CITY, TRI_VALLEY = "CityMSP", "TriValleyMSP"
ANYONE = "OR('CityMSP.peer', 'TriValleyMSP.peer')"


@dataclass
class Channel:
    """Stands for the ledger: a state, and the count of the blocks that changed definitions."""

    memory: MemoryState = field(default_factory=MemoryState)
    definitions: int = 0
    config: ChannelConfig = field(default_factory=config)

    def state(self, msp_id: str) -> MemoryState:
        assert msp_id == CITY
        return self.memory


@dataclass
class Somebody:
    """Stands for a peer."""

    identity: bytes
    has: set[str]

    def offers(self, chaincode: str) -> bool:
        return chaincode in self.has


@pytest.fixture
def channel() -> Channel:
    channel = Channel()
    define(channel.memory, "cc", ANYONE)
    return channel


@pytest.fixture
def peers() -> dict[str, Somebody]:
    return {people(name).msp_id: Somebody(people(name).peer_identity, {"cc"}) for name in ORGANISATIONS}


class Gateway:
    """A gateway's plans, and the peers that it knows."""

    def __init__(self, channel: Channel, peers: dict[str, Somebody]) -> None:
        self.peers = peers
        self._plans = Plans(cast(Ledger, channel), CITY)

    def plan(self, *calls: Call) -> Plan:
        return self._plans.plan(calls, cast(dict[str, Peer], self.peers))


@pytest.fixture
def gateway(channel: Channel, peers: dict[str, Somebody]) -> Gateway:
    return Gateway(channel, peers)


def asked(plan: Plan) -> list[set[str]]:
    return [set(layout) for layout in plan.layouts]


def test_the_same_question_has_the_same_plan(gateway: Gateway) -> None:
    plan = gateway.plan(Call(name="cc"))
    assert asked(plan) == [{CITY}, {TRI_VALLEY}]
    assert gateway.plan(Call(name="cc")) is plan


def test_another_question_has_another(gateway: Gateway) -> None:
    kept = gateway.plan(Call(name="cc"))
    assert gateway.plan(Call(name="cc"), Call(name="cc", no_private_reads=True)) is not kept
    with pytest.raises(NoPlan, match="No metadata was found for chaincode other"):
        gateway.plan(Call(name="other"))


def test_a_new_definition_counts_at_once(gateway: Gateway, channel: Channel) -> None:
    gateway.plan(Call(name="cc"))
    define(channel.memory, "cc", "AND('CityMSP.peer', 'TriValleyMSP.peer')", sequence=2)
    channel.definitions += 1
    assert asked(gateway.plan(Call(name="cc"))) == [{CITY, TRI_VALLEY}]


def test_who_gets_the_chaincode_later_is_asked_then(gateway: Gateway, peers: dict[str, Somebody]) -> None:
    peers[TRI_VALLEY].has.clear()
    assert asked(gateway.plan(Call(name="cc"))) == [{CITY}]
    peers[TRI_VALLEY].has.add("cc")
    assert asked(gateway.plan(Call(name="cc"))) == [{CITY}, {TRI_VALLEY}]


def test_who_is_known_no_more_is_not_asked(gateway: Gateway) -> None:
    gateway.plan(Call(name="cc"))
    del gateway.peers[TRI_VALLEY]
    assert asked(gateway.plan(Call(name="cc"))) == [{CITY}]


def test_a_new_configuration_counts_at_once(gateway: Gateway, channel: Channel) -> None:
    kept = gateway.plan(Call(name="cc"))
    channel.config = ChannelConfig(config().block)
    assert gateway.plan(Call(name="cc")) is not kept


def test_what_has_no_plan_may_have_one_later(gateway: Gateway, channel: Channel) -> None:
    with pytest.raises(NoPlan):
        gateway.plan(Call(name="new"))
    define(channel.memory, "new", ANYONE)
    with pytest.raises(NoPlan, match="not installed"):
        gateway.plan(Call(name="new"))


def test_no_more_than_so_many_are_kept(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    kept = gateway.plan(Call(name="cc"))
    gateway.plan(Call(name="cc"), Call(name="cc"))
    assert gateway.plan(Call(name="cc")) is not kept
