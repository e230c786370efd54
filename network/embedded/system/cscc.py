"""`cscc`: the peer's channels and their configuration. Source: Fabric's `core/scc/cscc/configure.go`."""

from fabric_protos.peer import query_pb2

from network.embedded.system import Call, Refused


class Cscc:
    """The configuration queries."""

    async def invoke(self, call: Call) -> bytes:
        config = call.peer.ledger.config
        if call.function == "GetChannels":
            return query_pb2.ChannelQueryResponse(
                channels=[query_pb2.ChannelInfo(channel_id=config.channel)]
            ).SerializeToString()
        if not call.args or call.args[0].decode(errors="replace") != config.channel:
            raise Refused("Unknown chain ID")
        if call.function == "GetConfigBlock":
            return call.peer.ledger.block(config.block.number) or b""
        if call.function == "GetChannelConfig":
            return config.encoded
        raise Refused(f"Requested function {call.function} not found.")
