"""Which ports a new network gets: a row of them for each organisation, its orderer's and its peer's first.

An organisation with a second orderer gets a second row behind the first.
"""

import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from network.errors import ConfigurationError
from network.fabric.nodes import PORTS_PER_ORDERER
from network.folder import Engine
from network.topology import Organisation, Topology

PER_ORDERER = {
    Engine.EMBEDDED: 4,  # the orderer's, the peer's, one that stays free, the peer's for mutual TLS: 7050, 7051, 7053
    Engine.FABRIC: PORTS_PER_ORDERER,
}
ATTEMPTS = 1000

# Systems take the ports of outgoing connections from 32768 or 49152 on: what is free below stays free until it is used.
FREE = range(10240, 32768)


def placed(topology: Topology, ports: str, engine: Engine) -> tuple[Organisation, ...]:
    """A topology's organisations, at other ports.

    Args:
        ports: `auto` for free ones, or a number that becomes the first.

    Raises:
        ConfigurationError: it is neither, or no ports are free.
    """
    sizes = [PER_ORDERER[engine] * len(one.orderers) for one in topology.organisations]
    if ports == "auto":
        firsts = _free_rows(sizes)
    else:
        last = 65536 - sum(sizes)
        if not (ports.isascii() and ports.isdigit()) or not 1024 <= int(ports) <= last:
            raise ConfigurationError(f"{ports} is no port to begin with", f"use auto, or a number from 1024 to {last}")
        firsts = [int(ports) + sum(sizes[:number]) for number in range(len(sizes))]
    return tuple(
        _at(one, first, PER_ORDERER[engine]) for one, first in zip(topology.organisations, firsts, strict=True)
    )


def _at(organisation: Organisation, first: int, step: int) -> Organisation:
    return replace(
        organisation,
        peer=_with_port(organisation.peer, first + 1),
        orderer=_with_port(organisation.orderer, first),
        more_orderers=tuple(
            _with_port(address, first + step * number)
            for number, address in enumerate(organisation.more_orderers, start=1)
        ),
    )


def _with_port(address: str, port: int) -> str:
    return f"{address.rpartition(':')[0]}:{port}"


def _free_rows(sizes: Sequence[int]) -> Sequence[int]:
    """The first ports of rows of these sizes, none of which anybody uses now."""
    found: list[int] = []
    with ExitStack() as taken:
        for _ in range(ATTEMPTS):
            size = sizes[len(found)]
            first = random.choice(FREE[:-size])  # noqa: S311 - nothing secret
            if _take(taken, range(first, first + size)):
                found.append(first)
            if len(found) == len(sizes):
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
