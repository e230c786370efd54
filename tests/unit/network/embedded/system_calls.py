"""Calls of system chaincodes, at a peer that is nothing but what they ask of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator
from chaincode.ledger.read_write_set import decode, decode_private
from chaincode.ledger.simulator import SimulationResults, Simulator
from chaincode.ledger.state import Version, VersionedValue
from network.embedded.acl import AccessDenied
from network.embedded.system import Call, Refused, SystemChaincode
from network.embedded.system.packages import Package, PackageStore
from node_client.protocol.config import ChannelConfig
from node_client.protocol.policy import SignedData
from tests.unit.network.embedded.small_channel import CHANNEL, config, people


class Access:
    """Admits every call, or refuses what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refused: dict[str, str] = {}

    def check(self, resource: str, channel: str, signed: SignedData) -> None:
        self.asked.append((resource, channel))
        if resource in self.refused:
            raise AccessDenied(self.refused[resource])


@dataclass
class FakeLedger:
    """As much of a ledger as system chaincodes ask for."""

    config: ChannelConfig = field(default_factory=config)
    blocks: list[bytes] = field(default_factory=list)
    states: Mapping[str, MemoryState] = field(default_factory=dict)

    def state(self, msp_id: str) -> MemoryState:
        return self.states[msp_id]

    @property
    def height(self) -> int:
        return len(self.blocks)


@dataclass
class FakePeer:
    """An organisation's peer."""

    msp_id: str
    ledger: Any
    packages: PackageStore
    access: Access = field(default_factory=Access)
    started: list[Package] = field(default_factory=list)

    async def build_package(self, package: Package) -> None:
        pass

    def start_package(self, package: Package) -> None:
        self.started.append(package)


class Network:
    """The peers of a channel, which commit what their system chaincodes simulate."""

    def __init__(self, folder: Path, chaincode: SystemChaincode, ledger: Any = None) -> None:
        self.chaincode = chaincode
        self.ledger = ledger or FakeLedger()
        self.peers = {
            msp_id: FakePeer(msp_id, self.ledger, PackageStore(folder / msp_id))
            for msp_id in self.ledger.config.organisations.values()
        }
        self.states = {msp_id: MemoryState() for msp_id in self.peers}
        if isinstance(self.ledger, FakeLedger):
            self.ledger.states = self.states
        self.height = 1

    async def call(
        self, organisation: str, *arguments: bytes | str, channel: str = CHANNEL
    ) -> tuple[bytes, SimulationResults | None]:
        """Call the chaincode at an organisation's peer, as its client. Raises Refused."""
        msp_id = f"{organisation}MSP"
        someone = people(organisation)
        simulator = Simulator(self.states[msp_id]) if channel else None
        call = Call(
            peer=self.peers[msp_id],  # type: ignore[arg-type]
            channel=channel,
            simulator=simulator,
            creator=self.ledger.config.msp_manager.member(someone.client_identity),
            signed=SignedData(b"proposal", someone.client_identity, someone.client.sign(b"proposal")),
            arguments=[one.encode() if isinstance(one, str) else one for one in arguments],
        )
        answer = await self.chaincode.invoke(call)
        return answer, simulator.results() if simulator else None

    async def refusal(self, organisation: str, *arguments: bytes | str, channel: str = CHANNEL) -> Refused:
        """How a call is refused."""
        try:
            await self.call(organisation, *arguments, channel=channel)
        except Refused as refused:
            return refused
        raise AssertionError("the call was not refused")

    async def submit(self, organisation: str, *arguments: bytes | str) -> None:
        """Commit what a call at one organisation's peer simulates; private values stay there."""
        _, results = await self.call(organisation, *arguments)
        assert results is not None
        sets = decode(results.public)
        for msp_id, state in self.states.items():
            validator = BlockValidator(state, self.height)
            assert validator.validate(0, sets) is None
            state.apply(validator.updates)
            if msp_id == f"{organisation}MSP":
                self._apply_private(state, results.private)
        self.height += 1

    def _apply_private(self, state: MemoryState, private: Mapping[tuple[str, str], bytes]) -> None:
        for (namespace, collection), data in private.items():
            for key, write in decode_private(data).items():
                value = None if write.is_delete else VersionedValue(write.value, Version(self.height, 0))
                state.put_private(namespace, collection, key, value)
