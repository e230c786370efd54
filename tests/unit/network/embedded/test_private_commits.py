"""Private data from endorsement into the ledger: who gets what, and what becomes of it."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.simulator import SimulationError, Simulator
from network.embedded.ledger import Ledger
from network.embedded.private_data import NotDistributed
from node_client.protocol.block import new_block
from node_client.protocol.collection_config import Collection
from node_client.protocol.definitions import LIFECYCLE
from node_client.protocol.policy_dsl import parse_policy
from tests.unit.network.embedded.small_channel import (
    ORGANISATIONS,
    Sent,
    config,
    define,
    definition_writes,
    people,
    simulated,
)

Steps = Callable[[Simulator], object]
ANYONE = "OR('CityMSP.peer', 'NishitetsuMSP.peer', 'TriValleyMSP.peer')"
PAIR = parse_policy("OR('CityMSP.member', 'TriValleyMSP.member')")
EVERYONE = parse_policy("OR('CityMSP.member', 'TriValleyMSP.member', 'NishitetsuMSP.member')")
PLAIN = Collection(name="plain", policy=PAIR)
QUIET = Collection(name="quiet", policy=PAIR, max_peer_count=0)
SHORT = Collection(name="short", policy=PAIR, block_to_live=2)
DEMANDING = Collection(name="demanding", policy=PAIR, required_peer_count=2, max_peer_count=2)


class Channel:
    """A ledger, and transactions that are put on it one block each."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder / "ledger.db", config().block.encode())
        for name in ORGANISATIONS:
            self.ledger.private.join(people(name).msp_id, people(name).peer_identity)
        self._sequence = 0
        self._sent_so_far = self.ledger.height * 1000

    async def define(self, *collections: Collection) -> None:
        self._sequence += 1
        definition = define(MemoryState(), "cc", ANYONE, sequence=self._sequence, collections=collections)

        def write(simulator: Simulator) -> None:
            for key, value in definition_writes(definition).items():
                simulator.put(LIFECYCLE, key, value)

        sent = self._sent(result=simulated(MemoryState(), write).public, chaincode=LIFECYCLE)
        await self.commit([sent])

    async def endorse(self, *steps: Steps, at: str = "City", endorsers: Iterable[str] = ()) -> Sent:
        """A transaction that a peer has simulated, its private data given away."""
        msp_id = people(at).msp_id
        state = self.ledger.state(msp_id)
        simulator = Simulator(state)
        for step in steps:
            step(simulator)
        results = simulator.results()
        sent = self._sent(result=results.public, endorsers=list(endorsers) or [at])
        private = self.ledger.private
        shares = private.shares(msp_id, sent.tx_id, results.private, config=config(), state=state)
        await private.give(sent.tx_id, shares, self.ledger.height)
        return sent

    async def run(self, *steps: Steps, at: str = "City") -> Sent:
        """A transaction in a block of its own."""
        sent = await self.endorse(*steps, at=at)
        await self.commit([sent])
        return sent

    async def commit(self, transactions: Iterable[Sent]) -> None:
        await self.ledger.commit(
            new_block(self.ledger.height, self.ledger.tip[0], [one.envelope() for one in transactions])
        )

    async def pass_blocks(self, count: int) -> None:
        for _ in range(count):
            await self.run(lambda one: one.put("cc", "passing", b"1"))

    def private(self, collection: str, key: str = "k") -> dict[str, bytes | None]:
        """Every organisation's own value."""
        found = {}
        for name in ORGANISATIONS:
            value = self.ledger.state(people(name).msp_id).get_private("cc", collection, key)
            found[name] = value.value if value else None
        return found

    def has_hash(self, collection: str, key: str = "k") -> bool:
        return self.ledger.state("").get_private_hash("cc", collection, key_hash(key)) is not None

    def sets(self, number: int) -> dict[str, int]:
        """How many private sets of a block each organisation keeps."""
        return {name: len(self.ledger.private_sets(people(name).msp_id, number)) for name in ORGANISATIONS}

    def _sent(self, **fields: object) -> Sent:
        self._sent_so_far += 1
        return Sent(nonce=self._sent_so_far.to_bytes(8), **fields)  # type: ignore[arg-type]


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    channel = Channel(tmp_path)
    await channel.define(PLAIN, QUIET, SHORT, DEMANDING)
    yield channel
    channel.ledger.close()


def put(collection: str, value: bytes = b"v", key: str = "k") -> Steps:
    return lambda one: one.put_private("cc", collection, key, value)


async def test_members_get_the_value_and_everyone_the_hash(channel: Channel) -> None:
    await channel.run(put("plain"))
    assert channel.private("plain") == {"City": b"v", "Nishitetsu": None, "TriValley": b"v"}
    assert channel.has_hash("plain")
    assert channel.sets(2) == {"City": 1, "Nishitetsu": 0, "TriValley": 1}


async def test_a_member_that_was_given_nothing_asks_at_commit(channel: Channel) -> None:
    await channel.run(put("quiet"))
    assert channel.private("quiet") == {"City": b"v", "Nishitetsu": None, "TriValley": b"v"}


async def test_nobody_asks_an_endorser_that_is_no_member(channel: Channel) -> None:
    await channel.run(put("quiet"), at="Nishitetsu")
    assert channel.private("quiet") == dict.fromkeys(ORGANISATIONS)
    assert channel.has_hash("quiet")
    simulator = Simulator(channel.ledger.state("CityMSP"))
    with pytest.raises(SimulationError, match="private data matching public hash version is not available"):
        simulator.get_private("cc", "quiet", "k")


