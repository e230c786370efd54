"""The steps at each site without nodes: keys that stay, the same first block everywhere, and nothing half done."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from network import sites
from network.bundle import Bundle
from network.channel import channel_of
from network.errors import BundleError, ConfigurationError, FolderError, NetworkError
from network.fabric.launching import Launch, prepare
from network.fabric.nodes import listening, peer
from network.folder import Engine, Folder
from network.profiles import connection_profile, current_profile, profile_names
from network.sites import BLOCK, begin, export, make_channel, make_site
from network.topology import CHANNEL, Organisation, Topology, default_configtx, read_topology
from node_client import ConnectionProfile
from tests import fabric
from tests.unit.network.config_blocks import take_apart
from tests.unit.network.made_sites import made_site


@pytest.fixture(scope="module", params=["Raft", "BFT"])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def topology(profile: str) -> Topology:
    """The consortium, at other addresses than those in its file."""
    topology = read_topology(default_configtx(), profile)
    places = [_placed(one, port) for one, port in zip(topology.organisations, (21000, 22000, 23000), strict=True)]
    return Topology(tuple(places), topology.name, topology.profile)


def _placed(one: Organisation, port: int) -> Organisation:
    more = tuple(f"orderer1.{one.label}.example:{port + 8}" for _ in one.more_orderers)
    host = f"{one.label}.example"
    return replace(one, peer=f"peer.{host}:{port + 1}", orderer=f"orderer.{host}:{port}", more_orderers=more)


@pytest.fixture(scope="module")
def made(topology: Topology, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Folder], list[Bundle]]:
    """Every organisation's site and bundle, before the channel."""
    place = tmp_path_factory.mktemp("sites")
    folders = [Folder.at(place / one.label) for one in topology.organisations]
    return folders, [
        made_site(folder, topology, one) for folder, one in zip(folders, topology.organisations, strict=True)
    ]


def consortium(profile: str) -> Topology:
    """What every site reads in the file that all share."""
    return read_topology(default_configtx(), profile)


@pytest.fixture(scope="module")
def three(made: tuple[list[Folder], list[Bundle]], profile: str) -> Sequence[Folder]:
    folders, bundles = made
    digests = {make_channel(folder, consortium(profile), bundles).digest for folder in folders}
    assert len(digests) == 1
    return folders


def test_every_site_makes_the_same_block_whatever_the_order_of_bundles(
    made: tuple[list[Folder], list[Bundle]], three: Sequence[Folder], profile: str
) -> None:
    blocks = {(folder.path / BLOCK).read_bytes() for folder in three}
    assert len(blocks) == 1
    again = channel_of(consortium(profile), made[1][::-1])
    assert {again.block} == blocks
    assert again.digest == sha256(again.block).hexdigest()
    # A site that has put its own addresses into its file first comes to the same.
    assert channel_of(three[1].topology(), made[1]).block == again.block


def test_nonce_and_time_follow_from_the_bundles(made: tuple[list[Folder], list[Bundle]], profile: str) -> None:
    _, bundles = made
    one = take_apart(channel_of(consortium(profile), bundles).block)
    assert len(one.nonce) == 24
    changed = [replace(bundles[0], peer="elsewhere.example:1"), *bundles[1:]]
    assert take_apart(channel_of(consortium(profile), changed).block).nonce != one.nonce


def test_configtxgen_makes_the_same_of_a_sites_folder(three: Sequence[Folder], profile: str, tmp_path: Path) -> None:
    theirs = fabric.configtxgen(three[1].path, profile, CHANNEL, tmp_path / "theirs.block")
    assert theirs is not None
    assert take_apart(theirs).rest == take_apart((three[1].path / BLOCK).read_bytes()).rest


