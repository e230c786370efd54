"""A certificate authority outside an organisation, with others between its root and what it issues."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.authorities import Ca

ROOT, TLS_ROOT = Ca.root("ca.outside"), Ca.root("tlsca.outside")
MIDDLE, TLS_MIDDLE = ROOT.ca("sub.outside"), TLS_ROOT.ca("sub.tlsca.outside")

Change = Callable[[x509.CertificateBuilder, x509.CertificateSigningRequest], x509.CertificateBuilder]


def signed(request: x509.CertificateSigningRequest, authority: Ca, change: Change | None = None) -> bytes:
    """The certificate that an authority makes of a request."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.certificate.not_valid_before_utc + timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=30))
    )
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False)
    if change:
        builder = change(builder, request)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


def answer(requests: Path, target: Path, change: Change | None = None, name: str = "") -> Path:
    """Make the certificates of all requests; of the one of this name a changed one."""
    target.mkdir(exist_ok=True)
    for path in requests.glob("*.csr"):
        request = x509.load_pem_x509_csr(path.read_bytes())
        authority = TLS_MIDDLE if path.stem.endswith(".tls") else MIDDLE
        data = signed(request, authority, change if path.stem == name else None)
        (target / f"{path.stem}.crt").write_bytes(data)
    (target / "ca.pem").write_bytes(MIDDLE.pem + ROOT.pem)
    (target / "tlsca.pem").write_bytes(TLS_ROOT.pem + TLS_MIDDLE.pem)
    return target