async def test_an_endorser_that_is_no_member_gives_the_value_away_and_keeps_none(channel: Channel) -> None:
    await channel.run(put("plain"), at="Nishitetsu")
    # One other peer gets it, which is a member; the second member asks that one.
    assert channel.private("plain") == {"City": b"v", "Nishitetsu": None, "TriValley": b"v"}


async def test_an_implicit_collection_is_its_organisations(channel: Channel) -> None:
    collection = "_implicit_org_TriValleyMSP"
    await channel.run(put(collection), at="TriValley")
    assert channel.private(collection) == {"City": None, "Nishitetsu": None, "TriValley": b"v"}


async def test_too_few_members_within_reach(channel: Channel) -> None:
    with pytest.raises(NotDistributed, match="required to disseminate to at least 2 peers, but know of only 1"):
        await channel.run(put("demanding"))
    await channel.run(put("demanding"), at="Nishitetsu")
    assert channel.private("demanding")["City"] == b"v"


async def test_what_is_not_valid_leaves_no_value(channel: Channel) -> None:
    sent = await channel.endorse(put("plain"))
    await channel.commit([replace(sent, hash_of=b"another")])
    place = channel.ledger.transaction(sent.tx_id)
    assert place is not None
    assert place.code != 0
    assert channel.private("plain") == dict.fromkeys(ORGANISATIONS)
    assert not channel.has_hash("plain")


async def test_what_was_committed_is_kept_once(channel: Channel) -> None:
    sent = await channel.run(put("plain"))
    (kept,) = channel.ledger.private_sets("CityMSP", 2)
    for name in ORGANISATIONS:
        store = channel.ledger.private._stores[people(name).msp_id]
        assert store.find(sent.tx_id, "cc", "plain", sha256(kept.data).digest()) is None


async def test_deleting_leaves_the_past_and_purging_does_not(channel: Channel) -> None:
    for key in ("deleted", "purged"):
        await channel.run(put("plain", key=key))
    await channel.run(lambda one: one.put_private("cc", "plain", "deleted", b""))
    await channel.run(lambda one: one.put_private("cc", "plain", "purged", b"", purge=True))
    for key in ("deleted", "purged"):
        assert channel.private("plain", key) == dict.fromkeys(ORGANISATIONS)
        assert not channel.has_hash("plain", key)
    (first,), (second,) = (channel.ledger.private_sets("TriValleyMSP", number) for number in (2, 3))
    assert b"deleted" in first.data
    assert b"purged" not in second.data


async def test_a_purge_spares_what_is_written_after_it_in_the_block(channel: Channel) -> None:
    await channel.run(put("plain", b"old"))
    purge = await channel.endorse(lambda one: one.put_private("cc", "plain", "k", b"", purge=True))
    after = await channel.endorse(put("plain", b"new"))
    await channel.commit([purge, after])
    assert channel.private("plain")["TriValley"] == b"new"


async def test_a_purge_takes_what_was_written_before_it_in_the_block(channel: Channel) -> None:
    before = await channel.endorse(put("plain", b"old"))
    purge = await channel.endorse(lambda one: one.put_private("cc", "plain", "k", b"", purge=True))
    await channel.commit([before, purge])
    assert channel.private("plain") == dict.fromkeys(ORGANISATIONS)
    assert not channel.has_hash("plain")


async def test_a_value_lives_as_many_blocks_as_its_collection_says(channel: Channel) -> None:
    await channel.run(put("short"))
    await channel.pass_blocks(2)
    assert channel.private("short")["City"] == b"v"
    await channel.pass_blocks(1)
    assert channel.private("short") == dict.fromkeys(ORGANISATIONS)
    assert not channel.has_hash("short")
    assert channel.sets(2) == dict.fromkeys(ORGANISATIONS, 0)


async def test_a_value_that_was_written_again_outlives_the_first_one(channel: Channel) -> None:
    await channel.run(put("short", b"1"))
    await channel.pass_blocks(1)
    await channel.run(put("short", b"2"))
    await channel.pass_blocks(2)
    assert channel.private("short")["City"] == b"2"


async def test_a_key_whose_policy_alone_changes_keeps_its_value_in_the_new_version(channel: Channel) -> None:
    await channel.run(put("plain"))
    metadata = {"VALIDATION_PARAMETER": PAIR}
    await channel.run(lambda one: one.put_private_metadata("cc", "plain", "k", metadata))
    for name in ("City", "TriValley"):
        assert Simulator(channel.ledger.state(people(name).msp_id)).get_private("cc", "plain", "k") == b"v"


async def test_a_new_member_gets_what_is_there_and_a_former_one_nothing_new(channel: Channel) -> None:
    await channel.run(put("plain", b"old"))
    await channel.define(Collection(name="plain", policy=EVERYONE), QUIET, SHORT, DEMANDING)
    assert channel.private("plain") == dict.fromkeys(ORGANISATIONS, b"old")
    await channel.define(PLAIN, QUIET, SHORT, DEMANDING)
    await channel.run(put("plain", b"new"))
    assert channel.private("plain") == {"City": b"new", "Nishitetsu": b"old", "TriValley": b"new"}
    with pytest.raises(SimulationError, match="private data matching public hash version is not available"):
        Simulator(channel.ledger.state("NishitetsuMSP")).get_private("cc", "plain", "k")


async def test_everything_is_there_again_after_a_restart(channel: Channel, tmp_path: Path) -> None:
    await channel.run(put("plain"))
    sent = await channel.endorse(put("quiet", b"later"))
    channel.ledger.close()
    again = Channel(tmp_path)
    try:
        assert again.private("plain")["TriValley"] == b"v"
        await again.commit([sent])
        assert again.private("quiet") == {"City": b"later", "Nishitetsu": None, "TriValley": b"later"}
    finally:
        again.ledger.close()
