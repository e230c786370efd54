"""The peers' second port, which demands a TLS certificate of one of the organisations' authorities."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from network import control
from network.authority import Authority
from network.errors import StartError
from network.folder import Folder
from network.profiles import connection_profile
from network.topology import CHANNEL
from node_client import AsyncGateway, ConnectionProfile, Endpoint, EvaluateError
from tests.conftest import Commands

pytestmark = pytest.mark.embedded


@pytest.fixture
def profile(network: Folder) -> ConnectionProfile:
    return ConnectionProfile.load(network.organisation("City") / "connection.json")


@pytest.fixture
async def bound(profile: ConnectionProfile) -> AsyncIterator[AsyncGateway]:
    async with AsyncGateway.from_profile(profile, "City", "issuer", mutual_tls=True) as gateway:
        yield gateway


async def height(profile: ConnectionProfile, endpoint: Endpoint) -> int:
    signer = profile.signer("City", "issuer")
    async with AsyncGateway(endpoint, profile.identity("City", "issuer"), signer) as gateway:
        return await gateway.get_network(CHANNEL).height()


async def test_gateway_and_endorser_serve_whoever_shows_a_certificate(bound: AsyncGateway) -> None:
    channel = bound.get_network(CHANNEL)
    assert await channel.height() >= 3
    answer = await bound.process_proposal("qscc", [b"GetChainInfo", CHANNEL.encode()], CHANNEL)
    assert answer


async def test_certificates_of_every_organisations_authority_are_taken(
    profile: ConnectionProfile, network: Folder
) -> None:
    endpoint = profile.endpoint("City", user="issuer")
    other = ConnectionProfile.load(network.organisation("TriValley") / "connection.json")
    theirs = other.endpoint("TriValley", user="auditor")
    endpoint = replace(endpoint, client_certificate=theirs.client_certificate, client_key=theirs.client_key)
    assert await height(profile, endpoint) >= 3


async def test_proposals_need_not_name_the_certificate(profile: ConnectionProfile) -> None:
    endpoint = profile.endpoint("City", user="issuer")
    credentials = grpc.ssl_channel_credentials(endpoint.tls_roots, endpoint.client_key, endpoint.client_certificate)
    async with grpc.aio.secure_channel(endpoint.address, credentials, options=endpoint.channel_options) as channel:
        signer = profile.signer("City", "issuer")
        async with AsyncGateway(channel, profile.identity("City", "issuer"), signer) as gateway:
            assert await gateway.get_network(CHANNEL).height() >= 3


async def test_clients_without_a_certificate_or_with_a_strangers_get_nothing(profile: ConnectionProfile) -> None:
    endpoint = profile.endpoint("City", user="issuer")
    stranger = Authority.create("City", "tlsca.city").issue_tls("issuer-01")
    for certificate, key in ((None, None), (stranger.certificate, stranger.key)):
        with pytest.raises(EvaluateError) as caught:
            await height(profile, replace(endpoint, client_certificate=certificate, client_key=key))
        assert caught.value.code == "UNAVAILABLE"


async def test_an_expired_certificate_gets_nothing(profile: ConnectionProfile, network: Folder) -> None:
    home = network.organisation("City") / "tlsca"
    authority = Authority.load(home / "tlsca.key", home / "tlsca.crt")
    endpoint = profile.endpoint("City", user="issuer")
    for lifetime, answered in ((timedelta(hours=1), True), (timedelta(hours=-1), False)):
        pair = authority.issue_tls("issuer-01", lifetime=lifetime)
        shown = replace(endpoint, client_certificate=pair.certificate, client_key=pair.key)
        if answered:
            assert await height(profile, shown) >= 3
            continue
        with pytest.raises(EvaluateError) as caught:
            await height(profile, shown)
        assert caught.value.code == "UNAVAILABLE"


def test_profile_names_the_second_port_beside_the_first(profile: ConnectionProfile, network: Folder) -> None:
    topology = network.topology()
    for one in topology.organisations:
        peer = connection_profile(network, one)["peers"][one.peer_name]
        assert peer["url"] == f"grpcs://{one.peer}"
        assert peer["mutualTlsUrl"] == f"grpcs://{one.mutual_tls_peer}"
    city = topology.organisation("City")
    assert profile.endpoint("City").address == city.peer
    assert profile.endpoint("City", user="issuer").address == city.mutual_tls_peer


def test_status_shows_both_ports(profile: ConnectionProfile, commands: Commands) -> None:
    (status,) = commands.ok("network", "status")
    text = commands("network", "status").output
    for one in commands.folder.topology().organisations:
        shown = next(shown for shown in status["organisations"] if shown["mspId"] == one.msp_id)
        assert (shown["peer"], shown["mutualTlsPeer"]) == (one.peer, one.mutual_tls_peer)
        assert one.mutual_tls_peer in text


def test_second_port_in_use_is_named(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    control.create(folder, ports="auto")
    address = folder.topology().organisation("Nishitetsu").mutual_tls_peer
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        taken.listen()
        with pytest.raises(StartError, match=address):
            control.up(folder)


def test_two_nodes_at_one_address_are_refused(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    control.create(folder, ports="auto")
    one, other = folder.topology().organisations[:2]
    config = folder.path / "configtx.yaml"
    port = other.orderer.rpartition(":")[2]
    config.write_text(config.read_text().replace(port, one.mutual_tls_peer.rpartition(":")[2]))
    with pytest.raises(StartError, match="two nodes would serve"):
        control.up(folder)
