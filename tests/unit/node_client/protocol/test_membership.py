"""Members of an organisation, as MSPs admit them: what the recorded verdicts leave open."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.msp import identities_pb2, msp_config_pb2, msp_principal_pb2
from hypothesis import given
from hypothesis import strategies as st

from node_client.identity.signer import CURVE_ORDERS
from node_client.protocol.certificates import canonical_der, load_certificate
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, Msp, MspError, MspManager, UnknownIssuer, is_expired
from tests.authorities import Ca, Holder, msp_config, with_other_s

ROOT = Ca.root()
CITY = Msp(msp_config("CityMSP", [ROOT]))
MANAGER = MspManager([CITY])
CLIENT = ROOT.issue("issuer-01", "client")


def member(holder: Holder, manager: MspManager = MANAGER) -> Member:
    return manager.member(holder.serialized("CityMSP"))


def certificate_with(pem: bytes) -> bytes:
    return identities_pb2.SerializedIdentity(mspid="CityMSP", id_bytes=pem).SerializeToString()


def test_a_foreign_ca_of_the_same_name_is_told_from_the_own_one() -> None:
    foreign = Ca.root().issue("issuer-01", "client")
    with pytest.raises(UnknownIssuer, match="does not come from a CA of CityMSP"):
        CITY.validate(member(foreign))


def test_an_unknown_organisation_is_named() -> None:
    with pytest.raises(MspError, match="MSP RuralMSP is unknown"):
        MANAGER.member(CLIENT.serialized("RuralMSP"))


def test_a_refusal_is_repeated_and_remembered() -> None:
    foreign = member(Ca.root().issue("issuer-01", "client"))
    for _ in range(2):
        with pytest.raises(UnknownIssuer):
            CITY.validate(foreign)
    assert not CITY.has_role(foreign, "member")


def test_a_member_has_exactly_the_role_of_its_unit() -> None:
    for role in ("client", "peer", "admin", "orderer"):
        someone = member(ROOT.issue("someone", role))
        held = {one for one in ("member", "client", "peer", "admin", "orderer") if CITY.has_role(someone, one)}
        assert held == {"member", role}


def test_an_expired_member_still_belongs_to_its_organisation() -> None:
    begin = (datetime.now(UTC) - timedelta(hours=18)).replace(microsecond=0)
    late = member(ROOT.issue("issuer-01", "client", begin=begin, lifetime=timedelta(hours=1)))
    CITY.validate(late)
    assert is_expired(late)
    assert not is_expired(late, begin + timedelta(hours=1))
    assert is_expired(late, begin + timedelta(hours=1, seconds=1))


def test_both_forms_of_a_certificates_signature_are_one_identity() -> None:
    other = MANAGER.valid_member(certificate_with(with_other_s(CLIENT.pem)))
    assert other.certificate != member(CLIENT).certificate
    assert other.key == member(CLIENT).key
    assert member(ROOT.issue("issuer-01", "client")).key != member(CLIENT).key


def test_the_canonical_form_has_a_low_s_whichever_form_it_is_made_of() -> None:
    both = [load_certificate(CLIENT.pem), load_certificate(with_other_s(CLIENT.pem))]
    canonical = {canonical_der(one, ROOT.certificate) for one in both}
    assert len(canonical) == 1
    (der,) = canonical
    written = x509.load_der_x509_certificate(der)
    assert decode_dss_signature(written.signature)[1] <= CURVE_ORDERS["secp256r1"] // 2
    written.verify_directly_issued_by(ROOT.certificate)


def test_the_issuers_own_certificate_may_follow_and_is_not_looked_at() -> None:
    followed = MANAGER.valid_member(certificate_with(CLIENT.pem + ROOT.pem))
    assert followed.key == member(CLIENT).key


def test_a_signature_holds_for_its_message_alone_and_with_a_low_s_alone() -> None:
    someone, signature = member(CLIENT), CLIENT.sign(b"message")
    r, s = decode_dss_signature(signature)
    assert someone.verify(signature, b"message")
    assert not someone.verify(signature, b"another")
    assert not someone.verify(encode_dss_signature(r, CURVE_ORDERS["secp256r1"] - s), b"message")
    assert not someone.verify(b"", b"message")
    assert not someone.verify(signature + b"\0", b"message")


def test_a_p384_key_signs_what_is_hashed_with_sha256() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    someone = ROOT.issue("issuer-01", "client", key=key)
    assert member(someone).verify(someone.sign(b"message"), b"message")
    order = CURVE_ORDERS["secp384r1"]
    r, s = decode_dss_signature(key.sign(b"message", ec.ECDSA(hashes.SHA384())))
    assert not member(someone).verify(encode_dss_signature(r, min(s, order - s)), b"message")


def test_an_ed25519_key_signs_the_message_itself() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    someone = member(ROOT.issue("issuer-01", "client", key=key))
    CITY.validate(someone)
    assert someone.verify(key.sign(b"message"), b"message")
    assert not someone.verify(key.sign(b"message"), b"another")


def test_the_revoked_are_refused_at_once_whatever_the_time_of_revocation() -> None:
    # `Ca.crl` states a time of revocation that is still to come.
    msp = Msp(msp_config("CityMSP", [ROOT], revocations=[ROOT.crl(CLIENT.certificate)]))
    with pytest.raises(MspError, match="revoked"):
        msp.validate(member(CLIENT, MspManager([msp])))
    assert msp.is_revoked(CLIENT.certificate)
    assert not msp.is_revoked(ROOT.issue("issuer-02", "client").certificate)


def test_nobody_but_the_ca_revokes() -> None:
    by_another_key = ROOT.crl(CLIENT.certificate, key=Ca.root().key)
    by_a_namesake = Ca.root().crl(CLIENT.certificate)
    msp = Msp(msp_config("CityMSP", [ROOT], revocations=[by_another_key, by_a_namesake]))
    msp.validate(member(CLIENT, MspManager([msp])))
    assert not msp.is_revoked(CLIENT.certificate)


def test_a_definition_that_is_none_is_refused() -> None:
    message = msp_config_pb2.FabricMSPConfig.FromString(msp_config("CityMSP", [ROOT]))
    message.revocation_list.append(b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    for config in (b"", b"\xff", b"\x0a\x01C", message.SerializeToString()):
        with pytest.raises(ProtocolError):
            Msp(config)


def test_combined_principals_nested_without_end_do_no_harm() -> None:
    kind = msp_principal_pb2.MSPPrincipal
    role = msp_principal_pb2.MSPRole(msp_identifier="CityMSP", role=msp_principal_pb2.MSPRole.CLIENT)
    principal = kind(principal_classification=kind.ROLE, principal=role.SerializeToString())
    for _ in range(3000):
        combined = msp_principal_pb2.CombinedPrincipal(principals=[principal])
        principal = kind(principal_classification=kind.COMBINED, principal=combined.SerializeToString())
    assert MANAGER.satisfies(member(CLIENT), principal)
    assert not MANAGER.satisfies(member(ROOT.issue("peer0", "peer")), principal)


@given(st.binary(max_size=60))
def test_garbage_is_nobody_and_asks_for_nobody(data: bytes) -> None:
    for one in (data, b"\x0a\x07CityMSP" + data, certificate_with(data)):
        with pytest.raises(ProtocolError):
            MANAGER.valid_member(one)
    kind = msp_principal_pb2.MSPPrincipal
    for classification in kind.Classification.values():
        principal = kind(principal_classification=classification, principal=data)  # type: ignore[arg-type]
        assert MANAGER.satisfies(member(CLIENT), principal) in (False, classification == kind.ANONYMITY)
