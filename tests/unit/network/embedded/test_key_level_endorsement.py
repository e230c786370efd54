"""Whose endorsement a write needs: the key's policy, the collection's or the chaincode's.

Expectations follow Fabric's core/common/validation/statebased tests.
"""

from collections.abc import Callable, Sequence

import pytest

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator
from chaincode.ledger.read_write_set import decode
from chaincode.ledger.simulator import Simulator
from node_client.protocol.collection_config import Collection
from node_client.protocol.key_level import KeyLevelPolicies, NotEndorsed
from node_client.protocol.policy_dsl import parse_policy
from tests.unit.network.embedded.small_channel import (
    ORGANISATIONS,
    config,
    define,
    members,
    signature_policy,
    simulated,
)

Steps = Callable[[Simulator], object]
CITY, TRIVALLEY = parse_policy("OR('CityMSP.peer')"), parse_policy("OR('TriValleyMSP.peer')")
MEMBERS = parse_policy("OR('CityMSP.member', 'TriValleyMSP.member')")
PLAIN = Collection(name="plain", policy=MEMBERS)
STRICT = Collection(
    name="strict", policy=MEMBERS, endorsement_policy=signature_policy("AND('CityMSP.peer', 'TriValleyMSP.peer')")
)
BY_CITY = {"VALIDATION_PARAMETER": CITY}
BY_TRIVALLEY = {"VALIDATION_PARAMETER": TRIVALLEY}


@pytest.fixture
def state() -> MemoryState:
    """A chaincode that Nishitetsu endorses, with keys that the city does."""
    state = MemoryState()
    definition = define(state, "cc", "OR('NishitetsuMSP.peer')", collections=[PLAIN, STRICT])
    commit(
        state,
        lambda one: one.put("cc", "the city's", b"1"),
        lambda one: one.put_metadata("cc", "the city's", BY_CITY),
        lambda one: one.put("cc", "anyone's", b"1"),
        lambda one: one.put_private("cc", "strict", "the city's", b"1"),
        lambda one: one.put_private_metadata("cc", "strict", "the city's", BY_CITY),
    )
    assert definition.sequence == 1
    return state


def commit(state: MemoryState, *steps: Steps) -> None:
    validator = BlockValidator(state, 2)
    assert validator.validate(0, decode(simulated(state, *steps).public)) is None
    state.apply(validator.updates)


