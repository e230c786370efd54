"""The channel's ledger: what blocks do to it, who is told, restarts, and a disk that refuses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.simulator import Simulator
from chaincode.ledger.state import StateReader, Version
from network.embedded import ledger as ledger_module
from network.embedded.database import LedgerUnavailable
from network.embedded.ledger import Finished, Ledger, Stalled
from network.embedded.store import Commit, Store, TransactionPlace
from node_client.protocol.block import (
    COMMIT_HASH,
    SIGNATURES,
    Block,
    last_config_value,
    new_block,
    parse_block,
    signatures_metadata,
)
from node_client.protocol.definitions import LIFECYCLE, NAMESPACES, Definition, field_key, read_definition
from node_client.protocol.transaction import ChaincodeEvent
from tests.unit.network.embedded.small_channel import MAJORITY, Sent, config, definition_writes

DEADLINE = 30.0
Code = transaction_pb2.TxValidationCode
Step = Callable[[Simulator], object]


class Channel:
    """A ledger, and blocks for it."""

    def __init__(self, path: Path) -> None:
        self.ledger = Ledger(path, config().block.encode())
        self._nonce = 0

    def sent(self, state: StateReader, *steps: Step, **changed: Any) -> Sent:
        """A transaction that was simulated on a state; by default unlike every other one."""
        simulator = Simulator(state)
        for step in steps:
            step(simulator)
        self._nonce += 1
        return Sent(result=simulator.results().public, **{"nonce": str(self._nonce).encode(), **changed})

    def block(self, *transactions: Sent) -> Block:
        return new_block(self.ledger.height, self.ledger.tip[0], [one.envelope() for one in transactions])

    async def commit(self, *transactions: Sent) -> Sequence[int]:
        """Commit a block of these. Returns their codes."""
        number = self.ledger.height
        await self.ledger.commit(self.block(*transactions))
        return parse_block(self.ledger.block(number) or b"").validation_codes

    async def define(self, definition: Definition) -> None:
        writes = definition_writes(definition)
        steps = [lambda one, key=key, value=value: one.put(LIFECYCLE, key, value) for key, value in writes.items()]
        codes = await self.commit(self.sent(MemoryState(), *steps, chaincode=LIFECYCLE))
        assert list(codes) == [Code.VALID]

    @property
    def state(self) -> StateReader:
        return self.ledger.state("CityMSP")


def get(key: str) -> Step:
    return lambda one: one.get("cc", key)


def put(key: str, value: bytes = b"value") -> Step:
    return lambda one: one.put("cc", key, value)


CC = Definition(name="cc", version="1.0", sequence=1, policy=MAJORITY, collections=b"")


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    """A channel with the chaincode cc, at height 2."""
    channel = Channel(tmp_path / "ledger.db")
    await channel.define(CC)
    yield channel
    channel.ledger.close()


def test_a_new_ledger_has_the_first_block(tmp_path: Path) -> None:
    channel = Channel(tmp_path / "ledger.db")
    first = config().block
    assert channel.ledger.height == 1
    assert channel.ledger.tip == (first.hash, b"")
    assert parse_block(channel.ledger.block_by_hash(first.hash) or b"").envelopes == first.envelopes
    assert parse_block(channel.ledger.block(0) or b"").validation_codes == bytes([Code.VALID])
    assert channel.ledger.config.channel == "certificates"
    channel.ledger.close()


async def test_a_valid_transaction_changes_the_state(channel: Channel) -> None:
    event = ChaincodeEvent("cc", "", "Done", b"payload")
    sent = channel.sent(channel.state, put("key"), event=event)
    assert list(await channel.commit(sent)) == [Code.VALID]
    ledger = channel.ledger
    assert ledger.transaction(sent.tx_id) == TransactionPlace(2, 0, Code.VALID)
    found = channel.state.get("cc", "key")
    assert found is not None
    assert (found.value, found.version) == (b"value", Version(2, 0))
    assert [one.tx_id for one in channel.state.history("cc", "key")] == [sent.tx_id]
    assert await anext(aiter(ledger.blocks(2))) == (2, (event,))


async def test_an_invalid_transaction_is_kept_and_changes_nothing(channel: Channel) -> None:
    event = ChaincodeEvent("cc", "", "Done", b"payload")
    sent = channel.sent(channel.state, put("key"), endorsers=("City",), event=event)
    assert list(await channel.commit(sent)) == [Code.ENDORSEMENT_POLICY_FAILURE]
    assert channel.ledger.transaction(sent.tx_id) == TransactionPlace(2, 0, Code.ENDORSEMENT_POLICY_FAILURE)
    assert channel.state.get("cc", "key") is None
    assert list(channel.state.history("cc", "key")) == []
    assert await anext(aiter(channel.ledger.blocks(2))) == (2, ())


async def test_an_id_counts_once_in_a_block_and_in_the_ledger(channel: Channel) -> None:
    sent = channel.sent(channel.state, put("key"))
    assert list(await channel.commit(sent, sent)) == [Code.VALID, Code.DUPLICATE_TXID]
    assert list(await channel.commit(sent)) == [Code.DUPLICATE_TXID]
    assert channel.ledger.transaction(sent.tx_id) == TransactionPlace(2, 0, Code.VALID)
    assert len(list(channel.state.history("cc", "key"))) == 1


async def test_of_two_transactions_that_read_a_key_and_write_it_the_first_one_counts(channel: Channel) -> None:
    await channel.commit(channel.sent(channel.state, put("key", b"0")))
    both = [channel.sent(channel.state, get("key"), put("key", value)) for value in (b"1", b"2")]
    assert list(await channel.commit(*both)) == [Code.VALID, Code.MVCC_READ_CONFLICT]
    assert (found := channel.state.get("cc", "key")) is not None
    assert found.value == b"1"


async def test_a_read_that_another_block_has_overtaken_is_a_conflict(channel: Channel) -> None:
    late = channel.sent(channel.state, get("absent"), put("key", b"late"))
    await channel.commit(channel.sent(channel.state, put("absent")))
    assert list(await channel.commit(late)) == [Code.MVCC_READ_CONFLICT]
    assert channel.state.get("cc", "key") is None


async def test_a_range_that_has_grown_is_a_phantom(channel: Channel) -> None:
    await channel.commit(channel.sent(channel.state, put("a")))
    reader = channel.sent(channel.state, lambda one: list(one.range("cc", "", "")), put("key"))
    assert list(await channel.commit(channel.sent(channel.state, put("b")), reader)) == [
        Code.VALID,
        Code.PHANTOM_READ_CONFLICT,
    ]


async def test_a_snapshot_does_not_see_a_later_block(channel: Channel) -> None:
    with channel.ledger.snapshot("CityMSP") as before:
        await channel.commit(channel.sent(channel.state, put("key")))
        assert before.get("cc", "key") is None
        with channel.ledger.snapshot("CityMSP") as after:
            assert after.get("cc", "key") is not None


async def test_a_block_that_changes_definitions_counts_from_the_next_one_on(channel: Channel) -> None:
    new = Definition(name="other", version="1.0", sequence=1, policy=MAJORITY, collections=b"")
    writes = definition_writes(new)
    steps = [lambda one, key=key, value=value: one.put(LIFECYCLE, key, value) for key, value in writes.items()]
    defining = channel.sent(channel.state, *steps, chaincode=LIFECYCLE)
    using = [channel.sent(MemoryState(), lambda one: one.put("other", "key", b""), chaincode="other") for _ in range(2)]
    first, second = await channel.commit(defining, using[0])
    assert first == Code.VALID
    assert second != Code.VALID
    assert read_definition(channel.state, "other") == new
    assert list(await channel.commit(using[1])) == [Code.VALID]


async def test_a_definition_that_cannot_be_read_defines_nothing_and_stops_nobody(channel: Channel) -> None:
    for field in ("Sequence", "EndorsementInfo", "ValidationInfo", "Collections"):
        key = field_key(NAMESPACES, "cc", field)
        broken = channel.sent(channel.state, lambda one, key=key: one.put(LIFECYCLE, key, b"\xff"), chaincode=LIFECYCLE)
        assert list(await channel.commit(broken)) == [Code.VALID]
        assert read_definition(channel.state, "cc") is None
        assert list(await channel.commit(channel.sent(channel.state, put("key")))) != [Code.VALID]
        await channel.define(CC)
    assert list(await channel.commit(channel.sent(channel.state, put("key")))) == [Code.VALID]


async def test_after_a_restart_the_ledger_goes_on_where_it_was(channel: Channel, tmp_path: Path) -> None:
    sent = channel.sent(channel.state, put("key"))
    await channel.commit(sent)
    tip = channel.ledger.tip
    channel.ledger.close()
    again = Channel(tmp_path / "ledger.db")
    assert (again.ledger.height, again.ledger.tip) == (3, tip)
    assert again.ledger.transaction(sent.tx_id) == TransactionPlace(2, 0, Code.VALID)
    assert list(await again.commit(sent, again.sent(again.state, put("key"), nonce=b"other"))) == [
        Code.DUPLICATE_TXID,
        Code.VALID,
    ]
    blocks = [parse_block(again.ledger.block(number) or b"") for number in range(4)]
    for previous, block in pairwise(blocks):
        assert block.previous_hash == previous.hash
    again.ledger.close()


async def test_a_restart_changes_no_commit_hash(channel: Channel, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Channel(tmp_path / "other" / "ledger.db")
    sent = [channel.sent(MemoryState(), put(f"key{number}")) for number in range(2)]
    await channel.commit(sent[0])
    channel.ledger.close()
    channel.ledger = Ledger(tmp_path / "ledger.db", config().block.encode())
    await channel.commit(sent[1])
    for number in range(1, 4):
        await other.ledger.commit(parse_block(channel.ledger.block(number) or b"").with_metadata(COMMIT_HASH, b""))
    for number in range(1, 4):
        assert channel.ledger.block(number) == other.ledger.block(number)
    assert parse_block(channel.ledger.block(3) or b"").metadata[COMMIT_HASH]
    other.ledger.close()


async def test_a_configuration_that_is_not_valid_does_not_come_into_force(tmp_path: Path) -> None:
    """As when the orderer that made it is no member any more. The configurations are recorded ones of Fabric."""
    path, vectors = tmp_path / "ledger.db", Path(__file__).parents[3] / "vectors" / "fabric_codes"
    first, later = (parse_block((vectors / f"block{number}.pb").read_bytes()) for number in (0, 14))
    good = common_pb2.Envelope.FromString(later.envelopes[0])
    unsigned = common_pb2.Envelope(payload=good.payload, signature=b"none")
    ledger = Ledger(path, first.encode())

    async def commit(envelope: common_pb2.Envelope) -> tuple[int, int]:
        """The code, and which configuration is then in force, before and after a restart."""
        nonlocal ledger
        number = ledger.height
        metadata = signatures_metadata(last_config_value(number), [])
        block = new_block(number, ledger.tip[0], [envelope.SerializeToString()]).with_metadata(SIGNATURES, metadata)
        await ledger.commit(block)
        (code,) = parse_block(ledger.block(number) or b"").validation_codes
        sequence, place = ledger.config.sequence, ledger.config.block.number
        ledger.close()
        ledger = Ledger(path, first.encode())
        assert (ledger.config.sequence, ledger.config.block.number) == (sequence, place)
        return code, sequence

    assert await commit(unsigned) == (Code.BAD_CREATOR_SIGNATURE, 0)
    assert await commit(unsigned) == (Code.BAD_CREATOR_SIGNATURE, 0)
    assert await commit(good) == (Code.VALID, 1)
    ledger.close()


async def test_a_ledger_of_another_channel_is_refused(channel: Channel, tmp_path: Path) -> None:
    channel.ledger.close()
    first = config().block
    another = new_block(0, b"", first.envelopes).with_metadata(0, b"")
    assert another.hash == first.hash  # metadata are not part of it
    other = new_block(0, b"another", first.envelopes)
    with pytest.raises(LedgerUnavailable, match="is of another channel"):
        Ledger(tmp_path / "ledger.db", other.encode())
    Ledger(tmp_path / "ledger.db", another.encode()).close()


async def test_a_ledger_whose_last_block_is_not_what_it_was_is_refused(channel: Channel, tmp_path: Path) -> None:
    channel.ledger._store._writer.execute("UPDATE blocks SET hash = x'00' WHERE number = 1")
    channel.ledger.close()
    with pytest.raises(LedgerUnavailable, match="damaged"):
        Channel(tmp_path / "ledger.db")


async def test_who_waits_for_a_transaction_is_told_when_it_is_committed(channel: Channel) -> None:
    sent = channel.sent(channel.state, put("key"))
    waiting = [asyncio.create_task(channel.ledger.wait_for(sent.tx_id)) for _ in range(3)]
    never = asyncio.create_task(channel.ledger.wait_for("never"))
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    await channel.commit(sent)
    async with asyncio.timeout(DEADLINE):
        assert await asyncio.gather(*waiting) == [TransactionPlace(2, 0, Code.VALID)] * 3
        assert await channel.ledger.wait_for(sent.tx_id) == TransactionPlace(2, 0, Code.VALID)
    assert not never.done()
    channel.ledger.finish()
    with pytest.raises(Finished):
        await never


async def test_readers_of_blocks_get_each_as_it_comes(channel: Channel) -> None:
    seen: asyncio.Queue[int] = asyncio.Queue()

    async def read() -> None:
        async for number, _ in channel.ledger.blocks(0):
            seen.put_nowait(number)

    reading = asyncio.create_task(read())
    async with asyncio.timeout(DEADLINE):
        assert [await seen.get() for _ in range(2)] == [0, 1]
        await channel.commit(channel.sent(channel.state, put("key")))
        assert await seen.get() == 2
        channel.ledger.finish()
        with pytest.raises(Finished):
            await reading


async def test_a_block_that_is_being_written_is_there_for_nobody(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, go_on = asyncio.Event(), asyncio.Event()
    in_thread = ledger_module._in_thread

    async def slowly(write: Callable[[Commit], None], commit: Commit) -> None:
        await in_thread(write, commit)
        written.set()
        await go_on.wait()

    monkeypatch.setattr(ledger_module, "_in_thread", slowly)
    sent = channel.sent(channel.state, put("key"))
    committing = asyncio.create_task(channel.ledger.commit(channel.block(sent)))
    async with asyncio.timeout(DEADLINE):
        await written.wait()
    assert channel.ledger.height == 2
    assert channel.ledger.transaction(sent.tx_id) is None
    go_on.set()
    await committing
    assert channel.ledger.transaction(sent.tx_id) is not None


class Disk:
    """A disk that is full for some attempts."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.attempts = 0
        self._commit = Store.commit

    def commit(self, store: Store, commit: Commit) -> None:
        self.attempts += 1
        if self.attempts <= self.failures:
            raise LedgerUnavailable("the ledger cannot be used: database or disk is full")
        self._commit(store, commit)


