"""The registry's records, ids, statuses, commitments and inclusion proofs."""

import json
from hashlib import sha256

import pytest

from chaincode.registry.model import ids, keys, merkle
from chaincode.registry.model.commitment import commitment, new_salt
from chaincode.registry.model.records import BatchRecord, CertificateRecord, RecordError, StatusRecord
from chaincode.registry.model.status import Reason, Status, may_become

ID = "0123456789abcdef0123456789abcdef"


def test_ids_are_random_and_lower_case_hex_of_their_length_only() -> None:
    assert ids.is_id(ids.new_id())
    assert ids.new_id() != ids.new_id()
    for text in ("", ID[:-1], ID + "0", ID.upper(), ID[:-1] + "g", ID + "\n", " " + ID[:-1], "０" * 32):
        assert not ids.is_id(text)
        assert not ids.is_digest(text + text)
    assert ids.is_digest(ID + ID)


def test_a_commitment_is_over_tag_salt_and_statement() -> None:
    salt = bytes(range(32))
    expected = sha256(b"certledger/v1/commitment" + b"\0" + salt + b'{"a":1}').hexdigest()
    assert commitment(salt, b'{"a":1}') == expected
    assert len(new_salt()) == 32
    assert new_salt() != new_salt()
    for wrong in (b"", salt[:-1], salt + b"\0"):
        with pytest.raises(ValueError, match="32 bytes"):
            commitment(wrong, b"{}")


def test_keys_of_different_kinds_do_not_meet() -> None:
    assert keys.certificate_key(ID) == f"\0certificate\0{ID}\0"
    assert keys.batch_key(ID) == f"\0batch\0{ID}\0"
    assert keys.status_key(ID, "ab") == f"\0status\0{ID}\0ab\0"


@pytest.mark.parametrize("current", Status)
@pytest.mark.parametrize("following", Status)
def test_a_status_changes_only_so(current: Status, following: Status) -> None:
    allowed = {
        ("active", "suspended"),
        ("active", "revoked"),
        ("active", "superseded"),
        ("suspended", "active"),
        ("suspended", "revoked"),
        ("suspended", "superseded"),
    }
    assert may_become(current, following) == ((current, following) in allowed)
    assert current.final == (current in ("revoked", "superseded"))


CERTIFICATE = CertificateRecord(ID, "c", "CityMSP", "2026-01-01T00:00:00Z", "tx")
RECORDS = [
    CERTIFICATE,
    CERTIFICATE.with_status(Status.REVOKED, Reason.KEY_COMPROMISE),
    CERTIFICATE.with_status(Status.SUPERSEDED, Reason.SUPERSEDED, superseded_by="other"),
    CertificateRecord(ID, "c", "CityMSP", "t", "tx", supersedes="old"),
    BatchRecord(ID, "root", 5, "CityMSP", "t", "tx"),
    StatusRecord(ID, "leaf", 3, "CityMSP", "t", "tx", Status.SUSPENDED, Reason.CERTIFICATE_HOLD),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{type(record).__name__}-{record.to_dict()}"[:60])
def test_a_record_is_read_back_from_its_one_form(record: CertificateRecord) -> None:
    data = record.to_bytes()
    assert type(record).from_bytes(data) == record
    values = json.loads(data)
    for other in (
        json.dumps(values).encode(),
        json.dumps({**values, "more": 1}, separators=(",", ":"), sort_keys=True).encode(),
        json.dumps(dict(sorted(values.items(), reverse=True)), separators=(",", ":")).encode(),
        data + b" ",
    ):
        with pytest.raises(RecordError):
            type(record).from_bytes(other)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"1", b"null", b"\xff", b'{"schema":"certledger/v1/certificate"}'])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    for kind in (CertificateRecord, BatchRecord, StatusRecord):
        with pytest.raises(RecordError):
            kind.from_bytes(data)


def test_a_record_of_one_kind_is_none_of_another() -> None:
    for record in RECORDS:
        for kind in {CertificateRecord, BatchRecord, StatusRecord} - {type(record)}:
            with pytest.raises(RecordError):
                kind.from_bytes(record.to_bytes())


@pytest.mark.parametrize(
    ("name", "value"),
    [("commitment", None), ("issuerMsp", 5), ("status", "lost"), ("reason", "because"), ("issuedAt", ["t"])],
)
def test_a_record_with_a_wrong_value_is_refused(name: str, value: object) -> None:
    values = {**CERTIFICATE.to_dict(), name: value}
    data = json.dumps(
        {k: v for k, v in values.items() if v is not None}, separators=(",", ":"), sort_keys=True
    ).encode()
    with pytest.raises(RecordError):
        CertificateRecord.from_bytes(data)


def test_the_same_issue_is_the_same_but_for_time_and_transaction() -> None:
    again = CertificateRecord(ID, "c", "CityMSP", "another time", "another transaction", Status.REVOKED)
    assert CERTIFICATE.same_issue(again)
    assert not CERTIFICATE.same_issue(CertificateRecord(ID, "d", "CityMSP", "t", "tx"))
    assert not CERTIFICATE.same_issue(CertificateRecord(ID, "c", "OtherMSP", "t", "tx"))
    assert not CERTIFICATE.same_issue(CertificateRecord(ID, "c", "CityMSP", "t", "tx", supersedes="x"))


# Inclusion, against RFC 9162's own definitions of root and path (§2.1.1, §2.1.3.1)


def split(count: int) -> int:
    """The largest power of two below the count."""
    return 1 << (count - 1).bit_length() - 1


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return sha256(b"\1" + root(leaves[:middle]) + root(leaves[middle:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return [*path(index, leaves[:middle]), root(leaves[middle:])]
    return [*path(index - middle, leaves[middle:]), root(leaves[:middle])]


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33, 100])
def test_every_leaf_of_a_tree_is_shown_by_its_path_and_by_no_other(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    top = root(leaves)
    for index, leaf in enumerate(leaves):
        proof = path(index, leaves)
        assert merkle.verify_inclusion(leaf, index, size, proof, top)
        assert not merkle.verify_inclusion(merkle.leaf_hash(b"other"), index, size, proof, top)
        assert not merkle.verify_inclusion(leaf, index, size, proof, merkle.leaf_hash(b"other"))
        assert not merkle.verify_inclusion(leaf, index, size, [*proof, top], top)
        assert not merkle.verify_inclusion(leaf, size, size, proof, top)
        assert not merkle.verify_inclusion(leaf, -1, size, proof, top)
        if proof:
            assert not merkle.verify_inclusion(leaf, index, size, proof[:-1], top)
            assert not merkle.verify_inclusion(leaf, index, size, [*proof[:-1], proof[-1][::-1]], top)
            assert not merkle.verify_inclusion(leaf, index ^ 1, size, proof, top)


def test_a_leaf_and_a_node_are_hashed_apart() -> None:
    assert merkle.leaf_hash(b"x") == sha256(b"\0x").digest()
    assert merkle.node_hash(b"a", b"b") == sha256(b"\1ab").digest()
    assert merkle.certificate_leaf(ID, "a1" * 32) == bytes.fromhex(ID) + b"\xa1" * 32
    left, right = merkle.leaf_hash(b"l"), merkle.leaf_hash(b"r")
    forged = merkle.leaf_hash(left + right)  # the inside of a node is no leaf
    assert not merkle.verify_inclusion(forged, 0, 1, [], merkle.node_hash(left, right))
