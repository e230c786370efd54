"""Updates while the orderers have no leader: asked and submitted again, and what is refused otherwise is told."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fabric_protos.common import common_pb2

from network import updating
from network.updating import in_force, put_in_force
from node_client.errors import AdminError

AWAY, BAD, FORBIDDEN, SILENT = common_pb2.SERVICE_UNAVAILABLE, common_pb2.BAD_REQUEST, common_pb2.FORBIDDEN, 0

Anything: Any = None


class Orderer:
    """Refuses with these statuses, one after the other, and answers then."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)

    def __call__(self, *_: object) -> Any:
        if self.statuses:
            raise AdminError("orderer", self.statuses.pop(0), "no block")
        return self


def config(sequence: int) -> Any:
    return SimpleNamespace(sequence=sequence)


def sequences(*numbers: int) -> Callable[[], Any]:
    """Reads configurations of these sequences, one after the other."""
    left = list(numbers)
    return lambda: config(left.pop(0))


def test_an_election_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    orderer = Orderer(AWAY, AWAY)
    monkeypatch.setattr(updating, "fetch_configuration", orderer)
    assert in_force(Anything, Anything, Anything) is orderer  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("status", [FORBIDDEN, SILENT])
def test_what_does_not_pass_is_told_at_once(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    orderer = Orderer(status, status)
    monkeypatch.setattr(updating, "fetch_configuration", orderer)
    with pytest.raises(AdminError) as caught:
        in_force(Anything, Anything, Anything)
    assert (caught.value.status, orderer.statuses) == (status, [status])


def test_an_orderer_without_a_leader_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating, "fetch_configuration", Orderer(*[AWAY] * 3))
    monkeypatch.setattr(updating, "ELECTION", -1.0)
    with pytest.raises(AdminError) as caught:
        in_force(Anything, Anything, Anything)
    assert caught.value.status == AWAY


def test_an_update_is_submitted_until_an_orderer_takes_it() -> None:
    orderer = Orderer(AWAY, AWAY)
    put_in_force(orderer, sequences(4, 4), config(4))
    assert orderer.statuses == []


def test_an_update_that_came_through_in_an_election_is_not_submitted_again() -> None:
    orderer = Orderer(AWAY, AWAY, AWAY)
    put_in_force(orderer, sequences(4, 5), config(4))
    assert orderer.statuses == [AWAY]


def test_an_update_that_came_through_meanwhile_may_be_refused() -> None:
    orderer = Orderer(AWAY, BAD, AWAY)
    put_in_force(orderer, sequences(4, 5), config(4))
    assert orderer.statuses == [AWAY]


@pytest.mark.parametrize(
    ("statuses", "numbers"), [((BAD, AWAY), ()), ((SILENT, AWAY), ()), ((AWAY, BAD, AWAY), (4, 4))]
)
def test_a_refusal_is_told_at_once(statuses: tuple[int, ...], numbers: tuple[int, ...]) -> None:
    orderer = Orderer(*statuses)
    with pytest.raises(AdminError) as caught:
        put_in_force(orderer, sequences(*numbers), config(4))
    assert (caught.value.status, orderer.statuses) == (statuses[-2], [AWAY])


def test_orderers_that_find_no_leader_are_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating, "ELECTION", -1.0)
    orderer = Orderer(AWAY, AWAY)
    with pytest.raises(AdminError) as caught:
        put_in_force(orderer, sequences(4, 4), config(4))
    assert (caught.value.status, orderer.statuses) == (AWAY, [AWAY])
