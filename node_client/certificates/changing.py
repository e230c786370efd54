"""Changing what certificates are worth, one or many of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from chaincode.registry.model.records import CertificateRecord, StatusRecord
from chaincode.registry.model.status import Reason
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.target import Target
from node_client.errors import FabricError


class Verb(StrEnum):
    """What can be done to a certificate."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


@dataclass(frozen=True)
class Change:
    """A change of status; reinstating has no reason."""

    verb: Verb
    reason: Reason = Reason.UNSPECIFIED


Name = TypeVar("Name")


@dataclass(frozen=True)
class Outcome(Generic[Name]):
    """What became of one certificate: its record on the ledger, or the error.

    Attributes:
        name: what the caller calls it.
    """

    name: Name
    target: Target
    record: CertificateRecord | StatusRecord | None
    error: FabricError | None = None


async def change(client: AsyncRegistryClient, target: Target, wanted: Change) -> CertificateRecord | StatusRecord:
    """Change a certificate's status.

    Raises:
        RegistryRefusal, EndorseError, CommitError, OutcomeUnknown: as the client's `revoke`.
    """
    if target.inclusion is None:
        match wanted.verb:
            case Verb.REVOKE:
                return await client.revoke(target.certificate_id, wanted.reason)
            case Verb.SUSPEND:
                return await client.suspend(target.certificate_id, wanted.reason)
            case Verb.REINSTATE:
                return await client.reinstate(target.certificate_id)
    match wanted.verb:
        case Verb.REVOKE:
            return await client.revoke_member(target.inclusion, target.leaf, wanted.reason)
        case Verb.SUSPEND:
            return await client.suspend_member(target.inclusion, target.leaf, wanted.reason)
        case Verb.REINSTATE:
            return await client.reinstate_member(target.inclusion, target.leaf)


async def change_all(
    client: AsyncRegistryClient, targets: Sequence[tuple[Name, Target]], wanted: Change, *, in_flight: int
) -> AsyncIterator[Outcome[Name]]:
    """Change many, several at a time, each independent of the others; the outcomes as they come."""
    places = asyncio.Semaphore(in_flight)

    async def one(name: Name, target: Target) -> Outcome[Name]:
        async with places:
            try:
                return Outcome(name, target, await change(client, target, wanted))
            except FabricError as error:
                return Outcome(name, target, None, error)

    for done in asyncio.as_completed([one(name, target) for name, target in targets]):
        yield await done
