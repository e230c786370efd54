"""What the peers of a channel say: their blocks beside each other, and their records beside the ledger's."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from chaincode.ledger.composite_key import composite_range, split_composite_key
from chaincode.ledger.state import StateReader
from chaincode.registry.model import codes, keys
from node_client.audit.findings import Finding, What
from node_client.audit.reading import read_blocks
from node_client.certificates.errors import RegistryRefusal, refusals
from node_client.errors import GatewayError
from node_client.gateway._sync.gateway import Gateway
from node_client.gateway._sync.network import Network
from node_client.identity.profile import ConnectionProfile
from node_client.protocol.block import COMMIT_HASH, Block, data_hash

PAGE = 1000
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # seconds that a peer gets to have what another one has


class BadAnswer(Exception):
    """A peer answers something that the registry cannot have answered."""


@dataclass(frozen=True)
class Peer:
    """An organisation's peer.

    Attributes:
        name: as the connection profile has it.
        msp_id: the organisation's.
        network: the channel, over this peer.
    """

    name: str
    msp_id: str
    network: Network


@contextmanager
def every_peer(profile: ConnectionProfile, organisation: str, user: str, channel: str) -> Iterator[list[Peer]]:
    """The peers of every organisation, over connections that end with the context; the user's organisation's first."""
    identity, signer = profile.identity(organisation, user), profile.signer(organisation, user)
    with ExitStack() as stack:
        peers = []
        for owner, name in sorted(profile.peers(), key=lambda one: one[0] != organisation):
            gateway = stack.enter_context(Gateway(profile.endpoint(owner, name), identity, signer))
            peers.append(Peer(name, profile.msp_id(owner), gateway.get_network(channel)))
        yield peers


def chances(network: Network) -> Iterator[None]:
    """Once at once, and again after each of the pauses that a peer gets."""
    yield
    for pause in PAUSES:
        network.pause(pause)
        yield


class Beside:
    """Reads another peer's blocks beside those that are audited, and says where they differ.

    Args:
        first: the peer whose blocks are audited.
        height: how many blocks are audited.
    """

    def __init__(self, peer: Peer, first: str, start: int, height: int) -> None:
        self.findings: list[Finding] = []
        self._peer = peer
        self._first = first
        self._blocks: Iterator[Block] | None = None
        try:
            reached = self._reached(height)
        except GatewayError as error:
            self._lost(error)
            return
        if reached < height:
            detail = f"it has {reached} blocks, and {first} {height}"
            self.findings.append(Finding(what=What.HEIGHT, detail=detail, peer=peer.name))
        self._blocks = read_blocks(peer.network, start, min(height, reached), peer=peer.name)

    def take(self, block: Block) -> None:
        """Compare the peer's next block with this one."""
        if self._blocks is None:
            return
        try:
            other = next(self._blocks, None)
        except GatewayError as error:
            self._lost(error)
            return
        if other is None:
            self._blocks = None
        elif difference := _difference(block, other):
            detail = f"{difference} than {self._first}'s"
            finding = Finding(what=What.PEER, detail=detail, block=block.number, peer=self._peer.name)
            self.findings.append(finding)

    def _reached(self, height: int) -> int:
        reached = 0
        for _ in chances(self._peer.network):
            reached = self._peer.network.height()
            if reached >= height:
                break
        return reached

    def _lost(self, error: GatewayError) -> None:
        self._blocks = None
        self.findings.append(Finding(what=What.UNREACHABLE, detail=error.message, peer=self._peer.name))


def _difference(block: Block, other: Block) -> str:
    """What of a peer's block differs; orderers may have signed it for each peer on their own."""
    if other.header_bytes != block.header_bytes:
        return "its block is another one"
    if data_hash(other.envelopes) != other.data_hash:
        return "its block holds other transactions"
    if other.validation_codes != block.validation_codes:
        return "its validation codes are others"
    if other.metadata[COMMIT_HASH : COMMIT_HASH + 1] != block.metadata[COMMIT_HASH : COMMIT_HASH + 1]:
        return "its commit hash is another one"
    return ""


