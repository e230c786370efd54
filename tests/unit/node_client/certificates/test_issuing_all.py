"""Issuing many certificates while the network goes away and comes back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from node_client import EndorseError, SubmitError
from node_client.certificates import patience
from node_client.certificates.errors import OutcomeUnknown, RegisterError, RegistryRefusal
from node_client.certificates.issuing import Issued, Request
from node_client.certificates.issuing_all import Failed, Progress, issue_all
from node_client.errors import FabricError
from node_client.gateway.options import Retry

UNREACHABLE = EndorseError("UNAVAILABLE", "failed to connect")
NO_ENDORSERS = EndorseError("FAILED_PRECONDITION", "no combination of peers can be derived")
REFUSED = EndorseError("ABORTED", "failed to endorse transaction: chaincode response 500, ODD: no")
EXPIRED = EndorseError("UNAVAILABLE", "client identity expired")


def unknown() -> OutcomeUnknown:
    error = OutcomeUnknown("aa", "not known")
    error.__cause__ = SubmitError("UNAVAILABLE", "no orderers could successfully process transaction")
    return error


class Scripted:
    """An issuer that fails as told: for each file a list of errors, after which it issues."""

    def __init__(self, **errors: list[FabricError]) -> None:
        self.errors = errors
        self.asked: list[str] = []

    async def issue(self, request: Request) -> Issued:
        name = request.document.name
        self.asked.append(name)
        await asyncio.sleep(0)
        if self.errors.get(name):
            raise self.errors[name].pop(0)
        return Issued("1" * 32, "2" * 64, request.document, already=False)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", Retry(delay=0.0))


async def issue(issuer: Any, *names: str, **arguments: Any) -> tuple[dict[str, Any], list[str]]:
    """Issue one after the other: what became of each, and what was not begun."""
    ended: dict[str, Any] = {}

    def done(progress: Progress) -> None:
        ended[progress.request.document.name] = progress.result

    requests = [Request(document=Path(name)) for name in names]
    stop = arguments.pop("stop", asyncio.Event())
    left = await issue_all(issuer, requests, in_flight=1, done=done, stop=stop, **arguments)
    return ended, [request.document.name for request in left]


@pytest.mark.parametrize("error", [UNREACHABLE, NO_ENDORSERS, unknown()], ids=["unreachable", "no plan", "unknown"])
async def test_a_network_that_was_there_is_given_time_to_come_back(error: FabricError) -> None:
    issuer = Scripted(b=[error, error, error])
    told: list[FabricError] = []
    ended, left = await issue(issuer, "a", "b", "c", again=told.append)
    assert all(isinstance(result, Issued) for result in ended.values())
    assert (set(ended), left) == ({"a", "b", "c"}, [])
    assert issuer.asked == ["a", "b", "b", "b", "b", "c"]
    assert told == [error]


async def test_a_network_that_was_never_there_is_not_waited_for() -> None:
    issuer = Scripted(a=[UNREACHABLE])
    ended, left = await issue(issuer, "a", "b")
    assert ended["a"].error is UNREACHABLE
    assert left == ["b"]


@pytest.mark.parametrize("error", [REFUSED, EXPIRED, RegistryRefusal("ODD", "no"), RegisterError("full")])
async def test_what_no_time_heals_is_not_tried_again(error: FabricError) -> None:
    issuer = Scripted(b=[error])
    ended, _ = await issue(issuer, "a", "b")
    assert ended["b"].error is error
    assert issuer.asked == ["a", "b"]


async def test_a_network_that_stays_away_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.02)
    issuer = Scripted(b=[UNREACHABLE] * 1_000_000)
    ended, left = await issue(issuer, "a", "b", "c")
    assert ended["b"] == Failed(Request(document=Path("b")), UNREACHABLE)
    assert left == ["c"]
    assert issuer.asked.count("b") > 1


async def test_who_stops_does_not_wait_for_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", Retry(delay=1000, longest_delay=1000))
    stop = asyncio.Event()
    ended, left = await issue(Scripted(b=[UNREACHABLE]), "a", "b", "c", stop=stop, again=lambda error: stop.set())
    assert isinstance(ended["b"], Failed)
    assert left == ["c"]


async def test_trouble_is_told_anew_after_something_was_issued() -> None:
    told: list[FabricError] = []
    await issue(Scripted(b=[UNREACHABLE], c=[NO_ENDORSERS]), "a", "b", "c", again=told.append)
    assert told == [UNREACHABLE, NO_ENDORSERS]
