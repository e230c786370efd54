"""Clients that would fill the network's memory: who reads nothing of megabytes, who sends megabytes in vain."""

import contextlib
from collections.abc import Iterator
from typing import Any

import grpc
import psutil
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2

from network import control
from network.folder import Folder
from network.topology import CHANNEL
from node_client import Gateway
from tests.scenarios.deploying import Service, define, free_address, patiently, served, unused_name
from tests.scenarios.hostility import attacked, require_serving
from tests.scenarios.seeking import OLDEST, Ask, Person, at, profile_of
from tests.scenarios.vaults import ANYONE
from tests.scenarios.wire import DELIVER, EVENTS, ORDERER, UNARY, Wire

pytestmark = pytest.mark.embedded

BLOCKS, EVENT = 50, 100_000  # large blocks, and the bytes of the event in each; it is argument and write there, too
READERS = 100
COPIES = 4  # of a message: as it is made, as it is encoded, as the transport has it, and one for how it is allocated
MARGIN = 64 << 20
REQUESTS, LARGE = 30, 10 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with attacked(tmp_path_factory.mktemp("bounded") / "net") as folder:
        yield folder


@pytest.fixture(scope="module")
def vault(folder: Folder) -> Iterator[Service]:
    """A chaincode whose events are large, and many of them in blocks."""
    service = define(folder, unused_name("vault"), free_address(), policy=ANYONE)
    with (
        served(service, "tests.scenarios.vault"),
        Gateway.from_profile(profile_of(folder, "City"), "City", "issuer") as gateway,
    ):
        contract = gateway.get_network(CHANNEL).get_contract(service.name)
        patiently(lambda: contract.evaluate("Get", "x", organizations=["CityMSP"]))
        for number in range(BLOCKS):
            contract.submit("Put", f"{number:0{EVENT}}", "1", organizations=["CityMSP"])
        yield service


@pytest.fixture
def process(folder: Folder) -> psutil.Process:
    """The network's process."""
    return psutil.Process(control.status(folder).pid)


def memory(process: psutil.Process) -> int:
    """Resident bytes."""
    return int(process.memory_info().rss)


@pytest.mark.parametrize("method", [EVENTS, DELIVER[0], DELIVER[2], ORDERER[1]])
def test_who_reads_nothing_holds_neither_memory_nor_others(
    folder: Folder, vault: Service, process: psutil.Process, method: str
) -> None:
    """Every stream asks for all of the ledger. It may hold the one message that is to be sent next, in some copies."""
    asked = events_asked(folder, vault) if method == EVENTS else blocks_asked(folder)
    before = memory(process)
    with Wire(folder, "City") as wire, Wire(folder, "City") as other:
        streams = [ask(wire, method, asked) for _ in range(READERS)]
        for _ in range(5):
            require_serving(folder)
        reader = ask(other, method, asked)
        sizes = [len(next(reader)) for _ in range(BLOCKS)]
        grown = memory(process) - before
        assert grown < READERS * COPIES * max(sizes) + MARGIN
        assert grown < READERS * sum(sizes) / 3  # that is far from all that they have asked for
        for one in (reader, *streams):
            one.cancel()
    require_serving(folder)


def events_asked(folder: Folder, vault: Service) -> bytes:
    """A request for all of the vault's events."""
    issuer = Person.of(folder, "City", "issuer")
    events = gateway_pb2.ChaincodeEventsRequest(
        channel_id=CHANNEL, chaincode_id=vault.name, identity=issuer.identity.serialized
    )
    events.start_position.specified.number = 0
    text = events.SerializeToString()
    return gateway_pb2.SignedChaincodeEventsRequest(request=text, signature=issuer.sign(text)).SerializeToString()


def blocks_asked(folder: Folder) -> bytes:
    """A request for all blocks, and those to come."""
    return Ask(OLDEST, at(2**64 - 1)).signed_by(Person.of(folder, "City", "issuer")).SerializeToString()


def ask(wire: Wire, method: str, asked: bytes) -> Any:
    """A stream of answers, of which nothing is read until it is iterated."""
    channel = wire.orderer if method in ORDERER else wire.peer
    return channel.unary_stream(method)(asked)


@pytest.mark.parametrize("method", [UNARY[2], UNARY[4], EVENTS, DELIVER[0], *ORDERER])
def test_large_requests_in_vain_are_not_kept(folder: Folder, process: psutil.Process, method: str) -> None:
    """As many as the collector of cycles would leave alone."""
    data = common_pb2.Envelope(payload=bytes(LARGE)).SerializeToString()
    with Wire(folder, "City") as wire:
        channel = wire.orderer if method in ORDERER else wire.peer

        def send() -> None:
            with contextlib.suppress(grpc.RpcError):
                list(channel.stream_stream(method)(iter([data])))

        send()
        before = memory(process)
        for _ in range(REQUESTS):
            send()
    assert memory(process) - before < REQUESTS * LARGE / 3
    require_serving(folder)
