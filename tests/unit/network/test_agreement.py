"""Putting a chaincode on the channel: what each organisation does, and what is waited for."""

from dataclasses import replace
from typing import Any, cast

import pytest

from network import waiting
from network.agreement import Party, approve, commit, install_and_approve
from network.errors import ApprovalLost, StartError
from network.waiting import Waiter
from node_client import EndorseError, EvaluateError, SubmitError
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.errors import PeerDetail
from node_client.protocol.chaincode_package import package_id, service_package
from node_client.protocol.lifecycle import ChaincodeDefinition, Committed, Readiness, approved_already

DEFINITION = ChaincodeDefinition(name="x", version="1", sequence=1)
MSPS = ("CityMSP", "NishitetsuMSP", "TriValleyMSP")


class Channel:
    """What the organisations share."""

    def __init__(self) -> None:
        self.approvals: dict[str, str] = {}
        self.committed: dict[str, int] = {}


class FakeLifecycle:
    """One organisation's lifecycle.

    Attributes:
        lag: how often it is asked before it has heard of the others.
        failures: what committing fails with, in turn; a SubmitError has committed all the same.
    """

    def __init__(self, channel: Channel, msp_id: str) -> None:
        self.channel, self.msp_id = channel, msp_id
        self.lag = 0
        self.asked = 0
        self.failures: list[Exception] = []
        self.refusal: EndorseError | None = None
        self.commits: list[list[str]] = []
        self.installed: list[bytes] = []

    def install(self, package: bytes) -> bool:
        self.installed.append(package)
        return True

    def approve(self, definition: ChaincodeDefinition, package_id: str) -> bool:
        if self.refusal:
            raise self.refusal
        self.channel.approvals[self.msp_id] = package_id
        return True

    def readiness(self, definition: ChaincodeDefinition) -> Readiness:
        self.asked += 1
        if self.asked == 1 and self.lag:
            raise EvaluateError("UNAVAILABLE", "starting")
        heard = self.channel.approvals if self.asked > self.lag else {self.msp_id: ""}
        return Readiness({msp_id: msp_id in heard for msp_id in MSPS}, {})

    def committed(self, name: str) -> Committed | None:
        sequence = self.channel.committed.get(name)
        return Committed(replace(DEFINITION, sequence=sequence), {}) if sequence else None

    def commit(self, definition: ChaincodeDefinition, organizations: list[str]) -> None:
        self.commits.append(organizations)
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or isinstance(failure, SubmitError):
            self.channel.committed[definition.name] = definition.sequence
        if failure:
            raise failure


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL", 0.0)


@pytest.fixture
def lifecycles() -> list[FakeLifecycle]:
    channel = Channel()
    return [FakeLifecycle(channel, msp_id) for msp_id in MSPS]


def parties(lifecycles: list[FakeLifecycle]) -> list[Party]:
    return [Party(one.msp_id, cast(Lifecycle, one), service_package("x_1", f"{one.msp_id}:1")) for one in lifecycles]


def put_in_force(lifecycles: list[FakeLifecycle]) -> bool:
    return commit(cast(Lifecycle, lifecycles[0]), DEFINITION, MSPS, Waiter())


def test_every_organisation_approves_its_own_package_and_waits_for_all(lifecycles: list[FakeLifecycle]) -> None:
    lifecycles[2].lag = 3
    all_parties = parties(lifecycles)
    ids = install_and_approve(all_parties, DEFINITION, Waiter())
    assert ids == [package_id("x_1", one.package) for one in all_parties]
    assert [one.installed for one in lifecycles] == [[one.package] for one in all_parties]
    assert lifecycles[0].channel.approvals == dict(zip(MSPS, ids, strict=True))
    assert lifecycles[2].asked == 4


def test_who_has_not_heard_of_whom_is_told(lifecycles: list[FakeLifecycle]) -> None:
    lifecycles[1].lag = 10**9
    lifecycles[1].asked = 1
    with pytest.raises(StartError, match="NishitetsuMSP has not heard of CityMSP, TriValleyMSP"):
        install_and_approve(parties(lifecycles), DEFINITION, Waiter(patience=0.0))


