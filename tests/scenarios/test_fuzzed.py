"""Good requests, changed: bits turned over, cut short, made longer. Nothing but what was signed is ever accepted.

Afterwards the network serves, and its process holds what it held before.
"""

import contextlib
import random
from collections.abc import Callable, Iterator

import grpc
import psutil
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.discovery import protocol_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2

from chaincode.registry.model.ids import new_id
from network import control
from network.folder import Folder
from network.topology import CHANNEL
from node_client import Gateway
from node_client.gateway._sync.transaction import Transaction
from node_client.protocol.block import Block, parse_block
from tests.scenarios.deploying import patiently
from tests.scenarios.hostility import (
    CHAINCODE,
    SEED,
    attacked,
    gateway,
    proposal,
    read,
    request,
    require_refused,
    require_serving,
    signed,
)
from tests.scenarios.seeking import OLDEST, Ask, Person, profile_of
from tests.scenarios.wire import DELIVER, DISCOVER, EVENTS, ORDERER, Wire, mutations

pytestmark = pytest.mark.embedded

FEW, MANY = 60, 2000  # changed forms of each request
BROADCAST, ORDERER_DELIVER = ORDERER
SUBMIT, COMMIT_STATUS = "/gateway.Gateway/Submit", "/gateway.Gateway/CommitStatus"
PROPOSING = ("/gateway.Gateway/Endorse", "/gateway.Gateway/Evaluate", "/protos.Endorser/ProcessProposal")
METHODS = (*PROPOSING, SUBMIT, COMMIT_STATUS, EVENTS, *DELIVER, DISCOVER)
SPARE_THREADS = 8  # gRPC and asyncio keep some that they have once needed
SPARE_MEMORY = 64 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with attacked(tmp_path_factory.mktemp("fuzzed") / "net") as folder:
        require_serving(folder)
        yield folder


@pytest.fixture(autouse=True)
def _nothing_leaks(folder: Folder) -> Iterator[None]:
    """The network's process holds as many descriptors as before, and not many more threads or much more memory."""
    process = psutil.Process(control.status(folder).pid)
    require_serving(folder)
    before = process.num_fds(), process.num_threads(), process.memory_info().rss
    yield

    def let_go() -> None:
        assert process.num_fds() <= before[0]
        assert process.num_threads() <= before[1] + SPARE_THREADS

    patiently(let_go, AssertionError)
    assert process.memory_info().rss - before[2] < SPARE_MEMORY


