"""Channel participation: which channels an orderer is in (`osnadmin channel` of Fabric)."""

import secrets
from urllib.parse import quote

from node_client.admin import participation
from node_client.admin._async.transport import AsyncRest
from node_client.admin.participation import CHANNELS, ChannelInfo
from node_client.admin.rest import RestAnswer, RestEndpoint
from node_client.errors import AdminError


class AsyncChannelParticipation:
    """An orderer's channels.

    Args:
        endpoint: the orderer's admin endpoint; the client certificate is what it knows its admins by.
    """

    def __init__(self, endpoint: RestEndpoint) -> None:
        self._rest = AsyncRest(endpoint)

    async def channels(self) -> tuple[str, ...]:
        """The names of the channels that the orderer is in. Raises AdminError."""
        return participation.channel_names(self._accepted(await self._rest.call("GET", CHANNELS)))

    async def channel(self, name: str) -> ChannelInfo | None:
        """What the orderer says of a channel; None when it is not in it. Raises AdminError."""
        answer = await self._rest.call("GET", f"{CHANNELS}/{quote(name, safe='')}")
        return None if answer.status == 404 else participation.channel_info(self._accepted(answer))

    async def join(self, block: bytes) -> ChannelInfo:
        """Join a channel.

        Args:
            block: its first block, or its latest configuration block.

        Raises:
            AdminError: the orderer refused, as it does when it is in the channel already (405); or did not answer.
        """
        body, content_type = participation.join_form(block, secrets.token_hex(16))
        return participation.channel_info(self._accepted(await self._rest.call("POST", CHANNELS, body, content_type)))

    async def remove(self, name: str) -> None:
        """Leave a channel, and remove its blocks. Raises AdminError."""
        self._accepted(await self._rest.call("DELETE", f"{CHANNELS}/{quote(name, safe='')}"))

    def _accepted(self, answer: RestAnswer) -> bytes:
        if answer.status >= 300:
            raise AdminError(self._rest.endpoint.address, answer.status, participation.refusal(answer.body))
        return answer.body
