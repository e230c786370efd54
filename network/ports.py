"""Which ports a new network gets."""

import socket
from collections.abc import Sequence

from network.errors import ConfigurationError
from network.topology import MUTUAL_TLS_OFFSET, Topology

PER_ORGANISATION = 4  # the orderer's, the peer's, one that stays free, the peer's for mutual TLS: as 7050, 7051, 7053
ATTEMPTS = 100


def chosen_ports(topology: Topology, ports: str) -> dict[int, int]:
    """The ports that take the place of those in a topology, by the ones that are there.

    Args:
        ports: `auto` for free ones, or a number that becomes the first.

    Raises:
        ConfigurationError: it is neither, or no ports are free.
    """
    orderers = [_port(one.orderer) for one in topology.organisations]
    peers = [_port(one.peer) for one in topology.organisations]
    if ports == "auto":
        return dict(zip([*orderers, *peers], _free_ports(len(orderers), len(peers)), strict=True))
    last = 65536 - PER_ORGANISATION * len(peers)
    if not (ports.isascii() and ports.isdigit()) or not 1024 <= int(ports) <= last:
        raise ConfigurationError(f"{ports} is no port to begin with", f"use auto, or a number from 1024 to {last}")
    first = range(int(ports), 65536, PER_ORGANISATION)
    return dict(zip(orderers, first, strict=False)) | {port: new + 1 for port, new in zip(peers, first, strict=False)}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _free_ports(orderers: int, peers: int) -> Sequence[int]:
    """Ports that nobody uses now, the orderers' first; beside each peer's, the one for mutual TLS is free as well."""
    taken: list[socket.socket] = []
    found: list[int] = []
    try:
        for place in range(orderers + peers):
            found.append(_free_port(taken, needs_second=place >= orderers))
        return found
    finally:
        for one in taken:
            one.close()


def _free_port(taken: list[socket.socket], *, needs_second: bool) -> int:
    for _ in range(ATTEMPTS):
        port = _bind(taken, 0)
        if not needs_second or _bind(taken, port + MUTUAL_TLS_OFFSET):
            return port
    raise ConfigurationError("there are not enough free ports", "end programs that listen on this machine")


def _bind(taken: list[socket.socket], port: int) -> int:
    """Hold a port until the socket is closed. Returns it, or 0 when it is in use."""
    one = socket.socket()
    taken.append(one)
    try:
        one.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        return 0
    return int(one.getsockname()[1])