class Attack:
    """Changed forms of good requests, sent to one port of the city's peer or to its orderer.

    Args:
        port: `peer`, or `mutual`, as the city's issuer.
        count: how many forms of each request.
    """

    def __init__(self, folder: Folder, wire: Wire, port: str, count: int) -> None:
        self._folder, self._wire, self._count = folder, wire, count
        self._channel: grpc.Channel = getattr(wire, port)
        self._issuer = Person.of(folder, "City", "issuer")
        endpoint = profile_of(folder, "City").endpoint("City", user="issuer")
        self._tls_hash = endpoint.certificate_hash if port == "mutual" else b""
        self._chance = random.Random(SEED)

    def on(self, method: str) -> None:
        """Attack a method."""
        if method in PROPOSING:
            self._proposals(method)
        elif method == SUBMIT:
            self._envelopes(self._submitted)
        elif method == BROADCAST:
            self._envelopes(self._broadcast)
        elif method == COMMIT_STATUS:
            self._commit_statuses()
        elif method == EVENTS:
            self._events()
        elif method == DISCOVER:
            self._discovery()
        else:
            self._blocks(method)
        require_serving(self._folder)

    def _changed(self, good: bytes) -> Iterator[bytes]:
        return mutations(good, self._count, self._chance)

    def _proposals(self, method: str) -> None:
        good = request(method, signed(self._issuer, proposal(self._issuer)))
        for data in self._changed(good):
            answer = self._wire.unary(self._channel, method, data)
            if not isinstance(answer, bytes) or (method.endswith("Proposal") and _is_refusal(answer)):
                require_refused(answer, method)
                continue
            assert _signed_part(method, data) == _signed_part(method, good)

    def _commit_statuses(self) -> None:
        with transaction(self._folder) as one:
            one.submit().require_valid()
        text = gateway_pb2.CommitStatusRequest(
            transaction_id=one.transaction_id, channel_id=CHANNEL, identity=self._issuer.identity.serialized
        ).SerializeToString()
        kind = gateway_pb2.SignedCommitStatusRequest
        good = kind(request=text, signature=self._issuer.sign(text)).SerializeToString()
        answer = self._wire.unary(self._channel, COMMIT_STATUS, good)
        assert isinstance(answer, bytes)
        for data in self._changed(good):
            found = self._wire.unary(self._channel, COMMIT_STATUS, data)
            if isinstance(found, bytes):
                assert kind.FromString(data).request == text
                assert found == answer
            else:
                require_refused(found, COMMIT_STATUS)

    def _events(self) -> None:
        asked = gateway_pb2.ChaincodeEventsRequest(
            channel_id=CHANNEL, chaincode_id=CHAINCODE, identity=self._issuer.identity.serialized
        )
        asked.start_position.specified.number = 0
        text = asked.SerializeToString()
        kind = gateway_pb2.SignedChaincodeEventsRequest
        good = kind(request=text, signature=self._issuer.sign(text)).SerializeToString()
        first = next(self._stream(EVENTS, good))
        for data in self._changed(good):
            stream = self._stream(EVENTS, data)
            try:
                found = next(stream)
            except grpc.RpcError as error:
                require_refused(error, EVENTS)
                continue
            assert kind.FromString(data).request == text
            assert found == first
            stream.cancel()  # type: ignore[attr-defined]

    def _blocks(self, method: str) -> None:
        asked = Ask(OLDEST, OLDEST, tls_hash=self._tls_hash).signed_by(self._issuer)
        kind = ab_pb2.DeliverResponse if method == ORDERER_DELIVER else events_pb2.DeliverResponse
        good = asked.SerializeToString()
        block, status = read(self._stream(method, good))
        assert kind.FromString(status).status == common_pb2.SUCCESS
        for data in self._changed(good):
            found = read(self._stream(method, data))
            if block in found:
                assert common_pb2.Envelope.FromString(data).payload == asked.payload
                assert found == [block, status]
                continue
            # An envelope that nobody can read ends the stream without an answer.
            assert [kind.FromString(one).WhichOneof("Type") for one in found] in ([], ["status"])
            assert status not in found

    def _discovery(self) -> None:
        asked = protocol_pb2.Request()
        asked.authentication.client_identity = self._issuer.identity.serialized
        asked.authentication.client_tls_cert_hash = self._tls_hash
        asked.queries.add(channel=CHANNEL).config_query.SetInParent()
        asked.queries.add(channel=CHANNEL).peer_query.SetInParent()
        asked.queries.add(channel=CHANNEL).cc_query.interests.add().chaincodes.add(name=CHAINCODE)
        text = asked.SerializeToString()
        good = protocol_pb2.SignedRequest(payload=text, signature=self._issuer.sign(text)).SerializeToString()
        assert _told(self._wire.unary(self._channel, DISCOVER, good)) == {"config_result", "members", "cc_query_res"}
        for data in self._changed(good):
            answer = self._wire.unary(self._channel, DISCOVER, data)
            if not isinstance(answer, bytes):
                require_refused(answer, DISCOVER)
            elif protocol_pb2.SignedRequest.FromString(data).payload != text:
                assert _told(answer) <= {"error"}

    def _envelopes(self, send: Callable[[common_pb2.Envelope], None]) -> None:
        """Whatever is taken of a transaction is that transaction, and it is valid once."""
        with gateway(self._folder) as one, transaction(self._folder) as good:
            before = one.get_network(CHANNEL).height()
            envelope = common_pb2.Envelope.FromString(good.envelope)
            send(envelope)
            good.submit().require_valid()
            require_serving(self._folder)  # what came before it is in blocks
            found = [
                (content, code)
                for block in blocks(one, before)
                for content, code in zip(block.envelopes, block.validation_codes, strict=True)
            ]
        *ours, (last, _) = found
        assert common_pb2.Envelope.FromString(last).payload != envelope.payload
        assert all(common_pb2.Envelope.FromString(content).payload == envelope.payload for content, _ in ours)
        codes = [code for _, code in ours]
        assert codes.count(transaction_pb2.VALID) == 1
        assert set(codes) <= {transaction_pb2.VALID, transaction_pb2.DUPLICATE_TXID}

    def _submitted(self, envelope: common_pb2.Envelope) -> None:
        good = gateway_pb2.SubmitRequest(channel_id=CHANNEL, prepared_transaction=envelope).SerializeToString()
        for data in self._changed(good):
            answer = self._wire.unary(self._channel, SUBMIT, data)
            if isinstance(answer, bytes):
                changed = gateway_pb2.SubmitRequest.FromString(data).prepared_transaction
                assert changed.payload == envelope.payload
            else:
                require_refused(answer, SUBMIT)

    def _broadcast(self, envelope: common_pb2.Envelope) -> None:
        for data in self._changed(envelope.SerializeToString()):
            for answer in read(self._stream(BROADCAST, data)):
                if ab_pb2.BroadcastResponse.FromString(answer).status == common_pb2.SUCCESS:
                    assert common_pb2.Envelope.FromString(data).payload == envelope.payload

    def _stream(self, method: str, data: bytes) -> Iterator[bytes]:
        channel = self._wire.orderer if method in ORDERER else self._channel
        return self._wire.stream(channel, method, [data])


