"""How many calls of a service may run at a time, and what the ones past that are told."""

import asyncio
from typing import Any, NoReturn, cast

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from network.embedded import node_services
from network.embedded.concurrency import Concurrency
from network.embedded.failure import RpcFailure
from network.embedded.ledger import Ledger
from network.embedded.node_services import EndorserService, OrderingService
from network.embedded.ordering import Orderer
from network.embedded.peer import Peer


class Aborted(Exception):
    """An RPC was ended with a code and words."""


class Context:
    async def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        raise Aborted(code, text)


class SlowPeer:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[bytes] = asyncio.Queue()
        self.answer = asyncio.Event()

    async def process_proposal(self, request: proposal_pb2.SignedProposal) -> proposal_response_pb2.ProposalResponse:
        self.asked.put_nowait(request.signature)
        await self.answer.wait()
        return proposal_response_pb2.ProposalResponse(version=1)


def test_calls_past_the_limit_are_refused_until_one_has_ended_however_it_ended() -> None:
    concurrency = Concurrency("/a.Service", 1)

    def failing() -> None:
        with concurrency.admitted():
            with pytest.raises(RpcFailure) as caught, concurrency.admitted():
                pass
            assert caught.value.code == grpc.StatusCode.UNKNOWN
            assert str(caught.value) == "too many requests for /a.Service, exceeding concurrency limit (1)"
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    with concurrency.admitted():
        pass


async def test_proposals_past_an_endorsers_limit_are_refused_in_fabrics_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert node_services.CONCURRENCY_LIMIT == 2500
    monkeypatch.setattr(node_services, "CONCURRENCY_LIMIT", 2)
    peer = SlowPeer()
    service = EndorserService(cast(Peer, peer))
    request, context = proposal_pb2.SignedProposal(), cast(Any, Context())
    running = [asyncio.create_task(service.ProcessProposal(request, context)) for _ in range(2)]
    for _ in running:
        await peer.asked.get()
    with pytest.raises(Aborted) as caught:
        await service.ProcessProposal(request, context)
    text = "too many requests for /protos.Endorser, exceeding concurrency limit (2)"
    assert caught.value.args == (grpc.StatusCode.UNKNOWN, text)
    assert peer.asked.empty()
    peer.answer.set()
    assert [one.version for one in await asyncio.gather(*running)] == [1, 1]
    assert (await service.ProcessProposal(request, context)).version == 1


class NotingOrderer:
    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def broadcast(self, envelope: bytes) -> None:
        self.taken.append(envelope)


async def test_an_envelope_is_encoded_anew_before_it_is_ordered() -> None:
    """As by Fabric's orderers, which keep what they do not know, at the end (`etcdraft/blockcreator.go`)."""
    orderer = NotingOrderer()
    service = OrderingService(cast(Orderer, orderer), cast(Ledger, None))
    sent = b"\x22\x01x" + b"\x12\x01s" + b"\x0a\x01o" + b"\x0a\x01p"  # unknown field, signature, payload twice

    async def requests() -> Any:
        yield common_pb2.Envelope.FromString(sent)

    answers = [one.status async for one in service.Broadcast(requests(), Context())]
    assert answers == [common_pb2.SUCCESS]
    assert orderer.taken == [b"\x0a\x01p" + b"\x12\x01s" + b"\x22\x01x"]
