"""One organisation's steps: what is done already, what is refused, and what is told of whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from network.errors import NetworkError, NotAgreed
from network.lifecycle import member as member_module
from network.lifecycle.definition import Stated
from network.lifecycle.member import Member
from node_client import CommitError, EndorseError
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.protocol.lifecycle import Approved, ChaincodeDefinition, Committed, InstalledChaincode, Readiness

POINTS = Stated(name="points")
AGREED = {"CityMSP": True, "NishitetsuMSP": True, "TriValleyMSP": False}


@dataclass
class FakeLifecycle:
    """A peer's lifecycle, and what it was asked to commit."""

    in_force: Committed | None = None
    approvals: dict[str, bool] = field(default_factory=lambda: dict(AGREED))
    mismatches: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failure: Exception | None = None
    packages: tuple[InstalledChaincode, ...] = ()
    given: tuple[Approved, ...] = ()
    commits: list[tuple[ChaincodeDefinition, Sequence[str]]] = field(default_factory=list)

    def committed(self, name: str) -> Committed | None:
        return self.in_force if self.in_force and self.in_force.definition.name == name else None

    def definitions(self) -> list[ChaincodeDefinition]:
        return [self.in_force.definition] if self.in_force else []

    def readiness(self, definition: ChaincodeDefinition) -> Readiness:
        return Readiness(self.approvals, self.mismatches)

    def commit(self, definition: ChaincodeDefinition, organizations: Sequence[str]) -> None:
        self.commits.append((definition, organizations))
        if self.failure:
            raise self.failure

    def approve(self, definition: ChaincodeDefinition, package_id: str) -> bool:
        return True

    def installed(self) -> tuple[InstalledChaincode, ...]:
        return self.packages

    def approved(self) -> tuple[Approved, ...]:
        return self.given


def member(**known: Any) -> tuple[Member, FakeLifecycle]:
    lifecycle = FakeLifecycle(**known)
    return Member("City", "CityMSP", cast(Lifecycle, lifecycle)), lifecycle


def in_force(sequence: int = 1, **changed: Any) -> Committed:
    return Committed(replace(POINTS, **changed).definition(sequence), dict(AGREED))


def test_those_who_have_approved_endorse_it() -> None:
    city, lifecycle = member()
    ready, endorsers = city.commit(POINTS)
    assert endorsers == ("CityMSP", "NishitetsuMSP")
    assert lifecycle.commits == [(POINTS.definition(1), ["CityMSP", "NishitetsuMSP"])]
    assert not ready.in_force
    assert city.commit(POINTS, ["TriValleyMSP"])[1] == ("TriValleyMSP",)


def test_what_is_in_force_is_not_committed_again() -> None:
    city, lifecycle = member(in_force=in_force(3))
    ready, endorsers = city.commit(POINTS)
    assert (ready.in_force, endorsers, lifecycle.commits) == (True, (), [])
    assert ready.readiness.approvals == AGREED


def test_another_definition_is_the_next_one() -> None:
    city, lifecycle = member(in_force=in_force(3))
    city.commit(replace(POINTS, version="2"))
    assert [one.sequence for one, _ in lifecycle.commits] == [4]


@pytest.mark.parametrize("sequence", [2, 3])
def test_a_sequence_that_is_over(sequence: int) -> None:
    city, lifecycle = member(in_force=in_force(3))
    with pytest.raises(NetworkError, match="sequence 3 of points is in force"):
        city.commit(replace(POINTS, version="2", sequence=sequence))
    assert lifecycle.commits == []


def test_too_few_approvals_are_told_by_organisation() -> None:
    city, _ = member(
        approvals={"CityMSP": True, "NishitetsuMSP": False, "TriValleyMSP": False},
        mismatches={"NishitetsuMSP": ("EndorsementInfo",), "TriValleyMSP": ("ChaincodeParameters",)},
        failure=CommitError("aa", "ENDORSEMENT_POLICY_FAILURE", 7),
    )
    with pytest.raises(NotAgreed) as caught:
        city.commit(POINTS)
    told = str(caught.value)
    assert "CityMSP has approved it" in told
    assert "NishitetsuMSP has approved another one, which differs in EndorsementInfo" in told
    assert "TriValleyMSP has not approved it" in told


def test_without_any_approval_nothing_is_sent() -> None:
    city, lifecycle = member(approvals=dict.fromkeys(AGREED, False))
    with pytest.raises(NotAgreed):
        city.commit(POINTS)
    assert lifecycle.commits == []


def test_peers_that_are_not_found_are_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_module, "PATIENCE", 0.0)
    city, _ = member(
        failure=EndorseError("UNAVAILABLE", "failed to find any endorsing peers for org(s): NishitetsuMSP")
    )
    with pytest.raises(NotAgreed, match="endorsing peers for org") as caught:
        city.commit(POINTS)
    assert "--endorser" in caught.value.next_step


def test_other_failures_are_not_explained_away() -> None:
    city, _ = member(failure=CommitError("aa", "MVCC_READ_CONFLICT", 7))
    with pytest.raises(CommitError):
        city.commit(POINTS)
    with pytest.raises(NetworkError, match="Nobody is no organisation") as caught:
        city.commit(POINTS, ["Nobody"])
    assert "TriValleyMSP" in caught.value.next_step


def test_approving_tells_whether_the_package_is_there() -> None:
    city, _ = member(packages=(InstalledChaincode("points_1:aa", "points_1"),))
    assert city.approve(POINTS, "points_1:aa").installed
    assert not city.approve(POINTS, "points_1:bb").installed
    assert city.approve(POINTS, "").installed


def test_what_is_told_can_be_of_one_chaincode() -> None:
    packages = (InstalledChaincode("other_1:aa", "other_1"), InstalledChaincode("points_1:bb", "points_1"))
    given = tuple(
        Approved(replace(POINTS, version=str(sequence)).definition(sequence), package)
        for sequence, package in ((1, "points_1:aa"), (2, "points_1:bb"), (3, ""))
    )
    city, _ = member(in_force=in_force(2), packages=packages, given=given)
    everything, points, other = city.told(), city.told("points"), city.told("other")
    assert everything.installed == packages
    assert [one.package_id for one in points.installed] == ["points_1:bb"]
    assert [one.definition.sequence for one in points.approved] == [2, 3]  # what is over is left out
    assert [one.definition.sequence for one in points.committed] == [2]
    assert (other.installed, other.committed, other.approved) == ((), (), ())


def test_what_a_peer_runs_is_told_though_it_has_lost_what_was_approved() -> None:
    runs = InstalledChaincode("points_1:aa", "points_1", (("certificates", "points", "1"),))
    city, _ = member(in_force=in_force(), packages=(runs, InstalledChaincode("other_1:bb", "other_1")))
    assert city.told("points").installed == (runs,)
