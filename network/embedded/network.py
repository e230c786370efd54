"""The embedded network, assembled: ledger, ordering, and every organisation's peer with its servers."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from fabric_protos.discovery import protocol_pb2_grpc
from fabric_protos.gateway import gateway_pb2_grpc
from fabric_protos.orderer import ab_pb2_grpc
from fabric_protos.peer import chaincode_shim_pb2_grpc, events_pb2_grpc, peer_pb2_grpc

from network.embedded.bootstrap import ensure_registry
from network.embedded.chaincode_processes import keep_running
from network.embedded.chaincode_support import SERVER_OPTIONS, ChaincodeSupport
from network.embedded.deliver_service import DeliverService
from network.embedded.discovery_service import DiscoveryService
from network.embedded.gateway_service import GatewayService
from network.embedded.gossip import Announcer
from network.embedded.health import Health
from network.embedded.launches import Launches
from network.embedded.ledger import Ledger
from network.embedded.limits import Limits
from network.embedded.node_keys import local_msp, node_identity, reading, tls_pair
from network.embedded.node_services import EndorserService, OrderingService
from network.embedded.ordering import Orderer
from network.embedded.peer import Peer
from network.embedded.signing import NodeIdentity
from network.embedded.system.packages import PackageStore
from network.embedded.tls import server_credentials
from network.embedded.unreadable import ReadableRequests
from network.errors import StartError
from network.topology import MUTUAL_TLS_OFFSET, Organisation, Topology
from node_client.protocol.config import ChannelConfig

logger = logging.getLogger(__name__)

LAST_BLOCKS = 5.0  # seconds that what has been taken for ordering has to be committed when the network stops
GRACE = 0.2  # seconds that calls have to end by themselves when the network stops


class EmbeddedNetwork:
    """The network of a folder, served by this process. Use it in `async with`.

    Args:
        folder: the network's folder, with keys and the channel's first block.
        topology: who is in it, and at which addresses.
        limits: what the peers let chaincode do.
    """

    def __init__(self, folder: Path, topology: Topology, limits: Limits | None = None) -> None:
        self._folder = folder
        self._home = folder / "embedded"
        self._topology = topology
        self._limits = limits or Limits()
        self._servers: list[grpc.aio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._making_blocks: asyncio.Task[None] | None = None
        self._supports: dict[str, ChaincodeSupport] = {}
        self._launches: dict[str, Launches] = {}
        self.peers: dict[str, Peer] = {}
        self._announcers: dict[str, Announcer] = {}

    async def __aenter__(self) -> Self:
        self._home.mkdir(exist_ok=True)
        path = self._folder / "channel.block"
        with reading(path):
            block = path.read_bytes()
            self._first_config = ChannelConfig.from_bytes(block)
        self.ledger = Ledger(self._home / "ledger.db", block)
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _start(self) -> None:
        ledger = self.ledger
        leader = self._topology.organisations[0]
        self.orderer = Orderer(
            lambda: ledger.config,
            leader.orderer,
            self._identity(leader, "orderer"),
            ledger.commit,
            lambda: ledger.trouble,
            ledger.height,
            ledger.tip[0],
        )
        self._making_blocks = asyncio.create_task(self.orderer.run())
        for organisation in self._topology.organisations:
            peer = self.peers[organisation.msp_id] = self._peer(organisation)
            self._announcers[organisation.msp_id] = Announcer(peer, organisation.peer)
        self._check_addresses()
        for organisation in self._topology.organisations:
            await self._serve(organisation)
        await ensure_registry(self._folder, self._topology, self.peers, self.orderer, self._launch)

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until told to stop.

        Raises:
            Exception: what ended the making of blocks. It ends the network, as it ends Fabric's nodes.
        """
        if self._making_blocks is None:
            raise RuntimeError("the network has not been started")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, self._making_blocks], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._making_blocks.done():
            self._making_blocks.result()

    async def _stop(self) -> None:
        await self._finish_ordering()
        self.ledger.finish()
        await asyncio.gather(*(server.stop(GRACE) for server in self._servers))
        for support in self._supports.values():
            await support.close()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.ledger.close()

    async def _finish_ordering(self) -> None:
        """Commit what has been taken for ordering, unless the disk refuses: who waits for it is told how it ended."""
        if self._making_blocks is None:
            return
        if not self.ledger.trouble:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_BLOCKS):
                    await self.orderer.finish()
                    await asyncio.wait([self._making_blocks])
        self._making_blocks.cancel()
        await asyncio.gather(self._making_blocks, return_exceptions=True)

    def _identity(self, organisation: Organisation, node: str) -> NodeIdentity:
        folder = self._folder / organisation.name / node / "msp"
        return node_identity(
            organisation.msp_id, folder, [self.ledger.config.msp_manager, self._first_config.msp_manager]
        )

    def _peer(self, organisation: Organisation) -> Peer:
        support = self._supports[organisation.msp_id] = ChaincodeSupport()
        launches = self._launches[organisation.msp_id] = Launches(self._folder, organisation, support)
        peer = Peer(
            msp_id=organisation.msp_id,
            address=organisation.peer,
            identity=self._identity(organisation, "peer"),
            local=local_msp(organisation.msp_id, self._folder / organisation.name / "peer" / "msp"),
            ledger=self.ledger,
            packages=PackageStore(self._home / "packages" / organisation.name),
            launched=launches,
            support=support,
            limits=self._limits,
        )
        for package in peer.packages.all():
            peer.start_package(package)
        return peer

    async def _serve(self, organisation: Organisation) -> None:
        peer = self.peers[organisation.msp_id]
        home = self._folder / organisation.name
        node = _server()
        gateway_pb2_grpc.add_GatewayServicer_to_server(
            GatewayService(self.ledger, peer, self.peers, self.orderer), node
        )
        peer_pb2_grpc.add_EndorserServicer_to_server(EndorserService(peer), node)
        events_pb2_grpc.add_DeliverServicer_to_server(DeliverService(self.ledger, peer.msp_id), node)
        protocol_pb2_grpc.add_DiscoveryServicer_to_server(
            DiscoveryService(self.ledger, peer, self.peers, self._announcers), node
        )
        self._bind(node, organisation.peer, home / "peer" / "tls")
        self._bind(node, organisation.mutual_tls_peer, home / "peer" / "tls", self._client_roots)
        await self._run(node)
        orderer = _server()
        ab_pb2_grpc.add_AtomicBroadcastServicer_to_server(OrderingService(self.orderer, self.ledger), orderer)
        Health(self.ledger).add_to(orderer)
        self._bind(orderer, organisation.orderer, home / "orderer" / "tls")
        await self._run(orderer)
        chaincode = _server()
        chaincode_shim_pb2_grpc.add_ChaincodeSupportServicer_to_server(self._supports[organisation.msp_id], chaincode)
        tls = home / "peer" / "tls"
        chaincode_roots = (tls / "ca.crt").read_bytes()
        port = self._bind(chaincode, "localhost:0", tls, lambda: chaincode_roots)
        await self._run(chaincode)
        self._launches[organisation.msp_id].peer_address = f"localhost:{port}"

    def _client_roots(self) -> bytes:
        """The TLS authorities of the channel's organisations: whose clients a peer lets in (`core/peer/peer.go`)."""
        msps = self.ledger.config.msp_manager.msps.values()
        return b"\n".join(pem for msp in msps for pem in (*msp.tls_roots, *msp.tls_intermediates))

    def _check_addresses(self) -> None:
        """Check that no two nodes would serve at one address. Raises StartError."""
        seen: set[str] = set()
        for one in self._topology.organisations:
            for address in (one.orderer, one.peer, one.mutual_tls_peer):
                if address in seen:
                    raise StartError(
                        f"two nodes would serve at {address}",
                        f"in configtx.yaml, keep a peer's port and its port + {MUTUAL_TLS_OFFSET} for that peer alone",
                    )
                seen.add(address)

    async def _run(self, server: grpc.aio.Server) -> None:
        await server.start()
        self._servers.append(server)

    def _bind(
        self, server: grpc.aio.Server, address: str, tls: Path, client_roots: Callable[[], bytes] | None = None
    ) -> int:
        """Let a server listen at an address, too; with client roots, to clients that show a certificate under them.

        Args:
            client_roots: gives them, for every connection anew.

        Raises:
            StartError: the address cannot be used, or the key pair.
        """
        credentials = server_credentials(tls_pair(tls), client_roots)
        host, _, port = address.rpartition(":")
        bound = f"{'127.0.0.1' if host == 'localhost' else host}:{port}"
        try:
            return server.add_secure_port(bound, credentials)
        except RuntimeError as error:
            raise StartError(
                f"the address {address} is in use or cannot be used",
                "end the program that uses it; a new network gets other ports with: certledger network up --ports auto",
            ) from error

    def _launch(self, organisation: Organisation, package_id: str, arguments: Sequence[str]) -> None:
        """Keep a chaincode running beside an organisation's peer."""
        self._supports[organisation.msp_id].launch(package_id, None)
        name = package_id.partition(":")[0]
        launch = self._launches[organisation.msp_id].launch(package_id, name, arguments)
        self._tasks.append(asyncio.create_task(keep_running(launch)))


def _server() -> grpc.aio.Server:
    return grpc.aio.server(interceptors=[ReadableRequests()], options=SERVER_OPTIONS)
