"""What the stub tells of a transaction without asking: arguments, origin, times, and the submitter's certificate."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2
from google.protobuf.message import DecodeError

from chaincode.shim import ChaincodeStub, ClientIdentity
from chaincode.shim.identity import ATTRIBUTES_OID, parse_identity
from chaincode.shim.stream import Message
from chaincode.testing import TestOrganisation
from tests.unit.chaincode.scripted_peer import proposal, transaction

CITY = TestOrganisation("CityMSP")


async def no_request(kind: object, payload: bytes) -> bytes:
    raise AssertionError("nothing is asked")


def stub(*args: bytes, **values: Any) -> ChaincodeStub:
    message = transaction("tx", *args)
    message.proposal.CopyFrom(proposal(**values))
    return ChaincodeStub(message, no_request)


def test_arguments_are_bytes_and_as_text_function_and_parameters() -> None:
    found = stub(b"F", "飯塚".encode(), b"")
    assert found.args == (b"F", "飯塚".encode(), b"")
    assert (found.function, found.parameters) == ("F", ("飯塚", ""))
    assert (found.tx_id, found.channel_id) == ("tx", "channel")
    assert (stub().function, stub().parameters) == ("", ())


def test_arguments_that_are_no_text_are_bytes_all_the_same() -> None:
    found = stub(b"\xff", b"\xfe")
    assert found.args == (b"\xff", b"\xfe")
    with pytest.raises(ValueError):
        _ = found.function
    with pytest.raises(ValueError):
        _ = found.parameters


def test_decorations_are_those_of_the_peer() -> None:
    call = chaincode_pb2.ChaincodeInput(decorations={"d": b"1"})
    assert ChaincodeStub(Message(payload=call.SerializeToString()), no_request).decorations == {"d": b"1"}


def test_transient_data_come_with_the_proposal() -> None:
    assert stub(transient={"a": b"1", "b": b""}).transient == {"a": b"1", "b": b""}
    assert stub().transient == {}


def test_the_signed_proposal_is_as_it_was_sent() -> None:
    sent = proposal(nonce=b"n")
    assert stub(nonce=b"n").signed_proposal == (sent.proposal_bytes, b"signature")


def test_the_binding_is_over_nonce_creator_and_epoch() -> None:
    header = common_pb2.ChannelHeader(epoch=0x0102030405060708)
    found = stub(channel_header=header, creator=b"CREATOR", nonce=b"NONCE")
    assert found.binding == sha256(b"NONCE" + b"CREATOR" + bytes([8, 7, 6, 5, 4, 3, 2, 1])).digest()
    assert found.creator == b"CREATOR"


@pytest.mark.parametrize(
    ("seconds", "nanos", "expected"),
    [
        (0, 0, "1970-01-01T00:00:00+00:00"),
        (1_700_000_000, 999_999_999, "2023-11-14T22:13:20.999999+00:00"),
        (253_402_300_799, 0, "9999-12-31T23:59:59+00:00"),
    ],
)
def test_the_timestamp_is_the_proposals_to_the_microsecond(seconds: int, nanos: int, expected: str) -> None:
    header = common_pb2.ChannelHeader()
    header.timestamp.seconds, header.timestamp.nanos = seconds, nanos
    assert stub(channel_header=header).timestamp.isoformat() == expected


@pytest.mark.parametrize("seconds", [253_402_300_800, -62_135_596_801, 2**63 - 1, -(2**63)])
def test_a_timestamp_that_is_no_date_is_a_value_error(seconds: int) -> None:
    header = common_pb2.ChannelHeader()
    header.timestamp.seconds = seconds
    with pytest.raises(ValueError, match="no date"):
        _ = stub(channel_header=header).timestamp


# The submitter


def test_the_submitters_attributes_and_units_are_its_certificates() -> None:
    creator = CITY.creator("issuer-01", unit="client", attributes={"certledger.role": "issuer", "a": "値"})
    identity = stub(creator=creator).client_identity
    assert identity.msp_id == "CityMSP"
    assert identity.attributes == {"certledger.role": "issuer", "a": "値"}
    assert identity.organizational_units == ("client",)
    with pytest.raises(TypeError):
        identity.attributes["certledger.role"] = "admin"  # type: ignore[index]


def test_a_certificate_without_attributes_has_none() -> None:
    assert parse_identity(CITY.creator("nobody")).attributes == {}


def test_one_creator_is_parsed_once() -> None:
    creator = CITY.creator("someone")
    assert parse_identity(creator) is parse_identity(creator)


def certificate(*extensions: bytes) -> bytes:
    """A certificate whose attribute extensions have these contents."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "someone")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        subject_name=name,
        issuer_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now,
        not_valid_after=now + timedelta(days=1),
    )
    for content in extensions:
        value = x509.UnrecognizedExtension(x509.ObjectIdentifier(ATTRIBUTES_OID), content)
        builder = builder.add_extension(value, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"not json",
        b"[]",
        b"null",
        b'"attrs"',
        b"{}",
        b'{"attrs": null}',
        b'{"attrs": ["certledger.role"]}',
        # As Go's attrmgr, which reads a map of text to text: one attribute that is none spoils all.
        b'{"attrs": {"certledger.role": "issuer", "other": 1}}',
        b'{"attrs": {"certledger.role": ["issuer"]}}',
        b'{"attrs": {"certledger.role": null}}',
        b"[" * 100_000,
    ],
    ids=lambda content: content[:60].decode(errors="replace"),
)
def test_malformed_attributes_are_none(content: bytes) -> None:
    assert ClientIdentity("CityMSP", certificate(content)).attributes == {}


def test_well_formed_attributes_are_read_where_malformed_ones_are_not() -> None:
    content = json.dumps({"attrs": {"certledger.role": "issuer"}}).encode()
    assert ClientIdentity("CityMSP", certificate(content)).attributes == {"certledger.role": "issuer"}


def test_a_creator_without_a_certificate_has_no_attributes_to_ask_for() -> None:
    identity = ClientIdentity("CityMSP", b"not a certificate")
    for name in ("certificate", "attributes", "organizational_units"):
        with pytest.raises(ValueError):
            getattr(identity, name)


def test_a_creator_that_is_no_identity_is_refused() -> None:
    with pytest.raises(DecodeError):
        _ = stub(creator=b"\xff").client_identity
