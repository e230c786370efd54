"""The official clients with signatures made elsewhere: only bytes, digests and signatures pass between the steps."""

from hashlib import sha256
from secrets import token_hex
from typing import Any

import pytest
from fabric_protos.common import common_pb2

from node_client import KeySigner
from tests.interop.conftest import Client
from tests.interop.programs import Failure

OFFLINE = {"organisation": "City", "user": "issuer", "offline": True}
SIGNER_IS_THERE = {"organisation": "City", "user": "issuer"}


@pytest.fixture
def signer(client: Client) -> KeySigner:
    key = client.service.folder.organisation("City") / "users" / "issuer" / "msp" / "keystore" / "key.pem"
    return KeySigner.from_pem(key.read_bytes())


def signed(made: dict[str, Any], signer: KeySigner) -> dict[str, Any]:
    """What a client gets back of something that it made, with its signature."""
    return {"bytes": made["bytes"], "signature": signer.sign(bytes.fromhex(made["digest"])).hex(), "as": OFFLINE}


def test_every_step_of_a_transaction_is_signed_elsewhere(client: Client, signer: KeySigner) -> None:
    key = token_hex(8)
    proposal = client("newProposal", "Put", key, "offline", **{"as": OFFLINE})
    transaction = client("endorseProposal", **signed(proposal, signer))
    commit = client("submitSigned", **signed(transaction, signer))
    status = client("commitStatus", **signed(commit, signer))
    ids = {one["transactionId"] for one in (proposal, transaction, commit, status)}
    assert len(ids) == 1
    assert transaction["result"] == commit["result"] == "offline"
    assert status["successful"] is True
    assert client("evaluate", "Get", key) == "offline"


def test_an_evaluation_is_signed_elsewhere(client: Client, signer: KeySigner) -> None:
    proposal = client("newProposal", "Repeat", "ab", "2", **{"as": OFFLINE})
    assert client("evaluateProposal", **signed(proposal, signer)) == "abab"


def test_steps_that_were_only_kept_as_bytes_go_on(client: Client) -> None:
    proposal = client("newProposal", "Count", token_hex(8))
    transaction = client("endorseProposal", bytes=proposal["bytes"])
    commit = client("submitSigned", bytes=transaction["bytes"])
    assert client("commitStatus", bytes=commit["bytes"])["successful"] is True


def test_a_step_without_signature_is_refused_by_the_network(client: Client) -> None:
    proposal = client("newProposal", "Count", token_hex(8), **{"as": OFFLINE})
    wrong = {"bytes": proposal["bytes"], "signature": "00", "as": OFFLINE}
    with pytest.raises(Failure) as caught:
        client("endorseProposal", **wrong)
    assert caught.value.kind == "EndorseError"


@pytest.mark.parametrize("kind", ["chaincode", "block", "filtered", "private"])
def test_requests_for_events_are_signed_elsewhere(client: Client, signer: KeySigner, kind: str) -> None:
    done = client("submitAsync", "Put", token_hex(8), "signed elsewhere")
    start = done["status"]["blockNumber"]
    request = client("eventsRequest", kind=kind, startBlock=start, **{"as": OFFLINE})
    assert len(client("events", kind=kind, count=1, **signed(request, signer))) == 1


@pytest.mark.parametrize("kind", ["chaincode", "block", "filtered", "private"])
def test_requests_for_events_go_on_from_bytes(client: Client, kind: str) -> None:
    done = client("submitAsync", "Put", token_hex(8), "from bytes")
    request = client("eventsRequest", kind=kind, startBlock=done["status"]["blockNumber"])
    assert len(client("events", kind=kind, count=1, bytes=request["bytes"])) == 1


@pytest.mark.parametrize("kind", ["block", "filtered", "private"])
def test_digests_are_over_the_bytes_that_travel(client: Client, kind: str) -> None:
    request = client("eventsRequest", kind=kind, startBlock=0)
    envelope = common_pb2.Envelope.FromString(bytes.fromhex(request["bytes"]))
    assert envelope.payload
    assert request["digest"] == sha256(envelope.payload).hexdigest()


def test_every_proposal_has_a_digest_of_its_own(client: Client) -> None:
    once, again = (client("newProposal", "Get", "key")["digest"] for _ in range(2))  # each with a nonce
    assert once != again
