"""Certificates from an authority outside: requests that go out, and certificates that come in.

Private keys are made here and stay. `<Organisation>/requests/` has a request for every certificate that is needed, as
`<name>.csr`, until the certificates have come in. What the authority answers comes in one folder: `<name>.crt` for
each, `ca.pem` with the authorities of identities and `tlsca.pem` with those of TLS, up to their roots.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from network.authority import has_issued, key_pem, new_key, write_private
from network.crypto import AuthorityCertificates
from network.errors import FolderError, NetworkError
from network.places import ROLES, Place, node_places, user_places
from network.topology import Organisation
from node_client.durable import sync_tree
from node_client.protocol.chains import Authorities
from node_client.protocol.errors import ProtocolError

REQUESTS = "requests"
AUTHORITIES, TLS_AUTHORITIES = "ca.pem", "tlsca.pem"


def places_of(organisation: Organisation) -> list[Place]:
    """Every certificate that an organisation needs to begin with."""
    return [*node_places(organisation), *(place for role in ROLES for place in user_places(role, role))]


def make_requests(home: Path, organisation: Organisation) -> None:
    """Make the requests for an organisation's certificates, and the keys that are not there yet.

    Args:
        home: the organisation's folder; made here when it is not there.

    Raises:
        OSError: they cannot be written.
        ValueError: a key cannot be read.
    """
    home.mkdir(mode=0o700, exist_ok=True)
    (home / REQUESTS).mkdir(exist_ok=True)
    for place in places_of(organisation):
        path = home / place.key
        if path.exists():
            key = _key(path)
        else:
            key = new_key()
            write_private(path, key_pem(key))
        request = place.credential.request(key).public_bytes(Encoding.PEM)
        (home / REQUESTS / f"{place.name}.csr").write_bytes(request)


def is_incomplete(home: Path) -> bool:
    """Whether an organisation has never had its certificates: they have been asked for, and did not come in."""
    return (home / REQUESTS).is_dir() and not (home / "msp").exists()


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is not an elliptic-curve key")
    return key


def take_in(home: Path, organisation: Organisation, folder: Path) -> None:
    """Take in the certificates that an authority outside has made for the requests; all of them, or none.

    Args:
        folder: where they are.

    Raises:
        FolderError: there are no requests, or the folder cannot be written.
        NetworkError: a certificate is missing, or is not what was asked for.
    """
    if not (home / REQUESTS).is_dir():
        raise FolderError(
            f"{organisation.name} has asked for no certificates",
            "requests are made with: certledger network init-org --csr, and network renew",
        )
    roots, intermediates = _authorities(folder / AUTHORITIES)
    tls_roots, tls_intermediates = _authorities(folder / TLS_AUTHORITIES)
    above = AuthorityCertificates(
        roots=_pems(roots),
        tls_roots=_pems(tls_roots),
        intermediates=_pems(intermediates),
        tls_intermediates=_pems(tls_intermediates),
    )
    try:
        identities = Authorities(organisation.msp_id, roots, intermediates, [])
        Authorities(organisation.msp_id, tls_roots, tls_intermediates, [])
    except ProtocolError as error:
        raise NetworkError(f"{folder} has authorities that cannot be used: {error}") from error
    tls = partial(_tls_chain, [*tls_roots, *tls_intermediates])
    taken = [
        (place, _checked(home, place, folder, tls if place.is_tls else identities.chain))
        for place in places_of(organisation)
    ]
    temporary = Path(mkdtemp(prefix=".taken-", dir=home))
    try:
        for place, chain in taken:
            _write(temporary / place.certificate, b"".join(chain if place.is_tls else chain[:1]))
            above.write_above(temporary, place)
        above.write_msp(temporary / "msp")
        _write(temporary / "ca" / "ca.crt", b"".join((*above.roots, *above.intermediates)))
        _write(temporary / "tlsca" / "tlsca.crt", b"".join((*above.tls_roots, *above.tls_intermediates)))
        sync_tree(temporary)
        _move(temporary, home)
        rmtree(home / REQUESTS)
    except OSError as error:
        raise FolderError(f"the certificates cannot be written: {error}") from error
    finally:
        rmtree(temporary, ignore_errors=True)


def _checked(
    home: Path, place: Place, folder: Path, chain_of: Callable[[x509.Certificate], Sequence[x509.Certificate]]
) -> list[bytes]:
    """A place's certificate and those above it without the root, checked. Raises NetworkError."""
    path = folder / f"{place.name}.crt"
    certificate = _certificates(path)[0]
    if certificate.public_key() != _key(home / place.key).public_key():
        raise NetworkError(f"{path} is of another key than was asked for", "have it made of this site's request")
    if faults := place.credential.faults(certificate):
        raise NetworkError(f"{path} {faults[0]}", "have it made as the request says")
    if certificate.not_valid_after_utc < datetime.now(UTC):
        raise NetworkError(f"{path} has expired")
    try:
        chain = chain_of(certificate)
    except ProtocolError as error:
        name = TLS_AUTHORITIES if place.is_tls else AUTHORITIES
        raise NetworkError(f"{path}: {error}", f"{name} must have its authorities, up to the root") from error
    return _pems(chain[:-1])


def _tls_chain(authorities: Sequence[x509.Certificate], certificate: x509.Certificate) -> list[x509.Certificate]:
    """The chain from a TLS certificate to its root, both included. Raises ProtocolError: there is none.

    An MSP's rules are not for it: they admit no certificate that is for TLS clients alone.
    """
    chain = [certificate]
    while chain[-1].issuer != chain[-1].subject:
        above = next((one for one in authorities if has_issued(one, chain[-1])), None)
        if above is None or above in chain:
            raise ProtocolError("the certificate does not come from these authorities")
        chain.append(above)
    return chain


def _authorities(path: Path) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """The roots and the others in a file with authorities. Raises NetworkError."""
    found = _certificates(path)
    roots = [one for one in found if one.issuer == one.subject]
    return roots, [one for one in found if one.issuer != one.subject]


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise NetworkError(
            f"{path} cannot be read: {error.strerror}", "put every certificate into one folder"
        ) from error
    except ValueError as error:
        raise NetworkError(f"{path} has no certificate in PEM") from error


def _pems(certificates: Iterable[x509.Certificate]) -> list[bytes]:
    return [one.public_bytes(Encoding.PEM) for one in certificates]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _move(source: Path, target: Path) -> None:
    """Move files between folders that are there; the MSP last, for where it is all is."""
    files: Sequence[Path] = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.parts[0] == "msp"):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).replace(target / path)
