"""What organisations tell each other of themselves: one encoding, nothing secret, nothing taken that does not fit."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from network.bundle import MAX_SIZE, Bundle
from network.bundle_checks import check, fitting
from network.bundle_files import bundle_of, read_bundle, unpack
from network.crypto import create_organisation
from network.errors import BundleError, FolderError
from network.topology import Topology, default_configtx, read_topology
from tests.authorities import Ca

Values = dict[str, Any]


@pytest.fixture(scope="module")
def topology() -> Topology:
    return read_topology(default_configtx(), "BFT")


@pytest.fixture(scope="module")
def place(topology: Topology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("organisations")
    for one in topology.organisations:
        create_organisation(place / one.name, one)
    return place


@pytest.fixture(scope="module")
def bundles(topology: Topology, place: Path) -> list[Bundle]:
    return [bundle_of(place / one.name, one) for one in topology.organisations]


def test_a_bundle_is_the_same_bytes_again_and_named_by_its_digest(bundles: list[Bundle]) -> None:
    for bundle in bundles:
        data = bundle.to_bytes()
        assert Bundle.from_bytes(data) == bundle
        assert Bundle.from_bytes(data).to_bytes() == data
        assert bundle.digest == sha256(data).hexdigest()


def test_a_bundle_says_all_that_others_need_and_nothing_private(bundles: list[Bundle], topology: Topology) -> None:
    for bundle, one in zip(bundles, topology.organisations, strict=True):
        assert b"PRIVATE" not in bundle.to_bytes()
        assert bundle.place == one
        assert bundle.units == {"client": "client", "peer": "peer", "admin": "admin", "orderer": "orderer"}
        assert len(set(bundle.certificates)) == 2 + 2 * len(one.orderers)


def test_an_unpacked_bundle_tells_the_same(bundles: list[Bundle], tmp_path: Path) -> None:
    for bundle in bundles:
        unpack(bundle, tmp_path / bundle.organisation)
        assert bundle_of(tmp_path / bundle.organisation, bundle.place) == bundle
        check(bundle, tmp_path / bundle.organisation)


def test_authorities_between_root_and_nodes_are_told_of(topology: Topology, place: Path, tmp_path: Path) -> None:
    city = topology.organisations[0]
    bundle = bundle_of(place / "City", city)
    root, tls_root = Ca.root("ca.town"), Ca.root("tlsca.town")
    middle, tls_middle = root.ca("sub.town"), tls_root.ca("sub.tlsca.town")
    changed = replace(
        bundle,
        intermediates=(middle.pem.decode(),),
        roots=(root.pem.decode(),),
        tls_roots=(tls_root.pem.decode(),),
        tls_intermediates=(tls_middle.pem.decode(),),
    )
    unpack(changed, tmp_path / "City")
    assert bundle_of(tmp_path / "City", city) == changed
    assert (tmp_path / "City" / "tlsca" / "tlsca.crt").read_bytes() == tls_root.pem + tls_middle.pem


@pytest.mark.parametrize("end", [0, 1, 100, -1])
def test_a_truncated_bundle_is_refused(bundles: list[Bundle], end: int) -> None:
    with pytest.raises(BundleError) as caught:
        Bundle.from_bytes(bundles[0].to_bytes()[:end])
    assert caught.value.next_step


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path, bundles: list[Bundle]) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        read_bundle(tmp_path / "nowhere")
    (tmp_path / "large").write_bytes(b"x" * (MAX_SIZE + 1))
    with pytest.raises(BundleError, match="large: bundle: more than"):
        read_bundle(tmp_path / "large")
    (tmp_path / "good").write_bytes(bundles[0].to_bytes())
    assert read_bundle(tmp_path / "good") == bundles[0]


def encoded(values: Values, *, checksum: bool = True) -> bytes:
    if checksum:
        without = {name: value for name, value in values.items() if name != "checksum"}
        values = {**without, "checksum": sha256(rfc8785.dumps(without)).hexdigest()}
    return bytes(rfc8785.dumps(values))


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(schema="certledger/v2/bundle"),
        lambda values: values.update(more=1),
        lambda values: values.pop("mspId"),
        lambda values: values.update(organisation="../City"),
        lambda values: values.update(organisation="profiles"),
        lambda values: values.update(organisation=""),
        lambda values: values.update(peer="localhost"),
        lambda values: values.update(peer="a/b:7051"),
        lambda values: values.update(orderers=[]),
        lambda values: values["orderers"][0].update(address=values["peer"]),
        lambda values: values["orderers"][0].update(identity="text"),
        lambda values: values["orderers"][0].update(tlsCertificate="\n" + values["orderers"][0]["tlsCertificate"]),
        lambda values: values["orderers"][0].update(port=1),
        lambda values: values.update(roots=[]),
        lambda values: values.update(tlsRoots=[]),
        lambda values: values.update(roots="text"),
        lambda values: values["nodeOUs"].pop("admin"),
        lambda values: values["nodeOUs"].update(member="member"),
    ],
)
def test_a_bundle_that_says_something_else_is_refused(
    bundles: list[Bundle], change: Callable[[Values], object]
) -> None:
    values = json.loads(bundles[0].to_bytes())
    change(values)
    with pytest.raises(BundleError):
        Bundle.from_bytes(encoded(values))


def test_a_bundle_that_was_changed_in_any_way_is_refused(bundles: list[Bundle]) -> None:
    values = json.loads(bundles[0].to_bytes())
    with pytest.raises(BundleError, match="checksum does not agree"):
        Bundle.from_bytes(encoded({**values, "peer": "localhost:1"}, checksum=False))
    with pytest.raises(BundleError, match="RFC 8785"):
        Bundle.from_bytes(json.dumps(values).encode())


def test_a_folder_that_lacks_something_is_told_of(topology: Topology, place: Path, tmp_path: Path) -> None:
    city = topology.organisations[0]
    for name in ("msp/cacerts/ca-01.pem", "msp/config.yaml", "orderer1/tls/server.crt"):
        folder = tmp_path / name.replace("/", "-")
        unpack(bundle_of(place / "City", city), folder)
        (folder / name).write_text("nothing")
        with pytest.raises(FolderError, match="does not hold all that the others must know of City"):
            bundle_of(folder, city)


def test_bundles_are_put_into_the_order_of_configtx(bundles: list[Bundle], topology: Topology) -> None:
    assert list(fitting(topology, [bundles[2], bundles[0], bundles[1], bundles[0]])) == bundles


def test_bundles_that_do_not_fit_configtx_are_refused(bundles: list[Bundle], topology: Topology) -> None:
    city, nishitetsu, trivalley = bundles
    with pytest.raises(BundleError, match="the bundle of TriValley is missing"):
        fitting(topology, [city, nishitetsu])
    with pytest.raises(BundleError, match="the bundle of City has the MSP id TownMSP, and configtx.yaml CityMSP"):
        fitting(topology, [replace(city, msp_id="TownMSP"), nishitetsu, trivalley])
    with pytest.raises(BundleError, match="has 1 orderers, and configtx.yaml 2 in the profile BFT"):
        fitting(topology, [replace(city, orderers=city.orderers[:1]), nishitetsu, trivalley])
    smaller = Topology(topology.organisations[:2], topology.name, topology.profile)
    with pytest.raises(BundleError, match="TriValley has a bundle and is not in configtx.yaml"):
        fitting(smaller, bundles)


def test_two_bundles_of_one_organisation_are_refused(bundles: list[Bundle], topology: Topology) -> None:
    other = replace(bundles[0], peer="localhost:9999")
    with pytest.raises(BundleError, match="two bundles of City differ") as caught:
        fitting(topology, [*bundles, other])
    assert bundles[0].digest in str(caught.value)
    assert other.digest in str(caught.value)


def test_what_two_organisations_cannot_both_have_is_refused(bundles: list[Bundle], topology: Topology) -> None:
    city, nishitetsu, trivalley = bundles
    for changed, what in (
        (replace(nishitetsu, msp_id="CityMSP"), "the MSP id CityMSP"),
        (replace(nishitetsu, peer=city.peer), "the address localhost:7051"),
        (replace(nishitetsu, roots=city.roots), "a certificate authority"),
        (replace(nishitetsu, orderers=(replace(city.orderers[0], address="localhost:1"),)), "an orderer's certificate"),
    ):
        with pytest.raises(BundleError, match=f"City and Nishitetsu both have {what}"):
            fitting(topology, [city, changed, trivalley])


def checked(bundle: Bundle, folder: Path) -> None:
    unpack(bundle, folder)
    check(bundle, folder)


def test_certificates_that_are_not_what_they_are_there_for_are_refused(bundles: list[Bundle], tmp_path: Path) -> None:
    city, nishitetsu, _ = bundles
    first, second = city.orderers
    for number, (changed, what) in enumerate(
        (
            (replace(city, roots=nishitetsu.roots), "does not come from a CA"),
            (replace(city, tls_roots=nishitetsu.tls_roots), "does not come from a CA"),
            (replace(city, roots=(first.identity,)), "CA certificate that cannot be one"),
            (replace(city, orderers=(replace(first, identity=first.tls_certificate), second)), "does not come"),
            (replace(city, orderers=(replace(first, tls_certificate=first.identity), second)), "does not come"),
            (replace(city, orderers=(replace(first, address="a.example:1"), second)), "does not name a.example"),
            (replace(city, units={**city.units, "orderer": "peer", "peer": "orderer"}), "is no orderer's"),
        )
    ):
        with pytest.raises(BundleError, match=what):
            checked(changed, tmp_path / str(number))


def test_a_certificate_that_has_expired_is_refused(bundles: list[Bundle], tmp_path: Path) -> None:
    unpack(bundles[0], tmp_path / "City")
    with pytest.raises(BundleError, match="a certificate of localhost:7050 expired on") as caught:
        check(bundles[0], tmp_path / "City", datetime.now(UTC) + timedelta(days=5 * 365))
    assert "renew" in caught.value.next_step
