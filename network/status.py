"""What a network does now."""

from dataclasses import dataclass
from datetime import datetime

from network.folder import Engine, Folder
from network.tolerance import Tolerance
from network.topology import CHANNEL, Organisation

SERVING = b"\x08\x01"  # `grpc.health.v1.HealthCheckResponse`
HEALTH_TIMEOUT = 5.0  # seconds
HEIGHT_TIMEOUT = 10.0  # seconds; as long as the other questions to a node may take


@dataclass(frozen=True)
class OrganisationStatus:
    """One organisation's part of the network.

    Attributes:
        peer: the peer's address.
        mutual_tls_peer: where it demands a client's TLS certificate, or takes one.
        height: None when the peer does not answer.
    """

    name: str
    msp_id: str
    peer: str
    mutual_tls_peer: str
    orderer: str
    height: int | None


@dataclass(frozen=True, kw_only=True)
class NodeStatus:
    """One process of a network that has several.

    Attributes:
        kind: peer, orderer or chaincode.
        organisation: the organisation's name.
        pid: None when it does not run, or something else than our keeper runs it.
        healthy: whether it answers and says that it is well; None for what cannot be asked.
        leader: whether an orderer leads the others; None for other nodes, and when it does not say.
        height: how many blocks it has; None for what has none, and when it does not answer.
        chaincode: what a peer runs on the channel, as `name version`; None for other nodes, and without an answer.
        expires: when the first of its certificates expires.
    """

    name: str
    kind: str
    organisation: str
    address: str
    pid: int | None
    healthy: bool | None = None
    leader: bool | None = None
    height: int | None = None
    chaincode: tuple[str, ...] | None = None
    expires: datetime | None = None


@dataclass(frozen=True)
class NetworkStatus:
    """What the network does now.

    Attributes:
        running: whether it is kept running, by our keeper or by the machine's services.
        pid: of the process that runs the network, or that keeps its nodes running; None where services do.
        nodes: its processes, where they are several.
        tolerance: what ordering bears, where there are several orderers.
        trouble: why blocks cannot be written now; empty when they can.
    """

    engine: Engine
    running: bool
    pid: int | None
    organisations: tuple[OrganisationStatus, ...]
    nodes: tuple[NodeStatus, ...] = ()
    tolerance: Tolerance | None = None
    trouble: str = ""


def peer_height(folder: Folder, organisation: Organisation) -> int | None:
    """How many blocks an organisation's peer has; None when it does not answer."""
    # Imported here: starting and stopping a network needs no client.
    from node_client import ConnectionProfile, FabricError, Gateway, GatewayOptions
    from node_client.gateway.options import NO_RETRY, Deadlines

    profile = ConnectionProfile.load(folder.organisation(organisation.name) / "connection.json")
    once = GatewayOptions(retry=NO_RETRY, deadlines=Deadlines(evaluate=HEIGHT_TIMEOUT))
    try:
        with Gateway.from_profile(profile, organisation.name, "admin", options=once) as gateway:
            return gateway.get_network(CHANNEL).height()
    except FabricError:
        return None


def ordering_trouble(folder: Folder, organisation: Organisation) -> str:
    """Why an organisation's orderer does not serve though it can be reached; empty when it serves.

    It is asked by gRPC's health protocol, which Fabric's orderers answer too.
    """
    import grpc

    root = (folder.organisation(organisation.name) / "orderer" / "tls" / "ca.crt").read_bytes()
    with grpc.secure_channel(organisation.orderer, grpc.ssl_channel_credentials(root)) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check", bytes, bytes)
        try:
            answer, call = check.with_call(b"", timeout=HEALTH_TIMEOUT)
        except grpc.RpcError:
            return ""
    if answer == SERVING:
        return ""
    reasons = [str(value) for key, value in call.trailing_metadata() or () if key == "reason"]
    return reasons[0] if reasons else "the orderer does not serve"
