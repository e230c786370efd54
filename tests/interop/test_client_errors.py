"""What the official clients make of refusals: the kind of error, its code, and what every node said.

Code and words of many more cases, as recorded from real Fabric: tests/scenarios/test_error_answers.py.
"""

from secrets import token_hex
from typing import Any

import pytest
from fabric_protos.gateway import gateway_pb2
from fabric_protos.msp import identities_pb2

from node_client import KeySigner
from tests.interop.conftest import Client
from tests.interop.programs import Failure

# gRPC codes
UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, FAILED_PRECONDITION, ABORTED, UNAVAILABLE = 2, 4, 7, 9, 10, 14
ENDORSEMENT_POLICY_FAILURE = 10
AS_CITY = {"organisation": "City", "user": "issuer"}


def failure(client: Client, operation: str, function: str = "", *arguments: str, **options: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        client(operation, function, *arguments, **options)
    return caught.value


def peer(client: Client, organisation: str) -> str:
    return client.service.folder.topology().organisation(organisation).peer


def orderers(client: Client) -> dict[str, str]:
    return {one.orderer: one.msp_id for one in client.service.folder.topology().organisations}


def test_a_refusal_of_the_contract_is_told_by_an_evaluation(client: Client) -> None:
    found = failure(client, "evaluate", "Fail", "no reason")
    assert (found.kind, found.code) == ("GatewayError", UNKNOWN)
    assert found.message == "evaluate call to endorser returned error: chaincode response 500, NO: no reason"
    assert found.details == [
        {"address": peer(client, "City"), "mspId": "CityMSP", "message": "chaincode response 500, NO: no reason"}
    ]


def test_a_refusal_of_the_contract_is_told_by_an_endorsement(client: Client) -> None:
    found = failure(client, "submit", "Fail", "no reason")
    assert (found.kind, found.code) == ("EndorseError", ABORTED)
    assert found.message == "failed to endorse transaction, see attached details for more info"
    assert found.details == [
        {"address": peer(client, "City"), "mspId": "CityMSP", "message": "chaincode response 500, NO: no reason"}
    ]
    assert len(found.transaction_id) == 64


def test_every_named_organisation_says_why_it_does_not_endorse(client: Client) -> None:
    found = failure(client, "submit", "Fail", "no", organisations=["NishitetsuMSP", "TriValleyMSP"])
    assert (found.kind, found.code) == ("EndorseError", ABORTED)
    text = "chaincode response 500, NO: no"
    assert sorted(found.details, key=lambda one: one["mspId"]) == [
        {"address": peer(client, "Nishitetsu"), "mspId": "NishitetsuMSP", "message": text},
        {"address": peer(client, "TriValley"), "mspId": "TriValleyMSP", "message": text},
    ]


def test_results_that_differ_are_named(client: Client) -> None:
    found = failure(client, "submit", "Differ", organisations=["CityMSP", "NishitetsuMSP"])
    assert (found.kind, found.code) == ("EndorseError", ABORTED)
    assert [one["message"] for one in found.details] == ["ProposalResponsePayloads do not match"]


NO_COMBINATION = "no combination of peers can be derived which satisfy the endorsement policy: "


def test_a_chaincode_that_is_not_there(client: Client) -> None:
    found = failure(client, "submit", "Put", "a", "b", chaincode="no-such-one")
    assert (found.kind, found.code) == ("EndorseError", FAILED_PRECONDITION)
    assert found.message == f"{NO_COMBINATION}No metadata was found for chaincode no-such-one in channel certificates"
    found = failure(client, "evaluate", "Get", "a", chaincode="no-such-one")
    assert (found.kind, found.code) == ("GatewayError", FAILED_PRECONDITION)
    assert found.message == "no peers available to evaluate chaincode no-such-one in channel certificates"


def test_a_channel_that_is_not_there(client: Client) -> None:
    name = client.service.name
    found = failure(client, "submit", "Put", "a", "b", channel="no-such-channel")
    assert (found.kind, found.code) == ("EndorseError", FAILED_PRECONDITION)
    assert found.message == f"{NO_COMBINATION}No metadata was found for chaincode {name} in channel no-such-channel"
    found = failure(client, "evaluate", "Get", "a", channel="no-such-channel")
    assert (found.kind, found.code) == ("GatewayError", UNAVAILABLE)
    text = "failed to get config for channel [no-such-channel]: could not get last config for channel no-such-channel"
    assert found.message == text


def test_an_organisation_that_is_not_there(client: Client) -> None:
    found = failure(client, "submit", "Put", "a", "b", organisations=["CityMSP", "OtherMSP"])
    assert (found.kind, found.code) == ("EndorseError", UNAVAILABLE)
    assert found.message == "failed to find any endorsing peers for org(s): OtherMSP"


def signed_by_another(client: Client, made: dict[str, str]) -> dict[str, str]:
    """Something that the issuer made, with the signature of somebody else."""
    key = client.service.folder.organisation("City") / "users" / "auditor" / "msp" / "keystore" / "key.pem"
    signature = KeySigner.from_pem(key.read_bytes()).sign(bytes.fromhex(made["digest"]))
    return {"bytes": made["bytes"], "signature": signature.hex()}


def test_an_envelope_that_the_orderers_refuse(client: Client) -> None:
    proposal = client("newProposal", "Count", token_hex(8))
    transaction = client("endorseProposal", bytes=proposal["bytes"])
    found = failure(client, "submitSigned", **signed_by_another(client, transaction))
    assert (found.kind, found.code) == ("SubmitError", ABORTED)
    assert found.message == (
        "received unsuccessful response from orderer: status=FORBIDDEN, info=implicit policy evaluation failed - 0 "
        "sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: "
        "permission denied"
    )
    assert found.transaction_id == transaction["transactionId"]


def test_a_status_that_is_refused(client: Client) -> None:
    proposal = client("newProposal", "Count", token_hex(8))
    transaction = client("endorseProposal", bytes=proposal["bytes"])
    commit = client("submitSigned", bytes=transaction["bytes"])
    found = failure(client, "commitStatus", **signed_by_another(client, commit))
    assert (found.kind, found.code) == ("CommitStatusError", PERMISSION_DENIED)
    assert found.transaction_id == commit["transactionId"]
    assert client("commitStatus", bytes=commit["bytes"])["successful"] is True


def test_a_status_that_does_not_come_in_time(client: Client) -> None:
    proposal = client("newProposal", "Count", token_hex(8))
    certificate = client.service.folder.organisation("City") / "users" / "issuer" / "msp" / "signcerts" / "cert.pem"
    creator = identities_pb2.SerializedIdentity(mspid="CityMSP", id_bytes=certificate.read_bytes())
    request = gateway_pb2.CommitStatusRequest(
        transaction_id=proposal["transactionId"], channel_id="certificates", identity=creator.SerializeToString()
    )
    never = gateway_pb2.SignedCommitStatusRequest(request=request.SerializeToString()).SerializeToString()
    found = failure(client, "commitStatus", bytes=never.hex(), **{"as": {**AS_CITY, "seconds": 0.5}})
    assert (found.kind, found.code) == ("CommitStatusError", DEADLINE_EXCEEDED)
    assert found.transaction_id == proposal["transactionId"]


def test_a_transaction_that_was_not_valid(client: Client) -> None:
    found = failure(client, "submit", "Put", token_hex(8), "x", organisations=["CityMSP"])
    assert (found.kind, found.code) == ("CommitError", ENDORSEMENT_POLICY_FAILURE)
    assert found.transaction_id in found.message
    assert found.message.endswith("with status code 10 (ENDORSEMENT_POLICY_FAILURE)")


def test_a_deadline_is_the_clients(client: Client) -> None:
    found = failure(client, "submit", "Count", token_hex(8), **{"as": {**AS_CITY, "seconds": 0.001}})
    assert (found.kind, found.code) == ("EndorseError", DEADLINE_EXCEEDED)