def test_committing_waits_until_peers_find_each_other(lifecycles: list[FakeLifecycle]) -> None:
    lifecycles[0].failures = [EndorseError("UNAVAILABLE", "failed to find any endorsing peers for org(s)")] * 2
    assert put_in_force(lifecycles)
    assert lifecycles[0].commits == [list(MSPS)] * 3
    assert lifecycles[0].channel.committed == {"x": 1}


def test_committing_waits_until_peers_come_to_one_result(lifecycles: list[FakeLifecycle]) -> None:
    behind = PeerDetail("localhost:1", "TriValleyMSP", "ProposalResponsePayloads do not match (base64): 'a' vs 'b'")
    lifecycles[0].failures = [EndorseError("ABORTED", "failed to collect enough endorsements", details=(behind,))]
    assert put_in_force(lifecycles)
    assert len(lifecycles[0].commits) == 2


def test_what_was_committed_by_an_attempt_of_unknown_outcome_is_not_committed_again(
    lifecycles: list[FakeLifecycle],
) -> None:
    lifecycles[0].failures = [SubmitError("UNAVAILABLE", "lost")]
    with pytest.raises(SubmitError):
        put_in_force(lifecycles)
    assert not put_in_force(lifecycles)
    assert len(lifecycles[0].commits) == 1


def test_refusals_are_final(lifecycles: list[FakeLifecycle]) -> None:
    lifecycles[0].failures = [EndorseError("ABORTED", "failed to endorse transaction")]
    with pytest.raises(EndorseError):
        put_in_force(lifecycles)
    assert len(lifecycles[0].commits) == 1


def refused(words: str) -> EndorseError:
    """How an organisation's own peer refuses to endorse its approval."""
    said = PeerDetail("localhost:1", "CityMSP", f"error in simulation: chaincode response 500, {words}")
    return EndorseError("ABORTED", "failed to endorse transaction", details=(said,))


@pytest.mark.parametrize(("package", "option"), [("x_1:abc", "--package-id x_1:abc"), ("", "--without-package")])
def test_who_has_lost_an_approval_is_told_what_to_do(
    lifecycles: list[FakeLifecycle], package: str, option: str
) -> None:
    lifecycles[0].refusal = refused(
        "failed to invoke backing implementation of 'ApproveChaincodeDefinitionForMyOrg': could not fetch chaincode "
        "definition, chaincode x#4, requested at sequence 4: could not query metadata for namespace namespaces/x#4: "
        "GET_STATE failed: transaction ID: aa: private data matching public hash version is not available. Public hash "
        "version = {BlockNum: 2, TxNum: 0}, Private data version = <nil>"
    )
    with pytest.raises(ApprovalLost, match="CityMSP has lost what CityMSP approved for sequence 4 of x") as caught:
        approve(cast(Lifecycle, lifecycles[0]), replace(DEFINITION, sequence=4), package)
    assert f"approve x --sequence 5 with its package and the definition's options (here: {option})" in str(
        caught.value.next_step
    )


def test_other_refusals_of_an_approval_are_left_as_they_are(lifecycles: list[FakeLifecycle]) -> None:
    lifecycles[0].refusal = refused("requested sequence 3 is larger than the next available sequence number 2")
    with pytest.raises(EndorseError):
        approve(cast(Lifecycle, lifecycles[0]), DEFINITION, "x_1:abc")


@pytest.mark.parametrize(
    ("refusal", "already"),
    [
        # Fabric's `core/chaincode/lifecycle/lifecycle.go`
        ("attempted to redefine uncommitted sequence (1) for namespace my-cc_1 with unchanged content", True),
        ("attempted to redefine the current committed sequence (2) for namespace x", True),
        ("attempted to redefine the current committed sequence (2) for namespace x with different parameters", False),
        ("requested sequence is 3, but new definition must be sequence 2", False),
        ("", False),
    ],
)
def test_approving_the_same_again_is_told_from_refusals(refusal: str, already: bool) -> None:
    around: Any = "failed to invoke backing implementation of 'ApproveChaincodeDefinitionForMyOrg': "
    assert approved_already(around + refusal) is already
