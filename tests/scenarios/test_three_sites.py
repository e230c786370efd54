"""Three organisations, each in a folder of its own: they form the network with nothing in common but their bundles."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copy

import pytest

from cli.exit_codes import ExitCode
from tests.scenarios.deploying import patiently, unused_name
from tests.sites import NAMES, Site, bring, formed, free_topology, site

pytestmark = pytest.mark.fabric


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Site]]:
    """The network of three sites, made step by step."""
    place = tmp_path_factory.mktemp("three")
    three = [site(place, name) for name in NAMES]
    with formed(three, free_topology(), outside="Nishitetsu"):
        yield three


def test_what_the_city_issues_every_site_verifies(three: Sequence[Site]) -> None:
    city = three[0].commands
    document = city.document("income.pdf")
    (issued,) = city.ok("issue", document.name)
    for one in three[1:]:
        bring(document.name, three[0], one)
        (verdict,) = one.commands.ok("verify", document.name, "--profile", f"{one.name.lower()}-verifier")
        assert verdict["verdict"] == "genuine"
        assert verdict["certificateId"] == issued["certificateId"]


def test_no_site_has_anothers_keys(three: Sequence[Site]) -> None:
    for one in three:
        for path in one.commands.home.rglob("*"):
            if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
                relative = path.relative_to(one.commands.folder.path)
                assert relative.parts[0] in (one.name, "fabric")  # the peer keeps the package with its client's key
                assert "fabric" not in relative.parts or f"peer0.{one.name.lower()}" in relative.parts


def test_every_site_has_the_same_block_and_trust_file(three: Sequence[Site]) -> None:
    for name in ("channel.block", "trust.json", "configtx.yaml"):
        assert len({(one.commands.folder.path / name).read_bytes() for one in three}) == 1


def test_a_site_tells_of_its_own_nodes(three: Sequence[Site]) -> None:
    for one in three:
        status = one.run("status")
        assert [node["name"] for node in status["nodes"]] == [
            f"{stem}.{one.name.lower()}" for stem in ("orderer0", "peer0", "registry")
        ]
        assert all(node["pid"] for node in status["nodes"])
        assert status["trouble"] is None
    assert sum(node["leader"] is True for one in three for node in one.run("status")["nodes"]) == 1


def test_steps_that_are_taken_again_change_nothing(three: Sequence[Site]) -> None:
    def again(one: Site) -> None:
        bundles = sorted(one.commands.home.glob("from-*.json"))
        assert one.run("channel-block", *map(str, bundles))["sha256"]
        one.run("join")
        assert one.run("approve")["packageIds"]
        assert one.run("commit")["already"] is True

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(again, three))


def test_a_chaincode_is_put_on_the_channel_by_sites_each_for_itself(three: Sequence[Site]) -> None:
    city, centre, other = three
    name = unused_name("steps")
    source = city.commands.home / "counting"
    source.mkdir()
    (source / "launch.json").write_text('{"module": "counting"}')
    (source / "counting.py").write_text(Path(__file__).with_name("counter.py").read_text())
    package = city.commands.home / "counting.tar.gz"
    city.commands.ok("chaincode", "package", package, "--label", f"{name}_1", "--source", source)
    copy(package, centre.commands.home / package.name)
    for one in (city, centre):
        one.commands.ok("chaincode", "install", package.name)
        (approved,) = one.commands.ok("chaincode", "approve", name, "--package", package.name)
        assert approved["organisation"] == one.name

    def committed() -> None:
        assert city.commands("chaincode", "commit", name).status == 0

    patiently(committed, AssertionError)

    def known() -> None:
        (told,) = other.commands.ok("chaincode", "status", name)  # its own organisation's alone
        assert told["organisation"] == other.name
        agreed = {"CityMSP": True, "NishitetsuMSP": True, "TriValleyMSP": False}
        assert [one["approvals"] for one in told["committed"]] == [agreed]

    patiently(known, AssertionError)
    refused = city.commands("chaincode", "deploy", name, "--source", source)
    assert refused.status == 2
    assert "not every organisation's admin is here" in refused.messages


def test_a_site_makes_and_revokes_its_own_identities_alone(three: Sequence[Site]) -> None:
    city, centre, _ = three
    assert city.run("add-identity", "City", "issuer-07", "--role", "issuer")["profile"] == "city-issuer-07"
    document = city.commands.document("by another.pdf")
    city.commands.ok("issue", document.name, "--profile", "city-issuer-07")
    (revoked,) = city.commands.ok("identity", "revoke", "City", "issuer-07")
    assert (revoked["already"], revoked["revoked"]) == (False, 1)
    late = city.commands("issue", city.commands.document("too late.pdf").name, "--profile", "city-issuer-07")
    assert late.status in (ExitCode.REFUSED, ExitCode.UNREACHABLE, ExitCode.PARTLY_DONE), late
    bring(document.name, city, centre)
    assert centre.commands("verify", document.name, "--profile", "nishitetsu-verifier").status == 0
    for command in (
        ["network", "add-identity", "Nishitetsu", "issuer-08", "--role", "issuer"],
        ["identity", "revoke", "Nishitetsu", "issuer"],
    ):
        refused = city.commands(*command)
        assert (refused.status, "Nishitetsu" in refused.messages) == (ExitCode.USAGE, True), refused


def test_what_others_must_sign_is_said_by_policy(three: Sequence[Site], tmp_path: Path) -> None:
    city = three[0].commands
    config = ("network", "config")
    city.ok(*config, "fetch", tmp_path / "config.json", "--profile", "city-admin")
    edited = json.loads((tmp_path / "config.json").read_text())
    edited["channel_group"]["groups"]["Orderer"]["values"]["BatchTimeout"]["value"]["timeout"] = "300ms"
    (tmp_path / "config.json").write_text(json.dumps(edited))
    update = tmp_path / "update.pb"
    city.ok(*config, "propose", tmp_path / "config.json", update, "--profile", "city-admin")
    (signed,) = city.ok(*config, "sign", update, "--profile", "city-admin")
    assert signed["missing"] == ["/Channel/Orderer/Admins"]
    refused = city(*config, "submit", update, "--profile", "city-admin")
    assert refused.status == ExitCode.USAGE
    assert "/Channel/Orderer/Admins" in refused.messages
    assert "network config sign" in refused.messages


def test_a_site_exports_units_of_its_own_nodes(three: Sequence[Site], tmp_path: Path) -> None:
    for one in three:
        one.run("export-units", str(tmp_path / one.name))
        found = {path.name for path in (tmp_path / one.name).rglob("*.service")}
        assert found == {f"certledger-{node['name']}.service" for node in one.run("status")["nodes"]}


def test_a_site_goes_on_with_renewed_certificates_where_it_was_stopped(three: Sequence[Site]) -> None:
    """The others' first block names its orderer by the old certificate, and nothing is changed there."""
    city, data_centre = three[0].commands, three[2]
    data_centre.run("down")
    document = city.document("meanwhile.pdf")
    three[0].issue(document.name)
    renewed = data_centre.commands.ok("network", "renew")
    assert {"orderer/tls/server.crt", "registry/client.crt"} <= {one["file"] for one in renewed}
    data_centre.run("start")
    data_centre.run("approve")
    bring(document.name, three[0], data_centre)
    (verdict,) = data_centre.commands.ok("verify", document.name, "--profile", "trivalley-verifier")
    assert verdict["verdict"] == "genuine"
    orderers = [node for one in three for node in one.run("status")["nodes"] if node["kind"] == "orderer"]
    assert len({node["height"] for node in orderers}) == 1


def test_the_whole_network_is_not_a_sites_to_start(three: Sequence[Site]) -> None:
    refused = three[0].commands("network", "up", "--json")
    assert refused.status == 2
    assert "network start" in refused.records[0]["error"]["nextStep"]
    assert three[0].commands("network", "env", "Nishitetsu").status == 2
