"""Requests for blocks: which are taken, and which blocks they come to."""

import time

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from network.embedded.seek import Blocks, Refused, Status, open_request, read_seek, resolve

NOW = 1_700_000_000 * 10**9
MINUTE = 60 * 10**9
HASH = b"\x07" * 32
HEIGHT = 5

OLDEST = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
NEWEST = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
NEXT = ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())
NOWHERE = ab_pb2.SeekPosition()


def at(number: int) -> ab_pb2.SeekPosition:
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


def envelope(*, time: int | None = NOW, tls: bytes = b"", content: bytes = b"seek") -> common_pb2.Envelope:
    header = common_pb2.ChannelHeader(channel_id="channel", tls_cert_hash=tls)
    if time is not None:
        header.timestamp.seconds, header.timestamp.nanos = divmod(time, 10**9)
    creator = common_pb2.SignatureHeader(creator=b"somebody")
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(), signature_header=creator.SerializeToString()
        ),
        data=content,
    )
    return common_pb2.Envelope(payload=payload.SerializeToString(), signature=b"signature")


def refusal(envelope: common_pb2.Envelope, certificate_hash: bytes = b"") -> int:
    with pytest.raises(Refused) as caught:
        open_request(envelope, certificate_hash, NOW)
    return caught.value.status


def test_request_is_opened() -> None:
    sent = envelope()
    request = open_request(sent, b"", NOW)
    assert (request.channel, request.content) == ("channel", b"seek")
    signed = request.signed
    assert (signed.message, signed.identity, signed.signature) == (sent.payload, b"somebody", b"signature")


@pytest.mark.parametrize("difference", [0, 15 * MINUTE, -15 * MINUTE])
def test_timestamp_within_a_quarter_of_an_hour_is_taken(difference: int) -> None:
    assert open_request(envelope(time=NOW + difference), b"", NOW)


@pytest.mark.parametrize("time", [None, 0, NOW + 15 * MINUTE + 1, NOW - 15 * MINUTE - 1, -(10**18), 2**62])
def test_other_timestamps_are_refused(time: int | None) -> None:
    assert refusal(envelope(time=time)) == Status.BAD_REQUEST


def test_clients_certificate_must_be_named_where_one_is_shown() -> None:
    assert open_request(envelope(tls=HASH), HASH, NOW)
    assert refusal(envelope(tls=b""), HASH) == Status.BAD_REQUEST
    assert refusal(envelope(tls=HASH[1:]), HASH) == Status.BAD_REQUEST
    assert open_request(envelope(tls=b"whatever"), b"", NOW)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        common_pb2.Payload(data=b"no header").SerializeToString(),
        common_pb2.Payload(header=common_pb2.Header()).SerializeToString(),
        common_pb2.Payload(header=common_pb2.Header(channel_header=b"\xff")).SerializeToString(),
        common_pb2.Payload(header=common_pb2.Header(signature_header=b"\xff")).SerializeToString(),
    ],
    ids=["nothing", "garbage", "no header", "empty header", "garbage channel header", "garbage signature header"],
)
def test_unreadable_envelopes_are_refused(payload: bytes) -> None:
    assert refusal(common_pb2.Envelope(payload=payload)) == Status.BAD_REQUEST


def test_unreadable_seek_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        read_seek(b"\xff")
    assert caught.value.status == Status.BAD_REQUEST


def blocks(start: ab_pb2.SeekPosition | None, stop: ab_pb2.SeekPosition | None) -> tuple[int, int]:
    found = resolve(ab_pb2.SeekInfo(start=start, stop=stop), HEIGHT)
    return found.first, found.last


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (OLDEST, OLDEST, (0, 0)),
        (OLDEST, NEWEST, (0, 4)),
        (OLDEST, at(2), (0, 2)),
        (OLDEST, at(2**64 - 1), (0, 2**64 - 1)),
        (NEWEST, NEWEST, (4, 4)),
        (NEWEST, OLDEST, (4, 4)),
        (NEWEST, at(4), (4, 4)),
        (NEXT, at(5), (5, 5)),
        (NEXT, OLDEST, (5, 5)),
        (at(0), at(0), (0, 0)),
        (at(3), NEWEST, (3, 4)),
        (at(5), at(9), (5, 9)),
        # These stops are behind the start, and so never reached.
        (at(5), NEWEST, (5, 4)),
        (NEXT, NEWEST, (5, 4)),
        (at(1), NEXT, (1, 0)),
        (at(1), NOWHERE, (1, 0)),
        (OLDEST, NEXT, (0, 0)),
    ],
)
def test_positions_come_to_blocks(
    start: ab_pb2.SeekPosition, stop: ab_pb2.SeekPosition, expected: tuple[int, int]
) -> None:
    assert blocks(start, stop) == expected


@pytest.mark.parametrize(
    ("start", "stop", "status"),
    [
        (None, NEWEST, Status.BAD_REQUEST),
        (OLDEST, None, Status.BAD_REQUEST),
        (None, None, Status.BAD_REQUEST),
        (at(3), at(2), Status.BAD_REQUEST),
        (NEWEST, at(3), Status.BAD_REQUEST),
        (NEXT, at(4), Status.BAD_REQUEST),
        (at(6), at(9), Status.NOT_FOUND),
        (at(6), at(2), Status.NOT_FOUND),
        (at(2**64 - 1), NEWEST, Status.NOT_FOUND),
        (NOWHERE, at(3), Status.NOT_FOUND),
    ],
)
def test_positions_that_come_to_nothing(
    start: ab_pb2.SeekPosition | None, stop: ab_pb2.SeekPosition | None, status: int
) -> None:
    with pytest.raises(Refused) as caught:
        blocks(start, stop)
    assert caught.value.status == status


def test_behaviour_and_content_are_what_was_asked_for() -> None:
    info = ab_pb2.SeekInfo(start=OLDEST, stop=NEWEST)
    assert resolve(info, HEIGHT) == Blocks(0, 4, waits=True, headers_only=False)
    info.behavior = ab_pb2.SeekInfo.FAIL_IF_NOT_READY
    info.content_type = ab_pb2.SeekInfo.HEADER_WITH_SIG
    assert resolve(info, HEIGHT) == Blocks(0, 4, waits=False, headers_only=True)


def test_the_present_is_within_the_window() -> None:
    assert open_request(envelope(time=time.time_ns()), b"", time.time_ns())
