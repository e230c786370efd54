"""`cscc`: the peer's channels and their configuration. Source: Fabric's `core/scc/cscc/configure.go`."""

from fabric_protos.common import common_pb2
from fabric_protos.peer import query_pb2

from network.embedded.acl import AccessDenied
from network.embedded.system import Call, Refused
from network.embedded.unpacking import Malformed, unmarshal


class Cscc:
    """The configuration queries. A peer of this network is in its channel from the beginning, and joins no other."""

    async def invoke(self, call: Call) -> bytes:
        if not call.arguments or (call.function != "GetChannels" and not call.args):
            raise Refused(f"Incorrect number of arguments, {len(call.arguments)}")
        if call.function == "JoinChain":
            return self._join(call)
        if call.function == "GetChannels":
            return self._channels(call)
        argument = call.args[0].decode(errors="replace")
        if call.function == "GetConfigBlock":
            _authorize(call, argument)
            return call.peer.ledger.block(call.peer.ledger.config.block.number) or b""
        if call.function == "GetChannelConfig":
            if not argument:
                raise Refused("empty channel name provided")
            _authorize(call, argument)
            return call.peer.ledger.config.encoded
        raise Refused(f"Requested function {call.function} not found.")

    def _channels(self, call: Call) -> bytes:
        try:
            call.peer.access.check("cscc/GetChannels", "", call.signed)
        except AccessDenied as error:
            raise Refused(f"access denied for [GetChannels]: {error}") from error
        channel = query_pb2.ChannelInfo(channel_id=call.peer.ledger.config.channel)
        return query_pb2.ChannelQueryResponse(channels=[channel]).SerializeToString()

    def _join(self, call: Call) -> bytes:
        try:
            block = unmarshal(common_pb2.Block, call.args[0])
        except Malformed as error:
            raise Refused(f"Failed to reconstruct the genesis block, {error}") from error
        if not block.data.data:
            text = "failed to retrieve channel id - block is empty"
            raise Refused(f'"JoinChain" request failed to extract channel id from the block due to [{text}]')
        channel = call.peer.ledger.config.channel
        try:
            call.peer.access.check("cscc/JoinChain", "", call.signed)
        except AccessDenied as error:
            raise Refused(f"access denied for [JoinChain][{channel}]: [{error}]") from error
        raise Refused(f"cannot create ledger from genesis block: ledger [{channel}] already exists with state [ACTIVE]")


def _authorize(call: Call, channel: str) -> None:
    try:
        call.peer.access.check(f"cscc/{call.function}", channel, call.signed)
    except AccessDenied as error:
        raise Refused(f"access denied for [{call.function}][{channel}]: {error}") from error
