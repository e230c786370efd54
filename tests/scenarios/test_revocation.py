"""Identities are revoked while the network runs, and refused from then on: as clients, in streams, as endorsers.

A command returns when every peer has the configuration. What peers make of it among each other takes real Fabric's a
moment more, and is waited for here.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from network import control, revocation
from network.authority import Authority
from network.folder import Folder
from network.topology import CHANNEL
from node_client import EndorseError, EvaluateError, FabricError, Gateway, GatewayError
from node_client.admin._sync.configuration import ChannelConfiguration
from node_client.admin._sync.discovery import Discovery
from node_client.admin.discovery import DiscoveryError
from node_client.certificates.trust import Trust
from node_client.errors import SubmitError
from node_client.protocol.config import ChannelConfig
from tests.conftest import Commands, running_network
from tests.scenarios.seeking import (
    SOURCES,
    Ask,
    Person,
    Source,
    at,
    height,
    profile_of,
    told,
    write_something,
)

ENDLESS = at(2**64 - 1)
PEERS_FORGET = 30.0  # seconds that gossip may take


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A network whose identities these tests revoke."""
    with running_network(tmp_path_factory.mktemp("revocation") / "net") as folder:
        yield folder


@pytest.fixture
def commands(folder: Folder, tmp_path: Path) -> Commands:
    return Commands(folder, tmp_path)


def config(folder: Folder, organisation: str = "City") -> ChannelConfig:
    with Gateway.from_profile(profile_of(folder, organisation), organisation, "auditor") as gateway:
        return ChannelConfiguration(gateway, CHANNEL).read()


def new_user(folder: Folder, organisation: str = "City", role: str = "issuer") -> str:
    """Another user, whom nobody else needs. Returns the name."""
    name = f"{role}-{secrets.token_hex(3)}"
    control.add_identity(folder, organisation, name, role)
    return name


def known_peers(folder: Folder) -> set[str]:
    """The organisations whose peers the city's peer knows."""
    auditor = Person.of(folder, "City", "auditor")
    endpoint = profile_of(folder, "City").endpoint("City")
    return {one.msp_id for one in Discovery(endpoint, auditor.identity, auditor.signer, CHANNEL).peers()}


def issue(folder: Folder, organisation: str, user: str) -> None:
    with Gateway.from_profile(profile_of(folder, organisation), organisation, user) as gateway:
        contract = gateway.get_network(CHANNEL).get_contract("registry")
        contract.submit("IssueCertificate", secrets.token_hex(16), secrets.token_hex(32))


def eventually(check: Callable[[], None]) -> None:
    """Wait until something holds that peers come to by and by."""
    deadline = time.monotonic() + PEERS_FORGET
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_revoked_client_is_refused_everywhere(folder: Folder, commands: Commands) -> None:
    user = new_user(folder)
    issue(folder, "City", user)
    (done,) = commands.ok("identity", "revoke", "City", user, "--reason", "keyCompromise")
    assert done["block"] == config(folder).block.number
    assert not done["already"]
    with Gateway.from_profile(profile_of(folder, "City"), "City", user) as gateway:
        network = gateway.get_network(CHANNEL)
        contract = network.get_contract("registry")
        with pytest.raises(EvaluateError, match="access denied"):
            contract.evaluate("ReadCertificate", "0" * 32)
        with pytest.raises(EndorseError, match="access denied"):
            contract.submit("IssueCertificate", secrets.token_hex(16), secrets.token_hex(32))
        with pytest.raises(GatewayError) as refused:
            network.commit_status("0" * 64)
        assert refused.value.code == "PERMISSION_DENIED"
        with network.chaincode_events("registry", start_block=0) as events, pytest.raises(GatewayError) as refused:
            next(iter(events))
        assert refused.value.code == "PERMISSION_DENIED"
        with pytest.raises(FabricError, match="access denied"):
            gateway.process_proposal("registry", [b"ReadCertificate", b"0" * 32], CHANNEL)
    person = Person.of(folder, "City", user)
    endpoint = profile_of(folder, "City").endpoint("City")
    with pytest.raises(DiscoveryError, match="access denied"):
        Discovery(endpoint, person.identity, person.signer, CHANNEL).peers()
    issue(folder, "City", "issuer")  # others go on


def test_what_was_endorsed_before_is_not_taken_any_more(folder: Folder, commands: Commands) -> None:
    user = new_user(folder)
    with Gateway.from_profile(profile_of(folder, "City"), "City", user) as gateway:
        contract = gateway.get_network(CHANNEL).get_contract("registry")
        proposal = contract.new_proposal("IssueCertificate", secrets.token_hex(16), secrets.token_hex(32))
        transaction = proposal.endorse()
        commands.ok("identity", "revoke", "City", user)
        with pytest.raises(SubmitError, match="permission denied"):
            transaction.submit()


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_stream_ends_when_its_reader_is_revoked(folder: Folder, commands: Commands, source: Source) -> None:
    user = new_user(folder, role="auditor")
    person = Person.of(folder, "City", user)
    with source.connect(folder, "City") as channel:
        begin = height(folder) - 1
        answers = map(told, source.stream(channel, [Ask(start=at(begin), stop=ENDLESS).signed_by(person)]))
        assert next(answers) == begin
        (done,) = commands.ok("identity", "revoke", "City", user)
        assert list(answers) == [*range(begin + 1, done["block"]), "FORBIDDEN"]
        # And it does not get another one.
        assert list(map(told, source.stream(channel, [Ask().signed_by(person)]))) == ["FORBIDDEN"]


