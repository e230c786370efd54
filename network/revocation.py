"""Revocation lists (RFC 5280 §5) of an organisation's certificate authority.

Fabric looks at a list's entries and its signature, and at nothing else: a list works at once, whatever times it states,
and it does not run out. It names its authority by the authority key identifier. A list replaces its authority's
earlier one, so it has that one's entries as well, and the next number.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from network.authority import Authority
from network.errors import NetworkError

REASONS = {one.value: one for one in x509.ReasonFlags if one is not x509.ReasonFlags.remove_from_crl}
CRLS = "crls"  # in an MSP's folder
UNSPECIFIED = x509.ReasonFlags.unspecified.value


def read_lists(pems: Iterable[bytes]) -> list[x509.CertificateRevocationList]:
    """Revocation lists in PEM or DER. Raises NetworkError when one is none."""
    found = []
    for data in pems:
        try:
            load = x509.load_pem_x509_crl if b"-----BEGIN" in data else x509.load_der_x509_crl
            found.append(load(data))
        except ValueError as error:
            raise NetworkError(f"a revocation list cannot be read: {error}") from error
    return found


def kept_lists(home: Path) -> list[bytes]:
    """The lists, in PEM, that an organisation's folder has. Raises OSError."""
    kept = home / "msp" / CRLS
    return [path.read_bytes() for path in sorted(kept.glob("*.pem"))] if kept.is_dir() else []


def node_is_revoked(home: Path, node: str) -> bool:
    """Whether a node of an organisation, by its folder such as `peer`, has been revoked, as far as is known here.

    Raises:
        OSError, NetworkError: the organisation's folder cannot be read.
    """
    lists = read_lists(kept_lists(home))
    return bool(lists) and is_listed(
        x509.load_pem_x509_certificate((home / node / "msp" / "signcerts" / "cert.pem").read_bytes()), lists
    )


def is_listed(certificate: x509.Certificate, lists: Iterable[x509.CertificateRevocationList]) -> bool:
    """Whether one of the lists of the certificate's issuer has the certificate."""
    return any(
        one.issuer == certificate.issuer
        and one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        for one in lists
    )


def extended(
    authority: Authority,
    lists: Sequence[x509.CertificateRevocationList],
    certificates: Iterable[x509.Certificate],
    reason: str = UNSPECIFIED,
    *,
    now: datetime | None = None,
) -> x509.CertificateRevocationList:
    """The authority's next list: what its earlier lists have, and these certificates.

    Args:
        lists: earlier ones; those of other authorities do not count.
        reason: why these certificates are revoked, such as keyCompromise (RFC 5280 §5.3.1).

    Raises:
        NetworkError: a certificate is of another authority.
    """
    now = now or datetime.now(UTC)
    own = [one for one in lists if authority.has_signed(one)]
    entries = {entry.serial_number: entry for one in own for entry in one}
    for certificate in certificates:
        if not authority.has_issued(certificate):
            raise NetworkError(
                "the certificate comes from another authority than the one whose key is here",
                "have its authority make a revocation list, and give it with --crl",
            )
        if certificate.serial_number not in entries:
            entries[certificate.serial_number] = _entry(certificate, reason, now)
    return authority.sign_revocation_list(list(entries.values()), number=max(map(_number, own), default=0) + 1, now=now)


def joined(
    lists: Sequence[x509.CertificateRevocationList], new: x509.CertificateRevocationList
) -> list[x509.CertificateRevocationList]:
    """The lists with a new one, which takes the place of its authority's earlier ones.

    Raises:
        NetworkError: it lacks something that the earlier ones have, or does not say whose it is.
    """
    if _authority_key(new) is None:
        raise NetworkError("the revocation list has no authority key identifier, without which it counts for nothing")
    kept = []
    for one in lists:
        if _authority_key(one) != _authority_key(new):
            kept.append(one)
            continue
        if any(new.get_revoked_certificate_by_serial_number(entry.serial_number) is None for entry in one):
            raise NetworkError("the revocation list lacks certificates that have been revoked before")
    return [*kept, new]


def authority_name(one: x509.CertificateRevocationList) -> str:
    """A name for the authority of a list, by its key."""
    return (_authority_key(one) or b"").hex()[:16]


def to_pem(one: x509.CertificateRevocationList) -> bytes:
    """A list in PEM."""
    return one.public_bytes(Encoding.PEM)


def _entry(certificate: x509.Certificate, reason: str, now: datetime) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now)
    if reason != UNSPECIFIED:  # which RFC 5280 §5.3.1 wants left out
        builder = builder.add_extension(x509.CRLReason(REASONS[reason]), critical=False)
    return builder.build()


def _number(one: x509.CertificateRevocationList) -> int:
    try:
        return one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def _authority_key(one: x509.CertificateRevocationList) -> bytes | None:
    try:
        return one.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None
