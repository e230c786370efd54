"""A running network, who calls it, and the raw calls: no client library in between."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.orderer import ab_pb2_grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_pb2

from network.folder import Folder
from network.topology import CHANNEL
from tests.scenarios.deploying import Service
from tests.scenarios.gateway_errors.drafts import Draft, Person
from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.people import People

DEADLINE = 60.0
TOO_MANY = 501  # one more than a gateway takes at a time
MESSAGE_SIZE = 100 * 1024 * 1024


@dataclass(frozen=True)
class Services:
    """The chaincodes that the cases call.

    Attributes:
        counter: a contract.
        rude: breaks the protocol.
        dead: nothing serves where its package says.
        elsewhere: like `rude`, but the city's peer does not have it.
    """

    counter: Service
    rude: Service
    dead: Service
    elsewhere: Service


class Scene(People):
    """What the cases call with, and on. Use it in `with`."""

    def __init__(self, folder: Folder, services: Services) -> None:
        super().__init__(folder)
        self.services = services
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._peers = {name: self._channel(name, one.peer) for name, one in self.organisations.items()}
        self._orderers = {name: self._channel(name, one.orderer) for name, one in self.organisations.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _channel(self, organisation: str, address: str) -> grpc.Channel:
        root = (self.folder.organisation(organisation) / "tlsca" / "tlsca.crt").read_bytes()
        options = [("grpc.max_receive_message_length", MESSAGE_SIZE), ("grpc.max_send_message_length", MESSAGE_SIZE)]
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(root), options)
        self._stack.callback(channel.close)
        return channel

    @cached_property
    def names(self) -> dict[str, str]:
        """What stands for the names and addresses of this run."""
        found = {getattr(self.services, role).name: f"{{{role}}}" for role in Services.__dataclass_fields__}
        for name, one in self.organisations.items():
            found[one.peer] = f"{{{name} peer}}"
            found[one.orderer] = f"{{{name} orderer}}"
        return found

    def wait_for_chaincodes(self) -> None:
        """Wait until the gateway knows at which peers the chaincodes are, and those that run answer."""
        everyone = [one.msp_id for one in self.organisations.values()]
        for service, args, msp_ids in (
            (self.services.counter, ("Who",), everyone),
            (self.services.rude, ("respond", "200"), everyone),
            (self.services.elsewhere, ("respond", "200"), everyone[1:]),
        ):
            for msp_id in msp_ids:
                self._until(lambda outcome: outcome.code == "OK", args, service, msp_id)
        for msp_id in everyone:
            # Peers refuse this before they look for the chaincode, which would take its time.
            self._until(lambda one: not one.message.startswith("no peers"), (), self.services.dead, msp_id, tx_id="0")

    def _until(
        self, met: Callable[[Outcome], bool], args: tuple[str, ...], service: Service, msp_id: str, **fields: str
    ) -> None:
        deadline = time.monotonic() + DEADLINE
        while not met(outcome := self.evaluate(self.signed(*args, chaincode=service.name, **fields), msp_id)):
            assert time.monotonic() < deadline, outcome
            time.sleep(0.05)

    def draft(self, *args: str | bytes, chaincode: str = "", person: Person | None = None, **fields: Any) -> Draft:
        """A proposal to call the counter, by the city's issuer, unless said otherwise."""
        values = {
            "creator": (person or self.user()).serialized,
            "channel": CHANNEL,
            "chaincode": chaincode or self.services.counter.name,
            "args": args or ("Who",),
            **fields,
        }
        return Draft(**values)

    def signed(self, *args: str | bytes, person: Person | None = None, **fields: Any) -> proposal_pb2.SignedProposal:
        """Such a proposal, signed."""
        return self.draft(*args, person=person, **fields).signed(person or self.user())

    def evaluate(self, signed: proposal_pb2.SignedProposal, *organizations: str, timeout: float = DEADLINE) -> Outcome:
        """Evaluate at the city's gateway."""
        request = gateway_pb2.EvaluateRequest(proposed_transaction=signed, target_organizations=organizations)
        try:
            result = self._gateway.Evaluate(request, timeout=timeout).result
        except grpc.RpcError as error:
            return Outcome.of_error("Evaluate", error)
        return Outcome("Evaluate", "OK", answer={"status": result.status, "message": result.message})

    def result(self, signed: proposal_pb2.SignedProposal) -> bytes:
        """What a query at the city's gateway gives."""
        request = gateway_pb2.EvaluateRequest(proposed_transaction=signed)
        return bytes(self._gateway.Evaluate(request, timeout=DEADLINE).result.payload)

    def endorse(self, signed: proposal_pb2.SignedProposal, *organizations: str, timeout: float = DEADLINE) -> Outcome:
        """Endorse at the city's gateway."""
        request = gateway_pb2.EndorseRequest(proposed_transaction=signed, endorsing_organizations=organizations)
        try:
            self._gateway.Endorse(request, timeout=timeout)
        except grpc.RpcError as error:
            return Outcome.of_error("Endorse", error)
        return Outcome("Endorse", "OK")

    def endorsed(self, *args: str, organizations: Sequence[str] = (), chaincode: str = "") -> bytes:
        """The payload of an endorsed transaction."""
        return self.endorsed_payload(self.signed(*args, chaincode=chaincode), *organizations)

    def endorsed_payload(self, signed: proposal_pb2.SignedProposal, *organizations: str) -> bytes:
        """The payload of the transaction that a proposal becomes."""
        request = gateway_pb2.EndorseRequest(proposed_transaction=signed, endorsing_organizations=organizations)
        return bytes(self._gateway.Endorse(request, timeout=DEADLINE).prepared_transaction.payload)

    def commit(self, signed: proposal_pb2.SignedProposal) -> str:
        """Have the issuer's proposal endorsed, ordered and committed. Returns the transaction's id."""
        payload = self.endorsed_payload(signed)
        issuer = self.user()
        assert self.submit(common_pb2.Envelope(payload=payload, signature=issuer.sign(payload))).code == "OK"
        header = common_pb2.Payload.FromString(payload).header
        tx_id = common_pb2.ChannelHeader.FromString(header.channel_header).tx_id
        question = gateway_pb2.CommitStatusRequest(
            transaction_id=tx_id, channel_id=CHANNEL, identity=issuer.serialized
        ).SerializeToString()
        for organisation in self.organisations:  # until every peer has it
            assert self.commit_status(question, issuer.sign(question), organisation).answer == {"result": 0}
        return tx_id

    def submit(self, envelope: common_pb2.Envelope | None, channel: str = CHANNEL) -> Outcome:
        """Submit at the city's gateway."""
        try:
            self._gateway.Submit(
                gateway_pb2.SubmitRequest(channel_id=channel, prepared_transaction=envelope), timeout=DEADLINE
            )
        except grpc.RpcError as error:
            return Outcome.of_error("Submit", error)
        return Outcome("Submit", "OK")

    def commit_status(self, request: bytes, signature: bytes, organisation: str = "City") -> Outcome:
        """Ask an organisation's gateway how a transaction ended."""
        signed = gateway_pb2.SignedCommitStatusRequest(request=request, signature=signature)
        try:
            gateway = gateway_pb2_grpc.GatewayStub(self._peers[organisation])
            response = gateway.CommitStatus(signed, timeout=DEADLINE)
        except grpc.RpcError as error:
            return Outcome.of_error("CommitStatus", error)
        return Outcome("CommitStatus", "OK", answer={"result": int(response.result)})

    def too_many(self, request: bytes, signature: bytes) -> Outcome:
        """Ask so often at the same time that the gateway takes no more; whatever is asked must have no answer yet."""
        signed = gateway_pb2.SignedCommitStatusRequest(request=request, signature=signature)
        calls = [self._gateway.CommitStatus.future(signed, timeout=DEADLINE) for _ in range(TOO_MANY)]
        ended: SimpleQueue[grpc.Future] = SimpleQueue()
        for call in calls:
            call.add_done_callback(ended.put)
        try:
            error = ended.get(timeout=DEADLINE).exception()
        finally:
            for call in calls:
                call.cancel()
            self._wait_until_admitted()
        assert isinstance(error, grpc.RpcError)
        return Outcome.of_error("CommitStatus", error)

    def _wait_until_admitted(self) -> None:
        """Wait until the gateway has noticed that calls were cancelled: until then it takes no others."""
        deadline = time.monotonic() + DEADLINE
        while "too many" in (outcome := self.commit_status(b"", b"")).message:
            assert time.monotonic() < deadline, outcome
            time.sleep(0.01)

    def chaincode_events(self, request: bytes, signature: bytes) -> Outcome:
        """Ask the city's gateway for chaincode events, up to the first."""
        signed = gateway_pb2.SignedChaincodeEventsRequest(request=request, signature=signature)
        stream = self._gateway.ChaincodeEvents(signed, timeout=DEADLINE)
        try:
            events = next(stream).events
        except grpc.RpcError as error:
            return Outcome.of_error("ChaincodeEvents", error)
        finally:
            stream.cancel()
        return Outcome("ChaincodeEvents", "OK", answer={"event": events[0].event_name})

    def process(self, signed: proposal_pb2.SignedProposal, organisation: str = "City") -> Outcome:
        """Call a peer's own endorser service."""
        try:
            answer = peer_pb2_grpc.EndorserStub(self._peers[organisation]).ProcessProposal(signed, timeout=DEADLINE)
        except grpc.RpcError as error:
            return Outcome.of_error("ProcessProposal", error)
        return Outcome(
            "ProcessProposal",
            "OK",
            answer={
                "status": answer.response.status,
                "message": answer.response.message,
                "payload": bool(answer.payload),
                "endorsed": answer.HasField("endorsement"),
            },
        )

    def broadcast(self, envelope: common_pb2.Envelope) -> Outcome:
        """Hand an envelope to the city's orderer."""
        try:
            answers = ab_pb2_grpc.AtomicBroadcastStub(self._orderers["City"]).Broadcast(
                iter([envelope]), timeout=DEADLINE
            )
            answer = next(answers)
        except grpc.RpcError as error:
            return Outcome.of_error("Broadcast", error)
        return Outcome("Broadcast", "OK", answer={"status": common_pb2.Status.Name(answer.status), "info": answer.info})

    @property
    def _gateway(self) -> gateway_pb2_grpc.GatewayStub:
        return gateway_pb2_grpc.GatewayStub(self._peers["City"])
