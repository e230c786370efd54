"""Evaluate, endorse, submit, commit status: what goes to the peer, and what comes back."""

import grpc
import pytest
from fabric_protos.common import common_pb2

from node_client import CommitError, Deadlines, EndorseError, GatewayOptions, ProposalError
from node_client.errors import GatewayClosed
from node_client.protocol.certificates import verify_signature
from node_client.protocol.proposal import transaction_id
from node_client.protocol.transaction import open_envelope
from tests.unit.node_client.both import entered, settle
from tests.unit.node_client.fake_peer import Failure


async def test_evaluate_asks_the_function_with_its_arguments(peer, connect):
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        assert await settle(contract.evaluate("Read", "id", b"\xff")) == b"Read|id|\xff"
    (call,) = peer.calls("Evaluate")
    assert (call.proposal.channel, call.proposal.chaincode) == ("certificates", "registry")
    assert (call.request.channel_id, call.request.transaction_id) == ("certificates", call.proposal.transaction_id)
    assert not call.request.target_organizations


async def test_a_named_contract_stands_before_the_function(peer, connect):
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry", "Registry")
        assert await settle(contract.evaluate("Read")) == b"Registry:Read"


async def test_submit_goes_through_every_step(peer, connect, someone):
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        result = await settle(
            contract.submit("Issue", "id", transient={"salt": b"s"}, organizations=["CityMSP", "NishitetsuMSP"])
        )
    assert result == b"Issue|id"
    assert [call.method for call in peer.received] == ["Endorse", "Submit", "CommitStatus"]
    endorse, submit, _ = peer.received
    assert endorse.proposal.transient == {"salt": b"s"}
    assert list(endorse.request.endorsing_organizations) == ["CityMSP", "NishitetsuMSP"]
    envelope = submit.request.prepared_transaction
    certificate = _certificate(someone)
    assert verify_signature(certificate, envelope.signature, envelope.payload)
    assert submit.request.transaction_id == endorse.proposal.transaction_id
    assert b"salt" not in envelope.payload


async def test_a_transaction_that_is_not_valid_is_an_error(peer, connect):
    peer.code = 11
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        with pytest.raises(CommitError) as caught:
            await settle(contract.submit("Issue"))
    assert (caught.value.code, caught.value.block_number) == ("MVCC_READ_CONFLICT", 7)
    assert caught.value.transaction_id in str(caught.value)
    assert "MVCC_READ_CONFLICT" in str(caught.value)


async def test_an_unknown_validation_code_is_not_valid(peer, connect):
    peer.code = 99
    async with entered(connect()) as gateway:
        status = await settle(gateway.get_network("certificates").commit_status("aa"))
    assert (status.code, status.name, status.successful) == (99, "99", False)


async def test_every_step_can_be_looked_at(peer, connect, identity):
    async with entered(connect()) as gateway:
        network = gateway.get_network("certificates")
        proposal = network.get_contract("registry").new_proposal("Issue", "id", nonce=b"n" * 24)
        assert proposal.transaction_id == transaction_id(b"n" * 24, identity.serialized)
        transaction = await settle(proposal.endorse())
        assert (transaction.result, transaction.channel) == (b"Issue|id", "certificates")
        assert transaction.transaction_id == proposal.transaction_id
        assert transaction.content.endorsements[0].endorser == b"endorser"
        commit = await settle(transaction.submit())
        status = await settle(commit.status())
    assert (status.name, status.successful, status.block_number) == ("VALID", True, 7)
    assert status.transaction_id == proposal.transaction_id


async def test_the_same_envelope_can_be_submitted_again(peer, connect):
    async with entered(connect()) as gateway:
        proposal = gateway.get_network("certificates").get_contract("registry").new_proposal("Issue")
        transaction = await settle(proposal.endorse())
        envelope = transaction.envelope
        await settle(transaction.submit())
    async with entered(connect(signer=None)) as other:
        again = other.transaction_from_envelope(envelope)
        await settle(again.submit())
    first, second = (call.request for call in peer.calls("Submit"))
    assert first == second
    assert open_envelope(envelope) == (again.data, again.signature)


