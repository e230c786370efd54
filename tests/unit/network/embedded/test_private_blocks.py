"""Private data of a past block: whose, and for whom."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2
from fabric_protos.peer.lifecycle import db_pb2

from network.embedded.ledger import Ledger
from network.embedded.private_blocks import private_data
from network.embedded.private_rows import PrivateSet
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData
from node_client.protocol.policy_dsl import parse_policy

BLOCK = 7


@dataclass(frozen=True)
class Member:
    """Somebody of an organisation, whose signature always holds."""

    msp_id: str

    @property
    def key(self) -> str:
        return self.msp_id

    def verify(self, signature: bytes, message: bytes) -> bool:
        return True


class Members:
    """Knows members by the name of their organisation."""

    def member(self, data: bytes) -> Member:
        return Member(data.decode())

    def requirement(self, principal: msp_principal_pb2.MSPPrincipal) -> Callable[[Member], bool]:
        msp_id = msp_principal_pb2.MSPRole.FromString(principal.principal).msp_identifier
        return lambda member: member.msp_id == msp_id


class Config:
    msp_manager = Members()


@dataclass
class Kept:
    """A ledger that holds these private sets; `definitions` are those of before the block, the last one first."""

    sets: list[PrivateSet]
    definitions: list[bytes] = field(default_factory=list)
    config: Config = field(default_factory=Config)

    def private_sets(self, msp_id: str, number: int) -> list[PrivateSet]:
        return [one for one in self.sets if one.organisation == msp_id and number == BLOCK]

    def values_before(self, namespace: str, key: str, number: int) -> Iterator[bytes]:
        assert (namespace, key, number) == ("_lifecycle", "namespaces/fields/cc/Collections", BLOCK)
        yield from self.definitions


def defined(*collections: tuple[str, bool]) -> bytes:
    """A definition with these collections of the city and TriValley, each for its members to read alone or not."""
    package = collection_pb2.CollectionConfigPackage()
    for name, member_only_read in collections:
        one = package.config.add().static_collection_config
        one.name, one.member_only_read = name, member_only_read
        policy = parse_policy("OR('CityMSP.member', 'TriValleyMSP.member')")
        one.member_orgs_policy.signature_policy.ParseFromString(policy)
    return db_pb2.StateData(Bytes=package.SerializeToString()).SerializeToString()


def kept(position: int, collection: str, data: bytes, namespace: str = "cc") -> PrivateSet:
    return PrivateSet("CityMSP", position, namespace, collection, data)


def given(ledger: Kept, reader: str = "CityMSP", number: int = BLOCK) -> dict[int, list[tuple[str, str, bytes]]]:
    signed = SignedData(b"request", reader.encode(), b"signature")
    found = private_data(cast(Ledger, ledger), "CityMSP", number, signed)
    assert all(sets.data_model == rwset_pb2.TxReadWriteSet.KV for sets in found.values())
    return {
        position: [
            (namespace.namespace, one.collection_name, one.rwset)
            for namespace in sets.ns_pvt_rwset
            for one in namespace.collection_pvt_rwset
        ]
        for position, sets in found.items()
    }


def test_sets_are_given_by_transaction_namespace_and_collection() -> None:
    ledger = Kept(
        [kept(0, "a", b"1"), kept(0, "b", b"2"), kept(3, "_implicit_org_CityMSP", b"3", "_lifecycle")],
        [defined(("a", False), ("b", False))],
    )
    assert given(ledger) == {
        0: [("cc", "a", b"1"), ("cc", "b", b"2")],
        3: [("_lifecycle", "_implicit_org_CityMSP", b"3")],
    }
    assert given(ledger, number=BLOCK + 1) == {}


def test_collections_of_one_namespace_stand_together() -> None:
    ledger = Kept([kept(0, "a", b"1"), kept(0, "b", b"2")], [defined(("a", False), ("b", False))])
    signed = SignedData(b"request", b"CityMSP", b"signature")
    found = private_data(cast(Ledger, ledger), "CityMSP", BLOCK, signed)
    assert [one.namespace for one in found[0].ns_pvt_rwset] == ["cc"]


def test_what_only_members_may_read_is_left_out_for_others() -> None:
    ledger = Kept([kept(0, "open", b"1"), kept(1, "closed", b"2")], [defined(("open", False), ("closed", True))])
    both = {0: [("cc", "open", b"1")], 1: [("cc", "closed", b"2")]}
    assert given(ledger, "CityMSP") == both
    assert given(ledger, "TriValleyMSP") == both
    assert given(ledger, "NishitetsuMSP") == {0: [("cc", "open", b"1")]}


def test_the_last_definition_before_the_block_counts() -> None:
    ledger = Kept([kept(0, "a", b"1")], [defined(("a", True)), defined(("a", False))])
    assert given(ledger, "NishitetsuMSP") == {}
    ledger = Kept([kept(0, "a", b"1")], [defined(("b", True)), defined(("a", False))])
    assert given(ledger, "NishitetsuMSP") == {0: [("cc", "a", b"1")]}


def test_a_collection_that_was_never_defined_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="no collection config was found for collection a for chaincode cc"):
        given(Kept([kept(0, "a", b"1")], [defined(("b", False))]))
