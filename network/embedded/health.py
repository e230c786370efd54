"""`grpc.health.v1.Health`, which Fabric's orderers serve: here it tells whether blocks can be written.

The answers are those of Go's gRPC: there is one service, without a name. Why it does not serve stands in the trailing
metadata.
"""

from typing import Any

import grpc

from network.embedded.ledger import Ledger

SERVICE = "grpc.health.v1.Health"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"  # `HealthCheckResponse`, a message of one enumeration
REASON = "reason"


class Health:
    """The health of the orderer of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add_to(self, server: grpc.aio.Server) -> None:
        """Let a server serve it."""
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Check": grpc.unary_unary_rpc_method_handler(self.check, bytes, bytes)
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))

    async def check(self, request: bytes, context: Any) -> bytes:
        """Whether it serves now."""
        if request:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        if trouble := self._ledger.trouble:
            context.set_trailing_metadata(((REASON, trouble.encode("ascii", "replace").decode()),))
        return NOT_SERVING if trouble else SERVING
