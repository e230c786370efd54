"""An integrator's own contract, which counts by name. Run as `python -m tests.scenarios.counter`."""

import os

from chaincode.contract import Context, Contract, ContractChaincode, ContractError, evaluate, submit
from chaincode.shim import main


class Counter(Contract):
    """Counters by name."""

    @submit
    async def add(self, context: Context, name: str, amount: int) -> int:
        count = int(await context.stub.get_state(name) or 0) + amount
        await context.stub.put_state(name, str(count).encode())
        context.stub.set_event("Added", f"{name}={count}".encode())
        return count

    @submit
    async def forget(self, context: Context, name: str) -> None:
        await context.stub.delete_state(name)

    @submit
    async def fail(self, context: Context, text: str) -> None:
        await context.stub.put_state("failed", b"1")
        raise ContractError("NO", text)

    @submit
    async def break_down(self, context: Context) -> None:
        raise RuntimeError("broken")

    @submit
    async def differ(self, context: Context) -> None:
        await context.stub.put_state("differ", os.urandom(16))

    @submit
    async def add_all(self, context: Context, prefix: str) -> int:
        """Depends on every counter of a prefix: a new one in between is a phantom."""
        total = 0
        async for item in await context.stub.get_state_by_range(prefix, prefix + "~"):
            total += int(item.value)
        await context.stub.put_state("total", str(total).encode())
        return total

    @evaluate
    async def names(self, context: Context, start: str, end: str) -> list[str]:
        return [item.key async for item in await context.stub.get_state_by_range(start, end)]

    @evaluate
    async def history(self, context: Context, name: str) -> list[str]:
        return [
            "deleted" if one.is_delete else one.value.decode()
            async for one in await context.stub.get_history_for_key(name)
        ]

    @evaluate
    async def who(self, context: Context) -> dict[str, str]:
        client = context.client_identity
        return {"mspId": client.msp_id, "role": client.attributes.get("certledger.role", "")}

    @evaluate
    async def transient(self, context: Context, name: str) -> str:
        return context.stub.transient[name].decode()


if __name__ == "__main__":
    main(ContractChaincode(Counter()))
