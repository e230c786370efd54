"""What a certificate must say, whoever issues it: an organisation's own authority, or one outside by a request."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ATTRIBUTES_OID = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")  # fabric-ca's `lib/attrmgr`

Extensions = Sequence[tuple[x509.ExtensionType, bool]]  # with whether it is critical


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a certificate must say of its holder.

    Attributes:
        common_name: a pseudonym or a node's name, never a person's.
        unit: an identity's role by NodeOUs: client, peer, admin or orderer; empty for TLS.
        attributes: an identity's attributes as Fabric CA writes them, such as `certledger.role`.
        hosts: the names and addresses under which a TLS server serves; none for clients.
    """

    common_name: str
    unit: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()

    @property
    def subject(self) -> x509.Name:
        """Whom the certificate names."""
        unit = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, self.unit)] if self.unit else []
        return x509.Name([*unit, x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])

    @property
    def extensions(self) -> Extensions:
        """What the certificate says that depends on its holder, apart from the keys."""
        found: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (key_usage(digital_signature=True, key_encipherment=not self.unit), True),
        ]
        if self.attributes:
            value = json.dumps({"attrs": dict(self.attributes)}, separators=(",", ":")).encode()
            found.append((x509.UnrecognizedExtension(ATTRIBUTES_OID, value), False))
        if self.hosts:
            found.append((x509.SubjectAlternativeName([_general_name(host) for host in self.hosts]), False))
        if not self.unit:
            server = [ExtendedKeyUsageOID.SERVER_AUTH] if self.hosts else []
            found.append((x509.ExtendedKeyUsage([*server, ExtendedKeyUsageOID.CLIENT_AUTH]), False))
        return found

    def request(self, key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
        """The request for such a certificate (RFC 2986)."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(self.subject)
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(key, hashes.SHA256())

    def faults(self, certificate: x509.Certificate) -> list[str]:
        """What a certificate lacks of this, each as the end of a sentence. An authority may say more, and fewer hosts.

        Of a server's hosts the first is needed, where others reach it.
        """
        found = []
        units = [one.value for one in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
        if self.unit and [unit for unit in units if unit in _UNITS] != [self.unit]:
            found.append(f"does not have the organisational unit {self.unit}, and that alone of the four roles")
        if _common_name(certificate) != self.common_name:
            found.append(f"is not of {self.common_name}")
        if self.unit and _attributes(certificate) != dict(self.attributes):
            wanted = ", ".join(f"{name}={value}" for name, value in self.attributes.items()) or "none"
            found.append(f"has other attributes than {wanted}")
        if self.hosts and self.hosts[0] not in _hosts(certificate):
            found.append(f"does not name the host {self.hosts[0]}")
        if not self.unit:
            missing = {*self.extensions[-1][0]} - _uses(certificate)  # type: ignore[misc]
            if missing:
                found.append("is not for TLS servers and clients" if self.hosts else "is not for TLS clients")
        return found


_UNITS = ("client", "peer", "admin", "orderer")


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """A key usage with these uses alone."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def _attributes(certificate: x509.Certificate) -> dict[str, str]:
    """The attributes of an identity that are ours: an authority may add its own, as Fabric CA adds `hf.`."""
    for extension in certificate.extensions:
        if extension.oid == ATTRIBUTES_OID and isinstance(extension.value, x509.UnrecognizedExtension):
            try:
                stated = json.loads(extension.value.value)["attrs"]
                return {str(name): str(value) for name, value in stated.items() if not str(name).startswith("hf.")}
            except (ValueError, KeyError, TypeError, AttributeError):
                return {"": "not readable"}
    return {}


def _hosts(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {
        *names.get_values_for_type(x509.DNSName),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    }


def _uses(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    """What a certificate is for; one that does not say is for everything."""
    try:
        return {*certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    except x509.ExtensionNotFound:
        return {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
