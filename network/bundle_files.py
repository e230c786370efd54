"""Bundles and files: an organisation's folder as a bundle, and another's bundle as a folder that holds what is public.

A folder made of a bundle has the files of an organisation's own folder, save all that is private:

<Organisation>/
    msp/                    the organisation's MSP
    ca/ca.crt, tlsca/tlsca.crt
    orderer/                msp/signcerts/cert.pem and tls/server.crt; orderer1/ for a second orderer
"""

from collections.abc import Sequence
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.msp import msp_config_pb2

from network.bundle import AGAIN, ROLES, Bundle, OrdererPart
from network.crypto import AuthorityCertificates, msp_config
from network.errors import BundleError, FolderError
from network.given_files import read_given
from network.topology import Organisation
from node_client.protocol.msp import Msp


def bundle_of(folder: Path, organisation: Organisation) -> Bundle:
    """The bundle of an organisation whose folder is this.

    Raises:
        FolderError: a certificate is missing or cannot be read.
    """
    msp = folder / "msp"
    try:
        return Bundle(
            organisation=organisation.name,
            msp_id=organisation.msp_id,
            peer=organisation.peer,
            orderers=tuple(
                OrdererPart(
                    address=place.address,
                    tls_certificate=_certificates(folder / place.folder / "tls" / "server.crt")[0],
                    identity=_certificates(folder / place.folder / "msp" / "signcerts" / "cert.pem")[0],
                )
                for place in organisation.orderers
            ),
            roots=_folder(msp / "cacerts"),
            intermediates=_folder(msp / "intermediatecerts"),
            tls_roots=_folder(msp / "tlscacerts"),
            tls_intermediates=_folder(msp / "tlsintermediatecerts"),
            units=_units(msp / "config.yaml"),
        )
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise FolderError(
            f"{folder} does not hold all that the others must know of {organisation.name}: {error}",
            "put the file back from a backup",
        ) from error


def read_bundle(path: Path) -> Bundle:
    """Read a bundle's file. Raises BundleError."""
    data = read_given(path, BundleError)
    try:
        return Bundle.from_bytes(data)
    except BundleError as error:
        raise BundleError(f"{path}: {error}", error.next_step or AGAIN) from error


def unpack(bundle: Bundle, folder: Path) -> None:
    """Make an organisation's public folder from its bundle, where there is none. Raises OSError."""
    lists = (bundle.roots, bundle.tls_roots, bundle.intermediates, bundle.tls_intermediates)
    AuthorityCertificates(*([pem.encode() for pem in pems] for pems in lists)).write_msp(folder / "msp")
    # Its units may have other names than ours.
    _write(folder / "msp" / "config.yaml", msp_config(bundle.units))
    _write(folder / "ca" / "ca.crt", "".join((*bundle.roots, *bundle.intermediates)))
    _write(folder / "tlsca" / "tlsca.crt", "".join((*bundle.tls_roots, *bundle.tls_intermediates)))
    for place, part in zip(bundle.place.orderers, bundle.orderers, strict=True):
        _write(folder / place.folder / "tls" / "server.crt", part.tls_certificate)
        _write(folder / place.folder / "msp" / "signcerts" / "cert.pem", part.identity)


def unpack_msp(msp: Msp, folder: Path) -> None:
    """Make an organisation's public folder from its MSP's definition, where there is none. Raises OSError."""
    definition = msp_config_pb2.FabricMSPConfig.FromString(msp.config)
    roots, intermediates = definition.root_certs, definition.intermediate_certs
    tls_roots, tls_intermediates = definition.tls_root_certs, definition.tls_intermediate_certs
    AuthorityCertificates(roots, tls_roots, intermediates, tls_intermediates).write_msp(folder / "msp")
    ous = definition.fabric_node_ous
    units = {role: getattr(ous, f"{role}_ou_identifier").organizational_unit_identifier for role in ROLES}
    _write(folder / "msp" / "config.yaml", msp_config(units))
    _write(folder / "ca" / "ca.crt", b"".join((*roots, *intermediates)).decode())
    _write(folder / "tlsca" / "tlsca.crt", b"".join((*tls_roots, *tls_intermediates)).decode())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _folder(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    return tuple(pem for path in sorted(folder.iterdir()) for pem in _certificates(path))


def _certificates(path: Path) -> Sequence[str]:
    """The certificates of a file, each in its one encoding. Raises OSError, ValueError."""
    found = x509.load_pem_x509_certificates(path.read_bytes())
    return [one.public_bytes(Encoding.PEM).decode() for one in found]


def _units(path: Path) -> dict[str, str]:
    stated = yaml.safe_load(path.read_text(encoding="utf-8"))["NodeOUs"]
    return {role: str(stated[f"{role.capitalize()}OUIdentifier"]["OrganizationalUnitIdentifier"]) for role in ROLES}