async def test_the_outcome_of_a_bare_transaction_id_can_be_asked(peer, connect):
    async with entered(connect()) as gateway:
        status = await settle(gateway.get_network("certificates").commit_status("abcd"))
    assert (status.transaction_id, status.block_number, status.name) == ("abcd", 7, "VALID")


async def test_deadlines_are_those_of_the_official_clients(peer, connect):
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        await settle(contract.evaluate("Read"))
        await settle(contract.submit("Issue"))
    expected = {"Evaluate": 30, "Endorse": 15, "Submit": 5, "CommitStatus": 60}
    for call in peer.received:
        assert abs(call.seconds_left - expected[call.method]) < 2


async def test_deadlines_can_be_set_for_all_calls_and_for_one(peer, connect):
    options = GatewayOptions(deadlines=Deadlines(evaluate=100, endorse=200, submit=None))
    async with entered(connect(options=options)) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        await settle(contract.evaluate("Read"))
        await settle(contract.evaluate("Read", timeout=300))
        transaction = await settle(contract.new_proposal("Issue").endorse(timeout=400))
        commit = await settle(transaction.submit())
        await settle(commit.status(timeout=500))
    left = [call.seconds_left for call in peer.received]
    for seconds, expected in zip(left, [100, 300, 400, None, 500], strict=True):
        if expected is None:
            assert seconds is None or seconds > 10**6
        else:
            assert abs(seconds - expected) < 4


async def test_a_missed_deadline_is_an_error_of_its_stage(peer, connect):
    peer.streams = []
    peer.function = lambda proposal: _wait_for(peer)
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        with pytest.raises(EndorseError) as caught:
            await settle(contract.new_proposal("Issue").endorse(timeout=0.05))
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert caught.value.unreachable


async def test_a_transaction_that_was_not_proposed_is_not_signed(peer, connect):
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        other = await settle(contract.new_proposal("Steal").endorse())
        peer.tamper = lambda payload: other.data
        with pytest.raises(EndorseError, match="not the one that was proposed"):
            await settle(contract.submit("Issue"))
        peer.tamper = lambda payload: b"\x0a\x05garb"
        with pytest.raises(EndorseError, match="cannot be read"):
            await settle(contract.submit("Issue"))
        peer.tamper = lambda payload: _with_arguments_of(payload, b"Issue", b"Steal")
        with pytest.raises(EndorseError):
            await settle(contract.submit("Issue"))
    assert not peer.calls("Submit")


async def test_a_gateway_that_was_closed_says_so(connect):
    gateway = connect()
    await settle(gateway.close())
    with pytest.raises(GatewayClosed):
        await settle(gateway.get_network("certificates").get_contract("registry").evaluate("Read"))
    with pytest.raises(GatewayClosed):
        async with entered(gateway.get_network("certificates").chaincode_events("registry")):
            pass


async def test_a_channel_that_was_passed_in_stays_open(peer, kind, identity, signer):
    grpc_channel = grpc.aio.insecure_channel if kind.__name__ == "AsyncGateway" else grpc.insecure_channel
    channel = grpc_channel(peer.endpoint.address)
    for _ in range(2):
        async with entered(kind(channel, identity, signer)) as gateway:
            assert await settle(gateway.get_network("c").get_contract("registry").evaluate("Read")) == b"Read"
    await settle(channel.close())


async def test_a_peer_is_asked_alone_without_a_channel(peer, connect):
    async with entered(connect()) as gateway:
        assert await settle(gateway.process_proposal("_lifecycle", [b"Install", b"x"])) == b"Install|x"
        assert peer.calls("ProcessProposal")[0].proposal.channel == ""

        def refuse(_):
            raise Failure(grpc.StatusCode.UNKNOWN, "chaincode already successfully installed")

        peer.function = refuse
        with pytest.raises(ProposalError, match="already successfully installed") as caught:
            await settle(gateway.process_proposal("_lifecycle", [b"Install", b"x"]))
    assert caught.value.code == "500"


def _certificate(someone):
    from node_client.protocol.certificates import load_certificate

    return load_certificate(someone.certificate)


def _wait_for(peer):
    peer._stopping.wait()
    return b""


def _with_arguments_of(payload, old, new):
    message = common_pb2.Payload.FromString(payload)
    assert len(old) == len(new)
    message.data = message.data.replace(old, new)
    return message.SerializeToString()
