"""Whether bundles can make a network: each for itself, and all of them together with configtx.yaml."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from network.bundle import AGAIN, Bundle, OrdererPart
from network.errors import BundleError
from network.msp_folder import msp_definition
from network.topology import Topology
from node_client.identity import Identity
from node_client.protocol.certificates import load_certificate
from node_client.protocol.chains import Authorities
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Msp, MspManager


def fitting(topology: Topology, bundles: Sequence[Bundle]) -> tuple[Bundle, ...]:
    """The bundles in the order of configtx.yaml's organisations.

    Raises:
        BundleError: one is missing, given twice with different content, or of nobody whom configtx.yaml names.
    """
    found: dict[str, Bundle] = {}
    for bundle in bundles:
        other = found.setdefault(bundle.organisation, bundle)
        if other != bundle:
            raise BundleError(
                f"two bundles of {bundle.organisation} differ: {other.digest} and {bundle.digest}",
                f"ask {bundle.organisation} which one counts",
            )
    _check_same(list(found.values()))
    for one in topology.organisations:
        fits = found.get(one.name)
        if fits is None:
            raise BundleError(
                f"the bundle of {one.name} is missing, which configtx.yaml has", "name every organisation's bundle"
            )
        if fits.msp_id != one.msp_id:
            raise BundleError(
                f"the bundle of {one.name} has the MSP id {fits.msp_id}, and configtx.yaml {one.msp_id}", AGAIN
            )
        if len(fits.orderers) != len(one.orderers):
            raise BundleError(
                f"the bundle of {one.name} has {len(fits.orderers)} orderers, "
                f"and configtx.yaml {len(one.orderers)} in the profile {topology.name}",
                "all sites make their organisations for the same profile of the same configtx.yaml",
            )
    known = {one.name for one in topology.organisations}
    for name in found:
        if name not in known:
            raise BundleError(f"{name} has a bundle and is not in configtx.yaml", "leave its bundle out")
    return tuple(found[one.name] for one in topology.organisations)


def _check_same(bundles: Sequence[Bundle]) -> None:
    """What no two organisations may have in common."""
    seen: dict[str, str] = {}
    for bundle in bundles:
        addresses = [(address, f"the address {address}") for address in bundle.place.addresses]
        keys = [(pem, "an orderer's certificate") for one in bundle.orderers for pem in _pems(one)]
        authorities = [(pem, "a certificate authority") for pem in (*bundle.roots, *bundle.tls_roots)]
        for value, what in ((bundle.msp_id, f"the MSP id {bundle.msp_id}"), *addresses, *keys, *authorities):
            owner = seen.setdefault(value, bundle.organisation)
            if owner != bundle.organisation:
                raise BundleError(f"{owner} and {bundle.organisation} both have {what}", AGAIN)


def _pems(part: OrdererPart) -> tuple[str, str]:
    return part.tls_certificate, part.identity


def check(bundle: Bundle, folder: Path, now: datetime | None = None) -> None:
    """Check that a bundle's certificates are what they are there for.

    Args:
        folder: where it has been unpacked.
        now: when it is used; the present by default.

    Raises:
        BundleError: an authority is none; or an orderer's certificate is not its, or has expired.
    """
    where = f"bundle of {bundle.organisation}"
    try:
        msp = Msp(msp_definition(folder / "msp", bundle.msp_id))
        tls = Authorities(bundle.msp_id, _load(bundle.tls_roots), _load(bundle.tls_intermediates), [])
        manager = MspManager([msp])
        for part in bundle.orderers:
            member = manager.valid_member(Identity(bundle.msp_id, part.identity.encode()).serialized)
            if not msp.has_role(member, "orderer"):
                raise BundleError(f"{where}: the identity of {part.address} is no orderer's", AGAIN)
            certificate = load_certificate(part.tls_certificate.encode())
            tls.chain(certificate)
            _check_host(where, part.address, certificate)
            for one in (member.certificate, certificate):
                if one.not_valid_after_utc < (now or datetime.now(UTC)):
                    raise BundleError(
                        f"{where}: a certificate of {part.address} expired on {one.not_valid_after_utc:%Y-%m-%d}",
                        f"ask {bundle.organisation} to renew it, and for its new bundle",
                    )
    except (ProtocolError, ValueError) as error:
        raise BundleError(f"{where}: {error}", AGAIN) from error


def _load(pems: Sequence[str]) -> list[x509.Certificate]:
    return [load_certificate(pem.encode()) for pem in pems]


def _check_host(where: str, address: str, certificate: x509.Certificate) -> None:
    host = address.rpartition(":")[0]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        stated: list[str] = []
    else:
        addresses = names.get_values_for_type(x509.IPAddress)
        stated = [*names.get_values_for_type(x509.DNSName), *map(str, addresses)]
    if host not in stated:
        raise BundleError(f"{where}: the TLS certificate of {address} does not name {host}", AGAIN)
