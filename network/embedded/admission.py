"""Which proposals a peer runs: the filters before its endorser, and what the endorser itself checks.

Source: Fabric's `core/handlers/auth/filter` and `core/endorser/msgvalidation.go`, in their order.
"""

import logging
from datetime import UTC, datetime, timedelta

from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import proposal_pb2

from network.embedded.unpacking import Malformed, unmarshal, unpack
from node_client.protocol.certificates import load_certificate
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, MspError, MspManager, UnknownIssuer
from node_client.protocol.proposal import CONFIG, ENDORSER_TRANSACTION, Proposal, transaction_id

logger = logging.getLogger(__name__)

TIME_WINDOW = timedelta(minutes=15)  # `peer.authentication.timewindow` of Fabric's sample core.yaml
PROPOSED_TYPES = (ENDORSER_TRANSACTION, CONFIG)
PREFIX = "error validating proposal: "


class ProposalRefused(Exception):
    """A proposal that is not simulated: malformed, not admitted, or a duplicate. The text is Fabric's."""


class ProposalFiltered(ProposalRefused):
    """A proposal that does not even reach the endorser: its creator has expired, or its time is not now."""


def read_proposal(signed: proposal_pb2.SignedProposal) -> Proposal:
    """Filter a proposal, and take it apart. Raises ProposalRefused."""
    try:
        proposal = unpack(signed.proposal_bytes)
    except Malformed as error:
        filter_proposal(signed)  # which looks at less of it, and may refuse it before
        raise ProposalRefused(str(error)) from error
    now = datetime.now(UTC)
    _filter_creator(proposal.creator, now)
    _filter_time(proposal.seconds, now)
    return proposal


def filter_proposal(signed: proposal_pb2.SignedProposal, now: datetime | None = None) -> None:
    """What stands before the endorser (`expiration.go`, `timewindow.go`).

    Raises:
        ProposalFiltered: the creator's certificate has expired, or the proposal was not made within fifteen minutes.
    """
    now = now or datetime.now(UTC)
    try:
        part = "proposal"
        proposal = unmarshal(proposal_pb2.Proposal, signed.proposal_bytes)
        part = "header"
        header = unmarshal(common_pb2.Header, proposal.header)
        part = "signature header"
        _filter_creator(unmarshal(common_pb2.SignatureHeader, header.signature_header).creator, now)
        part = "channel header"
        seconds = unmarshal(common_pb2.ChannelHeader, header.channel_header).timestamp.seconds
    except Malformed as error:
        raise ProposalFiltered(f"failed parsing {part}: {error}") from error
    _filter_time(seconds, now)


def _filter_creator(creator: bytes, now: datetime) -> None:
    expires = _expiry(creator)
    if expires is not None and expires < now:
        raise ProposalFiltered("proposal client identity expired")


def _filter_time(seconds: int, now: datetime) -> None:
    if abs(now.timestamp() - seconds) > TIME_WINDOW.total_seconds():
        raise ProposalFiltered(
            f"request unauthorized due to incorrect timestamp {_rfc3339(seconds)}, "
            f"peer time {now:%Y-%m-%dT%H:%M:%SZ}, peer.authentication.timewindow 15m0s"
        )


def check_proposal(proposal: Proposal, signature: bytes, manager: MspManager) -> Member:
    """Check a proposal's headers, its creator and the signature.

    Args:
        manager: the organisations that may propose: the channel's, or without a channel the peer's own.

    Returns:
        The creator.

    Raises:
        ProposalRefused: something is not as it must be.
    """
    if wrong := _wrong_in_headers(proposal) or (not signature and "empty signature bytes"):
        raise ProposalRefused(f"{PREFIX}{wrong}")
    denied = f"{PREFIX}access denied: channel [{proposal.channel}] creator org"
    try:
        creator = manager.member(proposal.creator)
    except ProtocolError as error:
        raise ProposalRefused(f"{denied} unknown, creator is malformed") from error
    try:
        manager.valid_member(proposal.creator)
    except UnknownIssuer as error:  # Fabric finds this when it reads the identity
        raise ProposalRefused(f"{denied} unknown, creator is malformed") from error
    except MspError as error:
        logger.info("a proposal's creator was not admitted: %s", error)
        raise ProposalRefused(f"{denied} [{creator.msp_id}]") from error
    if not creator.verify(signature, proposal.data):
        raise ProposalRefused(f"{denied} [{creator.msp_id}]")
    return creator


def _wrong_in_headers(proposal: Proposal) -> str:
    if proposal.type not in PROPOSED_TYPES:
        return f"invalid header type {_type_name(proposal.type)}"
    if proposal.epoch != 0:
        return "epoch is non-zero"
    if not proposal.nonce:
        return "nonce is empty"
    if not proposal.creator:
        return "creator is empty"
    if proposal.transaction_id != (expected := transaction_id(proposal.nonce, proposal.creator)):
        return f"incorrectly computed txid '{proposal.transaction_id}' -- expected '{expected}'"
    return ""


def _expiry(identity: bytes) -> datetime | None:
    """When an identity expires; None when that cannot be known (`common/crypto/expiration.go`)."""
    try:
        return load_certificate(unmarshal(identities_pb2.SerializedIdentity, identity).id_bytes).not_valid_after_utc
    except (Malformed, ProtocolError):
        return None


def _rfc3339(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):  # a year that Python has no date for
        return f"{seconds} s"


def _type_name(number: int) -> str:
    found = common_pb2.HeaderType.DESCRIPTOR.values_by_number.get(number)
    return str(number) if found is None else str(found.name)
