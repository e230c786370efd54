"""What someone who tests a contract on the ledger in memory relies on."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from chaincode.contract import Context, Contract, ContractChaincode, ContractError, evaluate, submit
from chaincode.ledger.mvcc import Conflict
from chaincode.shim import ChaincodeStub, PeerError, Response
from chaincode.testing import Client, MemoryLedger, Refused, TestOrganisation
from tests.unit.chaincode.scripted_peer import Scripted

CREATOR = TestOrganisation("CityMSP").creator("someone", attributes={"role": "tester"})


class Store(Contract):
    """Does what it is told."""

    name = "store"

    @submit
    async def put(self, context: Context, key: str, value: str) -> str:
        await context.stub.put_state(key, value.encode())
        context.stub.set_event("Put", key.encode())
        return value

    @submit
    async def delete(self, context: Context, key: str) -> None:
        await context.stub.delete_state(key)

    @submit
    async def put_many(self, context: Context, count: int) -> None:
        context.stub.start_write_batch()
        for number in range(count):
            await context.stub.put_state(f"many-{number:04}", str(number).encode())

    @submit
    async def add_one(self, context: Context, key: str) -> int:
        value = int(await context.stub.get_state(key) or b"0") + 1
        await context.stub.put_state(key, str(value).encode())
        return value

    @submit
    async def sum_up(self, context: Context, start: str, end: str) -> int:
        async with await context.stub.get_state_by_range(start, end) as rows:
            total = sum([int(row.value) async for row in rows])
        await context.stub.put_state("total", str(total).encode())
        return total

    @evaluate
    async def get(self, context: Context, key: str) -> str:
        return (await context.stub.get_state(key) or b"").decode()

    @evaluate
    async def get_many(self, context: Context, keys: list[str]) -> list[str]:
        return [(value or b"").decode() for value in await context.stub.get_multiple_states(keys)]

    @evaluate
    async def keys(self, context: Context, start: str, end: str) -> list[str]:
        return [row.key async for row in await context.stub.get_state_by_range(start, end)]

    @submit
    async def put_after_page(self, context: Context, key: str) -> None:
        await context.stub.get_state_by_range_with_pagination("", "", 1)
        await context.stub.put_state(key, b"x")

    @evaluate
    async def history(self, context: Context, key: str) -> list[dict[str, Any]]:
        return [
            {"tx": row.tx_id, "value": row.value.decode(), "at": row.timestamp.isoformat(), "deleted": row.is_delete}
            async for row in await context.stub.get_history_for_key(key)
        ]

    @submit
    async def put_private(self, context: Context, key: str) -> None:
        await context.stub.put_private_data("secret", key, context.stub.transient["value"])

    @submit
    async def purge_private(self, context: Context, key: str) -> None:
        await context.stub.purge_private_data("secret", key)

    @submit
    async def protect_private(self, context: Context, key: str) -> None:
        await context.stub.set_private_data_validation_parameter("secret", key, b"policy")

    @evaluate
    async def get_private(self, context: Context, key: str) -> dict[str, Any]:
        value = await context.stub.get_private_data("secret", key)
        digest = await context.stub.get_private_data_hash("secret", key)
        policy = await context.stub.get_private_data_validation_parameter("secret", key)
        return {"value": (value or b"").decode(), "hash": (digest or b"").hex(), "policy": (policy or b"").decode()}

    @evaluate
    async def about(self, context: Context) -> dict[str, Any]:
        client = context.client_identity
        return {
            "tx": context.tx_id,
            "channel": context.stub.channel_id,
            "at": context.timestamp.isoformat(),
            "msp": client.msp_id,
            "role": client.attributes.get("role"),
        }

    @evaluate
    async def call_other(self, context: Context) -> str:
        return (await context.stub.invoke_chaincode("other", [b"F"])).message

    @submit
    async def refuse(self, context: Context) -> None:
        await context.stub.put_state("refused", b"x")
        context.stub.set_event("Refused", b"")
        raise ContractError("NO", "it may not be", "id", "7")


@pytest.fixture
async def ledger() -> AsyncIterator[MemoryLedger]:
    async with MemoryLedger(ContractChaincode(Store()), name="store", channel="certificates") as ledger:
        yield ledger


@pytest.fixture
def client(ledger: MemoryLedger) -> Client:
    return ledger.client(CREATOR)


async def value_of(client: Client, *args: str) -> Any:
    return json.loads(await client.evaluate(*args))


async def test_what_is_submitted_is_there_and_what_is_evaluated_is_not(ledger: MemoryLedger, client: Client) -> None:
    assert (await client.submit("Put", "a", "1")).payload == b"1"
    assert await client.evaluate("Get", "a") == b"1"
    assert await client.evaluate("Put", "a", "2") == b"2"
    assert await client.evaluate("Get", "a") == b"1"
    assert ledger.height == 2
    await client.submit("Delete", "a")
    assert await client.evaluate("Get", "a") == b""


async def test_events_are_those_of_valid_transactions_in_order(ledger: MemoryLedger, client: Client) -> None:
    await client.submit("Put", "a", "1")
    await client.evaluate("Put", "never", "1")
    result = await client.submit("Put", "b", "1")
    assert result.event == ("Put", b"b")
    first = await ledger.simulate(CREATOR, ("AddOne", "n"))
    await client.submit("Put", "n", "5")
    assert ledger.commit(first).conflict is Conflict.MVCC_READ_CONFLICT
    assert ledger.events == [("Put", b"a"), ("Put", b"b"), ("Put", b"n")]


async def test_a_refusal_is_raised_with_the_contracts_text_and_changes_nothing(
    ledger: MemoryLedger, client: Client
) -> None:
    with pytest.raises(Refused, match=r"^NO: it may not be \[id=7\]$"):
        await client.submit("Refuse")
    assert ledger.height == 1
    assert not ledger.events
    assert await client.evaluate("Get", "refused") == b""


async def test_a_transaction_does_not_read_its_own_writes_nor_those_of_a_simulation(
    ledger: MemoryLedger, client: Client
) -> None:
    await client.submit("AddOne", "n")
    simulations = [await ledger.simulate(CREATOR, ("AddOne", "n")) for _ in range(2)]
    assert [one.payload for one in simulations] == [b"2", b"2"]
    assert [ledger.commit(one).conflict for one in simulations] == [None, Conflict.MVCC_READ_CONFLICT]
    assert await client.evaluate("Get", "n") == b"2"
    assert ledger.height == 4  # a transaction that conflicts is in a block all the same


async def test_a_phantom_is_a_conflict(ledger: MemoryLedger, client: Client) -> None:
    await client.submit("Put", "n1", "1")
    summed = await ledger.simulate(CREATOR, ("SumUp", "n", "o"))
    await client.submit("Put", "n2", "2")
    assert ledger.commit(summed).conflict is Conflict.PHANTOM_READ_CONFLICT
    assert (await client.submit("SumUp", "n", "o")).payload == b"3"


async def test_many_simulations_run_at_the_same_time(ledger: MemoryLedger, client: Client) -> None:
    await client.submit("Put", "n", "7")
    simulations = await asyncio.gather(*(ledger.simulate(CREATOR, ("AddOne", "n")) for _ in range(50)))
    assert {one.payload for one in simulations} == {b"8"}
    assert [ledger.commit(one).conflict is None for one in simulations] == [True] + [False] * 49


async def test_a_transaction_is_committed_once(ledger: MemoryLedger, client: Client) -> None:
    result = await client.submit("Put", "a", "1")
    with pytest.raises(ValueError, match="on the ledger already"):
        ledger.commit(result)
    assert ledger.height == 2


async def test_batches_and_several_keys_work_as_with_peers_that_have_them(client: Client) -> None:
    result = await client.submit("PutMany", "1500")
    assert len(result.simulation.sets["store"].writes) == 1500
    keys = [f"many-{number:04}" for number in range(1600)]
    found = await value_of(client, "GetMany", json.dumps(keys))
    assert found == [str(number) for number in range(1500)] + [""] * 100


async def test_ranges_are_in_order_and_of_every_length(client: Client) -> None:
    await client.submit("PutMany", "250")
    assert await value_of(client, "Keys", "many-0010", "many-0013") == ["many-0010", "many-0011", "many-0012"]
    assert await value_of(client, "Keys", "", "") == [f"many-{number:04}" for number in range(250)]
    assert await value_of(client, "Keys", "x", "") == []


async def test_the_ledgers_refusals_are_fabrics(client: Client) -> None:
    with pytest.raises(Refused, match=r"^PUT_STATE failed: transaction ID: (\w{64}): txid \[\1\]: .* paginated query"):
        await client.submit("PutAfterPage", "a")


async def test_history_has_every_write_newest_first_at_the_time_of_its_proposal(client: Client) -> None:
    times = [
        datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    ]
    first = await client.submit("Put", "a", "1", timestamp=times[0])
    deleted = await client.submit("Delete", "a", timestamp=times[1])
    await client.submit("Put", "other", "2")
    assert await value_of(client, "History", "a") == [
        {"tx": deleted.tx_id, "value": "", "at": times[1].isoformat(), "deleted": True},
        {"tx": first.tx_id, "value": "1", "at": times[0].isoformat(), "deleted": False},
    ]
    assert await value_of(client, "History", "nothing") == []


async def test_the_time_in_the_history_is_the_one_that_the_contract_saw(ledger: MemoryLedger) -> None:
    async def note(stub: ChaincodeStub) -> Response:
        if stub.args == (b"put",):
            await stub.put_state("a", stub.timestamp.isoformat().encode())
            return Response()
        rows = [row async for row in await stub.get_history_for_key("a")]
        return Response(payload=b"same" if rows[0].value.decode() == rows[0].timestamp.isoformat() else b"different")

    async with MemoryLedger(Scripted(note)) as ledger:
        client = ledger.client(CREATOR)
        for moment in (None, datetime(2026, 1, 1), datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))):
            await client.submit("put", timestamp=moment)
            assert await client.evaluate("check") == b"same"


async def test_a_conflict_leaves_no_history(ledger: MemoryLedger, client: Client) -> None:
    late = await ledger.simulate(CREATOR, ("AddOne", "n"))
    await client.submit("AddOne", "n")
    ledger.commit(late)
    assert len(await value_of(client, "History", "n")) == 1


async def test_private_values_come_from_transient_data_and_are_read_back_with_their_hash(client: Client) -> None:
    await client.submit("PutPrivate", "p", transient={"value": b"secret"})
    found = await value_of(client, "GetPrivate", "p")
    assert found == {
        "value": "secret",
        "hash": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",  # SHA-256 of "secret"
        "policy": "",
    }
    await client.submit("PurgePrivate", "p")
    assert await value_of(client, "GetPrivate", "p") == {"value": "", "hash": "", "policy": ""}


async def test_a_private_keys_policy_does_not_lose_its_value(client: Client) -> None:
    await client.submit("PutPrivate", "p", transient={"value": b"secret"})
    await client.submit("ProtectPrivate", "p")
    await client.submit("ProtectPrivate", "absent")
    found = await value_of(client, "GetPrivate", "p")
    assert (found["value"], found["policy"]) == ("secret", "policy")


async def test_private_values_are_not_in_the_public_set(client: Client) -> None:
    result = await client.submit("PutPrivate", "canary-key", transient={"value": b"canary-value"})
    assert b"canary" not in result.simulation.public
    assert b"canary-value" in result.simulation.private["store", "secret"]


async def test_the_contract_knows_who_asks_and_where(ledger: MemoryLedger, client: Client) -> None:
    moment = datetime(2026, 5, 6, tzinfo=UTC)
    found = json.loads(await client.evaluate("About", timestamp=moment))
    assert found.pop("tx") != json.loads(await client.evaluate("About"))["tx"]
    assert found == {"channel": "certificates", "at": moment.isoformat(), "msp": "CityMSP", "role": "tester"}


async def test_there_is_no_other_chaincode_to_call(client: Client) -> None:
    with pytest.raises(Refused, match=r"^INVOKE_CHAINCODE failed: .* one chaincode$"):
        await client.evaluate("CallOther")
    assert await client.evaluate("Get", "a") == b""


async def test_arguments_may_be_bytes(client: Client) -> None:
    assert (await client.submit(b"Put", b"a", "飯塚".encode())).payload.decode() == "飯塚"
    with pytest.raises(Refused, match="^BAD_ARGUMENT: arguments must be UTF-8 text$"):
        await client.submit("Put", b"\xff", "1")


async def test_initialisation_runs_init_without_private_data() -> None:
    async def init(stub: ChaincodeStub) -> Response:
        with pytest.raises(PeerError, match="private data APIs are not allowed in chaincode Init"):
            await stub.get_private_data("secret", "a")
        await stub.put_state("initialised", b"yes")
        return Response(message="init")

    async def invoke(stub: ChaincodeStub) -> Response:
        return Response(payload=await stub.get_state("initialised") or b"no")

    async with MemoryLedger(Scripted(invoke, init)) as ledger:
        assert await ledger.client(CREATOR).evaluate() == b"no"
        ledger.commit(await ledger.simulate(CREATOR, (), init=True))
        assert await ledger.client(CREATOR).evaluate() == b"yes"


async def test_a_status_below_400_is_no_refusal() -> None:
    async def answer(stub: ChaincodeStub) -> Response:
        return Response(int(stub.args[0]), "message", b"payload")

    async with MemoryLedger(Scripted(answer)) as ledger:
        client = ledger.client(CREATOR)
        assert await client.evaluate("399") == b"payload"
        with pytest.raises(Refused, match="^message$"):
            await client.evaluate("400")


async def test_what_the_chaincode_cannot_read_is_refused() -> None:
    class Broken:
        async def init(self, stub: ChaincodeStub) -> Response:
            raise AssertionError

        invoke = init

    async with MemoryLedger(Broken()) as ledger:
        with pytest.raises(Refused, match="^AssertionError$"):
            await ledger.client(CREATOR).evaluate("x")


async def test_a_closed_ledger_runs_nothing() -> None:
    ledger = MemoryLedger(ContractChaincode(Store()))
    with pytest.raises(RuntimeError, match="not open"):
        await ledger.client(CREATOR).evaluate("Get", "a")
    async with ledger:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        await ledger.client(CREATOR).evaluate("Get", "a")


async def test_closing_the_ledger_ends_what_runs() -> None:
    begun = asyncio.Event()

    async def wait(stub: ChaincodeStub) -> Response:
        begun.set()
        await asyncio.Event().wait()
        return Response()

    async with MemoryLedger(Scripted(wait)) as ledger:
        running = asyncio.create_task(ledger.client(CREATOR).evaluate("x"))
        await begun.wait()
    with pytest.raises(RuntimeError, match="closed while the transaction ran"):
        await running