class Block:
    """A block under validation."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._policies = KeyLevelPolicies(config(), state)

    def admits(self, endorsers: Sequence[str], *steps: Steps) -> bool:
        """Whether a transaction that takes these steps, endorsed by these organisations, has enough endorsements."""
        part = decode(simulated(self._state, *steps).public).get("cc")
        try:
            self._policies.check("cc", part, signature_policy("OR('NishitetsuMSP.peer')"), members(*endorsers))
        except NotEndorsed:
            return False
        return True


def sufficient(state: MemoryState, *steps: Steps) -> list[str]:
    """The organisations of which each alone can endorse these steps."""
    return [name for name in ORGANISATIONS if Block(state).admits([name], *steps)]


@pytest.mark.parametrize(
    "step",
    [
        lambda one: one.put("cc", "the city's", b"2"),
        lambda one: one.delete("cc", "the city's"),
        lambda one: one.put_metadata("cc", "the city's", BY_TRIVALLEY),
        lambda one: one.put_private("cc", "strict", "the city's", b"2"),
        lambda one: one.put_private("cc", "strict", "the city's", b"", purge=True),
        lambda one: one.put_private_metadata("cc", "strict", "the city's", {}),
    ],
)
def test_a_key_with_a_policy_needs_that_one_and_no_other(state: MemoryState, step: Steps) -> None:
    assert sufficient(state, step) == ["City"]


@pytest.mark.parametrize(
    "step",
    [
        lambda one: one.put("cc", "anyone's", b"2"),
        lambda one: one.put("cc", "new", b"2"),
        lambda one: one.put_metadata("cc", "new", BY_CITY),
        lambda one: one.put_private("cc", "plain", "new", b"2"),
        lambda one: one.get("cc", "the city's"),
        lambda one: one.get_private_hash("cc", "strict", "the city's"),
    ],
)
def test_without_one_the_chaincodes_policy_holds_and_so_when_nothing_is_written(
    state: MemoryState, step: Steps
) -> None:
    assert sufficient(state, step) == ["Nishitetsu"]


def test_a_transaction_without_a_set_of_the_chaincode_needs_its_policy(state: MemoryState) -> None:
    assert sufficient(state) == ["Nishitetsu"]


def test_keys_of_both_kinds_need_both_policies(state: MemoryState) -> None:
    steps = [lambda one: one.put("cc", "the city's", b"2"), lambda one: one.put("cc", "anyone's", b"2")]
    assert sufficient(state, *steps) == []
    assert Block(state).admits(["City", "Nishitetsu"], *steps)


def test_a_collection_with_a_policy_needs_that_instead_of_the_chaincodes(state: MemoryState) -> None:
    write: Steps = lambda one: one.put_private("cc", "strict", "new", b"1")  # noqa: E731
    assert Block(state).admits(["City", "TriValley"], write)
    assert not Block(state).admits(["City", "Nishitetsu"], write)
    public: Steps = lambda one: one.put("cc", "new", b"1")  # noqa: E731
    assert not Block(state).admits(["City", "TriValley"], write, public)
    assert Block(state).admits(["City", "TriValley", "Nishitetsu"], write, public)


def test_an_implicit_collection_needs_its_organisation(state: MemoryState) -> None:
    write: Steps = lambda one: one.put_private("cc", "_implicit_org_TriValleyMSP", "a", b"1")  # noqa: E731
    assert sufficient(state, write) == ["TriValley"]
    assert sufficient(state, lambda one: one.put_private("cc", "_implicit_org_OtherMSP", "a", b"1")) == []


def test_nobody_can_endorse_for_a_collection_that_is_not_defined(state: MemoryState) -> None:
    assert not Block(state).admits(ORGANISATIONS, lambda one: one.put_private("cc", "missing", "a", b"1"))


def test_a_policy_that_cannot_be_read_can_be_satisfied_by_nobody(state: MemoryState) -> None:
    commit(
        state,
        lambda one: one.put("cc", "broken", b"1"),
        lambda one: one.put_metadata("cc", "broken", {"VALIDATION_PARAMETER": b"\xff"}),
    )
    assert not Block(state).admits(ORGANISATIONS, lambda one: one.put("cc", "broken", b"2"))


def test_after_a_change_of_its_policy_a_key_is_not_written_again_in_the_same_block(state: MemoryState) -> None:
    block = Block(state)
    assert block.admits(["City"], lambda one: one.put_metadata("cc", "the city's", BY_TRIVALLEY))
    write: Steps = lambda one: one.put("cc", "the city's", b"2")  # noqa: E731
    for endorsers in (["City"], ["TriValley"], ORGANISATIONS):
        assert not block.admits(endorsers, write)
    assert block.admits(["Nishitetsu"], lambda one: one.put("cc", "anyone's", b"2"))
    assert block.admits(["City"], lambda one: one.put_private("cc", "strict", "the city's", b"2"))


def test_a_change_that_was_not_endorsed_changes_nothing(state: MemoryState) -> None:
    block = Block(state)
    assert not block.admits(["TriValley"], lambda one: one.put_metadata("cc", "the city's", BY_TRIVALLEY))
    assert block.admits(["City"], lambda one: one.put("cc", "the city's", b"2"))


def test_writing_a_value_leaves_the_keys_policy_to_the_next_transaction(state: MemoryState) -> None:
    block = Block(state)
    assert block.admits(["City"], lambda one: one.put("cc", "the city's", b"2"))
    assert block.admits(["City"], lambda one: one.put("cc", "the city's", b"3"))


def test_a_key_that_is_not_there_keeps_no_policy_and_a_new_value_keeps_the_old_one(state: MemoryState) -> None:
    commit(state, lambda one: one.put_metadata("cc", "new", BY_CITY))
    commit(state, lambda one: one.put("cc", "new", b"1"))
    assert sufficient(state, lambda one: one.put("cc", "new", b"2")) == ["Nishitetsu"]
    commit(state, lambda one: one.put("cc", "the city's", b"2"))
    assert sufficient(state, lambda one: one.put("cc", "the city's", b"3")) == ["City"]
    commit(state, lambda one: one.delete("cc", "the city's"))
    assert sufficient(state, lambda one: one.put("cc", "the city's", b"3")) == ["Nishitetsu"]


def test_a_private_keys_policy_that_changed_holds_the_key_back_by_its_hash(state: MemoryState) -> None:
    block = Block(state)
    change: Steps = lambda one: one.put_private_metadata("cc", "strict", "the city's", BY_TRIVALLEY)  # noqa: E731
    assert block.admits(["City"], change)
    assert not block.admits(["City"], lambda one: one.put_private("cc", "strict", "the city's", b"2"))
    assert block.admits(["City"], lambda one: one.put("cc", "the city's", b"2"))
