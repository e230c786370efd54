"""Which ports a new network gets: a row of them for each organisation, its orderer's and its peer's first."""

import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from network.errors import ConfigurationError
from network.fabric.nodes import PORTS_PER_ORGANISATION
from network.folder import Engine
from network.topology import Topology

PER_ORGANISATION = {
    Engine.EMBEDDED: 4,  # the orderer's, the peer's, one that stays free, the peer's for mutual TLS: 7050, 7051, 7053
    Engine.FABRIC: PORTS_PER_ORGANISATION,
}
ATTEMPTS = 1000

# Systems take the ports of outgoing connections from 32768 or 49152 on: what is free below stays free until it is used.
FREE = range(10240, 32768)


def chosen_ports(topology: Topology, ports: str, engine: Engine) -> dict[int, int]:
    """The ports that take the place of those in a topology, by the ones that are there.

    Args:
        ports: `auto` for free ones, or a number that becomes the first.

    Raises:
        ConfigurationError: it is neither, or no ports are free.
    """
    organisations, size = topology.organisations, PER_ORGANISATION[engine]
    if ports == "auto":
        firsts = _free_rows(len(organisations), size)
    else:
        last = 65536 - size * len(organisations)
        if not (ports.isascii() and ports.isdigit()) or not 1024 <= int(ports) <= last:
            raise ConfigurationError(f"{ports} is no port to begin with", f"use auto, or a number from 1024 to {last}")
        firsts = range(int(ports), 65536, size)
    chosen = {}
    for one, first in zip(organisations, firsts, strict=False):
        chosen[_port(one.orderer)] = first
        chosen[_port(one.peer)] = first + 1
    return chosen


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _free_rows(count: int, size: int) -> Sequence[int]:
    """The first ports of so many rows, none of which anybody uses now."""
    found: list[int] = []
    with ExitStack() as taken:
        for _ in range(ATTEMPTS):
            first = random.choice(FREE[:-size])  # noqa: S311 - nothing secret
            if _take(taken, range(first, first + size)):
                found.append(first)
            if len(found) == count:
                return found
    raise ConfigurationError("there are not enough free ports", "end programs that listen on this machine")


def _take(taken: ExitStack, ports: Sequence[int]) -> bool:
    """Hold ports until the stack is closed. Returns whether nobody used them."""
    try:
        for port in ports:
            taken.enter_context(socket.socket()).bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
