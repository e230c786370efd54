"""Orderers' channel participation and nodes' operations, asked over mutual TLS."""

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from network.authority import Authority
from node_client import AdminError
from node_client.admin import participation
from node_client.admin._async.operations import AsyncOperations
from node_client.admin._async.participation import AsyncChannelParticipation
from node_client.admin._sync.operations import Operations
from node_client.admin._sync.participation import ChannelParticipation
from node_client.admin.metrics import samples
from node_client.admin.participation import ChannelInfo
from node_client.admin.rest import RestEndpoint
from node_client.protocol.errors import ProtocolError
from tests.unit.node_client.both import settle

# As Fabric v3.1 writes it.
METRICS = """\
# HELP consensus_etcdraft_is_leader The leadership status of the current node: 1 if it is the leader else 0.
# TYPE consensus_etcdraft_is_leader gauge
consensus_etcdraft_is_leader{channel="certificates"} 1
consensus_etcdraft_is_leader{channel="others"} 0
consensus_etcdraft_leader_changes{channel="certificates"} 1
go_gc_duration_seconds{quantile="0.25"} 5.2e-05
fabric_version{version="3.1.5"} 1
broken{ 1
consensus_etcdraft_is_leader{channel="a \\"b\\""} not-a-number
"""
INFO = {"name": "c", "url": "/x", "consensusRelation": "consenter", "status": "active", "height": 4}


@dataclass
class Node:
    """A node's HTTP endpoint, which answers as it is told."""

    endpoint: RestEndpoint
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    received: list[tuple[str, str, str, bytes]] = field(default_factory=list)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("keys")
    for name in ("node", "operator", "stranger"):
        authority = Authority.create("City", f"{name}-ca")
        (home / f"{name}-ca.crt").write_bytes(authority.pair.certificate)
        hosts = ["localhost", "127.0.0.1"] if name == "node" else []
        authority.issue_tls(name, hosts).write(home / f"{name}.key", home / f"{name}.crt")
    return home


@pytest.fixture
def node(keys: Path) -> Iterator[Node]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.received.append((self.command, self.path, self.headers.get("Content-Type") or "", body))
            status, content = found.answers.get(f"{self.command} {self.path}", (404, b'{"error": "no"}'))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the library finds them by these names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client without a certificate

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "node.crt", keys / "node.key")
    context.load_verify_locations(keys / "operator-ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    endpoint = RestEndpoint(
        address=f"localhost:{server.server_address[1]}",
        tls_roots=keys / "node-ca.crt",
        client_certificate=keys / "operator.crt",
        client_key=keys / "operator.key",
    )
    found = Node(endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=[AsyncChannelParticipation, ChannelParticipation], ids=["async", "sync"])
def orderer(request: pytest.FixtureRequest) -> Callable[[RestEndpoint], Any]:
    kind: Callable[[RestEndpoint], Any] = request.param
    return kind


@pytest.fixture(params=[AsyncOperations, Operations], ids=["async", "sync"])
def operations(request: pytest.FixtureRequest) -> Callable[[RestEndpoint], Any]:
    kind: Callable[[RestEndpoint], Any] = request.param
    return kind


async def test_channels_are_listed_and_described(node: Node, orderer: Any) -> None:
    listed = {"systemChannel": None, "channels": [{"name": "c", "url": "/x"}, {"name": "d", "url": "/y"}]}
    node.answers["GET /participation/v1/channels"] = (200, json.dumps(listed).encode())
    node.answers["GET /participation/v1/channels/c"] = (200, json.dumps(INFO).encode())
    assert await settle(orderer(node.endpoint).channels()) == ("c", "d")
    assert await settle(orderer(node.endpoint).channel("c")) == ChannelInfo("c", "consenter", "active", 4)
    assert await settle(orderer(node.endpoint).channel("e")) is None
    node.answers["GET /participation/v1/channels"] = (200, b'{"systemChannel": null, "channels": null}')
    assert await settle(orderer(node.endpoint).channels()) == ()


async def test_joining_sends_the_block_as_a_form(node: Node, orderer: Any) -> None:
    node.answers["POST /participation/v1/channels"] = (201, json.dumps(INFO).encode())
    block = bytes(range(256)) + b"\r\n--"
    assert (await settle(orderer(node.endpoint).join(block))).height == 4
    ((_, _, content_type, body),) = node.received
    boundary = content_type.removeprefix("multipart/form-data; boundary=").encode()
    empty, part, end = body.split(b"--" + boundary)
    assert (empty, end) == (b"", b"--\r\n")
    head, _, content = part.partition(b"\r\n\r\n")
    assert re.search(rb'Content-Disposition: form-data; name="config-block"; filename="[^"]+"', head)
    assert content == block + b"\r\n"


