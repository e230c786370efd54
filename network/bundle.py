"""Bundles: what an organisation tells the others of itself, in one file. Nothing in it is secret.

The file is canonical JSON (RFC 8785): the same organisation makes the same bytes, and people compare its SHA-256 by
telephone. It states the organisation's MSP (authorities and organisational units), its TLS authorities, where its
nodes are, and of each orderer the TLS certificate and the identity by which the other consenters know it. The numbers
of BFT's consenters are not in it: configtx.yaml gives them, for no two nodes of a channel may have the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from network.errors import BundleError, ConfigurationError
from network.topology import Organisation, check_addresses, check_name
from node_client.certificates import canonical
from node_client.certificates.canonical import Fields
from node_client.certificates.errors import FormatError

SCHEMA = "certledger/v1/bundle"
MAX_SIZE = 1024 * 1024
ROLES = ("client", "peer", "admin", "orderer")
AGAIN = "get it again from the organisation, and compare its SHA-256"


@dataclass(frozen=True, kw_only=True)
class OrdererPart:
    """What the others know an orderer by.

    Attributes:
        address: `host:port`.
        tls_certificate: PEM; it serves with it and dials with it.
        identity: PEM; it signs blocks with it.
    """

    address: str
    tls_certificate: str
    identity: str


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What an organisation tells the others of itself. Certificates are PEM, each in its one encoding.

    Attributes:
        peer: its peer's address.
        units: its organisational units by role: `client`, `peer`, `admin`, `orderer`.

    Raises:
        BundleError: a name, an address or a certificate is none.
    """

    organisation: str
    msp_id: str
    peer: str
    orderers: tuple[OrdererPart, ...]
    roots: tuple[str, ...]
    intermediates: tuple[str, ...]
    tls_roots: tuple[str, ...]
    tls_intermediates: tuple[str, ...]
    units: Mapping[str, str]

    def __post_init__(self) -> None:
        try:
            check_name(self.organisation)
            if not self.orderers:
                raise ConfigurationError(f"{self.organisation} has no orderer")
            check_addresses(self.place)
        except ConfigurationError as error:
            raise BundleError(f"bundle: {error}", AGAIN) from error
        if not self.roots or not self.tls_roots:
            raise BundleError(f"bundle of {self.organisation}: it states no certificate authority", AGAIN)
        for pem in self.certificates:
            if not _is_certificate(pem):
                raise BundleError(f"bundle of {self.organisation}: a certificate cannot be read", AGAIN)

    @property
    def place(self) -> Organisation:
        """The organisation, where it says that it is."""
        first, *more = (one.address for one in self.orderers)
        return Organisation(self.organisation, self.msp_id, self.peer, first, tuple(more))

    @property
    def certificates(self) -> tuple[str, ...]:
        """Every certificate in it."""
        nodes = [pem for one in self.orderers for pem in (one.tls_certificate, one.identity)]
        return (*self.roots, *self.intermediates, *self.tls_roots, *self.tls_intermediates, *nodes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, in hex: what people compare."""
        return sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Its one encoding."""
        values = self._values()
        return canonical.encode({**values, "checksum": sha256(canonical.encode(values)).hexdigest()})

    def _values(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "organisation": self.organisation,
            "mspId": self.msp_id,
            "peer": self.peer,
            "orderers": [
                {"address": one.address, "tlsCertificate": one.tls_certificate, "identity": one.identity}
                for one in self.orderers
            ],
            "roots": list(self.roots),
            "intermediates": list(self.intermediates),
            "tlsRoots": list(self.tls_roots),
            "tlsIntermediates": list(self.tls_intermediates),
            "nodeOUs": dict(self.units),
        }

    @classmethod
    def from_bytes(cls, data: bytes) -> "Bundle":
        """Read a bundle.

        Raises:
            BundleError: the bytes are not exactly what `to_bytes` gives.
        """
        if len(data) > MAX_SIZE:
            raise BundleError(f"bundle: more than {MAX_SIZE} bytes")
        try:
            fields = Fields.read(data, FormatError, "bundle")
            fields.expect("schema", SCHEMA)
            fields.text("checksum")
            units = fields.fields("nodeOUs")
            bundle = cls(
                organisation=fields.text("organisation"),
                msp_id=fields.text("mspId"),
                peer=fields.text("peer"),
                orderers=tuple(map(_orderer, fields.objects("orderers"))),
                roots=fields.texts("roots"),
                intermediates=fields.texts("intermediates"),
                tls_roots=fields.texts("tlsRoots"),
                tls_intermediates=fields.texts("tlsIntermediates"),
                units={role: units.text(role) for role in ROLES},
            )
            units.end()
            fields.end()
        except FormatError as error:
            raise BundleError(str(error), AGAIN) from error
        if bundle.to_bytes() != data:
            raise BundleError(f"bundle of {bundle.organisation}: damaged, its checksum does not agree", AGAIN)
        return bundle


def _orderer(fields: Fields) -> OrdererPart:
    part = OrdererPart(
        address=fields.text("address"),
        tls_certificate=fields.text("tlsCertificate"),
        identity=fields.text("identity"),
    )
    fields.end()
    return part


def _is_certificate(pem: str) -> bool:
    """Whether a text is a certificate in its one PEM encoding."""
    try:
        return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.PEM).decode() == pem
    except ValueError:
        return False
