"""Who submitted a transaction."""

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from fabric_protos.msp import identities_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.x509 import Certificate

ATTRIBUTES_OID = "1.2.3.4.5.6.7.8.1"  # fabric-ca `lib/attrmgr`: an extension that holds {"attrs": {name: value}}


@dataclass(frozen=True)
class ClientIdentity:
    """An X.509 identity of an organisation.

    Attributes:
        msp_id: the organisation's MSP id.
        certificate_pem: the certificate, PEM.
    """

    msp_id: str
    certificate_pem: bytes

    @cached_property
    def certificate(self) -> "Certificate":
        """The certificate, parsed. Raises ValueError when it is none."""
        from cryptography import x509

        return x509.load_pem_x509_certificate(self.certificate_pem)

    @cached_property
    def attributes(self) -> "Mapping[str, str]":
        """The attributes that the organisation's CA wrote into the certificate; none when they are malformed.

        Raises ValueError when the certificate is none.
        """
        return MappingProxyType(_attributes(self.certificate))

    @cached_property
    def organizational_units(self) -> tuple[str, ...]:
        """The OU values of the certificate's subject; with NodeOUs they say client, peer, admin or orderer."""
        from cryptography.x509.oid import NameOID

        units = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        return tuple(str(unit.value) for unit in units)


def _attributes(certificate: "Certificate") -> dict[str, str]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(ATTRIBUTES_OID))
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return {}
    if not isinstance(extension.value, x509.UnrecognizedExtension):
        return {}
    try:
        found = json.loads(extension.value.value)
    except (ValueError, RecursionError):
        return {}
    attributes = found.get("attrs") if isinstance(found, dict) else None
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        return {}  # Go's attrmgr reads a map of text to text, or nothing
    return attributes


@lru_cache(maxsize=1024)
def parse_identity(creator: bytes) -> ClientIdentity:
    """The identity in a serialised creator. The same creator gives the same object, already parsed.

    Raises:
        google.protobuf.message.DecodeError: the bytes are no SerializedIdentity.
    """
    message = identities_pb2.SerializedIdentity.FromString(creator)
    return ClientIdentity(message.mspid, message.id_bytes)
