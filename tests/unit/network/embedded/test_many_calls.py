"""Calls that arrive faster than the event loop takes them wait: gRPC's own limits end none of them."""

import asyncio

import grpc

from network.embedded.chaincode_support import SERVER_OPTIONS

CALLS = 4_000  # gRPC would let 1,000 wait, and 3,000 never
CHANNELS = 8


class Echo(grpc.GenericRpcHandler):
    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(self.echo)

    async def echo(self, request: bytes, context: object) -> bytes:
        return request


async def test_thousands_of_calls_at_once_are_all_answered() -> None:
    server = grpc.aio.server(options=SERVER_OPTIONS)
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection for each channel
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) for _ in range(CHANNELS)]
    try:
        calls = [channels[number % CHANNELS].unary_unary("/any/Echo")(b"%d" % number) for number in range(CALLS)]
        assert await asyncio.gather(*calls) == [b"%d" % number for number in range(CALLS)]
    finally:
        for channel in channels:
            await channel.close()
        await server.stop(None)
