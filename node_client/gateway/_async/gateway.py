"""A connection to an organisation's gateway, and the channels behind it."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from node_client.errors import ProposalError
from node_client.gateway import requests
from node_client.gateway._async.block_events import (
    AsyncBlockAndPrivateDataEventsRequest,
    AsyncBlockEventsRequest,
    AsyncFilteredBlockEventsRequest,
)
from node_client.gateway._async.commit import AsyncCommit
from node_client.gateway._async.events import AsyncChaincodeEventsRequest
from node_client.gateway._async.network import AsyncNetwork
from node_client.gateway._async.proposal import AsyncProposal
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.gateway._async.transport import AsyncChannel, AsyncTransport
from node_client.gateway.options import Endpoint, GatewayOptions
from node_client.gateway.session import Session
from node_client.identity.identity import Identity
from node_client.protocol.proposal import build_proposal
from node_client.protocol.transaction import open_envelope

if TYPE_CHECKING:
    from node_client.identity.profile import ConnectionProfile
    from node_client.identity.signer import Signer


class AsyncGateway:
    """A client of one organisation's gateway. Use it in `async with`.

    Args:
        endpoint: the peer whose gateway is used; or several of the organisation, of which the next one is used when
            the connection to one fails; or an open gRPC channel to one, which stays the caller's to close.
        identity: who submits.
        signer: signs for the identity; without one everything is signed by the caller.
        options: hash and deadlines.
    """

    def __init__(
        self,
        endpoint: Endpoint | Sequence[Endpoint] | AsyncChannel,
        identity: Identity,
        signer: "Signer | None" = None,
        options: GatewayOptions | None = None,
    ) -> None:
        options = options or GatewayOptions()
        peers = endpoint if isinstance(endpoint, Sequence) else [endpoint]
        if not peers:
            raise ValueError("a gateway needs a peer")
        binding = options.tls_certificate_hash
        if not binding and isinstance(peers[0], Endpoint):
            binding = peers[0].certificate_hash
        self._session = Session(identity, signer, options.hash, binding)
        self._transport = AsyncTransport(peers, options.deadlines, options.retry)

    @classmethod
    def from_profile(
        cls,
        profile: "ConnectionProfile",
        organisation: str,
        user: str,
        *,
        peer: str = "",
        mutual_tls: bool = False,
        options: GatewayOptions | None = None,
    ) -> Self:
        """A gateway as a user of a connection profile.

        Args:
            peer: the peer's name in the profile, which alone is used then; by default the organisation's first one is,
                and the next one when the connection to it fails.
            mutual_tls: whether to show the user's TLS certificate, to which proposals are then bound.

        Raises:
            ProfileError: the profile lacks the organisation, the user or the peer.
        """
        bound = user if mutual_tls else ""
        peers = [peer] if peer else profile.peers_of(organisation)
        return cls(
            [profile.endpoint(organisation, one, user=bound) for one in peers],
            profile.identity(organisation, user),
            profile.signer(organisation, user),
            options,
        )

    @property
    def identity(self) -> Identity:
        """Who submits."""
        return self._session.identity

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        await self._transport.close()

    def get_network(self, channel: str) -> AsyncNetwork:
        """A channel."""
        return AsyncNetwork(self._session, self._transport, channel)

    def new_proposal(self, serialized: bytes, signature: bytes = b"") -> AsyncProposal:
        """A proposal again, from what its `serialized` was here or at an official client.

        Args:
            signature: over the proposal's digest, made elsewhere.

        Raises:
            ProtocolError: it is none.
        """
        data, existing, organizations = requests.proposed_transaction_parts(serialized)
        return AsyncProposal(self._session, self._transport, data, organizations, signature or existing)

    def new_transaction(self, serialized: bytes, signature: bytes = b"") -> AsyncTransaction:
        """An endorsed transaction again, from its `serialized`; arguments are those of `new_proposal`."""
        data, existing = requests.prepared_transaction_parts(serialized)
        return AsyncTransaction(self._session, self._transport, data, signature or existing)

    def new_commit(self, serialized: bytes, signature: bytes = b"") -> AsyncCommit:
        """A question after an outcome again, from its `serialized`; arguments are those of `new_proposal`."""
        data, existing = requests.signed_commit_status_parts(serialized)
        return AsyncCommit(self._session, self._transport, data, signature or existing)

    def new_chaincode_events_request(self, serialized: bytes, signature: bytes = b"") -> AsyncChaincodeEventsRequest:
        """An events request again, from its `serialized`; arguments are those of `new_proposal`."""
        data, existing = requests.signed_events_parts(serialized)
        return AsyncChaincodeEventsRequest(self._session, self._transport, data, signature or existing)

    def new_block_events_request(self, serialized: bytes, signature: bytes = b"") -> AsyncBlockEventsRequest:
        """A request for blocks again, from its `serialized`; arguments are those of `new_proposal`."""
        data, existing = open_envelope(serialized)
        return AsyncBlockEventsRequest(self._session, self._transport, data, signature or existing)

    def new_filtered_block_events_request(
        self, serialized: bytes, signature: bytes = b""
    ) -> AsyncFilteredBlockEventsRequest:
        """A request for filtered blocks again, from its `serialized`; arguments are those of `new_proposal`."""
        data, existing = open_envelope(serialized)
        return AsyncFilteredBlockEventsRequest(self._session, self._transport, data, signature or existing)

    def new_block_and_private_data_events_request(
        self, serialized: bytes, signature: bytes = b""
    ) -> AsyncBlockAndPrivateDataEventsRequest:
        """A request for blocks and private data again, from its `serialized`; arguments as of `new_proposal`."""
        data, existing = open_envelope(serialized)
        return AsyncBlockAndPrivateDataEventsRequest(self._session, self._transport, data, signature or existing)

    def transaction_from_envelope(self, envelope: bytes) -> AsyncTransaction:
        """A signed transaction from its envelope: submitting it sends the very same bytes again.

        Raises:
            ProtocolError: the envelope is not well formed.
        """
        payload, signature = open_envelope(envelope)
        return AsyncTransaction(self._session, self._transport, payload, signature)

    async def process_proposal(
        self, chaincode: str, args: Sequence[bytes], channel: str = "", *, timeout: float | None = None
    ) -> bytes:
        """Call a chaincode on this one peer, without the gateway service: what installing chaincode needs.

        Args:
            chaincode: the chaincode's name, such as `_lifecycle`.
            args: the function's name and its arguments.
            channel: the channel; empty for what is the peer's own.
            timeout: seconds, instead of the gateway's deadline for endorsing.

        Returns:
            The response's payload.

        Raises:
            ProposalError: the peer refused, or could not be reached.
        """
        data = build_proposal(
            channel=channel,
            chaincode=chaincode,
            args=args,
            creator=self.identity.serialized,
            tls_certificate_hash=self._session.tls_certificate_hash,
        )
        proposal = AsyncProposal(self._session, self._transport, data)
        signed = requests.signed_proposal(data, proposal.signature)
        answer = await self._transport.process_proposal(signed, proposal.transaction_id, timeout)
        if not 200 <= answer.response.status < 400:
            raise ProposalError(
                str(answer.response.status), answer.response.message, transaction_id=proposal.transaction_id
            )
        return answer.response.payload
