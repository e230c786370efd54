"""What stands before a peer's endorser: expired creators, and proposals that are not of now."""

from datetime import UTC, datetime, timedelta

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2

from network.authority import Authority
from network.embedded.admission import ProposalFiltered, filter_proposal
from node_client.identity.identity import Identity

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def signed(seconds: int, creator: bytes = b"somebody") -> proposal_pb2.SignedProposal:
    channel_header = common_pb2.ChannelHeader()
    channel_header.timestamp.seconds = seconds
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=creator).SerializeToString(),
    )
    data = proposal_pb2.Proposal(header=header.SerializeToString()).SerializeToString()
    return proposal_pb2.SignedProposal(proposal_bytes=data)


@pytest.mark.parametrize("minutes", [-15, 0, 15])
def test_a_proposal_of_the_last_or_next_fifteen_minutes_passes(minutes: int) -> None:
    filter_proposal(signed(int(NOW.timestamp()) + minutes * 60), NOW)


@pytest.mark.parametrize("seconds", [-901, 901])
def test_any_other_does_not(seconds: int) -> None:
    made = NOW + timedelta(seconds=seconds)
    with pytest.raises(ProposalFiltered) as caught:
        filter_proposal(signed(int(made.timestamp())), NOW)
    assert str(caught.value) == (
        f"request unauthorized due to incorrect timestamp {made:%Y-%m-%dT%H:%M:%SZ}, "
        "peer time 2026-06-01T12:00:00Z, peer.authentication.timewindow 15m0s"
    )


@pytest.mark.parametrize("seconds", [2**63 - 1, -(2**63), 2**40])
def test_a_time_that_is_no_date_is_not_now(seconds: int) -> None:
    with pytest.raises(ProposalFiltered, match="incorrect timestamp"):
        filter_proposal(signed(seconds), NOW)


def test_a_creator_passes_until_the_certificate_expires() -> None:
    pair = Authority.create("City", "ca.city").issue_identity("issuer-01", unit="client", lifetime=timedelta(hours=1))
    creator = Identity("CityMSP", pair.certificate).serialized
    now = datetime.now(UTC)
    filter_proposal(signed(int(now.timestamp()), creator), now)
    later = now + timedelta(hours=1, seconds=1)
    with pytest.raises(ProposalFiltered, match="^proposal client identity expired$"):
        filter_proposal(signed(int(later.timestamp()), creator), later)


def test_what_cannot_be_read_is_named() -> None:
    broken = proposal_pb2.SignedProposal(proposal_bytes=b"\xff")
    with pytest.raises(ProposalFiltered, match="^failed parsing proposal: error unmarshalling Proposal: proto: "):
        filter_proposal(broken, NOW)
