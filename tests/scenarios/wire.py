"""Raw access to a network's services: any bytes on any method, with no client of ours in between."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import grpc
import psutil

from network import control
from network.folder import Folder
from node_client import ConnectionProfile, Hash, Identity, KeySigner

UNARY = (
    "/gateway.Gateway/Evaluate",
    "/gateway.Gateway/Endorse",
    "/gateway.Gateway/Submit",
    "/gateway.Gateway/CommitStatus",
    "/protos.Endorser/ProcessProposal",
)
DISCOVER = "/discovery.Discovery/Discover"
REGISTER = "/protos.ChaincodeSupport/Register"
HEALTH = "/grpc.health.v1.Health/Check"
EVENTS = "/gateway.Gateway/ChaincodeEvents"
DELIVER = ("/protos.Deliver/Deliver", "/protos.Deliver/DeliverFiltered", "/protos.Deliver/DeliverWithPrivateData")
ORDERER = ("/orderer.AtomicBroadcast/Broadcast", "/orderer.AtomicBroadcast/Deliver")

OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.http2.bdp_probe", 0),  # who does not read gets 64 KiB of a stream, and no more for a fast connection
]


@dataclass(frozen=True)
class User:
    """An identity that signs whatever it is given."""

    identity: Identity
    signer: KeySigner

    @classmethod
    def of(cls, folder: Folder, organisation: str, name: str) -> "User":
        """A user of an organisation."""
        return cls._of(organisation, folder.organisation(organisation) / "users" / name / "msp")

    @classmethod
    def of_peer(cls, folder: Folder, organisation: str) -> "User":
        """An organisation's peer."""
        return cls._of(organisation, folder.organisation(organisation) / "peer" / "msp")

    @classmethod
    def _of(cls, organisation: str, home: Path) -> "User":
        certificate = (home / "signcerts" / "cert.pem").read_bytes()
        key = (home / "keystore" / "key.pem").read_bytes()
        return cls(Identity(f"{organisation}MSP", certificate), KeySigner.from_pem(key))

    def sign(self, message: bytes) -> bytes:
        """Sign as Fabric's clients do: over SHA-256."""
        return self.signer.sign(Hash.SHA256.digest(message))


class Wire:
    """Connections to one organisation's nodes."""

    def __init__(self, folder: Folder, organisation: str) -> None:
        self._folder, self._organisation = folder, organisation
        self._channels: list[grpc.Channel] = []

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self._channels:
            channel.close()

    @cached_property
    def peer(self) -> grpc.Channel:
        """To the peer."""
        return self._dial(self._topology.peer)

    @cached_property
    def orderer(self) -> grpc.Channel:
        """To the orderer."""
        return self._dial(self._topology.orderer)

    @cached_property
    def mutual(self) -> grpc.Channel:
        """To the peer's port for mutual TLS, as the organisation's issuer."""
        profile = ConnectionProfile.load(self._folder.organisation(self._organisation) / "connection.json")
        endpoint = profile.endpoint(self._organisation, user="issuer")
        return self._dial(self._topology.mutual_tls_peer, endpoint.client_key, endpoint.client_certificate)

    @cached_property
    def launch(self) -> grpc.Channel:
        """To the peer's port for chaincode that it launches, with the registry's certificate."""
        pid = control.status(self._folder).pid
        assert pid is not None
        msp_id = f"{self._organisation}MSP"
        started = (one.environ() for one in psutil.Process(pid).children(recursive=True))
        told = next(one for one in started if one.get("CORE_PEER_LOCALMSPID") == msp_id)
        key, certificate = (Path(told[f"CORE_TLS_CLIENT_{kind}_FILE"]).read_bytes() for kind in ("KEY", "CERT"))
        return self._dial(told["CORE_PEER_ADDRESS"], key, certificate)

    def unary(self, channel: grpc.Channel, method: str, data: bytes, timeout: float = 30) -> "bytes | grpc.RpcError":
        """One request of these bytes: the answer's bytes, or the error."""
        try:
            return bytes(channel.unary_unary(method)(data, timeout=timeout))
        except grpc.RpcError as error:
            return error

    def stream(
        self, channel: grpc.Channel, method: str, messages: Iterable[bytes], timeout: float = 30
    ) -> Iterator[bytes]:
        """A stream that sends these messages. Reading it raises grpc.RpcError."""
        return channel.stream_stream(method)(iter(messages), timeout=timeout)  # type: ignore[no-any-return]

    @property
    def _topology(self) -> "object":
        return self._folder.topology().organisation(self._organisation)

    def _dial(self, address: str, key: bytes | None = None, certificate: bytes | None = None) -> grpc.Channel:
        root = (self._folder.organisation(self._organisation) / "tlsca" / "tlsca.crt").read_bytes()
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(root, key, certificate), options=OPTIONS)
        self._channels.append(channel)
        return channel


def mutations(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """Changed forms of a message: bits turned over, bytes cut out, repeated, put in; never the message itself."""
    made = 0
    while made < count:
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            place = chance.randrange(len(changed) + 1)
            kind = chance.randrange(4)
            if kind == 0 and place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            elif kind == 1:
                del changed[place : place + chance.choice((1, 2, 8, len(data)))]
            elif kind == 2:
                changed[place:place] = chance.randbytes(chance.choice((1, 2, 30)))
            else:
                changed[place:place] = changed[place : place + 40]
        if bytes(changed) != data:
            made += 1
            yield bytes(changed)