@dataclass(frozen=True)
class Records:
    """The registry's records as one peer answers, beside what the blocks come to.

    Args:
        state: the state that the blocks make.
    """

    peer: Peer
    chaincode: str
    state: StateReader

    def differences(self) -> Iterator[str]:
        """The keys of the records that the peer has otherwise, does not have, or has alone.

        Raises:
            GatewayError, RegistryRefusal: it could not be asked.
            BadAnswer: it answered nothing that the registry answers.
        """
        batches: list[str] = []
        for function, kind in (("ListCertificates", keys.CERTIFICATE), ("ListBatches", keys.BATCH)):
            for key, mine, theirs in _beside(self._kept(kind, []), self._listed(function, kind)):
                if mine != theirs:
                    yield key
                if kind == keys.BATCH and theirs is not None:
                    batches += split_composite_key(key)[1]
        for batch_id in batches:
            for key, mine, theirs in _beside(self._kept(keys.STATUS, [batch_id]), self._statuses(batch_id)):
                if mine != theirs:
                    yield key

    def still_differs(self, key: str) -> bool:
        """Whether a record differs when it alone is asked for. Raises as `differences`."""
        found = self.state.get(self.chaincode, key)
        return self._one(key) != (found.value if found else None)

    def _kept(self, kind: str, attributes: list[str]) -> Iterator[tuple[str, bytes]]:
        for key, found in self.state.range(self.chaincode, *composite_range(kind, attributes)):
            yield key, found.value

    def _listed(self, function: str, kind: str) -> Iterator[tuple[str, bytes]]:
        name, make = _NAMED[kind]
        bookmark = ""
        while True:
            page = self._answer(function, str(PAGE), bookmark)
            with _readable():
                rows = [(make(record[name]), _encoded(record)) for record in page["records"]]
                following = str(page["bookmark"])
            yield from rows
            if not following:
                return
            if following <= bookmark:
                raise BadAnswer("the peer's list does not come to an end")
            bookmark = following

    def _statuses(self, batch_id: str) -> Iterator[tuple[str, bytes]]:
        answer = self._answer("ReadStatusList", batch_id)
        with _readable():
            rows = [(keys.status_key(batch_id, one["leaf"]), _encoded(one)) for one in answer["statuses"]]
        yield from rows

    def _one(self, key: str) -> bytes | None:
        kind, attributes = split_composite_key(key)
        try:
            if kind == keys.CERTIFICATE:
                return self._ask("ReadCertificate", *attributes)
            if kind == keys.BATCH:
                return self._ask("ReadBatch", *attributes)
            answer = self._answer("ReadMember", *attributes)
            with _readable():
                return _encoded(answer["status"]) if answer["status"] else None
        except RegistryRefusal as refusal:
            if refusal.code != codes.NOT_FOUND:
                raise
            return None

    def _answer(self, function: str, *args: str) -> Any:
        with _readable():
            return json.loads(self._ask(function, *args))

    def _ask(self, function: str, *args: str) -> bytes:
        with refusals():
            contract = self.peer.network.get_contract(self.chaincode)
            return contract.evaluate(function, *args, organizations=[self.peer.msp_id])


_NAMED: dict[str, tuple[str, Callable[[str], str]]] = {
    keys.CERTIFICATE: ("certificateId", keys.certificate_key),
    keys.BATCH: ("batchId", keys.batch_key),
}


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadAnswer("the peer's answer is none of the registry's") from error


def _beside(
    mine: Iterator[tuple[str, bytes]], theirs: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    """Two lists in the order of their keys: every key once, with what each list has."""
    one, other = next(mine, None), next(theirs, None)
    while one or other:
        key = min((row[0] for row in (one, other) if row), key=str.encode)
        here, there = one if one and one[0] == key else None, other if other and other[0] == key else None
        yield key, here[1] if here else None, there[1] if there else None
        one, other = next(mine, None) if here else one, next(theirs, None) if there else other


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
