"""An organisation alone cannot write, and nor can both data centres without the city. The same on real Fabric.

What is tried here goes around the gateway, which would not even submit it: to peers and orderers, with the
organisations' own keys.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

import grpc
import psutil
import pytest
from fabric_protos.common import configtx_pb2, policies_pb2
from fabric_protos.peer import peer_pb2_grpc, policy_pb2, proposal_pb2

from chaincode.registry.model.ids import new_id
from network import control
from network.fabric import nodes
from network.folder import Engine, Folder
from network.topology import CHANNEL
from node_client import CommitError, ConnectionProfile, EndorseError, EvaluateError, Gateway
from node_client.admin._sync.configuration import ChannelConfiguration, submit_update
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.admin._sync.transport import Orderer
from node_client.admin.config_signing import sign_update
from node_client.errors import AdminError
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from node_client.protocol import proposal as proposals
from node_client.protocol.config_edits import with_batch_timeout
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.lifecycle import ChaincodeDefinition
from node_client.protocol.policy_dsl import parse_policy
from node_client.protocol.transaction import Endorsement, assemble, envelope
from tests.scenarios.deploying import patiently, unused_name
from tests.scenarios.seeking import Person, dial, profile_of
from tests.scenarios.vaults import ANYONE, MSP_IDS

ALONE = [("City",), ("Nishitetsu",), ("TriValley",), ("Nishitetsu", "TriValley")]


def together(organisations: Sequence[str]) -> str:
    return "+".join(organisations)


class Write:
    """The city's issuer has a certificate to issue, and asks peers of this test's choice."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.certificate_id = new_id()
        self.issuer = Person.of(folder, "City", "issuer")
        self.data = proposals.build_proposal(
            channel=CHANNEL,
            chaincode="registry",
            args=[b"IssueCertificate", self.certificate_id.encode(), (new_id() * 2).encode()],
            creator=self.issuer.identity.serialized,
        )

    def ask(self, organisation: str) -> tuple[bytes, Endorsement]:
        """What the organisation's peer comes to, and its endorsement."""
        signed = proposal_pb2.SignedProposal(proposal_bytes=self.data, signature=self.issuer.sign(self.data))
        with dial(profile_of(self.folder, organisation).endpoint(organisation)) as channel:
            answer = peer_pb2_grpc.EndorserStub(channel).ProcessProposal(signed, timeout=60)
        assert answer.response.status == 200
        return answer.payload, Endorsement(answer.endorsement.endorser, answer.endorsement.signature)

    def sent_with(self, payload: bytes, endorsements: Sequence[Endorsement], orderer: str) -> set[str]:
        """Have it ordered with these endorsements alone. Returns how it ends, as the peers say."""
        proposal = proposals.parse_proposal(self.data)
        content = assemble(proposal, payload, endorsements)
        Orderer(profile_of(self.folder, orderer).orderer(orderer)).broadcast(
            envelope(content, self.issuer.sign(content))
        )
        found = set()
        for organisation in MSP_IDS:
            with Gateway.from_profile(profile_of(self.folder, organisation), organisation, "issuer") as gateway:
                found.add(gateway.get_network(CHANNEL).commit_status(proposal.transaction_id).name)
        return found

    def is_written(self) -> bool:
        """Whether any organisation's peer has the certificate."""
        found = set()
        for organisation, msp_id in MSP_IDS.items():
            with Gateway.from_profile(profile_of(self.folder, organisation), organisation, "auditor") as gateway:
                contract = gateway.get_network(CHANNEL).get_contract("registry")
                try:
                    contract.evaluate("ReadCertificate", self.certificate_id, organizations=[msp_id])
                except EvaluateError as error:
                    if "NOT_FOUND" not in str(error):
                        raise
                else:
                    found.add(organisation)
        return bool(found)


