"""The contract that the official clients call. Run as `python -m tests.interop.contract`."""

import os

from chaincode.contract import Context, Contract, ContractChaincode, ContractError, evaluate, submit
from chaincode.shim import main


class Interop(Contract):
    """A key-value store with everything that a client can notice."""

    name = "interop"

    @submit
    async def put(self, context: Context, key: str, value: str) -> str:
        await context.stub.put_state(key, value.encode())
        context.stub.set_event("Put", f"{key}={value}".encode())
        return value

    @evaluate
    async def get(self, context: Context, key: str) -> str:
        return (await context.stub.get_state(key) or b"").decode()

    @submit
    async def count(self, context: Context, key: str) -> int:
        count = int(await context.stub.get_state(key) or 0) + 1
        await context.stub.put_state(key, str(count).encode())
        return count

    @submit
    async def put_private(self, context: Context, collection: str, key: str) -> None:
        """Writes the transient value to a private collection."""
        await context.stub.put_private_data(collection, key, context.stub.transient["value"])

    @evaluate
    async def get_private(self, context: Context, collection: str, key: str) -> str:
        return (await context.stub.get_private_data(collection, key) or b"").decode()

    @evaluate
    async def transient(self, context: Context) -> dict[str, str]:
        return {name: value.decode() for name, value in context.stub.transient.items()}

    @evaluate
    async def who(self, context: Context) -> dict[str, str]:
        client = context.client_identity
        return {"mspId": client.msp_id, "role": client.attributes.get("certledger.role", "")}

    @submit
    async def fail(self, context: Context, text: str) -> None:
        await context.stub.put_state("failed", b"1")
        raise ContractError("NO", text)

    @submit
    async def differ(self, context: Context) -> None:
        await context.stub.put_state("differ", os.urandom(16))

    @evaluate
    async def call(self, context: Context, chaincode: str, function: str, argument: str) -> str:
        response = await context.stub.invoke_chaincode(chaincode, [function.encode(), argument.encode()])
        if response.status != 200:
            raise ContractError("CALLED", response.message)
        return response.payload.decode()

    @evaluate
    async def repeat(self, context: Context, text: str, times: int) -> str:
        return text * times


if __name__ == "__main__":
    main(ContractChaincode(Interop(), title="interop", version="1.0.0"))
