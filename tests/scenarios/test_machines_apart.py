"""Three sites on machines of their own, with nothing in common but bundles: cut off, killed, and back again."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from network.topology import Organisation, Topology, default_configtx, read_topology
from tests.namespaces import Machines, machines
from tests.sites import NAMES, PATIENCE, Site, bring, formed, site

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

POLL = 0.2


@dataclass(frozen=True)
class Land:
    """The sites, and the machines that they are on."""

    machines: Machines
    sites: Sequence[Site]

    @property
    def city(self) -> Site:
        return self.sites[0]


def hosts(name: str) -> tuple[str, str]:
    return f"peer.{name.lower()}.example", f"orderer.{name.lower()}.example"


def placed(one: Organisation) -> Organisation:
    """Every machine has the same ports: it is a machine of its own."""
    peer, orderer = hosts(one.name)
    return replace(one, peer=f"{peer}:7051", orderer=f"{orderer}:7050")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    place = tmp_path_factory.mktemp("apart")
    consortium = read_topology(default_configtx())
    topology = Topology(tuple(map(placed, consortium.organisations)), consortium.name, consortium.profile)
    with machines({name.lower(): hosts(name) for name in NAMES}) as made:
        sites = [site(place, name, made.inside(name.lower())) for name in NAMES]
        with formed(sites, topology):
            yield Land(made, sites)


def verified(one: Site, document: str) -> int:
    return one.commands("verify", document, "--profile", f"{one.name.lower()}-verifier").status


def until_verified(one: Site, document: str) -> None:
    """Wait until a site can confirm a certificate again."""
    deadline = time.monotonic() + PATIENCE
    while (status := verified(one, document)) != ExitCode.DONE:
        assert status == ExitCode.UNCONFIRMED
        assert time.monotonic() < deadline
        time.sleep(POLL)


def node(one: Site, name: str) -> dict[str, Any]:
    found = {found["name"]: found for found in one.run("status")["nodes"]}
    return dict(found[name])


def test_sites_apart_form_a_network_that_issues_and_verifies(land: Land) -> None:
    document = land.city.commands.document("income.pdf")
    land.city.issue(document.name)
    for one in land.sites[1:]:
        bring(document.name, land.city, one)
    for one in land.sites:
        until_verified(one, document.name)
    listeners = subprocess.run(
        [*land.machines.inside("city"), "ss", "-Hltn"], capture_output=True, check=True
    ).stdout.decode()
    addresses = {line.split()[3].rpartition(":")[0] for line in listeners.splitlines()}
    assert addresses <= {"10.77.0.1", "127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:10.77.0.1]"}


@pytest.mark.parametrize("name", ["Nishitetsu", "TriValley"])
def test_without_a_data_centre_the_others_go_on_and_it_catches_up(land: Land, name: str) -> None:
    (lost,) = [one for one in land.sites if one.name == name]
    (other,) = [one for one in land.sites[1:] if one is not lost]
    document = land.city.commands.document(f"without {name}.pdf")
    with land.machines.cut_off(name.lower()):
        land.city.issue(document.name)
        bring(document.name, land.city, other)
        until_verified(other, document.name)
        bring(document.name, land.city, lost)
        assert verified(lost, document.name) == ExitCode.UNCONFIRMED
        assert lost.run("status")["trouble"]
    until_verified(lost, document.name)
    same_height(land)


def same_height(land: Land) -> None:
    """Wait until all peers have all blocks."""
    deadline = time.monotonic() + PATIENCE
    while len({node(one, f"peer0.{one.name.lower()}")["height"] for one in land.sites}) > 1:
        assert time.monotonic() < deadline
        time.sleep(POLL)


def test_without_the_city_nothing_is_issued_and_all_goes_on_when_it_is_back(land: Land) -> None:
    before = land.city.commands.document("before the city was lost.pdf")
    land.city.issue(before.name)
    for one in land.sites[1:]:
        bring(before.name, land.city, one)
    document = land.city.commands.document("alone.pdf")
    with land.machines.cut_off("city"):
        alone = land.city.commands("issue", document.name, "--json")
        assert alone.status in (ExitCode.UNREACHABLE, ExitCode.OUTCOME_UNKNOWN), alone
        assert not document.with_name("alone.pdf.receipt.json").exists()
        for one in land.sites[1:]:
            assert verified(one, before.name) == ExitCode.UNCONFIRMED
    land.city.issue(document.name)
    for one in land.sites[1:]:
        bring(document.name, land.city, one)
        until_verified(one, document.name)
    same_height(land)


def test_nothing_is_lost_whichever_process_is_killed(land: Land) -> None:
    """Every process of every site in turn, while certificates are issued."""
    told: dict[str, str] = {}
    for one in land.sites:
        for found in one.run("status")["nodes"]:
            names = [land.city.commands.document(f"{found['name']} {number}").name for number in range(8)]
            issuing = land.city.commands.start("issue", *names, "--json", "--in-flight", "2")
            assert issuing.stdout
            first = issuing.stdout.readline()
            os.kill(node(one, found["name"])["pid"], signal.SIGKILL)
            rest, _ = issuing.communicate(timeout=120)
            records = [json.loads(line) for line in [first, *rest.splitlines()]]
            told |= {one["file"]: one["certificateId"] for one in records if one.get("status") == "issued"}
            done = {one["file"]: one["certificateId"] for one in land.city.issue(*names)}
            assert set(done) == set(names)
            told = {**done, **told}
    ledger = {record["certificateId"] for record in land.city.commands.ok("list")}
    assert set(told.values()) <= ledger
    assert len(set(told.values())) == len(told) == 8 * 9
    same_height(land)