@pytest.mark.parametrize("endorsing", ALONE, ids=together)
def test_an_organisations_endorsement_alone_writes_nothing(network: Folder, endorsing: tuple[str, ...]) -> None:
    write = Write(network)
    answers = [write.ask(organisation) for organisation in endorsing]
    ended = write.sent_with(answers[0][0], [endorsement for _, endorsement in answers], endorsing[0])
    assert ended == {"ENDORSEMENT_POLICY_FAILURE"}
    assert not write.is_written()


def test_the_city_and_a_data_centre_write(network: Folder) -> None:
    """What is sent in the other tests lacks nothing but the right endorsements."""
    write = Write(network)
    answers = [write.ask(organisation) for organisation in ("TriValley", "City")]
    assert write.sent_with(answers[0][0], [endorsement for _, endorsement in answers], "TriValley") == {"VALID"}
    assert write.is_written()


def signed_as(folder: Folder, organisation: str, whose: str, payload: bytes) -> Endorsement:
    """An endorsement that an organisation makes up with one of its keys."""
    msp = folder.organisation(organisation) / whose / "msp"
    signer = KeySigner.from_pem((msp / "keystore" / "key.pem").read_bytes())
    identity = Identity(MSP_IDS[organisation], (msp / "signcerts" / "cert.pem").read_bytes())
    return Endorsement(identity.serialized, Person(identity, signer).sign(payload + identity.serialized))


@pytest.mark.parametrize(
    "second", [("City", "peer"), ("City", "users/admin"), ("Nishitetsu", "orderer"), ("Nishitetsu", "users/admin")]
)
def test_only_another_organisations_peer_is_a_second_endorser(network: Folder, second: tuple[str, str]) -> None:
    """The city's own word twice is one word, and who is no peer endorses nothing."""
    write = Write(network)
    payload, first = write.ask("City")
    assert write.sent_with(payload, [first, signed_as(network, *second, payload)], "City") == {
        "ENDORSEMENT_POLICY_FAILURE"
    }
    assert not write.is_written()


@pytest.fixture
def admins(network: Folder) -> Iterator[dict[str, Lifecycle]]:
    """Each organisation's admin at the organisation's own peer."""
    with ExitStack() as stack:
        found = {}
        for one in MSP_IDS:
            gateway = stack.enter_context(Gateway.from_profile(profile_of(network, one), one, "admin"))
            found[one] = Lifecycle(gateway, CHANNEL)
        yield found


@pytest.mark.parametrize("approving", ALONE, ids=together)
def test_a_definition_that_an_organisation_alone_approves_does_not_come_into_force(
    admins: dict[str, Lifecycle], approving: tuple[str, ...]
) -> None:
    definition = ChaincodeDefinition(name=unused_name("alone"), version="1", sequence=1, policy=parse_policy(ANYONE))
    for organisation in approving:
        admins[organisation].approve(definition, "nothing:1")
    own = [MSP_IDS[one] for one in approving]

    def heard() -> None:
        for admin in admins.values():
            approvals = admin.readiness(definition).approvals
            assert {one for one, approved in approvals.items() if approved} == set(own)

    patiently(heard, AssertionError)
    first = admins[approving[0]]
    with pytest.raises(EndorseError, match="chaincode definition not agreed to by this org"):
        first.commit(definition, list(MSP_IDS.values()))
    with pytest.raises(CommitError) as caught:
        patiently(lambda: first.commit(definition, own), EndorseError)  # nobody but themselves endorses it
    assert caught.value.code == "ENDORSEMENT_POLICY_FAILURE"
    assert [admin.committed(definition.name) for admin in admins.values()] == [None, None, None]


def with_a_slower_orderer(config: bytes) -> bytes:
    return with_batch_timeout(config, 10**9)


