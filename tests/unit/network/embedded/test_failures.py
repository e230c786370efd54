"""Failures reach clients as Fabric's gateway gives them: code, message, and details in the trailing metadata."""

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2
from google.rpc import status_pb2

from network.embedded.failure import Detail, RpcFailure

Code = grpc.StatusCode


class Aborted(Exception):
    pass


class Context:
    """What gRPC gives a servicer."""

    def __init__(self) -> None:
        self.metadata: tuple[tuple[str, bytes], ...] = ()
        self.ended_with: tuple[grpc.StatusCode, str] | None = None

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        assert self.ended_with is None
        self.metadata = metadata

    async def abort(self, code: grpc.StatusCode, message: str) -> None:
        self.ended_with = code, message
        raise Aborted


async def abort(failure: RpcFailure) -> Context:
    context = Context()
    with pytest.raises(Aborted):
        await failure.abort(context)
    return context


async def test_a_failure_without_details_is_a_code_and_a_message() -> None:
    context = await abort(RpcFailure(Code.NOT_FOUND, "no such thing"))
    assert context.ended_with == (Code.NOT_FOUND, "no such thing")
    assert context.metadata == ()


async def test_details_travel_as_a_status_that_official_clients_read() -> None:
    details = [
        Detail(address="peer0.city:7051", msp_id="CityMSP", message="one"),
        Detail(address="peer0.tri:9051", msp_id="TriValleyMSP", message="zwei ü"),
    ]
    context = await abort(RpcFailure(Code.ABORTED, "failed to endorse transaction", details))
    assert context.ended_with == (Code.ABORTED, "failed to endorse transaction")
    ((name, data),) = context.metadata
    assert name == "grpc-status-details-bin"
    status = status_pb2.Status.FromString(data)
    assert (status.code, status.message) == (10, "failed to endorse transaction")
    assert [one.type_url for one in status.details] == ["type.googleapis.com/gateway.ErrorDetail"] * 2
    assert [gateway_pb2.ErrorDetail.FromString(one.value) for one in status.details] == details


@pytest.mark.parametrize("code", [code for code in Code if code != Code.OK])
async def test_the_status_has_the_number_of_its_code(code: grpc.StatusCode) -> None:
    context = await abort(RpcFailure(code, "text", [Detail(message="detail")]))
    assert status_pb2.Status.FromString(context.metadata[0][1]).code == code.value[0]


async def test_a_failure_says_what_happened() -> None:
    failure = RpcFailure(Code.UNAVAILABLE, "the peer is away")
    assert (str(failure), failure.code, failure.details) == ("the peer is away", Code.UNAVAILABLE, ())
