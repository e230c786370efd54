"""What hostile tests have in common: a network that they attack, and what must be true of its answers."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import grpc
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from chaincode.registry.model.ids import new_id
from network import control
from network.folder import Folder
from network.topology import CHANNEL
from node_client import Gateway
from node_client.protocol.proposal import build_proposal, parse_proposal
from tests.scenarios.seeking import Person, profile_of

CHAINCODE = "registry"
SEED = 20261124


@contextlib.contextmanager
def attacked(path: Path) -> Iterator[Folder]:
    """A network for one module alone, for what is done to it must not reach other tests. It must live through it."""
    folder = Folder.at(path)
    control.up(folder, ports="auto")
    pid = control.status(folder).pid
    try:
        yield folder
        assert control.status(folder).pid == pid  # it is still the same process
        log = (folder.embedded / "embedded.log").read_text(encoding="utf-8")
        assert "Traceback" not in log
    finally:
        control.down(folder)


@contextlib.contextmanager
def gateway(folder: Folder, user: str = "issuer") -> Iterator[Gateway]:
    with Gateway.from_profile(profile_of(folder, "City"), "City", user) as found:
        yield found


def proposal(user: Person, *args: str, channel: str = CHANNEL, chaincode: str = CHAINCODE) -> bytes:
    arguments = args or ("IssueCertificate", new_id(), "ab" * 32)
    return build_proposal(
        channel=channel,
        chaincode=chaincode,
        args=[arg.encode() for arg in arguments],
        creator=user.identity.serialized,
    )


def signed(user: Person, data: bytes) -> proposal_pb2.SignedProposal:
    return proposal_pb2.SignedProposal(proposal_bytes=data, signature=user.sign(data))


def request(method: str, one: proposal_pb2.SignedProposal) -> bytes:
    """The proposal as the method takes it."""
    content = parse_proposal(one.proposal_bytes)
    if method.endswith("ProcessProposal"):
        return one.SerializeToString()
    kind = gateway_pb2.EvaluateRequest if method.endswith("Evaluate") else gateway_pb2.EndorseRequest
    return kind(
        transaction_id=content.transaction_id, channel_id=content.channel, proposed_transaction=one
    ).SerializeToString()


def require_refused(answer: "bytes | grpc.RpcError", method: str) -> None:
    """Refused in the service's own words, not by an exception that nobody expected."""
    if isinstance(answer, bytes):
        assert method.endswith("ProcessProposal"), answer
        response = proposal_response_pb2.ProposalResponse.FromString(answer)
        assert response.response.status >= 400
        assert not response.endorsement.signature
        return
    assert isinstance(answer, grpc.Call)
    assert answer.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    # The gateway says UNAVAILABLE of some things itself, as of an unknown channel; gRPC says it in these words.
    for word in ("Unexpected", "connect", "ocket", "GOAWAY", "closed"):
        assert word not in (answer.details() or "")


def require_serving(folder: Folder) -> None:
    """Everybody is still served."""
    with gateway(folder) as one:
        contract = one.get_network(CHANNEL).get_contract(CHAINCODE)
        contract.submit("IssueCertificate", new_id(), "cd" * 32)


def read(stream: Iterator[bytes]) -> list[bytes]:
    """What a stream answers until it ends in whatever way."""
    answers: list[bytes] = []
    with contextlib.suppress(grpc.RpcError):
        answers += itertools.islice(stream, 100)
    assert isinstance(stream, grpc.Call)
    assert stream.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE), stream.details()
    assert "Unexpected" not in (stream.details() or "")
    return answers
