"""An integrator's own contract, which keeps things for everyone, for members of a collection, under keys' own policies.

Run as `python -m tests.scenarios.vault`.
"""

from chaincode.contract import Context, Contract, ContractChaincode, evaluate, submit
from chaincode.shim import main
from node_client.protocol.policy_dsl import parse_policy


class Vault(Contract):
    """Public and private keys."""

    @submit
    async def put(self, context: Context, key: str, value: str) -> None:
        await context.stub.put_state(key, value.encode())
        context.stub.set_event("Put", key.encode())

    @submit
    async def delete(self, context: Context, key: str) -> None:
        await context.stub.delete_state(key)

    @evaluate
    async def get(self, context: Context, key: str) -> str:
        return _text(await context.stub.get_state(key))

    # Policies of keys

    @submit
    async def guard(self, context: Context, key: str, policy: str) -> None:
        await context.stub.set_state_validation_parameter(key, parse_policy(policy))

    @submit
    async def put_guarded(self, context: Context, key: str, value: str, policy: str) -> None:
        await context.stub.put_state(key, value.encode())
        await context.stub.set_state_validation_parameter(key, parse_policy(policy))

    @evaluate
    async def guarded(self, context: Context, key: str) -> bool:
        return await context.stub.get_state_validation_parameter(key) is not None

    @submit
    async def guard_private(self, context: Context, collection: str, key: str, policy: str) -> None:
        await context.stub.set_private_data_validation_parameter(collection, key, parse_policy(policy))

    @evaluate
    async def guarded_private(self, context: Context, collection: str, key: str) -> bool:
        return await context.stub.get_private_data_validation_parameter(collection, key) is not None

    # Private data; values travel as transient data

    @submit
    async def put_private(self, context: Context, collection: str, key: str) -> None:
        await context.stub.put_private_data(collection, key, context.stub.transient["value"])

    @submit
    async def delete_private(self, context: Context, collection: str, key: str) -> None:
        await context.stub.delete_private_data(collection, key)

    @submit
    async def purge_private(self, context: Context, collection: str, key: str) -> None:
        await context.stub.purge_private_data(collection, key)

    @evaluate
    async def get_private(self, context: Context, collection: str, key: str) -> str:
        return _text(await context.stub.get_private_data(collection, key))

    @evaluate
    async def get_privates(self, context: Context, collection: str, keys: list[str]) -> list[str]:
        return [_text(value) for value in await context.stub.get_multiple_private_data(collection, keys)]

    @evaluate
    async def get_hash(self, context: Context, collection: str, key: str) -> str:
        found = await context.stub.get_private_data_hash(collection, key)
        return found.hex() if found else ""

    @evaluate
    async def list_private(self, context: Context, collection: str, start: str, end: str) -> dict[str, str]:
        rows = await context.stub.get_private_data_by_range(collection, start, end)
        return {row.key: row.value.decode() async for row in rows}

    @evaluate
    async def query_private(self, context: Context, collection: str, query: str) -> None:
        await context.stub.get_private_data_query_result(collection, query)

    @submit
    async def list_and_put(self, context: Context, collection: str, key: str) -> None:
        """What Fabric does not admit: a query of private data in a transaction that writes."""
        await context.stub.get_private_data_by_range(collection, "", "")
        await context.stub.put_state(key, b"1")

    @submit
    async def double(self, context: Context, collection: str, key: str) -> None:
        """Read a private value, and write it twice as long."""
        value = await context.stub.get_private_data(collection, key) or b""
        await context.stub.put_private_data(collection, key, 2 * value)

    @submit
    async def publish(self, context: Context, collection: str, key: str) -> None:
        """Write the hash of a private value where everyone reads it, without reading the value."""
        found = await context.stub.get_private_data_hash(collection, key)
        await context.stub.put_state(key, (found or b"").hex().encode())

    @submit
    async def reveal(self, context: Context, collection: str, key: str) -> None:
        """Write a private value where everyone reads it."""
        await context.stub.put_state(key, await context.stub.get_private_data(collection, key) or b"-")

    # Other chaincode

    @submit
    async def call(self, context: Context, chaincode: str, channel: str, args: list[str]) -> dict[str, object]:
        """Call another chaincode, and set an event of one's own."""
        response = await context.stub.invoke_chaincode(chaincode, [one.encode() for one in args], channel)
        context.stub.set_event("Called", chaincode.encode())
        return {"status": response.status, "message": response.message, "payload": response.payload.decode()}

    @submit
    async def put_and_call(self, context: Context, key: str, chaincode: str, args: list[str]) -> int:
        """Write a key of one's own, and call another chaincode."""
        await context.stub.put_state(key, b"outer")
        response = await context.stub.invoke_chaincode(chaincode, [one.encode() for one in args])
        return response.status

    # Queries

    @submit
    async def fill(self, context: Context, prefix: str, count: int) -> None:
        for number in range(count):
            await context.stub.put_state(f"{prefix}{number:05}", b"v")

    @submit
    async def count(self, context: Context, prefix: str, into: str) -> int:
        """Count a prefix's keys and write how many: a new one in between is a phantom."""
        rows = await context.stub.get_state_by_range(prefix, prefix + "~")
        found = len([row async for row in rows])
        await context.stub.put_state(into, str(found).encode())
        return found

    @submit
    async def first(self, context: Context, prefix: str, into: str) -> None:
        """Read the first key of a prefix and no more, and write it."""
        async with await context.stub.get_state_by_range(prefix, prefix + "~") as rows:
            async for row in rows:
                await context.stub.put_state(into, row.key.encode())
                return

    @evaluate
    async def page(self, context: Context, prefix: str, size: int, bookmark: str) -> dict[str, object]:
        page = await context.stub.get_state_by_range_with_pagination(prefix, prefix + "~", size, bookmark)
        return {"keys": [row.key for row in page.rows], "bookmark": page.bookmark}

    @submit
    async def page_and_put(self, context: Context, prefix: str, key: str) -> None:
        """What Fabric does not admit: a page in a transaction that writes."""
        await context.stub.get_state_by_range_with_pagination(prefix, prefix + "~", 1)
        await context.stub.put_state(key, b"1")

    @submit
    async def put_and_page(self, context: Context, prefix: str, key: str) -> None:
        await context.stub.put_state(key, b"1")
        await context.stub.get_state_by_range_with_pagination(prefix, prefix + "~", 1)

    @evaluate
    async def query(self, context: Context, query: str) -> None:
        await context.stub.get_query_result(query)

    @evaluate
    async def query_page(self, context: Context, query: str) -> None:
        await context.stub.get_query_result_with_pagination(query, 1)

    @submit
    async def touch_private(self, context: Context, collection: str, key: str) -> str:
        """What initialisation may not do."""
        return _text(await context.stub.get_private_data(collection, key))


def _text(value: bytes | None) -> str:
    return "-" if value is None else value.decode()


if __name__ == "__main__":
    main(ContractChaincode(Vault()))
