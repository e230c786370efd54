"""A chaincode made of contracts."""

import json
import logging

from chaincode.contract import conversion
from chaincode.contract.context import Context
from chaincode.contract.contract import Contract, Transaction
from chaincode.contract.errors import BAD_ARGUMENT, INTERNAL, UNKNOWN_FUNCTION, ContractError
from chaincode.shim.chaincode import ERROR, Response
from chaincode.shim.errors import ChaincodeError
from chaincode.shim.stub import ChaincodeStub

logger = logging.getLogger(__name__)

METADATA_FUNCTION = "org.hyperledger.fabric:GetMetadata"


class ContractChaincode:
    """Runs contracts' functions by name.

    Args:
        contracts: the first one's functions can be called without the contract's name.
        title: the chaincode's name in its metadata.
        version: its version there.

    Raises:
        ValueError: there is no contract, or of several two have the same name.
        TypeError: a function of a contract cannot be called from the wire.
    """

    def __init__(self, *contracts: Contract, title: str = "", version: str = "") -> None:
        if not contracts or len({contract.name for contract in contracts}) < len(contracts):
            raise ValueError("a chaincode is made of one contract, or of several with names of their own")
        self._contracts = {contract.name: contract.transactions() for contract in contracts}
        self._title = title or contracts[0].name
        self._version = version
        self._functions: dict[str, Transaction] = dict(self._contracts[contracts[0].name])
        for contract, transactions in self._contracts.items():
            self._functions |= {f"{contract}:{name}": one for name, one in transactions.items()}

    async def init(self, stub: ChaincodeStub) -> Response:
        """Nothing to initialise unless a function is named."""
        return await self.invoke(stub) if stub.args else Response()

    async def invoke(self, stub: ChaincodeStub) -> Response:
        """Run the named function; a refusal is a response with status 500 and its text."""
        try:
            return Response(payload=await self._call(stub))
        except ContractError as error:
            return Response(ERROR, str(error))
        except ChaincodeError:
            raise
        except Exception as error:  # noqa: BLE001 - the port at which a defect becomes an answer
            # What went wrong can hold values: the log gets the place, the client only the code.
            logger.error("transaction %s: %s", stub.tx_id, _where(error))
            return Response(ERROR, f"{INTERNAL}: the contract failed")

    async def _call(self, stub: ChaincodeStub) -> bytes:
        try:
            function, parameters = stub.function, stub.parameters
        except ValueError as error:
            raise ContractError(BAD_ARGUMENT, "arguments must be UTF-8 text") from error
        if function == METADATA_FUNCTION:
            return json.dumps(self.metadata()).encode()
        if function not in self._functions:
            raise ContractError(UNKNOWN_FUNCTION, "the contract has no such function")
        return await self._functions[function].call(Context(stub), parameters)

    def metadata(self) -> dict[str, object]:
        """The contracts as Fabric's contract metadata describe them (`contract-schema.json`)."""
        return {
            "info": {"title": self._title, "version": self._version},
            "contracts": {
                name: {"name": name, "transactions": [_described(one) for one in transactions.values()]}
                for name, transactions in self._contracts.items()
            },
            "components": {"schemas": {}},
        }


def _described(transaction: Transaction) -> dict[str, object]:
    described: dict[str, object] = {
        "name": transaction.name,
        "tag": ["submitTx" if transaction.submits else "evaluateTx"],
        "parameters": [{"name": name, "schema": conversion.schema(kind)} for name, kind in transaction.parameters],
    }
    if transaction.returns not in (None, type(None)):
        described["returns"] = conversion.schema(transaction.returns)
    return described


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"
    return f"{type(error).__name__} at {place}"
