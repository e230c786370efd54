"""Three sites that agree by BFT from the beginning: the city makes two orderers, each data centre one."""

from collections.abc import Iterator, Sequence

import pytest

from tests.sites import NAMES, Site, bring, formed, free_topology, issued_without, lose_disk, site

pytestmark = [pytest.mark.fabric, pytest.mark.slow]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Site]]:
    """The network of three sites, made step by step."""
    place = tmp_path_factory.mktemp("bft-sites")
    three = [site(place, name) for name in NAMES]
    with formed(three, free_topology("BFT")):
        yield three


def test_three_sites_form_a_network_that_agrees_by_bft(three: Sequence[Site]) -> None:
    city, _, trivalley = three
    for one in three:
        status = one.run("status")
        assert status["consensus"] == {"type": "bft", "orderers": 4, "faults": 1, "indispensable": ["City"]}
        orderers = [node["name"] for node in status["nodes"] if node["kind"] == "orderer"]
        assert len(orderers) == (2 if one is city else 1)
    document = city.commands.document("income.pdf")
    city.issue(document.name)
    bring(document.name, city, trivalley)
    assert trivalley.commands("verify", document.name, "--profile", "trivalley-verifier").status == 0


def test_a_lost_data_centre_is_borne_and_catches_up(three: Sequence[Site]) -> None:
    city, _, trivalley = three
    trivalley.run("down")
    document = city.commands.document("without it.pdf")
    city.issue(document.name)
    trivalley.run("start")
    bring(document.name, city, trivalley)
    assert trivalley.commands("verify", document.name, "--profile", "trivalley-verifier").status == 0


@pytest.mark.parametrize("name", ["TriValley", "City"])
def test_a_site_that_has_lost_its_disk_orders_and_endorses_again(three: Sequence[Site], name: str) -> None:
    """By the steps of docs/operations.md, "Backup and restore"."""
    city = three[0]
    (lost,) = (one for one in three if one.name == name)
    other = three[1]
    before = city.commands.document(f"before {name}.pdf")
    city.issue(before.name)
    lose_disk(lost)
    for step in ("start", "join", "approve"):
        lost.run(step)
    # Nothing is ordered then, and nothing endorsed, without the restored site.
    after = issued_without(other, city, f"after {name}.pdf")
    for document in (before, after):
        bring(document.name, city, other)
        assert other.commands("verify", document.name, "--profile", "nishitetsu-verifier").status == 0
