"""Peers tell which peers there are and whom to ask, in messages that those peers signed."""

import pytest

from network.folder import Folder
from network.topology import CHANNEL
from node_client.admin._async.discovery import AsyncDiscovery
from node_client.admin._sync.discovery import Discovery
from node_client.admin.discovery import ChaincodeCall, DiscoveryError
from node_client.identity.identity import Identity
from node_client.protocol.config import ChannelConfig
from tests.scenarios.seeking import Person, height, profile_of
from tests.scenarios.vaults import Vault

MSP_IDS = {"CityMSP", "NishitetsuMSP", "TriValleyMSP"}


def discovery(folder: Folder, user: str = "issuer", *, mutual_tls: bool = False) -> Discovery:
    """The city's peer, asked by a user of the city."""
    person = Person.of(folder, "City", user)
    endpoint = profile_of(folder, "City").endpoint("City", user=user if mutual_tls else "")
    return Discovery(endpoint, person.identity, person.signer, CHANNEL)


@pytest.mark.parametrize("mutual_tls", [False, True], ids=["TLS", "mutual TLS"])
def test_peers_of_the_channel_are_told_with_what_they_offer(network: Folder, mutual_tls: bool) -> None:
    found = {one.msp_id: one for one in discovery(network, mutual_tls=mutual_tls).peers()}
    assert set(found) == MSP_IDS
    for one in network.topology().organisations:
        peer = found[one.msp_id]
        assert peer.endpoint == one.peer
        assert {"registry": "1", "_lifecycle": "1"}.items() <= dict(peer.chaincodes).items()
        assert peer.height is not None
        assert 0 < peer.height <= height(network)


def test_all_peers_are_told_to_admins_alone(network: Folder) -> None:
    found = discovery(network, "admin").local_peers()
    assert {one.msp_id: (one.endpoint, one.height) for one in found} == {
        one.msp_id: (one.peer, None) for one in network.topology().organisations
    }
    for person in (Person.of(network, "City", "issuer"), Person.of(network, "TriValley", "admin")):
        asking = Discovery(profile_of(network, "City").endpoint("City"), person.identity, person.signer, CHANNEL)
        with pytest.raises(DiscoveryError, match="access denied"):
            asking.local_peers()


def test_endorsers_of_the_registry_are_the_city_and_a_centre(network: Folder) -> None:
    found = discovery(network).endorsers([ChaincodeCall(name="registry")])
    groups = {group: {one.msp_id for one in peers} for group, peers in found.groups.items()}
    layouts = {
        frozenset(msp_id for group in layout for msp_id in groups[group]): set(layout.values())
        for layout in found.layouts
    }
    assert layouts == {frozenset({"CityMSP", one}): {1} for one in ("NishitetsuMSP", "TriValleyMSP")}


async def test_the_configuration_names_organisations_and_orderers(network: Folder) -> None:
    person = Person.of(network, "City", "issuer")
    endpoint = profile_of(network, "City").endpoint("City")
    found = await AsyncDiscovery(endpoint, person.identity, person.signer, CHANNEL).config()
    config = ChannelConfig.from_bytes((network.path / "channel.block").read_bytes())
    assert set(found.msps) == MSP_IDS
    assert found.orderers == {one.msp_id: (one.orderer,) for one in network.topology().organisations}
    assert {name: msp.name for name, msp in config.msp_manager.msps.items()} == {name: name for name in found.msps}


async def test_collections_narrow_who_is_asked(network: Folder, vault: Vault) -> None:
    """Whoever reads private data is a member; a collection's own endorsement policy takes the chaincode's place."""

    def asked(*collections: str, no_private_reads: bool = False) -> set[frozenset[str]]:
        call = ChaincodeCall(name=vault.name, collections=collections, no_private_reads=no_private_reads)
        found = discovery(network).endorsers([call])
        groups = {group: {one.msp_id for one in peers} for group, peers in found.groups.items()}
        return {frozenset(msp_id for group in layout for msp_id in groups[group]) for layout in found.layouts}

    city, nishitetsu, trivalley = frozenset({"CityMSP"}), frozenset({"NishitetsuMSP"}), frozenset({"TriValleyMSP"})
    assert asked() == {city, nishitetsu, trivalley}
    assert asked("pair") == {city, trivalley}
    assert asked("pair", no_private_reads=True) == {city, nishitetsu, trivalley}
    assert asked("agreed") == {city | trivalley}
    call = ChaincodeCall(name=vault.name, collections=["pair"])
    assert {one.msp_id for one in discovery(network).peers(call)} == {"CityMSP", "TriValleyMSP"}
    with pytest.raises(DiscoveryError, match="failed constructing descriptor for chaincodes:"):
        asked("nothing")


def test_chaincode_that_is_not_there(network: Folder) -> None:
    asked = ChaincodeCall(name="nothing")
    with pytest.raises(DiscoveryError, match="No metadata was found for chaincode nothing in channel certificates"):
        discovery(network).peers(asked)
    text = r"failed constructing descriptor for chaincodes:\{name:\"nothing\"\}"
    with pytest.raises(DiscoveryError, match=text):
        discovery(network).endorsers([asked])


def test_who_is_not_of_the_channel_is_told_nothing(network: Folder) -> None:
    issuer = Person.of(network, "City", "issuer")
    endpoint = profile_of(network, "City").endpoint("City")
    stranger = Identity("NowhereMSP", issuer.identity.certificate)
    with pytest.raises(DiscoveryError, match="access denied"):
        Discovery(endpoint, stranger, issuer.signer, CHANNEL).peers()
    with pytest.raises(DiscoveryError, match="access denied"):
        Discovery(endpoint, issuer.identity, Person.of(network, "City", "auditor").signer, CHANNEL).peers()
    with pytest.raises(DiscoveryError, match="access denied"):
        Discovery(endpoint, issuer.identity, issuer.signer, "nowhere").peers()
