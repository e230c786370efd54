"""MSP folders, read as their definition. Source: Fabric's `msp/configbuilder.go`."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.msp import msp_config_pb2

from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner

ROLES = ("Client", "Peer", "Admin", "Orderer")
_PEM = re.compile(rb"-----BEGIN ([^-\n]+)-----.*?-----END \1-----", re.DOTALL)


def msp_definition(folder: Path, msp_id: str) -> bytes:
    """An MSP folder as `msp.FabricMSPConfig`. Files that are no PEM are passed over, as by Fabric.

    A CA that `config.yaml` names must be there; Fabric warns and takes any CA instead.

    Raises:
        OSError: a file cannot be read.
        ValueError: the folder holds no root certificate, or `config.yaml` is not one.
    """
    roots = _pems(folder / "cacerts")
    if not roots:
        raise ValueError(f"{folder} has no CA certificate")
    tls_roots = _pems(folder / "tlscacerts")
    message = msp_config_pb2.FabricMSPConfig(
        name=msp_id,
        root_certs=roots,
        intermediate_certs=_pems(folder / "intermediatecerts"),
        admins=_pems(folder / "admincerts"),
        revocation_list=_pems(folder / "crls"),
        crypto_config=msp_config_pb2.FabricCryptoConfig(
            signature_hash_family="SHA2", identity_identifier_hash_function="SHA256"
        ),
        tls_root_certs=tls_roots,
        tls_intermediate_certs=_pems(folder / "tlsintermediatecerts") if tls_roots else [],
    )
    config = folder / "config.yaml"
    if config.is_file():
        try:
            _add_units(message, folder, yaml.safe_load(config.read_text(encoding="utf-8")) or {})
        except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"{config} is not as it must be: {error}") from error
    return message.SerializeToString(deterministic=True)


def authorities_of(definition: bytes) -> frozenset[bytes]:
    """The certificates of the authorities at the root of an MSP (`msp.FabricMSPConfig`), in DER. Raises ValueError."""
    message = msp_config_pb2.FabricMSPConfig.FromString(definition)
    pems = (*message.root_certs, *message.tls_root_certs)
    return frozenset(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER) for pem in pems)


def signing_identity(folder: Path, msp_id: str) -> tuple[Identity, KeySigner]:
    """Who signs with the key in an MSP folder. Raises OSError, ValueError."""
    certificate = (folder / "signcerts" / "cert.pem").read_bytes()
    return Identity(msp_id, certificate), KeySigner.from_pem((folder / "keystore" / "key.pem").read_bytes())


def _add_units(message: msp_config_pb2.FabricMSPConfig, folder: Path, content: Mapping[str, Any]) -> None:
    for stated in content.get("OrganizationalUnitIdentifiers") or []:
        message.organizational_unit_identifiers.add(
            certificate=(folder / stated["Certificate"]).read_bytes(),
            organizational_unit_identifier=stated["OrganizationalUnitIdentifier"],
        )
    units = content.get("NodeOUs") or {}
    if not units.get("Enable"):
        return
    message.fabric_node_ous.enable = True
    for role in ROLES:
        stated = units.get(f"{role}OUIdentifier") or {}
        if not stated.get("OrganizationalUnitIdentifier"):
            continue
        identifier = getattr(message.fabric_node_ous, f"{role.lower()}_ou_identifier")
        identifier.organizational_unit_identifier = stated["OrganizationalUnitIdentifier"]
        if stated.get("Certificate"):
            identifier.certificate = (folder / stated["Certificate"]).read_bytes()


def _pems(folder: Path) -> Sequence[bytes]:
    if not folder.is_dir():
        return []
    files = [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()]
    return [data for data in files if _PEM.search(data)]
