"""A connection to an organisation's gateway, and the channels behind it."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from node_client.errors import ProposalError
from node_client.gateway import requests
from node_client.gateway._async.network import AsyncNetwork
from node_client.gateway._async.signable import (
    AsyncChaincodeEventsRequest,
    AsyncCommit,
    AsyncProposal,
    AsyncTransaction,
)
from node_client.gateway._async.transport import AsyncTransport
from node_client.gateway.options import Endpoint, GatewayOptions
from node_client.gateway.session import Session
from node_client.identity.identity import Identity
from node_client.protocol.proposal import build_proposal
from node_client.protocol.transaction import open_envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node_client.identity.profile import ConnectionProfile
    from node_client.identity.signer import Signer


class AsyncGateway:
    """A client of one organisation's gateway. Use it in `async with`.

    Args:
        endpoint: the peer whose gateway is used.
        identity: who submits.
        signer: signs for the identity; without one everything is signed by the caller.
        options: hash and deadlines.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        identity: Identity,
        signer: "Signer | None" = None,
        options: GatewayOptions | None = None,
    ) -> None:
        options = options or GatewayOptions()
        self._session = Session(identity, signer, options.hash, endpoint.certificate_hash)
        self._transport = AsyncTransport(endpoint, options.deadlines)

    @classmethod
    def from_profile(
        cls,
        profile: "ConnectionProfile",
        organisation: str,
        user: str,
        *,
        peer: str = "",
        options: GatewayOptions | None = None,
    ) -> Self:
        """A gateway as a user of a connection profile: at the organisation's own peer, or at the one named.

        Raises:
            ProfileError: the profile lacks the organisation, the user or the peer.
        """
        return cls(
            profile.endpoint(organisation, peer),
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

    def new_proposal(self, data: bytes, signature: bytes | None = None) -> AsyncProposal:
        """A proposal from its bytes, with a signature made elsewhere."""
        return AsyncProposal(self._session, self._transport, data, (), signature)

    def new_transaction(self, payload: bytes, signature: bytes | None = None) -> AsyncTransaction:
        """An endorsed transaction from its payload's bytes, with a signature made elsewhere."""
        return AsyncTransaction(self._session, self._transport, payload, signature)

    def new_commit(self, data: bytes, signature: bytes | None = None) -> AsyncCommit:
        """A commit status request from its bytes, with a signature made elsewhere."""
        return AsyncCommit(self._session, self._transport, data, signature)

    def new_chaincode_events_request(self, data: bytes, signature: bytes | None = None) -> AsyncChaincodeEventsRequest:
        """An events request from its bytes, with a signature made elsewhere."""
        return AsyncChaincodeEventsRequest(self._session, self._transport, data, signature)

    def transaction_from_envelope(self, envelope: bytes) -> AsyncTransaction:
        """A signed transaction from its envelope: submitting it sends the very same bytes again.

        Raises:
            ProtocolError: the envelope is not well formed.
        """
        payload, signature = open_envelope(envelope)
        return AsyncTransaction(self._session, self._transport, payload, signature)

    async def process_proposal(self, chaincode: str, args: "Sequence[bytes]", channel: str = "") -> bytes:
        """Call a chaincode on this one peer, without the gateway: what installing chaincode needs.

        Returns:
            The response's payload.

        Raises:
            ProposalError: the peer refused.
        """
        data = build_proposal(channel=channel, chaincode=chaincode, args=args, creator=self.identity.serialized)
        proposal = AsyncProposal(self._session, self._transport, data, (), None)
        signed = requests.signed_proposal(data, proposal.signature)
        answer = await self._transport.process_proposal(signed, proposal.transaction_id)
        if not 200 <= answer.response.status < 400:
            raise ProposalError(
                str(answer.response.status), answer.response.message, transaction_id=proposal.transaction_id
            )
        return answer.response.payload
