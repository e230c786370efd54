"""Throw-away identities for tests."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2

from chaincode.shim.identity import ATTRIBUTES_OID


class TestOrganisation:
    """An organisation with a certificate authority of its own.

    Args:
        msp_id: its MSP id.
    """

    __test__ = False  # not a test class, whatever its name looks like to pytest

    def __init__(self, msp_id: str) -> None:
        self.msp_id = msp_id
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ca.{msp_id}")])

    def creator(self, name: str, *, unit: str = "client", attributes: Mapping[str, str] | None = None) -> bytes:
        """A member's serialised identity, with CA attributes such as `certledger.role`."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(
                x509.Name(
                    [
                        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
                        x509.NameAttribute(NameOID.COMMON_NAME, name),
                    ]
                )
            )
            .issuer_name(self._name)
            .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
        )
        if attributes:
            value = json.dumps({"attrs": dict(attributes)}).encode()
            extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(ATTRIBUTES_OID), value)
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        return identities_pb2.SerializedIdentity(mspid=self.msp_id, id_bytes=pem).SerializeToString()
