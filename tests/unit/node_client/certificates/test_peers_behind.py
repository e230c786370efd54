"""A peer that is behind another is given time; what is nowhere, and what is refused, is said at once."""

from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest

from chaincode.registry.model.records import CertificateRecord
from chaincode.registry.model.status import Reason, Status
from node_client import EndorseError
from node_client.certificates._async import client as async_client
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates._sync import client as sync_client
from node_client.certificates._sync.client import RegistryClient
from node_client.certificates.errors import RegistryRefusal
from node_client.certificates.statement import Ledger
from node_client.certificates.verification import Verdict, Verifier
from node_client.protocol.proposal import Proposal
from tests.unit.node_client.both import entered, settle
from tests.unit.node_client.fake_peer import Failure, FakePeer

CERTIFICATE = "1" * 32
RECORD = CertificateRecord(
    certificate_id=CERTIFICATE,
    commitment="2" * 64,
    issuer_msp="CityMSP",
    issued_at="2026-04-01T00:00:00Z",
    transaction_id="3" * 64,
    status=Status.ACTIVE,
).to_bytes()
NOT_FOUND = f"chaincode response 500, NOT_FOUND: no such certificate [certificateId={CERTIFICATE}]"
NOT_AUTHORISED = "chaincode response 500, NOT_AUTHORISED: the role does not admit it [role=verifier]"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (async_client, sync_client):
        monkeypatch.setattr(module, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
async def registry(connect: Callable[..., Any]) -> AsyncIterator[Any]:
    trust: Any = SimpleNamespace(ledger=Ledger("0" * 64, "certificates", "registry"))
    async with entered(connect()) as gateway:
        network = gateway.get_network("certificates")
        yield (AsyncRegistryClient if hasattr(gateway, "__aenter__") else RegistryClient)(network, trust)


def refused(text: str) -> Failure:
    details = (("localhost:8051", "NishitetsuMSP", text),) if text else ()
    return Failure(grpc.StatusCode.ABORTED, "failed to endorse transaction", details)


def let_fail(peer: FakePeer, *failures: Failure, own: Failure | None = None) -> None:
    """Let endorsing fail with each of these in turn, and then succeed.

    Args:
        own: what the caller's own peer fails with when it alone is asked.
    """
    left: Iterator[Failure] = iter(failures)

    def function(proposal: Proposal) -> bytes:
        failure = next(left, None) if peer.received[-1].method == "Endorse" else own
        if failure:
            raise failure
        return RECORD

    peer.function = function


@pytest.mark.parametrize("text", [NOT_FOUND, ""], ids=["not found", "results that differ"])
async def test_attesting_waits_for_a_peer_that_is_behind(peer: FakePeer, registry: Any, text: str) -> None:
    let_fail(peer, refused(text), refused(text))
    assert RECORD in await settle(registry.attest(CERTIFICATE))
    assert len(peer.calls("Endorse")) == 3


async def test_changing_waits_for_a_peer_that_is_behind(peer: FakePeer, registry: Any) -> None:
    let_fail(peer, refused(NOT_FOUND))
    record = await settle(registry.revoke(CERTIFICATE, Reason.UNSPECIFIED))
    assert record.certificate_id == CERTIFICATE
    assert len(peer.calls("Submit")) == 1


async def test_what_the_own_peer_does_not_find_is_not_waited_for(peer: FakePeer, registry: Any) -> None:
    let_fail(peer, refused(NOT_FOUND), own=Failure(grpc.StatusCode.UNKNOWN, f"evaluate: {NOT_FOUND}"))
    with pytest.raises(RegistryRefusal, match="NOT_FOUND"):
        await settle(registry.attest(CERTIFICATE))
    assert len(peer.calls("Endorse")) == 1


async def test_other_refusals_are_final(peer: FakePeer, registry: Any) -> None:
    let_fail(peer, refused(NOT_AUTHORISED))
    with pytest.raises(RegistryRefusal, match="NOT_AUTHORISED"):
        await settle(registry.attest(CERTIFICATE))
    assert [one.method for one in peer.received] == ["Endorse"]


async def test_a_peer_that_stays_behind_is_given_up(peer: FakePeer, registry: Any) -> None:
    let_fail(peer, *[refused(NOT_FOUND)] * 100)
    with pytest.raises(RegistryRefusal, match="NOT_FOUND"):
        await settle(registry.attest(CERTIFICATE))
    let_fail(peer, *[refused("")] * 100)
    with pytest.raises(EndorseError):
        await settle(registry.attest(CERTIFICATE))


@pytest.mark.parametrize("attested", [True, False])
async def test_verifying_waits_only_for_what_the_receipt_proves(
    peer: FakePeer, registry: Any, monkeypatch: pytest.MonkeyPatch, attested: bool
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Verifier, "check_receipt", lambda verifier: None)
    monkeypatch.setattr(Verifier, "attested", attested)
    monkeypatch.setattr(Verifier, "check_record", lambda verifier, data, nonce: told.append("record"))
    monkeypatch.setattr(Verifier, "check_refusal", lambda verifier, refusal: told.append(refusal.code))
    let_fail(peer, refused(NOT_FOUND), own=Failure(grpc.StatusCode.UNKNOWN, f"evaluate: {NOT_FOUND}"))
    receipt: Any = SimpleNamespace(certificate_id=CERTIFICATE, inclusion=None)
    document: Any = None
    await settle(registry.verify(document, receipt))
    assert told == ["record" if attested else "NOT_FOUND"]


@pytest.mark.parametrize(("attested", "verdict"), [(True, Verdict.UNCONFIRMED), (False, Verdict.UNKNOWN)])
def test_a_peer_that_stays_behind_does_not_unmake_what_the_receipt_proves(
    monkeypatch: pytest.MonkeyPatch, attested: bool, verdict: Verdict
) -> None:
    noted: list[Verdict] = []
    verifier = Verifier(*[cast(Any, None)] * 3)
    monkeypatch.setattr(Verifier, "attested", attested)
    monkeypatch.setattr(Verifier, "_note", lambda verifier, name, passed, found, detail: noted.append(found))
    verifier.check_refusal(RegistryRefusal("NOT_FOUND", "no such certificate", {}))
    assert noted == [verdict]
