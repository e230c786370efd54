"""What is told when a call fails."""

import grpc
import pytest

from node_client import (
    CommitStatusError,
    EndorseError,
    EvaluateError,
    GatewayOptions,
    NotSigned,
    PeerDetail,
    SubmitError,
)
from node_client.gateway.options import NO_RETRY
from tests.unit.node_client.both import entered, settle
from tests.unit.node_client.fake_peer import Failure

DETAILS = (
    ("peer0.city:7051", "CityMSP", "chaincode response 500, NOT_FOUND: there is no such certificate"),
    ("peer0.nishitetsu:8051", "NishitetsuMSP", "endorsement timeout expired"),
)
ONCE = GatewayOptions(retry=NO_RETRY)
STAGES = {
    "Evaluate": (EvaluateError, "evaluate"),
    "Endorse": (EndorseError, "endorse"),
    "Submit": (SubmitError, "submit"),
    "CommitStatus": (CommitStatusError, "commit status"),
}


async def run(gateway, method):
    contract = gateway.get_network("certificates").get_contract("registry")
    await settle(contract.evaluate("Read") if method == "Evaluate" else contract.submit("Issue"))


@pytest.mark.parametrize("method", STAGES)
async def test_an_error_has_everything_that_the_peers_said(peer, connect, method):
    peer.failures[method] = Failure(grpc.StatusCode.ABORTED, "failed to endorse transaction", DETAILS)
    kind, stage = STAGES[method]
    async with entered(connect()) as gateway:
        with pytest.raises(kind) as caught:
            await run(gateway, method)
    error = caught.value
    (proposal,) = [call.proposal for call in peer.received if call.proposal]
    assert (error.stage, error.code, error.message) == (stage, "ABORTED", "failed to endorse transaction")
    assert error.transaction_id == proposal.transaction_id
    assert error.details == tuple(PeerDetail(*detail) for detail in DETAILS)
    text = str(error)
    for part in (stage, "ABORTED", error.message, error.transaction_id, *(word for one in DETAILS for word in one)):
        assert part in text
    assert isinstance(error.__cause__, grpc.RpcError)


NO_COMBINATION = "no combination of peers can be derived which satisfy the endorsement policy: "


@pytest.mark.parametrize(
    ("code", "message", "unreachable"),
    [
        (grpc.StatusCode.UNAVAILABLE, "no peer answers", True),
        # What the gateway of a peer says that has lost sight of the other organisations' peers.
        (
            grpc.StatusCode.FAILED_PRECONDITION,
            f"{NO_COMBINATION}no peer combination can satisfy the endorsement policy",
            True,
        ),
        (
            grpc.StatusCode.FAILED_PRECONDITION,
            f"{NO_COMBINATION}required chaincodes are not installed on sufficient peers",
            False,
        ),
        (grpc.StatusCode.UNAVAILABLE, "failed to endorse transaction: client identity expired", False),
    ],
)
async def test_peers_that_are_away_are_unreachable(peer, connect, code, message, unreachable):
    peer.failures["Endorse"] = Failure(code, message)
    async with entered(connect(options=ONCE)) as gateway:
        with pytest.raises(EndorseError) as caught:
            await run(gateway, "Endorse")
    assert caught.value.unreachable is unreachable


@pytest.mark.parametrize(("method", "unknown"), list(zip(STAGES, [False, False, True, True], strict=True)))
async def test_only_after_submit_is_the_outcome_unknown(peer, connect, method, unknown):
    peer.failures[method] = Failure(grpc.StatusCode.UNAVAILABLE, "no orderers could be reached")
    async with entered(connect()) as gateway:
        with pytest.raises(STAGES[method][0]) as caught:
            await run(gateway, method)
    assert caught.value.outcome_unknown is unknown
    assert caught.value.unreachable
    assert caught.value.next_step in str(caught.value)
    assert ("same envelope" in str(caught.value)) is (method == "Submit")


async def test_a_chaincodes_refusal_is_found_in_the_message_and_in_the_details(peer, connect):
    peer.failures["Evaluate"] = Failure(
        grpc.StatusCode.UNKNOWN, "evaluate call to endorser returned error: chaincode response 500, BAD: no\nway"
    )
    peer.failures["Endorse"] = Failure(grpc.StatusCode.ABORTED, "failed to endorse transaction", DETAILS[:1])
    async with entered(connect()) as gateway:
        with pytest.raises(EvaluateError) as evaluated:
            await run(gateway, "Evaluate")
        with pytest.raises(EndorseError) as endorsed:
            await run(gateway, "Endorse")
    assert evaluated.value.refusal == "BAD: no\nway"
    assert endorsed.value.refusal == "NOT_FOUND: there is no such certificate"
    assert endorsed.value.next_step == ""


async def test_a_failure_without_readable_details_keeps_its_code(peer, connect):
    class Unreadable(Failure):
        def abort(self, context):
            context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff"),))
            context.abort(self.code, self.message)

    peer.failures["Evaluate"] = Unreadable(grpc.StatusCode.NOT_FOUND, "no such channel")
    async with entered(connect()) as gateway:
        with pytest.raises(EvaluateError, match="no such channel") as caught:
            await run(gateway, "Evaluate")
    assert (caught.value.code, caught.value.details, caught.value.refusal) == ("NOT_FOUND", (), "")
    assert "names of the channel" in caught.value.next_step


async def test_a_peer_that_is_not_there_is_unreachable(peer, connect):
    gateway = connect(options=ONCE)
    peer.stop()
    async with entered(gateway):
        with pytest.raises(EvaluateError) as caught:
            await run(gateway, "Evaluate")
    assert (caught.value.code, caught.value.unreachable) == ("UNAVAILABLE", True)
    assert "can be reached" in str(caught.value)
    peer.start()


async def test_a_peer_that_is_back_is_found(peer, connect):
    async with entered(connect(options=ONCE)) as gateway:
        await run(gateway, "Evaluate")
        peer.stop()
        with pytest.raises(EvaluateError):
            await run(gateway, "Evaluate")
        peer.start()
        while True:
            try:
                await run(gateway, "Evaluate")
                break
            except EvaluateError as error:
                assert error.unreachable  # noqa: PT017


async def test_without_a_signer_nothing_is_sent(peer, connect):
    async with entered(connect(signer=None)) as gateway:
        for method in ("Evaluate", "Submit"):
            with pytest.raises(NotSigned):
                await run(gateway, method)
        with pytest.raises(NotSigned):
            await settle(gateway.get_network("certificates").commit_status("aa"))
    assert not peer.received