async def test_leaving(node: Node, orderer: Any) -> None:
    node.answers["DELETE /participation/v1/channels/c%2Fd"] = (204, b"")
    await settle(orderer(node.endpoint).remove("c/d"))


async def test_refusals_are_told_in_the_orderers_words(node: Node, orderer: Any) -> None:
    node.answers["POST /participation/v1/channels"] = (405, b'{"error": "cannot join: channel already exists"}')
    with pytest.raises(AdminError, match="cannot join: channel already exists") as caught:
        await settle(orderer(node.endpoint).join(b"block"))
    assert (caught.value.status, caught.value.unreachable) == (405, False)
    node.answers["GET /participation/v1/channels"] = (502, b"a proxy's page")
    with pytest.raises(AdminError, match="a proxy's page"):
        await settle(orderer(node.endpoint).channels())


async def test_strangers_get_no_answer(node: Node, orderer: Any, keys: Path) -> None:
    node.answers["GET /participation/v1/channels"] = (200, b'{"channels": []}')
    for changed in (
        {"client_certificate": keys / "stranger.crt", "client_key": keys / "stranger.key"},
        {"tls_roots": keys / "stranger-ca.crt"},
        {"client_key": keys / "missing.key"},
    ):
        with pytest.raises(AdminError) as caught:
            await settle(orderer(replace(node.endpoint, **changed)).channels())
        assert caught.value.unreachable
        assert caught.value.next_step
    assert node.received == []


async def test_node_that_is_not_there(node: Node, operations: Any) -> None:
    with pytest.raises(AdminError) as caught:
        await settle(operations(replace(node.endpoint, address="localhost:1")).check_health())
    assert caught.value.unreachable
    assert "localhost:1" in str(caught.value)


async def test_health(node: Node, operations: Any) -> None:
    node.answers["GET /healthz"] = (200, b'{"status":"OK"}')
    await settle(operations(node.endpoint).check_health())
    node.answers["GET /healthz"] = (503, b'{"status":"Service Unavailable","failed_checks":["couchdb"]}')
    with pytest.raises(AdminError, match="couchdb") as caught:
        await settle(operations(node.endpoint).check_health())
    assert caught.value.status == 503


async def test_leader(node: Node, operations: Any) -> None:
    node.answers["GET /metrics"] = (200, METRICS.encode())
    asked = operations(node.endpoint)
    assert [await settle(asked.leads(channel)) for channel in ("certificates", "others", "none")] == [True, False, None]


def test_metrics_are_read_with_their_labels() -> None:
    assert samples(METRICS, "go_gc_duration_seconds") == [({"quantile": "0.25"}, 5.2e-05)]
    assert samples(METRICS, "fabric_version") == [({"version": "3.1.5"}, 1.0)]
    assert samples("up 1 1712345678901\nup +Inf", "up") == [({}, 1.0), ({}, float("inf"))]
    assert len(samples(METRICS, "consensus_etcdraft_is_leader")) == 2
    assert samples(METRICS, "is_leader") == []


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b'{"channels": 1}', b'{"channels": [{}]}'])
def test_answers_that_are_none(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        participation.channel_info(data)
    with pytest.raises(ProtocolError):
        participation.channel_names(data)


@pytest.mark.parametrize(
    ("metrics", "leads", "knows"),
    [
        ("", None, False),
        ('consensus_etcdraft_is_leader{channel="c"} 0\nconsensus_etcdraft_leader_changes{channel="c"} 0', False, False),
        ('consensus_etcdraft_is_leader{channel="c"} 0\nconsensus_etcdraft_leader_changes{channel="c"} 2', False, True),
        ('consensus_BFT_is_leader{channel="c"} 1\nconsensus_BFT_leader_id{channel="c"} 3', True, True),
        ('consensus_BFT_is_leader{channel="c"} 0\nconsensus_BFT_leader_id{channel="c"} 0', False, False),
        ('consensus_BFT_leader_id{channel="d"} 3', None, False),
    ],
)
def test_whether_an_orderer_leads_and_knows_who_does_is_told_of_raft_and_bft(
    node: Node, metrics: str, leads: bool | None, knows: bool
) -> None:
    node.answers["GET /metrics"] = 200, metrics.encode()
    operations = Operations(node.endpoint)
    assert operations.leads("c") is leads
    assert operations.knows_leader("c") is knows


def test_a_node_on_loopback_is_known_by_the_name_in_its_certificate(node: Node, keys: Path) -> None:
    node.answers["GET /healthz"] = 200, b"{}"
    Operations(replace(node.endpoint, server_name="127.0.0.1")).check_health()
    with pytest.raises(AdminError, match="certificate verify failed"):
        Operations(replace(node.endpoint, server_name="peer.city.example")).check_health()