def with_lifecycle_of_anyone(config: bytes) -> bytes:
    """The configuration in which any one organisation puts chaincode into force."""
    message = configtx_pb2.Config.FromString(config)
    policy = message.channel_group.groups["Application"].policies["LifecycleEndorsement"].policy
    policy.type = policies_pb2.Policy.SIGNATURE
    policy.value = policy_pb2.ApplicationPolicy.FromString(parse_policy(ANYONE)).signature_policy.SerializeToString()
    return message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("change", [with_a_slower_orderer, with_lifecycle_of_anyone])
@pytest.mark.parametrize(
    "signing",
    [*(tuple((one, "admin") for one in alone) for alone in ALONE), (("City", "admin"), ("Nishitetsu", "issuer"))],
    ids=lambda signing: "+".join(map(" ".join, signing)),
)
def test_a_configuration_that_an_organisation_alone_signs_is_refused(
    network: Folder, signing: tuple[tuple[str, str], ...], change: Callable[[bytes], bytes]
) -> None:
    with Gateway.from_profile(profile_of(network, "City"), "City", "auditor") as gateway:
        configuration = ChannelConfiguration(gateway, CHANNEL)
        before = configuration.read()
        update = ConfigUpdate.compute(CHANNEL, before.encoded, change(before.encoded))
        for organisation, user in signing:
            person = Person.of(network, organisation, user)
            update = sign_update(update, person.identity, person.signer)
        sender = signing[0][0]
        orderer = Orderer(profile_of(network, sender).orderer(sender))
        admin = Person.of(network, sender, "admin")
        with pytest.raises(AdminError, match="policy for .* not satisfied"):
            submit_update(orderer, update, admin.identity, admin.signer)
        assert configuration.read().encoded == before.encoded


@pytest.fixture
def chaincode_listener(network: Folder) -> str:
    """Where the city's peer lets chaincode connect to it."""
    city = network.topology().organisation("City")
    if network.engine is Engine.FABRIC:
        return nodes.peer(city).chaincode
    started = [one.environ() for one in psutil.Process(control.status(network).pid).children(recursive=True)]
    return next(one["CORE_PEER_ADDRESS"] for one in started if one.get("CORE_PEER_LOCALMSPID") == "CityMSP")


def test_nobody_speaks_plain_text(network: Folder, chaincode_listener: str) -> None:
    city = network.topology().organisation("City")
    profile = ConnectionProfile.load(network.organisation("City") / "connection.json")
    plain = replace(profile.endpoint("City"), tls_roots=None)
    with (
        Gateway(plain, profile.identity("City", "issuer"), profile.signer("City", "issuer")) as gateway,
        pytest.raises(EvaluateError) as caught,
    ):
        gateway.get_network(CHANNEL).height()
    assert caught.value.code == "UNAVAILABLE"
    addresses = [city.orderer, chaincode_listener]
    if network.engine is Engine.FABRIC:
        addresses += [*nodes.registry(city).addresses, nodes.orderers(city)[0].admin]
    else:
        addresses.append(city.mutual_tls_peer)
    for address in addresses:
        with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as refused:
            peer_pb2_grpc.EndorserStub(channel).ProcessProposal(proposal_pb2.SignedProposal(), timeout=30)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE, address


def test_chaincode_and_what_it_connects_to_demand_a_certificate(network: Folder, chaincode_listener: str) -> None:
    city = network.topology().organisation("City")
    demanding = [chaincode_listener]
    if network.engine is Engine.FABRIC:
        demanding += [*nodes.registry(city).addresses, nodes.orderers(city)[0].admin]
    else:
        demanding.append(city.mutual_tls_peer)
    for address in demanding:
        assert not greet(address), address
    assert greet(city.peer)  # as whoever demands none answers


def greet(address: str) -> bytes:
    """What a server says first to somebody who trusts anyone and shows no certificate; nothing where it hangs up."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=30) as plain,
        # A server may say why with an alert (Go's do), or just end the connection.
        contextlib.suppress(ssl.SSLError, ConnectionError),
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5))
        return connection.recv(1)
    return b""
