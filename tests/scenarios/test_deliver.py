"""The services that deliver blocks, of peers and orderers, asked in every way that a client can ask."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from network import control
from network.authority import Authority
from network.folder import Folder
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from node_client.protocol.block import block_signatures, parse_block
from tests.scenarios.seeking import (
    DEADLINE,
    NEWEST,
    NEXT,
    OLDEST,
    PEER_SOURCES,
    SOURCES,
    Ask,
    Person,
    Source,
    at,
    block_in,
    dial,
    each,
    height,
    profile_of,
    write_something,
)

ENDLESS = at(2**64 - 1)
Answers = Callable[..., list[int | str]]


@pytest.fixture(scope="module")
def auditor(network: Folder) -> Person:
    return Person.of(network, "City", "auditor")


@pytest.fixture(params=SOURCES, ids=str, scope="module")
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.param
    return found


@pytest.fixture(scope="module")
def channel(network: Folder, source: Source) -> Iterator[grpc.Channel]:
    with source.connect(network, "City") as channel:
        yield channel


@pytest.fixture(scope="module")
def answers(channel: grpc.Channel, source: Source, auditor: Person) -> Answers:
    """Asks, and gives everything that is answered until the stream ends."""

    def ask(*asks: Ask | common_pb2.Envelope) -> list[int | str]:
        envelopes = [one.signed_by(auditor) if isinstance(one, Ask) else one for one in asks]
        return list(each(source.stream(channel, envelopes)))

    return ask


def test_first_and_newest_blocks(answers: Answers) -> None:
    assert answers(Ask(OLDEST, OLDEST)) == [0, "SUCCESS"]
    (newest, status) = answers(Ask(NEWEST, NEWEST))
    assert isinstance(newest, int)
    assert status == "SUCCESS"
    assert answers(Ask(OLDEST, at(2))) == [0, 1, 2, "SUCCESS"]
    assert answers(Ask(at(1), at(1), fails=True)) == [1, "SUCCESS"]
    assert answers(Ask(at(newest), OLDEST)) == [newest, "SUCCESS"]


def test_several_requests_on_one_stream(answers: Answers) -> None:
    assert answers(Ask(at(1), at(2)), Ask(OLDEST, OLDEST)) == [1, 2, "SUCCESS", 0, "SUCCESS"]
    assert answers(Ask(at(2), at(1)), Ask(OLDEST, OLDEST)) == ["BAD_REQUEST"]


def test_past_the_tip_a_request_fails_or_waits_as_it_says(
    answers: Answers, network: Folder, source: Source, channel: grpc.Channel, auditor: Person
) -> None:
    assert answers(Ask(at(10**6), at(10**6))) == ["NOT_FOUND"]
    assert answers(Ask(at(10**6), at(10**6), fails=True)) == ["NOT_FOUND"]
    assert answers(Ask(NEXT, ENDLESS, fails=True)) == ["NOT_FOUND"]
    (newest, *_) = answers(Ask(NEWEST, NEWEST))
    assert isinstance(newest, int)
    found = answers(Ask(at(newest), ENDLESS, fails=True))
    assert found[0] == newest
    assert found[-1] == "NOT_FOUND"
    stream = source.stream(channel, [Ask(at(newest), ENDLESS).signed_by(auditor)])
    told = each(stream)
    assert next(told) == newest
    write_something(network)
    assert next(told) == newest + 1
    stream.cancel()


def test_next_commit_begins_with_a_block_that_is_not_there_yet(
    answers: Answers, network: Folder, source: Source, channel: grpc.Channel, auditor: Person
) -> None:
    (newest, *_) = answers(Ask(NEWEST, NEWEST))
    assert isinstance(newest, int)
    # An answered request before it tells that the node has begun with the second one.
    stream = source.stream(channel, [Ask(OLDEST, OLDEST).signed_by(auditor), Ask(NEXT, ENDLESS).signed_by(auditor)])
    told = each(stream)
    assert [next(told), next(told)] == [0, "SUCCESS"]
    write_something(network)
    assert next(told) > newest  # type: ignore[operator]
    stream.cancel()


@pytest.mark.parametrize(
    "ask",
    [
        Ask(None, NEWEST),
        Ask(OLDEST, None),
        Ask(at(2), at(1)),
        Ask(NEWEST, at(0)),
        Ask(minutes=None),
        Ask(minutes=16),
        Ask(minutes=-16),
        Ask(content=b"\xff"),
    ],
    ids=["no start", "no stop", "backwards", "from the newest to the first", "no time", "late", "early", "garbage"],
)
def test_requests_that_make_no_sense(answers: Answers, ask: Ask) -> None:
    assert answers(ask) == ["BAD_REQUEST"]


@pytest.mark.parametrize("minutes", [14, -14])
def test_clocks_may_differ_by_a_quarter_of_an_hour(answers: Answers, minutes: int) -> None:
    assert answers(Ask(minutes=minutes)) == [0, "SUCCESS"]


@pytest.mark.parametrize("payload", [b"", b"\xff", b"garbage", common_pb2.Payload(data=b"x").SerializeToString()])
def test_envelopes_that_cannot_be_read(answers: Answers, payload: bytes) -> None:
    assert answers(common_pb2.Envelope(payload=payload)) == ["BAD_REQUEST"]


def test_positions_of_no_kind_are_not_found(answers: Answers) -> None:
    assert answers(Ask(ab_pb2.SeekPosition(), at(3))) == ["NOT_FOUND"]


def test_unknown_channel(answers: Answers) -> None:
    assert answers(Ask(channel="nowhere")) == ["NOT_FOUND"]
    assert answers(Ask(channel="")) == ["NOT_FOUND"]


def test_who_is_nobody_reads_nothing(answers: Answers, network: Folder, auditor: Person) -> None:
    stranger = issued(Authority.create("City", "ca.city"))
    other = Person.of(network, "TriValley", "auditor")
    unknown = Person(Identity("NobodyMSP", auditor.identity.certificate), auditor.signer)
    assert answers(Ask().signed_by(other)) == [0, "SUCCESS"]
    for envelope in (
        Ask().signed_by(stranger),
        Ask().signed_by(unknown),
        Ask().signed_by(auditor, signer=other),
        common_pb2.Envelope(payload=Ask().payload(auditor.identity.serialized)),
        common_pb2.Envelope(payload=Ask().payload(b"")),
        common_pb2.Envelope(payload=Ask().payload(b"\xff")),
    ):
        assert answers(envelope) == ["FORBIDDEN"]


def issued(authority: Authority, lifetime: timedelta = timedelta(hours=1)) -> Person:
    pair = authority.issue_identity("reader-77", unit="client", lifetime=lifetime)
    return Person(Identity("CityMSP", pair.certificate), KeySigner.from_pem(pair.key))


def test_stream_ends_when_the_certificate_has_expired(network: Folder, source: Source, channel: grpc.Channel) -> None:
    home = network.organisation("City") / "ca"
    person = issued(Authority.load(home / "ca.key", home / "ca.crt"), timedelta(seconds=3))
    ends = time.time() + 3
    answers = each(source.stream(channel, [Ask(NEWEST, ENDLESS).signed_by(person)]))
    assert isinstance(next(answers), int)
    time.sleep(max(0.0, ends - time.time()))  # nothing but the clock ends a certificate
    write_something(network)
    rest = list(answers)
    assert rest[-1] == "FORBIDDEN"
    assert list(each(source.stream(channel, [Ask().signed_by(person)]))) == ["FORBIDDEN"]


def signed_value(slot: bytes) -> bytes:
    return common_pb2.Metadata.FromString(slot).value


def test_orderers_blocks_are_what_peers_add_to(network: Folder, auditor: Person) -> None:
    orderer, peer = SOURCES[-1], SOURCES[0]
    last = at(height(network) - 1)
    with orderer.connect(network, "TriValley") as one, peer.connect(network, "TriValley") as other:
        ordered = list(orderer.stream(one, [Ask(OLDEST, last).signed_by(auditor)]))
        committed = list(peer.stream(other, [Ask(OLDEST, last).signed_by(auditor)]))
    assert len(ordered) == len(committed) == height(network) + 1
    for before, after in zip(ordered[:-1], committed[:-1], strict=True):
        assert before.block.header == after.block.header
        assert before.block.data == after.block.data
        for slot in range(5):
            one_slot, other_slot = before.block.metadata.metadata[slot], after.block.metadata.metadata[slot]
            if slot == common_pb2.SIGNATURES:  # of whichever orderer the peer had the block from
                one_slot, other_slot = signed_value(one_slot), signed_value(other_slot)
            judged = slot in (common_pb2.TRANSACTIONS_FILTER, common_pb2.COMMIT_HASH)
            assert one_slot == (b"" if judged else other_slot)
        assert after.block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER]
        if before.block.header.number:
            _, signatures = block_signatures(parse_block(before.block.SerializeToString()))
            assert signatures


@pytest.mark.parametrize("source", [one for one in SOURCES if one.name != "DeliverFiltered"], ids=str)
def test_headers_come_without_content_but_for_configuration(network: Folder, source: Source, auditor: Person) -> None:
    with source.connect(network, "City") as channel:
        *found, status = source.stream(channel, [Ask(OLDEST, at(2), headers_only=True).signed_by(auditor)])
    assert common_pb2.Status.Name(status.status) == "SUCCESS"
    contents = [block_in(answer).HasField("data") for answer in found]
    assert contents == [True, False, False]
    assert all(block_in(answer).metadata.metadata for answer in found)


@pytest.mark.embedded  # Fabric's peers compare where they demand a certificate: ours there only ask for one
@pytest.mark.parametrize("source", PEER_SOURCES, ids=str)
def test_requests_are_bound_to_the_certificate_that_the_client_shows(
    network: Folder, source: Source, auditor: Person
) -> None:
    endpoint = profile_of(network, "City").endpoint("City", user="auditor")
    other = profile_of(network, "City").endpoint("City", user="issuer")
    with dial(endpoint) as channel:

        def ask(tls_hash: bytes) -> list[int | str]:
            return list(each(source.stream(channel, [Ask(tls_hash=tls_hash).signed_by(auditor)])))

        assert ask(endpoint.certificate_hash) == [0, "SUCCESS"]
        for wrong in (b"", other.certificate_hash, endpoint.certificate_hash[:-1], b"\0" * 32):
            assert ask(wrong) == ["BAD_REQUEST"]
    with dial(replace(endpoint, address=profile_of(network, "City").endpoint("City").address)) as channel:
        assert ask(b"whatever") == [0, "SUCCESS"]


@pytest.mark.embedded  # Fabric's nodes end without a word
def test_whoever_waits_is_told_when_the_network_ends(own_network: Folder) -> None:
    auditor = Person.of(own_network, "City", "auditor")
    ask = Ask(NEWEST, ENDLESS).signed_by(auditor)
    with SOURCES[0].connect(own_network, "City") as one, SOURCES[-1].connect(own_network, "City") as other:
        streams = [each(SOURCES[0].stream(one, [ask])), each(SOURCES[-1].stream(other, [ask]))]
        assert [next(stream) for stream in streams] == [height(own_network) - 1] * 2
        control.down(own_network)
        assert [list(stream) for stream in streams] == [["SERVICE_UNAVAILABLE"]] * 2


def test_message_that_is_no_envelope_ends_only_its_stream(network: Folder, source: Source, auditor: Person) -> None:
    with source.connect(network, "City") as channel:
        with pytest.raises(grpc.RpcError) as caught:
            list(channel.stream_stream(source.method)(iter([b"\xff"]), timeout=DEADLINE))
        assert caught.value.code() == grpc.StatusCode.INTERNAL
        assert "failed to unmarshal the received message" in caught.value.details()
        assert list(each(source.stream(channel, [Ask().signed_by(auditor)]))) == [0, "SUCCESS"]
