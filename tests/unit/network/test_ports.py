"""The ports of a new network: none is given twice, and what a node needs beside its own is beside it."""

import socket

import pytest

from network.errors import ConfigurationError
from network.fabric.nodes import nodes_of
from network.folder import Engine
from network.ports import FREE, placed
from network.rendering import rendered
from network.topology import Topology, default_configtx, read_topology


def topology_with(ports: str, engine: Engine = Engine.EMBEDDED, profile: str = "Raft") -> Topology:
    topology = read_topology(default_configtx(), profile)
    return read_topology(rendered(topology, placed(topology, ports, engine)), profile)


def ports_of(topology: Topology) -> list[int]:
    return [
        int(address.rpartition(":")[2])
        for one in topology.organisations
        for address in (one.orderer, one.peer, one.mutual_tls_peer)
    ]


def fabric_ports_of(topology: Topology) -> list[int]:
    return [int(address.rpartition(":")[2]) for node in nodes_of(topology.organisations) for address in node.addresses]


def test_default_ports_leave_room_for_mutual_tls() -> None:
    assert ports_of(read_topology(default_configtx())) == [7050, 7051, 7053, 8050, 8051, 8053, 9050, 9051, 9053]


def test_a_number_begins_four_ports_for_each_organisation() -> None:
    assert ports_of(topology_with("7051")) == [7051, 7052, 7054, 7055, 7056, 7058, 7059, 7060, 7062]
    assert max(ports_of(topology_with("65524"))) == 65535


def test_auto_gives_ports_that_are_free_and_different() -> None:
    ports = ports_of(topology_with("auto"))
    assert len(set(ports)) == 9
    for port in ports:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))


def test_fabrics_nodes_have_ports_of_their_own() -> None:
    for ports in ("", "20000", "auto"):
        topology = topology_with(ports, Engine.FABRIC) if ports else read_topology(default_configtx())
        assert len(set(fabric_ports_of(topology))) == 3 * 7
    assert sorted(fabric_ports_of(topology_with("20000", Engine.FABRIC)))[:8] == [
        *range(20000, 20004),
        *range(20005, 20009),
    ]
    assert max(fabric_ports_of(topology_with("65512", Engine.FABRIC))) == 65535


def test_auto_leaves_the_ports_of_outgoing_connections_alone() -> None:
    for engine in Engine:
        assert all(port in FREE for port in ports_of(topology_with("auto", engine)))


@pytest.mark.parametrize("ports", ["", "no", "1023", "65525", "-1", "80.5", "\N{SUPERSCRIPT TWO}000", "70000"])
def test_what_is_no_port_is_refused(ports: str) -> None:
    with pytest.raises(ConfigurationError, match="no port to begin with"):
        topology_with(ports)