def test_an_endorsement_of_a_revoked_peer_counts_no_more(folder: Folder, commands: Commands) -> None:
    """With TriValley's peer revoked, nobody asks it any more, and what it signed makes no transaction valid."""
    issuer = profile_of(folder, "City")
    with Gateway.from_profile(issuer, "City", "issuer") as gateway:
        contract = gateway.get_network(CHANNEL).get_contract("registry")

        def endorsed() -> Any:
            arguments = secrets.token_hex(16), secrets.token_hex(32)
            organizations = ["CityMSP", "TriValleyMSP"]
            return contract.new_proposal("IssueCertificate", *arguments, organizations=organizations).endorse()

        before = endorsed()
        commands.ok("identity", "revoke", "TriValley", "peer0.trivalley", "--reason", "keyCompromise")
        commit = before.submit()
        assert commit.status().name == "ENDORSEMENT_POLICY_FAILURE"

        def forgotten() -> None:
            with pytest.raises(EndorseError, match="failed to find any endorsing peers|no peers|failed to select"):
                endorsed()

        eventually(forgotten)
        assert known_peers(folder) == {"CityMSP", "NishitetsuMSP"}
        issue(folder, "City", "issuer")  # with Nishitetsu's endorsement


def test_the_list_grows_and_is_numbered_and_kept(folder: Folder, commands: Commands) -> None:
    first, second = new_user(folder, "Nishitetsu"), new_user(folder, "Nishitetsu")
    for count, user in enumerate((first, second), start=1):
        (done,) = commands.ok("identity", "revoke", "Nishitetsu", user)
        assert done["revoked"] == count
        (pem,) = config(folder).msp_manager.msps["NishitetsuMSP"].revocation_lists
        crl = x509.load_pem_x509_crl(pem)
        assert len(crl) == count
        assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == count
        home = folder.organisation("Nishitetsu")
        for msp in ("msp", "peer/msp", "orderer/msp"):
            (kept,) = (home / msp / "crls").iterdir()
            assert kept.read_bytes() == pem
    number = config(folder).block.number
    (again,) = commands.ok("identity", "revoke", "Nishitetsu", first)
    assert (again["already"], again["block"]) == (True, None)
    assert config(folder).block.number == number


def test_verifiers_get_the_new_lists(folder: Folder, commands: Commands) -> None:
    user = new_user(folder)
    (done,) = commands.ok("identity", "revoke", "City", user)
    trust = Trust.from_bytes((folder.path / "trust.json").read_bytes())
    assert trust.ranges[-1].from_block == done["block"]
    certificate = (folder.organisation("City") / "users" / user / "msp" / "signcerts" / "cert.pem").read_bytes()
    assert trust.ranges[-1].manager.msps["CityMSP"].is_revoked(x509.load_pem_x509_certificate(certificate))
    commands.ok("network", "export-trust", "new.json", "--profile", "city-auditor")
    exported = Trust.from_bytes((commands.home / "new.json").read_bytes())
    assert set(exported.ranges[-1].msps) == set(trust.ranges[-1].msps)


def test_a_list_of_an_outside_authority_is_taken_as_it_is(folder: Folder, commands: Commands) -> None:
    """The organisation's own authority may be elsewhere: then it makes the list."""
    home = folder.organisation("City")
    authority = Authority.load(home / "ca" / "ca.key", home / "ca" / "ca.crt")

    def listed(lists: list[x509.CertificateRevocationList], user: str) -> Path:
        certificate = (home / "users" / user / "msp" / "signcerts" / "cert.pem").read_bytes()
        new = revocation.extended(authority, lists, [x509.load_pem_x509_certificate(certificate)])
        path = commands.home / f"{user}.crl"
        path.write_bytes(revocation.to_pem(new))
        return path

    first, second = new_user(folder), new_user(folder)
    earlier = revocation.read_lists(config(folder).msp_manager.msps["CityMSP"].revocation_lists)
    commands.ok("identity", "revoke", "City", "--crl", listed(earlier, first))
    connected = Gateway.from_profile(profile_of(folder, "City"), "City", first)
    with connected as gateway, pytest.raises(EvaluateError, match="access denied"):
        gateway.get_network(CHANNEL).height()
    result = commands("identity", "revoke", "City", "--crl", listed([], second))
    assert (result.status, "lacks certificates" in result.messages) == (2, True), result


def test_a_network_with_revoked_nodes_starts_again(folder: Folder) -> None:
    """And still holds what was revoked."""
    before = config(folder)
    control.down(folder)
    control.up(folder)
    assert config(folder).encoded == before.encoded
    assert write_something(folder)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("City", "nobody"), "has no identity nobody"),
        (("City",), "name one of"),
        (("Nowhere", "issuer"), "there is no organisation"),
    ],
)
def test_what_cannot_be_revoked(commands: Commands, arguments: tuple[str, ...], text: str) -> None:
    result = commands("identity", "revoke", *arguments)
    assert (result.status, text in result.messages) == (2, True), result
