"""A peer's block events as a gRPC service: how many streams there may be, and to which certificate they are bound."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any, NoReturn, cast

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2

from network.authority import Authority
from network.embedded import deliver_service
from network.embedded.deliver_service import DeliverService
from network.embedded.ledger import Ledger
from network.embedded.tls import client_certificate_hash

CERTIFICATE = Authority.create("City", "tlsca.city").issue_tls("client").certificate


class Aborted(Exception):
    """An RPC was ended with a code and words."""


class Context:
    """What gRPC tells of a call, and how the call is ended."""

    def __init__(self, *certificates: bytes) -> None:
        self._properties = {"x509_pem_cert": list(certificates)} if certificates else {}

    def auth_context(self) -> dict[str, list[bytes]]:
        return self._properties

    async def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        raise Aborted(code, text)


async def unreadable() -> AsyncIterator[common_pb2.Envelope]:
    yield common_pb2.Envelope(payload=b"\xff")


def service() -> DeliverService:
    return DeliverService(cast(Ledger, None), "CityMSP")  # an unreadable request comes before the ledger is asked


async def test_streams_past_the_limit_are_refused_in_fabrics_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver_service, "CONCURRENCY_LIMIT", 2)
    served = service()
    streams: list[Any] = [served.Deliver(unreadable(), Context()), served.DeliverFiltered(unreadable(), Context())]
    for stream in streams:
        assert (await anext(stream)).status == common_pb2.BAD_REQUEST
    with pytest.raises(Aborted) as caught:
        await anext(served.DeliverWithPrivateData(unreadable(), Context()))
    text = "too many requests for /protos.Deliver, exceeding concurrency limit (2)"
    assert caught.value.args == (grpc.StatusCode.UNKNOWN, text)
    assert [answer async for answer in streams[0]] == []
    assert (await anext(served.DeliverWithPrivateData(unreadable(), Context()))).status == common_pb2.BAD_REQUEST


def test_certificate_of_a_connection_is_hashed_as_der() -> None:
    der = x509.load_pem_x509_certificate(CERTIFICATE).public_bytes(Encoding.DER)
    assert client_certificate_hash(Context(CERTIFICATE)) == sha256(der).digest()
    assert client_certificate_hash(Context()) == b""
