"""A site that has lost its disk comes back by the steps of docs/operations.md, "Backup and restore"."""

from collections.abc import Iterator, Sequence

import pytest

from cli.exit_codes import ExitCode
from network.registry import POLICY
from tests.scenarios.deploying import patiently
from tests.sites import NAMES, Site, bring, formed, free_topology, issued_without, lose_disk, site

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

DEFINITION = ("registry", "--version", "1", "--signature-policy", POLICY)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Site]]:
    """The network of three sites, made step by step."""
    place = tmp_path_factory.mktemp("lost")
    three = [site(place, name) for name in NAMES]
    with formed(three, free_topology()):
        yield three


def leader_restarted(others: Sequence[Site]) -> None:
    """Step 2: the site whose orderer leads restarts it, once there is one that leads."""

    def leading() -> tuple[Site, str]:
        found = [
            (one, node["name"])
            for one in others
            for node in one.commands("network", "status", "--json").records[0]["nodes"]
            if node["leader"]
        ]
        assert len(found) == 1
        return found[0]

    leads, node = patiently(leading, AssertionError)
    leads.run("restart", node)


def lost_and_restored(lost: Site, three: Sequence[Site]) -> list[str]:
    """Lose a site's disk, and take the documented steps. Returns the package ids that `approve` tells."""
    lose_disk(lost)
    leader_restarted([one for one in three if one is not lost])
    lost.run("start")
    lost.run("join")
    return list(lost.run("approve")["packageIds"])


def running(one: Site) -> tuple[int, str]:
    """The registry's sequence that is in force, and the package by which a site's peer runs it."""
    (told,) = one.commands.ok("chaincode", "status", "registry")
    (in_force,) = told["committed"]
    (package,) = told["installed"]
    return in_force["sequence"], package["packageId"]


def put_next(three: Sequence[Site]) -> int:
    """Put the same definition into force as the next sequence, each site with its own package."""
    following = str(running(three[0])[0] + 1)
    for one in three:
        package = running(one)[1]
        one.commands.ok("chaincode", "approve", *DEFINITION, "--sequence", following, "--package-id", package)
    patiently(lambda: committed(three[0], following), AssertionError)
    for one in three:
        patiently(lambda one=one: in_force(one, int(following)), AssertionError)
    return int(following)


def committed(one: Site, sequence: str) -> None:
    assert one.commands("chaincode", "commit", *DEFINITION, "--sequence", sequence).status == 0


def in_force(one: Site, sequence: int) -> None:
    assert running(one)[0] == sequence


def renewed(one: Site) -> None:
    """Renew a site's certificates, which brings its peer another package."""
    one.run("down")
    one.commands.ok("network", "renew")
    one.run("start")


@pytest.mark.parametrize("name", ["Nishitetsu", "City"])
def test_a_lost_site_endorses_again_by_the_package_in_its_backup(three: Sequence[Site], name: str) -> None:
    city = three[0]
    (lost,) = (one for one in three if one.name == name)
    centre, other = sorted(three[1:], key=lambda one: one.name != name)
    before = city.commands.document(f"before {name}.pdf")
    city.issue(before.name)
    sequence, package = running(lost)
    assert lost_and_restored(lost, three) == [package]
    assert running(lost) == (sequence, package)
    assert lost.run("approve")["packageIds"] == [package]
    # Nothing is ordered then, and nothing endorsed, without the restored site.
    after = issued_without(other, city, f"after {name}.pdf")
    for document in (before, after):
        bring(document.name, city, centre)
        assert centre.commands("verify", document.name, "--profile", f"{centre.name.lower()}-verifier").status == 0

    put_next(three)
    renewed(lost)
    assert lost.run("approve")["packageIds"] != [package]  # which is taken again
    city.issue(city.commands.document(f"renewed {name}.pdf").name)


def test_a_restored_site_with_another_package_is_told_what_to_do_and_does_it(three: Sequence[Site]) -> None:
    city, _, lost = three
    sequence, _ = running(lost)
    lost_and_restored(lost, three)
    renewed(lost)
    refused = lost.commands("network", "approve", "--json")
    assert refused.status == ExitCode.REFUSED
    error = refused.records[0]["error"]
    assert error["code"] == "approval-lost"
    assert f"sequence {sequence} of registry" in error["message"]
    package = error["nextStep"].partition("--package-id ")[2].partition(")")[0]
    following = str(sequence + 1)
    assert f"certledger chaincode approve registry --sequence {following}" in error["nextStep"]
    for one in three:
        own = package if one is lost else running(one)[1]
        one.commands.ok("chaincode", "approve", *DEFINITION, "--sequence", following, "--package-id", own)
    patiently(lambda: committed(city, following), AssertionError)
    patiently(lambda: in_force(lost, int(following)), AssertionError)
    assert running(lost) == (int(following), package)
    assert lost.run("approve")["packageIds"] == [package]