def test_private_keys_are_their_owners_and_never_leave_the_site(three: Sequence[Folder], topology: Topology) -> None:
    for folder, one in zip(three, topology.organisations, strict=True):
        keys = [path for path in folder.path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
        assert keys
        for path in keys:
            assert path.relative_to(folder.path).parts[0] == one.name
            assert path.stat().st_mode & 0o777 == 0o600


def test_a_site_is_its_organisations(three: Sequence[Folder], topology: Topology, profile: str) -> None:
    for folder, one in zip(three, topology.organisations, strict=True):
        assert folder.site_of == one.name
        assert folder.engine is Engine.FABRIC
        assert folder.topology().name == profile
        assert folder.topology().organisations == topology.organisations
        assert folder.residents(folder.topology()) == (one,)
        others = [other.name for other in topology.organisations if other != one]
        for name in others:
            with pytest.raises(FolderError, match=f"is the site of {one.name}, and the keys of {name} are not here"):
                folder.require_resident(folder.topology(), name)
        assert profile_names(folder) == [f"{one.label}-{role}" for role in ("admin", "auditor", "issuer", "verifier")]
        assert current_profile(folder) == f"{one.label}-issuer"


def test_a_sites_connection_profile_has_everyones_addresses(three: Sequence[Folder], topology: Topology) -> None:
    folder = three[1]
    content = connection_profile(folder, topology.organisations[1])
    connection = ConnectionProfile.load(folder.organisation("Nishitetsu") / "connection.json")
    assert connection.content == content
    assert {name for name, one in content["organizations"].items() if one["users"]} == {"Nishitetsu"}
    for one in topology.organisations:
        endpoint = connection.endpoint(one.name)
        assert endpoint.address == one.peer
        assert endpoint.tls_roots
        assert [content["orderers"][place.name]["url"] for place in one.orderers] == [
            f"grpcs://{place.address}" for place in one.orderers
        ]


def test_a_site_is_never_made_over_another(three: Sequence[Folder], topology: Topology) -> None:
    with pytest.raises(FolderError, match="is the site of City already"):
        make_site(three[0], topology, topology.organisations[1])


def test_an_organisation_that_does_not_fit_the_profile_makes_no_site(topology: Topology, tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    with pytest.raises(ConfigurationError, match="orderers of City"):
        make_site(folder, topology, replace(topology.organisations[0], more_orderers=("a:1", "b:2", "c:3")))
    assert list(tmp_path.iterdir()) == []


def test_a_site_may_listen_elsewhere_than_its_hosts_lead(topology: Topology, tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    for bad in ("0.0.0.0.0", "peer.example", "10.1.2.3:7051"):
        with pytest.raises(ConfigurationError, match="is no address of a machine"):
            make_site(folder, topology, topology.organisations[0], listen=bad)
    make_site(folder, topology, topology.organisations[0], listen="10.1.2.3")
    assert folder.listen == "10.1.2.3"
    one = topology.organisations[0]
    assert listening(one.peer, folder.listen) == "10.1.2.3:21001"
    assert listening(peer(one).operations, folder.listen) == "127.0.0.1:21006"
    (launch,) = [one for one in prepared(folder) if one.node.name == "orderer0.city"]
    general = yaml.safe_load((launch.folder / "orderer.yaml").read_text())["General"]
    assert (general["ListenAddress"], general["ListenPort"]) == ("10.1.2.3", 21000)


def prepared(folder: Folder) -> tuple[Launch, ...]:
    """What would be started, with the others' authorities as the own one."""
    own = folder.organisation("City") / "tlsca" / "tlsca.crt"
    for name in ("Nishitetsu", "TriValley"):
        target = folder.organisation(name) / "tlsca" / "tlsca.crt"
        target.parent.mkdir(parents=True)
        target.write_bytes(own.read_bytes())
    folder.home.mkdir()
    return prepare(folder, folder.topology(), Path("/fabric/peer"), Path("/fabric/orderer"))


def test_a_whole_network_is_not_taken_for_a_site(tmp_path: Path, topology: Topology) -> None:
    from network import control

    folder = Folder.at(tmp_path / "net")
    control.create(folder)
    assert folder.site_of == ""
    assert len(folder.residents(folder.topology())) == 3
    with pytest.raises(FolderError, match="has a whole network already"):
        make_site(folder, topology, topology.organisations[0])


@pytest.fixture
def alone(topology: Topology, tmp_path: Path) -> Folder:
    """A new site of the city's, whose keys are not those that the others know."""
    folder = Folder.at(tmp_path / "city")
    make_site(folder, topology, topology.organisations[0])
    return folder


def content(folder: Folder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


def test_a_bundle_that_is_not_this_sites_own_is_refused(
    alone: Folder, made: tuple[list[Folder], list[Bundle]], profile: str
) -> None:
    before = content(alone)
    with pytest.raises(BundleError, match="the bundle of City is not what this site tells of itself"):
        make_channel(alone, consortium(profile), made[1])
    assert content(alone) == before


def test_a_block_that_is_not_the_expected_one_is_not_made(
    alone: Folder, made: tuple[list[Folder], list[Bundle]], profile: str
) -> None:
    before = content(alone)
    with pytest.raises(BundleError, match="which is not the expected one"):
        make_channel(alone, consortium(profile), made[1][1:], "0" * 64)
    assert content(alone) == before


def test_a_site_can_make_its_block_anew_until_its_nodes_have_begun(
    alone: Folder, made: tuple[list[Folder], list[Bundle]], topology: Topology, profile: str, tmp_path: Path
) -> None:
    others = made[1][1:]
    first = make_channel(alone, consortium(profile), others)
    assert make_channel(alone, consortium(profile), others).block == first.block
    anew = made_site(Folder.at(tmp_path / "again"), topology, topology.organisations[1])
    second = make_channel(alone, consortium(profile), [anew, others[1]], "")
    assert second.block != first.block
    assert (alone.path / BLOCK).read_bytes() == second.block
    begin(alone, second.block)
    begin(alone, second.block)
    with pytest.raises(FolderError, match="are of the channel that begins with"):
        begin(alone, first.block)
    before = content(alone)
    assert make_channel(alone, consortium(profile), [anew, others[1]]).block == second.block
    with pytest.raises(FolderError, match="have begun with another first block") as caught:
        make_channel(alone, consortium(profile), others)
    assert second.digest in str(caught.value)
    assert content(alone) == before


def test_a_disk_that_is_full_leaves_a_site_without_a_block(
    alone: Folder, made: tuple[list[Folder], list[Bundle]], profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(sites, "write_trust", fail)
        with pytest.raises(FolderError, match="cannot be written"):
            make_channel(alone, consortium(profile), made[1][1:])
    assert not (alone.path / BLOCK).exists()
    make_channel(alone, consortium(profile), made[1][1:])
    assert (alone.path / BLOCK).exists()


def test_other_policies_make_another_block(made: tuple[list[Folder], list[Bundle]], profile: str) -> None:
    text = yaml.safe_load(default_configtx())
    text["Profiles"][profile]["Orderer"]["BatchTimeout"] = "1s"
    other = read_topology(yaml.safe_dump(text), profile)
    assert channel_of(other, made[1]).block != channel_of(consortium(profile), made[1]).block


def test_what_is_exported_is_what_was_made(made: tuple[list[Folder], list[Bundle]], topology: Topology) -> None:
    for folder, bundle, one in zip(*made, topology.organisations, strict=True):
        assert export(folder, one) == bundle


def test_a_site_whose_files_are_gone_is_told_of(alone: Folder, topology: Topology) -> None:
    (alone.path / "City" / "orderer" / "tls" / "server.crt").unlink()
    with pytest.raises(NetworkError, match="does not hold all that the others must know of City"):
        export(alone, topology.organisations[0])
