"""gRPC failures as Fabric's gateway gives them: code, message, and per peer what it said.

Details travel as `google.rpc.Status` in the trailing metadata `grpc-status-details-bin`, where the official clients
look for them. Source: Fabric's `internal/pkg/gateway/apiutils.go`.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

import grpc
from fabric_protos.gateway import gateway_pb2
from google.rpc import status_pb2

Detail = gateway_pb2.ErrorDetail


class RpcFailure(Exception):
    """An RPC that fails.

    Args:
        code: the gRPC status.
        message: Fabric's words.
        details: what each peer or orderer that was asked said.
    """

    def __init__(self, code: grpc.StatusCode, message: str, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    async def abort(self, context: Any) -> NoReturn:
        """End the RPC with this failure."""
        if self.details:
            status = status_pb2.Status(code=self.code.value[0], message=self.message)
            for detail in self.details:
                status.details.add().Pack(detail)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        await context.abort(self.code, self.message)
        raise AssertionError("abort does not return")
