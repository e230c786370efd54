"""Contracts as classes: decorated, typed transactions on top of the shim."""

from chaincode.contract.context import Context
from chaincode.contract.contract import Contract, evaluate, submit
from chaincode.contract.dispatch import ContractChaincode
from chaincode.contract.errors import BAD_ARGUMENT, INTERNAL, UNKNOWN_FUNCTION, ContractError

__all__ = [
    "BAD_ARGUMENT",
    "INTERNAL",
    "UNKNOWN_FUNCTION",
    "Context",
    "Contract",
    "ContractChaincode",
    "ContractError",
    "evaluate",
    "submit",
]