async def test_a_full_disk_is_waited_for_and_told_of(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(failures=3)
    monkeypatch.setattr(ledger_module, "RETRY", 0.001)
    monkeypatch.setattr(Store, "commit", lambda store, commit: disk.commit(store, commit))
    sent = channel.sent(channel.state, put("key"))
    with caplog.at_level(logging.INFO):
        assert list(await channel.commit(sent)) == [Code.VALID]
    assert disk.attempts == 4
    assert channel.ledger.trouble == ""
    assert caplog.text.count("block 2 cannot be written, trying again") == 1
    assert "block 2 has been written after all" in caplog.text


async def test_who_waits_while_the_disk_is_full_is_told_so(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(failures=10**9)
    monkeypatch.setattr(ledger_module, "RETRY", 0.001)
    monkeypatch.setattr(ledger_module, "HICCUP", 0.0)
    monkeypatch.setattr(Store, "commit", lambda store, commit: disk.commit(store, commit))
    sent = channel.sent(channel.state, put("key"))
    waiting = asyncio.create_task(channel.ledger.wait_for(sent.tx_id))
    committing = asyncio.create_task(channel.commit(sent))
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(Stalled, match="disk is full"):
            await waiting
    assert "disk is full" in channel.ledger.trouble
    disk.failures = 0
    async with asyncio.timeout(DEADLINE):
        assert list(await committing) == [Code.VALID]
        assert await channel.ledger.wait_for(sent.tx_id) == TransactionPlace(2, 0, Code.VALID)
    assert channel.ledger.trouble == ""
