"""Proposals and transactions: what is in them, and bytes that are none."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, transaction_pb2
from hypothesis import given
from hypothesis import strategies as st

from node_client.protocol.block import parse_block
from node_client.protocol.codec import parse_exact
from node_client.protocol.errors import ProtocolError
from node_client.protocol.proposal import (
    NONCE_SIZE,
    Proposal,
    build_proposal,
    new_nonce,
    parse_headers,
    parse_proposal,
    proposal_hash,
    transaction_id,
)
from node_client.protocol.transaction import (
    ChaincodeEvent,
    Endorsement,
    assemble,
    build_event,
    build_response_payload,
    envelope,
    event_of,
    open_envelope,
    parse_response_payload,
    parse_transaction,
    results_of,
)

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"
NONCE = b"n" * NONCE_SIZE
TIME = datetime(2026, 4, 1, 12, 30, 5, 250_000, tzinfo=UTC)
EVENT = ChaincodeEvent("registry", "tx", "CertificateIssued", b"{}")


def proposal(transient: dict[str, bytes] | None = None) -> Proposal:
    return parse_proposal(
        build_proposal(
            channel="certificates",
            chaincode="registry",
            args=[b"IssueCertificate", b"", b"\xff"],
            creator=b"creator",
            nonce=NONCE,
            transient=transient,
            timestamp=TIME,
            tls_certificate_hash=b"hash",
        )
    )


def response(event: bytes = b"", result: bytes = b"result") -> bytes:
    return build_response_payload(
        proposal_hash=proposal().hash,
        chaincode="registry",
        chaincode_version="1",
        status=200,
        message="OK",
        payload=b"payload",
        result=result,
        event=event,
    )


def transaction() -> bytes:
    return assemble(
        proposal({"secret": b"transient"}), response(), [Endorsement(b"one", b"1"), Endorsement(b"two", b"2")]
    )


def test_a_proposal_says_what_it_was_made_of() -> None:
    found = proposal({"secret": b"transient"})
    assert (found.channel, found.chaincode, found.creator, found.nonce) == (
        "certificates",
        "registry",
        b"creator",
        NONCE,
    )
    assert found.args == (b"IssueCertificate", b"", b"\xff")
    assert (found.seconds, found.nanos) == (int(TIME.timestamp()), 250_000_000)
    assert found.tls_certificate_hash == b"hash"
    assert found.transient == {"secret": b"transient"}
    assert found.transaction_id == transaction_id(NONCE, b"creator") == sha256(NONCE + b"creator").hexdigest()
    assert (found.type, found.epoch) == (common_pb2.ENDORSER_TRANSACTION, 0)
    assert list(chaincode_pb2.ChaincodeInput.FromString(found.chaincode_input).args) == list(found.args)


def test_the_hash_leaves_transient_data_out() -> None:
    with_secret, without = proposal({"secret": b"transient"}), proposal()
    assert with_secret.data != without.data
    assert with_secret.hash == without.hash
    assert without.hash == proposal_hash(without.channel_header, without.signature_header, without.payload)
    assert b"transient" not in with_secret.payload


def test_equal_proposals_are_equal_byte_for_byte() -> None:
    assert proposal({"a": b"1", "b": b"2"}).data == proposal({"b": b"2", "a": b"1"}).data


def test_nonces_do_not_repeat() -> None:
    assert len({new_nonce() for _ in range(100)}) == 100
    assert len(new_nonce()) == NONCE_SIZE
    one, other = (
        parse_proposal(build_proposal(channel="c", chaincode="cc", args=[], creator=b"creator")) for _ in range(2)
    )
    assert one.transaction_id != other.transaction_id


def test_the_chaincode_is_the_one_that_the_header_names() -> None:
    message = proposal_pb2.Proposal.FromString(proposal().data)
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(message.payload)
    spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input)
    spec.chaincode_spec.chaincode_id.name = "another"
    payload.input = spec.SerializeToString()
    message.payload = payload.SerializeToString()
    assert parse_proposal(message.SerializeToString()).chaincode == "registry"


def test_a_response_says_what_it_was_made_of() -> None:
    found = parse_response_payload(response(build_event(EVENT)))
    assert (found.chaincode, found.chaincode_version) == ("registry", "1")
    assert (found.status, found.message, found.payload, found.result) == (200, "OK", b"payload", b"result")
    assert found.proposal_hash == proposal().hash
    assert found.event == EVENT
    assert parse_response_payload(response()).event is None


def test_a_transaction_says_what_it_was_made_of() -> None:
    data = transaction()
    found = parse_transaction(data)
    assert found.data == data
    assert found.endorsements == (Endorsement(b"one", b"1"), Endorsement(b"two", b"2"))
    assert found.response == parse_response_payload(response())
    assert found.proposal.hash == proposal().hash == found.response.proposal_hash
    assert found.proposal.transaction_id == proposal().transaction_id
    assert found.proposal.args == proposal().args
    assert found.proposal.transient == {}
    assert b"transient" not in data


def test_an_envelope_is_opened_as_it_was_closed() -> None:
    assert open_envelope(envelope(b"payload", b"signature")) == (b"payload", b"signature")


def inner(
    data: bytes,
) -> tuple[common_pb2.Payload, transaction_pb2.Transaction, transaction_pb2.ChaincodeActionPayload]:
    payload = common_pb2.Payload.FromString(data)
    found = transaction_pb2.Transaction.FromString(payload.data)
    return payload, found, transaction_pb2.ChaincodeActionPayload.FromString(found.actions[0].payload)


def unknown_field(data: bytes) -> bytes:
    return data + b"\xf8\x07\x01"


def test_a_transaction_has_one_action_of_its_own_creator() -> None:
    payload, found, _ = inner(transaction())
    for edit in ("none", "two", "another's"):
        changed = transaction_pb2.Transaction()
        changed.CopyFrom(found)
        if edit == "none":
            del changed.actions[:]
        elif edit == "two":
            changed.actions.append(found.actions[0])
        else:
            changed.actions[0].header = b""
        payload.data = changed.SerializeToString()
        with pytest.raises(ProtocolError):
            parse_transaction(payload.SerializeToString())


def test_what_is_not_the_encoding_of_its_own_content_is_refused() -> None:
    data = transaction()
    payload, found, action = inner(data)
    odd = [unknown_field(data)]
    payload.data = unknown_field(found.SerializeToString())
    odd.append(payload.SerializeToString())
    found.actions[0].payload = unknown_field(action.SerializeToString())
    payload.data = found.SerializeToString()
    odd.append(payload.SerializeToString())
    for one in odd:
        with pytest.raises(ProtocolError, match="not the encoding of its own content"):
            parse_transaction(one)


def test_fields_in_another_order_or_twice_are_not_the_encoding_of_their_content() -> None:
    data = envelope(b"payload", b"signature")
    reordered = (
        common_pb2.Envelope(signature=b"signature").SerializeToString()
        + common_pb2.Envelope(payload=b"payload").SerializeToString()
    )
    assert open_envelope(reordered) == open_envelope(data)
    for one in (reordered, data + data, unknown_field(data), data[:-1] + b"\x80\0"):
        with pytest.raises(ProtocolError):
            parse_exact(common_pb2.Envelope, one, "envelope")
    assert parse_exact(common_pb2.Envelope, data, "envelope").payload == b"payload"


def test_fabrics_own_transactions_are_assembled_again_to_the_same_bytes() -> None:
    seen = 0
    for number in range(1, 8):
        for one in parse_block((VECTORS / f"block{number}.pb").read_bytes()).envelopes:
            payload, signature = open_envelope(one)
            found = parse_transaction(payload)
            assert assemble(found.proposal, found.response.data, found.endorsements) == payload
            assert envelope(payload, signature) == one
            assert found.response.proposal_hash == found.proposal.hash
            seen += 1
    assert seen > 60


PARSERS = (
    parse_proposal,
    open_envelope,
    parse_response_payload,
    parse_transaction,
    lambda data: results_of(envelope(data, b"")),
    lambda data: event_of(envelope(data, b"")),
    lambda data: parse_headers(data, b""),
    lambda data: parse_headers(b"", data),
)


def check_refused_or_read(data: bytes) -> None:
    for parser in PARSERS:
        try:
            parser(data)
        except ProtocolError:
            continue


@given(st.binary(max_size=100))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    check_refused_or_read(data)


@given(
    st.integers(0), st.integers(0, 255), st.sampled_from([proposal({"secret": b"t"}).data, response(), transaction()])
)
def test_a_changed_byte_is_read_or_refused(place: int, byte: int, data: bytes) -> None:
    place %= len(data)
    check_refused_or_read(data[:place] + bytes([byte]) + data[place + 1 :])
    check_refused_or_read(data[:place])
