"""Certificate chains: from an identity's certificate up to a root of its organisation.

Source: Fabric's `msp/mspimpl.go` (`getValidationChain`), `msp/mspimplvalidate.go` (`validateCertAgainstChain`) and the
rules of Go's `crypto/x509` that they rely on. Name constraints are not looked at.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from node_client.protocol.certificates import identity_digest, is_ca
from node_client.protocol.errors import ProtocolError

MAX_DEPTH = 8
_SERVER_USES = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
# What Go's verification knows how to treat when it is critical.
_KNOWN_EXTENSIONS = {
    ExtensionOID.KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.NAME_CONSTRAINTS,
    ExtensionOID.CRL_DISTRIBUTION_POINTS,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.POLICY_MAPPINGS,
    ExtensionOID.POLICY_CONSTRAINTS,
    ExtensionOID.INHIBIT_ANY_POLICY,
}

Chain = tuple[x509.Certificate, ...]


class MspError(ProtocolError):
    """An identity that an MSP does not admit."""


class UnknownIssuer(MspError):
    """An identity's certificate does not come from a CA of its organisation."""


class Authorities:
    """An organisation's certificate authorities and what they have revoked.

    Args:
        name: the organisation's MSP id, for messages.

    Raises:
        ProtocolError: one of them is no CA certificate, has no subject key identifier, or no chain to a root.
    """

    def __init__(
        self,
        name: str,
        roots: Sequence[x509.Certificate],
        intermediates: Sequence[x509.Certificate],
        revocations: Sequence[x509.CertificateRevocationList],
    ) -> None:
        if not roots:
            raise ProtocolError(f"the MSP {name} has no root certificate")
        for one in (*roots, *intermediates):
            if not is_ca(one) or _subject_key(one) is None:
                raise ProtocolError(f"the MSP {name} has a CA certificate that cannot be one")
        self._name = name
        self._roots = tuple(roots)
        self._all = tuple(dict.fromkeys((*roots, *intermediates)))
        self._revocations = tuple(revocations)
        chains = [self.chain_of_ca(one) for one in self._all]
        for chain in chains:
            self.check_revocation(chain)
        # A CA that has others below it issues no identities.
        self._inner = {above for chain in chains for above in chain[1:]}

    def chain(self, certificate: x509.Certificate) -> Chain:
        """The one chain from a certificate to a root, both included.

        It is judged one second after the certificate's own NotBefore: an expired certificate still has its chain.

        Raises:
            MspError: there is none, there are several, or its CA has other CAs below it.
        """
        chains = list(self._chains((certificate,), _moment(certificate)))
        if not chains or len(chains[0]) < 2:
            raise UnknownIssuer(f"the certificate does not come from a CA of {self._name}")
        if len(chains) > 1:
            raise UnknownIssuer(f"the certificate comes from more than one CA of {self._name}")
        if chains[0][1] in self._inner:
            raise MspError(f"the CA of {self._name} that issued the certificate has other CAs below it")
        return chains[0]

    def chain_of_ca(self, certificate: x509.Certificate) -> Chain:
        """The chain from one of the CAs to its root.

        Raises:
            ProtocolError: the certificate is not one of the organisation's CAs, or has no one chain to a root.
        """
        digest = identity_digest(certificate)
        for one in self._all:
            if identity_digest(one) == digest:
                chains = list(self._chains((one,), _moment(one)))
                if len(chains) == 1:
                    return chains[0]
        raise ProtocolError(f"a certificate that the MSP {self._name} names is not that of one of its CAs")

    def check_revocation(self, chain: Chain) -> None:
        """Check that no certificate of a chain has been revoked by the one above it.

        A revocation list works at once, whatever time of revocation it states.

        Raises:
            MspError: one has been, or a revocation list does not say whose it is.
        """
        if len(chain) > 1 and any(_authority_key(one) is None for one in self._revocations):
            raise MspError(f"a revocation list of {self._name} has no authority key identifier")
        for certificate, issuer in pairwise(chain):
            if self._is_revoked_by(certificate, issuer):
                raise MspError("the certificate has been revoked")

    def is_revoked(self, certificate: x509.Certificate) -> bool:
        """Whether a CA that issued the certificate has revoked it."""
        return any(
            self._is_revoked_by(certificate, issuer) for issuer in self._all if _is_issued_by(certificate, issuer)
        )

    def _is_revoked_by(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        for one in self._revocations:
            if _authority_key(one) != _subject_key(issuer):
                continue
            if one.get_revoked_certificate_by_serial_number(certificate.serial_number) is None:
                continue
            if _is_signed_by(one, issuer):
                return True
        return False

    def _chains(self, begun: Chain, moment: datetime) -> Iterator[Chain]:
        last = begun[-1]
        if not last.not_valid_before_utc <= moment <= last.not_valid_after_utc or not _is_understood(last):
            return
        if len(begun) > 1 and _exceeds_path_length(last, len(begun) - 2):
            return
        if last in self._roots:
            if _serves(begun):
                yield begun
            return
        if len(begun) == MAX_DEPTH:
            return
        for candidate in self._all:
            if candidate not in begun and _is_issued_by(last, candidate):
                yield from self._chains((*begun, candidate), moment)


def _moment(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_before_utc + timedelta(seconds=1)


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject or not _may_sign_certificates(issuer):
        return False
    if isinstance(certificate.signature_hash_algorithm, hashes.SHA1 | hashes.MD5):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _may_sign_certificates(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return is_ca(certificate)
    return is_ca(certificate) and usage.key_cert_sign


def _exceeds_path_length(certificate: x509.Certificate, below: int) -> bool:
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    return constraints.path_length is not None and below > constraints.path_length


def _is_understood(certificate: x509.Certificate) -> bool:
    return all(not one.critical or one.oid in _KNOWN_EXTENSIONS for one in certificate.extensions)


def _serves(chain: Chain) -> bool:
    """Go asks for certificates that may serve TLS unless told otherwise, and Fabric does not tell it."""
    for one in chain:
        try:
            uses = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            continue
        if not _SERVER_USES.intersection(uses):
            return False
    return True


def _subject_key(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _authority_key(one: x509.CertificateRevocationList) -> bytes | None:
    try:
        return one.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def _is_signed_by(one: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        return False
    try:
        return one.is_signature_valid(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
