"""Who calls: users and nodes of the network, and those whom it must refuse."""

from dataclasses import replace
from datetime import timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from network.authority import Authority, KeyPair
from network.folder import Folder
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from tests.scenarios.gateway_errors.drafts import Person


class People:
    """The people of a network."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.organisations = {one.name: one for one in folder.topology().organisations}

    def user(self, organisation: str = "City", name: str = "issuer") -> Person:
        """A user of an organisation."""
        return self._person(organisation, f"users/{name}/msp")

    def node(self, kind: str) -> Person:
        """The city's peer or orderer."""
        return self._person("City", f"{kind}/msp")

    def _person(self, organisation: str, path: str) -> Person:
        home = self.folder.organisation(organisation) / path
        certificate = (home / "signcerts" / "cert.pem").read_bytes()
        signer = KeySigner.from_pem((home / "keystore" / "key.pem").read_bytes())
        return Person(Identity(self.organisations[organisation].msp_id, certificate), signer)

    @cached_property
    def foreigner(self) -> Person:
        """An issuer of the city, says an authority that nobody knows."""
        return _issued(Authority.create("City", "ca.city"))

    @cached_property
    def expired(self) -> Person:
        """An issuer of the city whose certificate has expired, and was in order until then."""
        ca = self.folder.organisation("City") / "ca"
        key = serialization.load_pem_private_key((ca / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        begin = x509.load_pem_x509_certificate((ca / "ca.crt").read_bytes()).not_valid_before_utc
        person = _issued(self._authority)
        valid = x509.load_pem_x509_certificate(person.identity.certificate)
        builder = (
            x509.CertificateBuilder(extensions=list(valid.extensions))
            .subject_name(valid.subject)
            .issuer_name(valid.issuer)
            .public_key(valid.public_key())
            .serial_number(valid.serial_number)
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(minutes=1))
        )
        certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return replace(person, identity=Identity("CityMSP", certificate))

    @cached_property
    def unitless(self) -> Person:
        """Someone whom the city's authority vouches for without saying what they are."""
        return _issued(self._authority, unit="nothing")

    @property
    def stateless(self) -> Person:
        """An issuer who names an organisation that does not exist."""
        issuer = self.user()
        return replace(issuer, identity=Identity("NowhereMSP", issuer.identity.certificate))

    @property
    def _authority(self) -> Authority:
        ca = self.folder.organisation("City") / "ca"
        return Authority.load(ca / "ca.key", ca / "ca.crt")


def _issued(authority: Authority, *, unit: str = "client", lifetime: timedelta = timedelta(days=1)) -> Person:
    attributes = {"certledger.role": "issuer"}
    pair: KeyPair = authority.issue_identity("issuer-01", unit=unit, attributes=attributes, lifetime=lifetime)
    return Person(Identity("CityMSP", pair.certificate), KeySigner.from_pem(pair.key))
