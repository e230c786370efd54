"""Revocation lists: what is in them, how they follow each other, and what does not pass for one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from network import revocation
from network.authority import Authority
from network.errors import NetworkError

NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("City", "ca.city")


def certificate(authority: Authority, name: str = "issuer-01") -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.issue_identity(name, unit="client").certificate)


def numbered(one: x509.CertificateRevocationList) -> int:
    return one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_a_list_has_what_the_ones_before_it_had(authority: Authority) -> None:
    first, second = certificate(authority), certificate(authority)
    one = revocation.extended(authority, [], [first], "keyCompromise", now=NOW)
    two = revocation.extended(authority, [one], [second])
    assert [numbered(one), numbered(two)] == [1, 2]
    entries = {entry.serial_number: entry for entry in two}
    assert set(entries) == {first.serial_number, second.serial_number}
    kept = entries[first.serial_number]
    assert kept.revocation_date_utc == NOW
    reason = kept.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise
    assert not list(entries[second.serial_number].extensions)  # no reason is stated as none
    assert revocation.joined([one], two) == [two]
    assert [revocation.is_listed(each, [one]) for each in (first, second)] == [True, False]


def test_the_list_says_whose_it_is_and_does_not_run_out_before_its_authority(authority: Authority) -> None:
    one = revocation.extended(authority, [], [])
    root = x509.load_pem_x509_certificate(authority.pair.certificate)
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    stated = one.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert stated.key_identifier == identifier.digest
    assert (one.issuer, one.next_update_utc) == (root.subject, root.not_valid_after_utc)
    assert authority.has_signed(one)


def test_a_list_of_another_authority_stays_beside_it(authority: Authority) -> None:
    other = Authority.create("City", "ca2.city")
    theirs = revocation.extended(other, [], [certificate(other)])
    ours = revocation.extended(authority, [theirs], [certificate(authority)])
    assert (len(ours), numbered(ours)) == (1, 1)
    assert revocation.joined([theirs], ours) == [theirs, ours]


def test_nothing_that_was_revoked_is_let_go(authority: Authority) -> None:
    earlier = revocation.extended(authority, [], [certificate(authority)])
    with pytest.raises(NetworkError, match="lacks certificates"):
        revocation.joined([earlier], revocation.extended(authority, [], [certificate(authority)]))


def test_a_certificate_of_another_authority_is_not_this_ones_to_revoke(authority: Authority) -> None:
    foreign = certificate(Authority.create("City", "ca.city"))  # of the same name
    with pytest.raises(NetworkError, match="another authority"):
        revocation.extended(authority, [], [foreign])


def test_what_is_no_list_is_refused() -> None:
    for data in (b"", b"list", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"):
        with pytest.raises(NetworkError, match="cannot be read"):
            revocation.read_lists([data])


def test_a_node_is_revoked_as_its_organisations_folder_says(tmp_path: Path, authority: Authority) -> None:
    peer = certificate(authority, "peer0.city")
    place = tmp_path / "peer" / "msp" / "signcerts"
    place.mkdir(parents=True)
    (place / "cert.pem").write_bytes(peer.public_bytes(revocation.Encoding.PEM))
    assert not revocation.node_is_revoked(tmp_path, "peer")
    (tmp_path / "msp" / "crls").mkdir(parents=True)
    listed = revocation.extended(authority, [], [peer])
    (tmp_path / "msp" / "crls" / "ca.pem").write_bytes(revocation.to_pem(listed))
    assert revocation.node_is_revoked(tmp_path, "peer")