def _is_refusal(answer: bytes) -> bool:
    return proposal_response_pb2.ProposalResponse.FromString(answer).response.status >= 400


def _signed_part(method: str, data: bytes) -> bytes:
    if method.endswith("ProcessProposal"):
        return proposal_pb2.SignedProposal.FromString(data).proposal_bytes
    return gateway_pb2.EndorseRequest.FromString(data).proposed_transaction.proposal_bytes


def _told(answer: "bytes | grpc.RpcError") -> set[str | None]:
    """What kinds of results an answer to a discovery request holds."""
    assert isinstance(answer, bytes)
    return {one.WhichOneof("result") for one in protocol_pb2.Response.FromString(answer).results}


@contextlib.contextmanager
def transaction(folder: Folder) -> Iterator[Transaction]:
    """A transaction that is endorsed and not submitted."""
    with gateway(folder) as one:
        contract = one.get_network(CHANNEL).get_contract(CHAINCODE)
        yield contract.new_proposal("IssueCertificate", new_id(), "ef" * 32).endorse()


def blocks(one: Gateway, start: int) -> Iterator[Block]:
    """The blocks from this number on."""
    network = one.get_network(CHANNEL)
    for number in range(start, network.height()):
        yield parse_block(network.get_contract("qscc").evaluate("GetBlockByNumber", CHANNEL, str(number)))


@pytest.fixture
def wire(folder: Folder) -> Iterator[Wire]:
    with Wire(folder, "City") as wire:
        yield wire


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("port", ["peer", "mutual"])
@pytest.mark.parametrize("method", METHODS)
def test_changed_requests_to_a_peer(folder: Folder, wire: Wire, method: str, port: str, count: int) -> None:
    Attack(folder, wire, port, count).on(method)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", ORDERER)
def test_changed_requests_to_an_orderer(folder: Folder, wire: Wire, method: str, count: int) -> None:
    Attack(folder, wire, "orderer", count).on(method)
