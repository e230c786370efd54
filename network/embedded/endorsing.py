"""Collecting endorsements for one proposal.

Source: Fabric's `internal/pkg/gateway/endorse.go` and `endorsement.go`: the organisation's own peer runs the proposal
first, what it touched decides whose endorsements are needed, and all must have come to the same result.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import grpc
from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from network.embedded.admission import ProposalFiltered, ProposalRefused
from network.embedded.definitions import SYSTEM_CHAINCODES
from network.embedded.failure import Detail, RpcFailure
from network.embedded.ledger import Ledger
from network.embedded.peer import Peer
from network.embedded.planning import NoPlan, endorsement_layouts
from network.embedded.unpacking import Addressed
from node_client.protocol.policy import Layout
from node_client.protocol.transaction import Endorsement

logger = logging.getLogger(__name__)


class PeerFailure(Exception):
    """A peer gave no endorsement.

    Attributes:
        code: the status that the gateway answers with when it asked nobody else.
        retry: whether another peer might do better.
    """

    def __init__(self, peer: Peer, code: grpc.StatusCode, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry = retry
        self.detail = Detail(address=peer.address, msp_id=peer.msp_id, message=message)


async def ask(peer: Peer, signed: proposal_pb2.SignedProposal, *, own: bool) -> proposal_response_pb2.ProposalResponse:
    """Have one peer run a proposal (`responseStatus` of `apiutils.go`).

    Args:
        own: whether it is the gateway's own peer, which it calls without gRPC in between.

    Raises:
        PeerFailure: it refused, could not, or its chaincode refused.
    """
    try:
        response = await peer.process_proposal(signed)
    except ProposalRefused as error:
        if own and not isinstance(error, ProposalFiltered):
            raise PeerFailure(peer, grpc.StatusCode.FAILED_PRECONDITION, str(error), retry=False) from error
        # No response at all: to the gateway the peer is as good as gone, though it is the proposal that is wrong.
        message = str(error) if own else f"rpc error: code = Unknown desc = {error}"
        raise PeerFailure(peer, grpc.StatusCode.UNAVAILABLE, message, retry=True) from error
    status, message = response.response.status, response.response.message
    if 200 <= status < 400:
        return response
    if not response.payload and status == 500:
        raise PeerFailure(peer, grpc.StatusCode.ABORTED, message, retry=True)
    raise PeerFailure(peer, grpc.StatusCode.UNKNOWN, f"chaincode response {status}, {message}", retry=False)


class Collector:
    """Collects endorsements of one proposal at one gateway.

    Args:
        own: the gateway's own peer.
        peers: every organisation's peer, by MSP id.
    """

    def __init__(
        self,
        ledger: Ledger,
        own: Peer,
        peers: Mapping[str, Peer],
        proposal: Addressed,
        signed: proposal_pb2.SignedProposal,
    ) -> None:
        self._ledger = ledger
        self._own = own
        self._peers = peers
        self._proposal = proposal
        self._signed = signed
        self._endorsements: dict[str, Endorsement] = {}
        self._details: list[Detail] = []
        self.payload = b""

    async def by_organisations(self, msp_ids: Sequence[str]) -> list[Endorsement]:
        """Endorsements of exactly these organisations.

        Raises:
            RpcFailure: one of them has no peer for this, or did not endorse.
        """
        missing = [msp_id for msp_id in msp_ids if not self._can(msp_id)]
        if missing:
            text = f"failed to find any endorsing peers for org(s): {', '.join(missing)}"
            raise RpcFailure(grpc.StatusCode.UNAVAILABLE, text)
        return await self._first_satisfied([dict.fromkeys(msp_ids, 1)])

    async def by_policy(self) -> list[Endorsement]:
        """Endorsements that satisfy the policies of everything that the proposal touches.

        Raises:
            RpcFailure: they could not be had.
        """
        first, response = await self._first()
        self._take(first, response)
        chaincodes = [call.name for call in response.interest.chaincodes] or [self._proposal.chaincode]
        available = [one for one in self._layouts(chaincodes) if self._is_available(one)]
        if not available:
            raise _no_combination("required chaincodes are not installed on sufficient peers")
        preferred = sorted(available, key=lambda one: first.msp_id not in one)
        return await self._first_satisfied(preferred)

    async def _first(self) -> tuple[Peer, proposal_response_pb2.ProposalResponse]:
        first = self._own
        if not self._can(first.msp_id):
            if self._proposal.transient:
                raise RpcFailure(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) "
                    "to protect transient data",
                )
            layouts = [one for one in self._layouts([self._proposal.chaincode]) if self._is_available(one)]
            if not layouts:
                raise _no_combination("required chaincodes are not installed on sufficient peers")
            first = self._peers[next(iter(layouts[0]))]
        try:
            return first, await ask(first, self._signed, own=first is self._own)
        except PeerFailure as failure:
            raise RpcFailure(
                grpc.StatusCode.ABORTED,
                "failed to endorse transaction, see attached details for more info",
                [failure.detail],
            ) from failure

    def _layouts(self, chaincodes: Sequence[str]) -> Sequence[Layout]:
        """The sets of organisations that the policies of these chaincodes ask for."""
        for name in chaincodes:
            in_channel = self._proposal.channel == self._ledger.config.channel
            if not in_channel or (name not in SYSTEM_CHAINCODES and self._own.definition(name) is None):
                where = f"chaincode {name} in channel {self._proposal.channel}"
                raise _no_combination(f"No metadata was found for {where}")
        try:
            return endorsement_layouts(self._ledger, chaincodes)
        except NoPlan as error:
            raise _no_combination(str(error)) from error

    def _is_available(self, layout: Layout) -> bool:
        return all(count == 1 and self._can(msp_id) for msp_id, count in layout.items())

    async def _first_satisfied(self, options: Sequence[Layout]) -> list[Endorsement]:
        failed: set[str] = set()
        for layout in options:
            if failed & set(layout):
                continue
            wanted = [msp_id for msp_id in layout if msp_id not in self._endorsements]
            results = await asyncio.gather(*(self._endorse(msp_id) for msp_id in wanted))
            failed |= {msp_id for msp_id, done in zip(wanted, results, strict=True) if not done}
            if all(results):
                return [self._endorsements[msp_id] for msp_id in layout]
        raise RpcFailure(
            grpc.StatusCode.ABORTED,
            "failed to collect enough transaction endorsements, see attached details for more info",
            self._details,
        )

    async def _endorse(self, msp_id: str) -> bool:
        peer = self._peers[msp_id]
        try:
            return self._take(peer, await ask(peer, self._signed, own=peer is self._own))
        except PeerFailure as failure:
            self._details.append(failure.detail)
            return False

    def _take(self, peer: Peer, response: proposal_response_pb2.ProposalResponse) -> bool:
        if not self.payload:
            self.payload = response.payload
        elif self.payload != response.payload:
            logger.warning("the response of %s does not match the first one's", peer.msp_id)
            text = "ProposalResponsePayloads do not match"
            self._details.append(Detail(address=peer.address, msp_id=peer.msp_id, message=text))
            return False
        endorsement = response.endorsement
        self._endorsements[peer.msp_id] = Endorsement(endorsement.endorser, endorsement.signature)
        return True

    def _can(self, msp_id: str) -> bool:
        peer = self._peers.get(msp_id)
        in_channel = self._proposal.channel == self._ledger.config.channel
        return in_channel and peer is not None and peer.offers(self._proposal.chaincode)


def _no_combination(why: str) -> RpcFailure:
    text = f"no combination of peers can be derived which satisfy the endorsement policy: {why}"
    return RpcFailure(grpc.StatusCode.FAILED_PRECONDITION, text)
