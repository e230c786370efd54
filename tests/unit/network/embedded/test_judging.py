"""The codes that transactions get before their reads are compared, as Fabric's validators give them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2

from chaincode.ledger.memory_state import MemoryState
from node_client.identity.signer import CURVE_ORDERS
from node_client.protocol.block import new_block
from node_client.protocol.transaction import ChaincodeEvent, Endorsement
from node_client.protocol.transaction import envelope as sealed
from node_client.protocol.validation import Code, Judged, judge_block
from tests.unit.network.embedded.small_channel import (
    CHANNEL,
    Sent,
    config,
    define,
    definition_writes,
    people,
    simulated,
)


@pytest.fixture
def state() -> MemoryState:
    state = MemoryState()
    define(state, "cc")
    return state


WRITE = simulated(MemoryState(), lambda one: one.put("cc", "a", b"1")).public


def judged(state: MemoryState, *envelopes: bytes, known: frozenset[str] = frozenset()) -> list[Judged]:
    return judge_block(new_block(1, b"", envelopes), config(), state, lambda tx_id: tx_id in known)


def code_of(state: MemoryState, sent: Sent) -> str:
    (one,) = judged(state, sent.envelope())
    return Code.Name(one.code)


def test_a_transaction_that_enough_have_endorsed_is_valid_so_far(state: MemoryState) -> None:
    (one,) = judged(state, Sent(result=WRITE).envelope())
    assert one.code == Code.VALID
    assert one.tx_id == Sent().tx_id
    assert one.sets is not None
    assert one.sets["cc"].writes["a"].value == b"1"


def test_an_envelope_that_cannot_be_read(state: MemoryState) -> None:
    unreadable = b"\xff"
    no_payload = common_pb2.Envelope(payload=b"\xff", signature=b"1").SerializeToString()
    header = common_pb2.Header(channel_header=b"\xff", signature_header=b"")
    no_header = common_pb2.Envelope(payload=common_pb2.Payload(header=header).SerializeToString()).SerializeToString()
    assert [Code.Name(one.code) for one in judged(state, b"", unreadable, no_payload, no_header)] == [
        "BAD_COMMON_HEADER",
        "INVALID_OTHER_REASON",
        "BAD_PAYLOAD",
        "BAD_COMMON_HEADER",
    ]


def _set(name: str, value: object) -> Callable[[common_pb2.ChannelHeader, common_pb2.SignatureHeader], object]:
    def change(channel: common_pb2.ChannelHeader, signature: common_pb2.SignatureHeader) -> None:
        setattr(channel if name in channel.DESCRIPTOR.fields_by_name else signature, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_set("epoch", 1), "BAD_COMMON_HEADER"),
        (_set("nonce", b""), "BAD_COMMON_HEADER"),
        (_set("creator", b""), "BAD_COMMON_HEADER"),
        (_set("type", common_pb2.MESSAGE), "BAD_COMMON_HEADER"),
        (_set("type", common_pb2.CONFIG_UPDATE), "UNSUPPORTED_TX_PAYLOAD"),
        (_set("nonce", b"other"), "BAD_PROPOSAL_TXID"),
        (_set("tx_id", ""), "BAD_PROPOSAL_TXID"),
        (_set("channel_id", "other"), "BAD_CREATOR_SIGNATURE"),
        (_set("creator", b"nobody"), "BAD_CREATOR_SIGNATURE"),
    ],
)
def test_headers_that_are_not_as_they_must_be(
    state: MemoryState, change: Callable[[common_pb2.ChannelHeader, common_pb2.SignatureHeader], object], code: str
) -> None:
    assert code_of(state, Sent(result=WRITE, change_header=change)) == code


def _configuration(creator: bytes, nonce: bytes = b"nonce", epoch: int = 0, tx_id: str = "") -> bytes:
    header = common_pb2.Header(
        channel_header=common_pb2.ChannelHeader(
            type=common_pb2.CONFIG, channel_id=CHANNEL, epoch=epoch, tx_id=tx_id
        ).SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
    )
    payload = common_pb2.Payload(header=header, data=b"configuration").SerializeToString()
    return sealed(payload, people("City").client.sign(payload))


def test_a_configuration_has_its_header_and_its_creators_signature_checked(state: MemoryState) -> None:
    city, other = people("City").client_identity, people("Nishitetsu").client_identity
    found = [
        _configuration(city),
        _configuration(other),
        _configuration(b"nobody"),
        _configuration(b""),
        _configuration(city, nonce=b""),
        _configuration(city, epoch=1),
    ]
    assert [Code.Name(one.code) for one in judged(state, *found)] == [
        "VALID",
        "BAD_CREATOR_SIGNATURE",
        "BAD_CREATOR_SIGNATURE",
        "BAD_COMMON_HEADER",
        "BAD_COMMON_HEADER",
        "BAD_COMMON_HEADER",
    ]


def test_a_configurations_id_is_nobodys(state: MemoryState) -> None:
    sent, configuration = Sent(result=WRITE), _configuration(people("City").client_identity, tx_id=Sent().tx_id)
    assert [one.code for one in judged(state, configuration, sent.envelope())] == [Code.VALID, Code.VALID]


def test_the_first_block_is_taken_as_it_is(state: MemoryState) -> None:
    unsigned = common_pb2.Envelope.FromString(_configuration(b"")).payload
    first = new_block(0, b"", [common_pb2.Envelope(payload=unsigned).SerializeToString()])
    (one,) = judge_block(first, config(), state, lambda _: False)
    assert one.code == Code.VALID


def test_the_submitter_must_have_signed(state: MemoryState) -> None:
    envelope = common_pb2.Envelope.FromString(Sent(result=WRITE).envelope())
    envelope.signature = people("City").client.sign(b"something else")
    (one,) = judged(state, envelope.SerializeToString())
    assert one.code == Code.BAD_CREATOR_SIGNATURE


def _other_s(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, CURVE_ORDERS["secp256r1"] - s)


def test_signatures_count_in_their_low_form_only(state: MemoryState) -> None:
    envelope = common_pb2.Envelope.FromString(Sent(result=WRITE).envelope())
    envelope.signature = _other_s(envelope.signature)
    (one,) = judged(state, envelope.SerializeToString())
    assert one.code == Code.BAD_CREATOR_SIGNATURE


def test_an_endorsement_of_another_proposal_is_none(state: MemoryState) -> None:
    assert code_of(state, Sent(result=WRITE, hash_of=b"another")) == "INVALID_ENDORSER_TRANSACTION"


@pytest.mark.parametrize("endorsers", [(), ("City",), ("City", "City")])
def test_too_few_endorsements(state: MemoryState, endorsers: tuple[str, ...]) -> None:
    assert code_of(state, Sent(result=WRITE, endorsers=endorsers)) == "ENDORSEMENT_POLICY_FAILURE"


def test_endorsements_by_others_than_peers_or_with_wrong_signatures_do_not_count(state: MemoryState) -> None:
    client = Endorsement(people("City").client_identity, b"")
    wrong = Endorsement(people("TriValley").peer_identity, people("TriValley").peer.sign(b"something else"))
    assert code_of(state, Sent(result=WRITE, endorsements=[client, wrong])) == "ENDORSEMENT_POLICY_FAILURE"


def test_what_was_run_must_be_what_was_proposed(state: MemoryState) -> None:
    define(state, "other")
    assert code_of(state, Sent(result=WRITE, executed="other")) == "INVALID_CHAINCODE"
    assert code_of(state, Sent(result=WRITE, executed="")) == "INVALID_CHAINCODE"
    assert code_of(state, Sent(result=WRITE, version="")) == "INVALID_CHAINCODE"


def test_a_chaincode_that_is_not_defined(state: MemoryState) -> None:
    assert code_of(state, Sent(chaincode="missing")) == "INVALID_CHAINCODE"
    write = simulated(state, lambda one: one.put("cc", "a", b"1"), lambda one: one.put("missing", "a", b"1"))
    assert code_of(state, Sent(result=write.public)) == "INVALID_CHAINCODE"
    read = simulated(state, lambda one: one.put("cc", "a", b"1"), lambda one: one.get("missing", "a"))
    assert code_of(state, Sent(result=read.public)) == "VALID"


def test_the_version_that_was_endorsed_is_not_compared_with_the_definition(state: MemoryState) -> None:
    # An upgrade in between is found by what was read: the definition's sequence.
    assert code_of(state, Sent(result=WRITE, version="0.1")) == "VALID"


def test_an_event_of_another_chaincode(state: MemoryState) -> None:
    assert code_of(state, Sent(result=WRITE, event=ChaincodeEvent("cc", "1", "done", b""))) == "VALID"
    assert code_of(state, Sent(result=WRITE, event=ChaincodeEvent("other", "1", "done", b""))) == "INVALID_OTHER_REASON"


def test_results_that_are_none(state: MemoryState) -> None:
    twice = rwset_pb2.TxReadWriteSet()
    twice.ns_rwset.add(namespace="cc")
    twice.ns_rwset.add(namespace="cc")
    assert code_of(state, Sent(result=b"\xff")) == "BAD_RWSET"
    assert code_of(state, Sent(result=twice.SerializeToString())) == "ILLEGAL_WRITESET"
    assert code_of(state, Sent(result=b"")) == "VALID"


def test_an_id_counts_once_in_a_block_and_once_in_the_ledger(state: MemoryState) -> None:
    envelope = Sent(result=WRITE).envelope()
    assert [one.code for one in judged(state, envelope, envelope)] == [Code.VALID, Code.DUPLICATE_TXID]
    (again,) = judged(state, envelope, known=frozenset({Sent().tx_id}))
    assert again.code == Code.DUPLICATE_TXID
    assert again.sets is None


def test_a_transaction_that_is_not_valid_leaves_its_id_to_the_next_one_of_its_block(state: MemoryState) -> None:
    failing, good = Sent(result=WRITE, endorsers=["City"]), Sent(result=WRITE)
    assert failing.tx_id == good.tx_id
    found = judged(state, failing.envelope(), good.envelope(), good.envelope())
    assert [Code.Name(one.code) for one in found] == ["ENDORSEMENT_POLICY_FAILURE", "VALID", "DUPLICATE_TXID"]


def test_every_chaincode_that_is_written_asks_for_its_own_endorsements(state: MemoryState) -> None:
    define(state, "strict", "AND('CityMSP.peer', 'NishitetsuMSP.peer')")
    both = simulated(state, lambda one: one.put("cc", "a", b"1"), lambda one: one.put("strict", "a", b"1")).public
    assert code_of(state, Sent(result=both)) == "ENDORSEMENT_POLICY_FAILURE"
    assert code_of(state, Sent(result=both, endorsers=["City", "Nishitetsu"])) == "VALID"
    only_read = simulated(state, lambda one: one.put("cc", "a", b"1"), lambda one: one.get("strict", "a")).public
    assert code_of(state, Sent(result=only_read)) == "VALID"


def test_definitions_need_the_endorsements_that_the_channel_asks_for(state: MemoryState) -> None:
    wanted = definition_writes(define(MemoryState(), "new"))

    def write(one: object) -> None:
        for key, value in wanted.items():
            one.put("_lifecycle", key, value)  # type: ignore[attr-defined]

    result = simulated(state, write).public
    assert code_of(state, Sent(chaincode="_lifecycle", result=result)) == "VALID"
    assert (
        code_of(state, Sent(chaincode="_lifecycle", result=result, endorsers=["City"])) == "ENDORSEMENT_POLICY_FAILURE"
    )


def test_nobody_approves_for_another_organisation(state: MemoryState) -> None:
    """An organisation's implicit collection asks for that organisation's endorsement alone."""
    collection = "_implicit_org_TriValleyMSP"
    result = simulated(state, lambda one: one.put_private("_lifecycle", collection, "a", b"1")).public
    approval = Sent(chaincode="_lifecycle", result=result)
    assert code_of(state, replace(approval, endorsers=["TriValley"])) == "VALID"
    for others in (["City"], ["City", "Nishitetsu"]):
        assert code_of(state, replace(approval, endorsers=others)) == "ENDORSEMENT_POLICY_FAILURE"
