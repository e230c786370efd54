"""Collecting endorsements for one proposal.

Source: Fabric's `internal/pkg/gateway/endorse.go` and `endorsement.go`: the organisation's own peer runs the proposal
first, what it touched decides whose endorsements are needed, and all must have come to the same result.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence

import grpc
from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from network.embedded.admission import ProposalFiltered, ProposalRefused
from network.embedded.failure import Detail, RpcFailure
from network.embedded.ledger import Ledger
from network.embedded.peer import Peer
from network.embedded.planning import ChaincodeCall, NoPlan, Plan
from network.embedded.plans import Plans
from network.embedded.unpacking import Addressed
from node_client.protocol.policy import Layout
from node_client.protocol.transaction import Endorsement

logger = logging.getLogger(__name__)

ENDORSEMENT_TIMEOUT = 30.0  # `peer.gateway.endorsementTimeout` of Fabric's sample core.yaml


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
        if own:  # called without gRPC, and so without a deadline
            response = await peer.process_proposal(signed)
        else:
            async with asyncio.timeout(ENDORSEMENT_TIMEOUT):
                response = await peer.process_proposal(signed)
    except TimeoutError as error:
        message = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        raise PeerFailure(peer, grpc.StatusCode.UNAVAILABLE, message, retry=True) from error
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
        plans: the gateway's.
    """

    def __init__(
        self,
        ledger: Ledger,
        own: Peer,
        peers: Mapping[str, Peer],
        plans: Plans,
        proposal: Addressed,
        signed: proposal_pb2.SignedProposal,
    ) -> None:
        self._ledger = ledger
        self._own = own
        self._peers = peers
        self._plans = plans
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
        calls = list(response.interest.chaincodes) or [ChaincodeCall(name=self._proposal.chaincode)]
        plan = self._protecting_plan(calls) if self._proposal.transient else self._plan(calls)
        # Its endorsement counts where its organisation is asked for; its payload is what others must have, anyway.
        self._take(first, response)
        return await self._first_satisfied(sorted(_shuffled(plan.layouts), key=lambda one: first.msp_id not in one))

    async def _first(self) -> tuple[Peer, proposal_response_pb2.ProposalResponse]:
        first = self._own
        if not self._can(first.msp_id):
            if self._proposal.transient:
                raise RpcFailure(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) "
                    "to protect transient data",
                )
            plan = self._plan([ChaincodeCall(name=self._proposal.chaincode)])
            first = self._peers[next(iter(_shuffled(plan.layouts)[0]))]
        try:
            return first, await ask(first, self._signed, own=first is self._own)
        except PeerFailure as failure:
            raise RpcFailure(
                grpc.StatusCode.ABORTED,
                "failed to endorse transaction, see attached details for more info",
                [failure.detail],
            ) from failure

    def _protecting_plan(self, calls: Sequence[ChaincodeCall]) -> Plan:
        """A plan that gives transient data to members of the collections only (`planFromFirstEndorser`)."""
        protected = [name for call in calls if call.no_private_reads for name in call.collection_names]
        try:
            return self._plan([_with_private_reads(call) for call in calls])
        except RpcFailure:
            if not protected:
                raise
            self._plan(calls)  # raises what would be wrong in any case
            names = " ".join(protected)
            text = (
                "requires endorsement from organisation(s) that are not in the distribution policy of the private data "
                f"collection(s): [{names}]; retry specifying trusted endorsing organizations to protect transient data"
            )
            raise RpcFailure(grpc.StatusCode.FAILED_PRECONDITION, text) from None

    def _plan(self, calls: Sequence[ChaincodeCall]) -> Plan:
        config = self._ledger.config
        try:
            if self._proposal.channel != config.channel:
                where = f"chaincode {self._proposal.chaincode} in channel {self._proposal.channel}"
                raise NoPlan(f"No metadata was found for {where}")
            plan = self._plans.plan(calls, self._peers)
        except NoPlan as error:
            text = f"no combination of peers can be derived which satisfy the endorsement policy: {error}"
            raise RpcFailure(grpc.StatusCode.FAILED_PRECONDITION, text) from error
        if not any(plan.layouts):
            text = (
                "failed to select a set of endorsers that satisfy the endorsement policy due to unavailability of peers"
            )
            raise RpcFailure(grpc.StatusCode.FAILED_PRECONDITION, f"{text}: []")
        return plan

    async def _first_satisfied(self, options: Sequence[Layout]) -> list[Endorsement]:
        failed: set[str] = set()
        for layout in options:
            if failed & set(layout):
                continue
            wanted = [msp_id for msp_id in layout if msp_id not in self._endorsements]
            if len(wanted) == 1:
                results = [await self._endorse(wanted[0])]
            else:
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


def _with_private_reads(call: ChaincodeCall) -> ChaincodeCall:
    found = ChaincodeCall()
    found.CopyFrom(call)
    found.no_private_reads = False
    return found


def _shuffled(layouts: Sequence[Layout]) -> list[Layout]:
    """The layouts in an order by chance, which spreads the work (`endorsementPlan` of `registry.go`)."""
    return random.sample(layouts, len(layouts))
