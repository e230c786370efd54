"""Checking arguments before anything is read or written. A value that fails is not repeated: it could be anything."""

import json
from dataclasses import dataclass

from chaincode.contract import ContractError
from chaincode.registry.model import codes
from chaincode.registry.model.ids import is_digest, is_id
from chaincode.registry.model.status import Reason

MAX_BATCH_SIZE = 2**40
MAX_PATH = 40


def require_id(value: str, argument: str) -> str:
    """A certificate or batch id."""
    if not is_id(value):
        raise ContractError(codes.BAD_ARGUMENT, f"{argument} must be 32 lower-case hex digits")
    return value


def require_digest(value: str, argument: str) -> str:
    """A SHA-256 in hex."""
    if not is_digest(value):
        raise ContractError(codes.BAD_ARGUMENT, f"{argument} must be 64 lower-case hex digits")
    return value


def require_reason(value: str) -> Reason:
    """A reason code of RFC 5280."""
    try:
        return Reason(value)
    except ValueError:
        known = ", ".join(Reason)
        raise ContractError(codes.BAD_ARGUMENT, f"reason must be one of {known}") from None


@dataclass(frozen=True)
class Proof:
    """Where a leaf stands in a batch, and the path that shows it."""

    index: int
    path: tuple[bytes, ...]


def require_proof(text: str) -> Proof:
    """An inclusion proof: JSON with `index` and `path`, the hashes in hex from the leaf upwards."""
    try:
        values = json.loads(text)
        index, path = values["index"], values["path"]
        if set(values) != {"index", "path"} or type(index) is not int or not 0 <= index < MAX_BATCH_SIZE:
            raise ValueError
        if not isinstance(path, list) or len(path) > MAX_PATH:
            raise ValueError
        if not all(isinstance(node, str) and is_digest(node) for node in path):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ContractError(codes.BAD_ARGUMENT, 'proof must be JSON: {"index": n, "path": [hex, …]}') from None
    return Proof(index, tuple(bytes.fromhex(node) for node in path))
