"""Signing elsewhere: everything that is sent can be taken away as bytes, signed, and brought back."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import events_pb2

from node_client import CommitStatusError, GatewayOptions, Hash, Identity, KeySigner
from node_client.protocol.errors import ProtocolError
from tests.unit.node_client.both import entered, settle, take
from tests.unit.node_client.fake_peer import block, event
from tests.unit.node_client.people import person


async def test_every_step_can_be_signed_elsewhere(peer, connect, signer):
    peer.streams = [[event(1, "a")]]

    def sign(signable):
        return signer.sign(signable.digest)

    async with entered(connect(signer=None)) as gateway:
        network = gateway.get_network("certificates")
        proposal = network.get_contract("registry").new_proposal(
            "Issue", "id", transient={"t": b"secret"}, organizations=["CityMSP"]
        )
        proposal = gateway.new_proposal(proposal.serialized, sign(proposal))
        assert await settle(proposal.evaluate()) == b"Issue|id"
        transaction = await settle(proposal.endorse())
        transaction = gateway.new_transaction(transaction.serialized, sign(transaction))
        commit = await settle(transaction.submit())
        commit = gateway.new_commit(commit.serialized, sign(commit))
        assert (await settle(commit.status())).transaction_id == proposal.transaction_id
        request = network.new_chaincode_events_request("registry", start_block=1)
        request = gateway.new_chaincode_events_request(request.serialized, sign(request))
        async with entered(request.events()) as events:
            (found,) = await take(events, 1)
    assert found.transaction_id == "a"
    assert [list(call.request.endorsing_organizations) for call in peer.calls("Endorse")] == [["CityMSP"]]
    assert peer.calls("Endorse")[0].proposal.transient == {"t": b"secret"}


@pytest.mark.parametrize("name", ["block", "filtered_block", "block_and_private_data"])
async def test_requests_for_blocks_can_be_signed_elsewhere(peer, connect, signer, name):
    peer.streams = [
        [
            events_pb2.DeliverResponse(
                block=block(4) if name == "block" else None,
                filtered_block=events_pb2.FilteredBlock(number=4) if name == "filtered_block" else None,
                block_and_private_data=events_pb2.BlockAndPrivateData(block=block(4))
                if name == "block_and_private_data"
                else None,
            )
        ]
    ]
    async with entered(connect(signer=None)) as gateway:
        network = gateway.get_network("certificates")
        request = getattr(network, f"new_{name}_events_request")(start_block=4)
        rebuilt = getattr(gateway, f"new_{name}_events_request")(request.serialized, signer.sign(request.digest))
        async with entered(rebuilt.events()) as events:
            (found,) = await take(events, 1)
    assert (found.block if name == "block_and_private_data" else found).number == 4


async def test_a_signature_travels_with_the_bytes(peer, connect):
    async with entered(connect()) as gateway, entered(connect(signer=None)) as other:
        proposal = gateway.get_network("certificates").get_contract("registry").new_proposal("Issue")
        await settle(proposal.evaluate())
        again = other.new_proposal(proposal.serialized)
        assert again.signature == proposal.signature
        transaction = await settle(again.endorse())
        assert other.new_transaction(transaction.serialized).serialized == transaction.serialized


async def test_the_bytes_are_the_messages_that_official_clients_exchange(peer, connect):
    async with entered(connect()) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        proposal = contract.new_proposal("Issue", organizations=["CityMSP", "TriValleyMSP"])
        proposed = gateway_pb2.ProposedTransaction.FromString(proposal.serialized)
        assert proposed.transaction_id == proposal.transaction_id
        assert proposed.proposal.proposal_bytes == proposal.data
        assert list(proposed.endorsing_organizations) == ["CityMSP", "TriValleyMSP"]
        transaction = await settle(proposal.endorse())
        prepared = gateway_pb2.PreparedTransaction.FromString(transaction.serialized)
        assert (prepared.transaction_id, prepared.envelope.payload) == (proposal.transaction_id, transaction.data)
        commit = await settle(transaction.submit())
        asked = gateway_pb2.SignedCommitStatusRequest.FromString(commit.serialized)
        assert asked.request == commit.data


@pytest.mark.parametrize(
    "rebuild",
    ["new_proposal", "new_transaction", "new_commit", "new_chaincode_events_request", "new_block_events_request"],
)
async def test_bytes_that_are_none_are_refused(connect, rebuild):
    async with entered(connect()) as gateway:
        with pytest.raises(ProtocolError):
            getattr(gateway, rebuild)(b"\xff\xff\xff")


async def test_a_signature_of_another_is_refused_by_the_peer(peer, connect):
    stranger = KeySigner.from_pem(person("stranger").key)
    async with entered(connect(signer=None)) as gateway:
        commit = gateway.get_network("certificates").new_commit("aa")
        with pytest.raises(CommitStatusError) as caught:
            await settle(gateway.new_commit(commit.serialized, stranger.sign(commit.digest)).status())
    assert caught.value.code == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("key", "hash"),
    [
        (ec.generate_private_key(ec.SECP384R1()), Hash.SHA256),
        (ed25519.Ed25519PrivateKey.generate(), Hash.NONE),
    ],
    ids=["P-384", "Ed25519"],
)
async def test_other_keys_sign_too(peer, connect, key, hash):
    someone = person("issuer-02", key)
    async with entered(
        connect(
            identity=Identity("CityMSP", someone.certificate),
            signer=KeySigner.from_pem(someone.key),
            options=GatewayOptions(hash=hash),
        )
    ) as gateway:
        assert await settle(gateway.get_network("c").get_contract("registry").evaluate("Read")) == b"Read"


@pytest.mark.parametrize("hash", list(Hash))
async def test_a_digest_is_the_chosen_hash_of_the_data(connect, hash):
    async with entered(connect(options=GatewayOptions(hash=hash))) as gateway:
        proposal = gateway.get_network("c").get_contract("registry").new_proposal("Read")
        assert proposal.digest == hash.digest(proposal.data)
