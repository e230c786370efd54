"""Exactly once onto the ledger: what is done when the answer to a submission is lost or is a refusal."""

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from node_client import CommitStatusError, EndorseError, EvaluateError, SubmitError
from node_client.certificates.errors import LedgerMismatch, NotAttestedYet, OutcomeUnknown, RegistryRefusal
from node_client.certificates.register import ATTESTED, COMMITTED, ENDORSED, PREPARED
from node_client.certificates.settling import Settler
from node_client.gateway._async.gateway import AsyncGateway
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.gateway.requests import Status
from node_client.protocol.validation import Code

CONFLICT = Code.MVCC_READ_CONFLICT
REFUSED = SubmitError("UNAVAILABLE", "request already processed")


@dataclass(frozen=True)
class One:
    state: str = ENDORSED
    transaction_id: str | None = "tx"
    envelope: bytes | None = b"envelope"


class FakeTransaction:
    transaction_id = "tx"

    async def submit(self) -> None:
        raise REFUSED


class FakeGateway:
    def transaction_from_envelope(self, envelope: bytes) -> FakeTransaction:
        assert envelope == b"envelope"
        return FakeTransaction()


class FakeSteps:
    """What the ledger says when it is asked for the thing: a writer, nobody, or an error."""

    def __init__(self, ledger: str | Exception | None) -> None:
        self.ledger = ledger
        self.attesting: Exception | None = None
        self.meanwhile: One | None = None  # what another process has made of it

    def name(self, one: One) -> str:
        return "certificate x"

    async def written(self, one: One) -> str | None:
        if isinstance(self.ledger, Exception):
            raise self.ledger
        return self.ledger

    async def not_written(self, one: One, transaction_id: str) -> One:
        found, self.meanwhile = self.meanwhile, None
        return found or replace(one, state=PREPARED, transaction_id=None, envelope=None)

    async def committed(self, one: One, transaction_id: str) -> One:
        return replace(one, state=COMMITTED, transaction_id=transaction_id, envelope=None)

    async def attest(self, one: One) -> bytes:
        if self.attesting:
            raise self.attesting
        return b"attestation"

    async def attested(self, one: One, attestation: bytes) -> One:
        return replace(one, state=ATTESTED)


def settler(ledger: str | Exception | None) -> Settler[Any]:
    return Settler(cast(AsyncGateway, FakeGateway()), cast(Any, FakeSteps(ledger)))


async def test_what_orderers_refuse_because_they_have_ordered_it_is_found_on_the_ledger() -> None:
    settled = await settler("tx").settle(One())
    assert (settled.state, settled.transaction_id) == (ATTESTED, "tx")


@pytest.mark.parametrize("ledger", [None, EvaluateError("UNAVAILABLE", "nobody is there")])
async def test_what_the_ledger_does_not_have_yet_is_not_known(ledger: Exception | None) -> None:
    with pytest.raises(OutcomeUnknown, match="whether certificate x was written is not known") as caught:
        await settler(ledger).settle(One())
    assert caught.value.__cause__ is REFUSED


async def test_a_ledger_with_something_else_in_its_place_is_told_of() -> None:
    with pytest.raises(LedgerMismatch):
        await settler(LedgerMismatch("another one")).settle(One())


@pytest.mark.parametrize(
    "failure",
    [RegistryRefusal("NOT_FOUND", "no such certificate"), EndorseError("UNAVAILABLE", "nobody is there")],
    ids=["a peer that is behind", "no peer"],
)
async def test_what_is_written_and_not_attested_is_never_told_to_be_refused(failure: Exception) -> None:
    steps = FakeSteps("tx")
    steps.attesting = failure
    written = One(state=COMMITTED)
    with pytest.raises(NotAttestedYet, match="certificate x is on the ledger") as caught:
        await Settler(cast(AsyncGateway, FakeGateway()), cast(Any, steps)).settle(cast(Any, written))
    assert caught.value.transaction_id == "tx"
    assert caught.value.__cause__ is failure
    steps.attesting = None
    settled = await Settler(cast(AsyncGateway, FakeGateway()), cast(Any, steps)).settle(cast(Any, written))
    assert cast(One, settled).state == ATTESTED


ENDED = [
    (Code.VALID, None, ATTESTED),
    (CONFLICT, "other", ATTESTED),
    (CONFLICT, None, PREPARED),
]


@pytest.mark.parametrize(("code", "writer", "state"), ENDED, ids=["written", "written by another", "not written"])
async def test_what_may_have_been_submitted_is_resolved_without_submitting(
    code: Code.ValueType, writer: str | None, state: str
) -> None:
    resolved = await resolver(FakeSteps(writer), code).resolve(One())
    assert (resolved.state, resolved.transaction_id) == (state, writer or ("tx" if state == ATTESTED else None))


async def test_what_another_process_has_endorsed_anew_is_left_to_it() -> None:
    steps = FakeSteps(None)
    its = steps.meanwhile = One(transaction_id="its")
    assert await resolver(steps, CONFLICT).resolve(One()) == its


@pytest.mark.parametrize("one", [One(state=PREPARED), One(state=ATTESTED)], ids=["prepared", "attested"])
async def test_what_was_never_submitted_or_is_done_stays(one: One) -> None:
    assert await resolver(FakeSteps(None), None).resolve(one) == one


async def test_what_nobody_knows_is_not_resolved() -> None:
    with pytest.raises(OutcomeUnknown, match="whether certificate x was written is not known"):
        await resolver(FakeSteps(None), None).resolve(One())
    assert (await resolver(FakeSteps("other"), None).resolve(One())).state == ATTESTED


def resolver(steps: FakeSteps, code: Code.ValueType | None) -> Settler[Any]:
    """One that learns that the transaction ended with this code; with None, nothing."""

    async def ask(transaction: AsyncTransaction) -> Status:
        if code is None:
            raise CommitStatusError("DEADLINE_EXCEEDED", "no block has it")
        return Status(transaction.transaction_id, 7, code, Code.Name(code))

    return Settler(cast(AsyncGateway, FakeGateway()), cast(Any, steps), ask)
