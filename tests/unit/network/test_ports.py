"""The ports of a new network: none is given twice, and a peer has its second one beside it."""

import socket

import pytest

from network.errors import ConfigurationError
from network.ports import chosen_ports
from network.topology import Topology, default_configtx, read_topology, with_ports


def topology_with(ports: str) -> Topology:
    text = default_configtx()
    return read_topology(with_ports(text, chosen_ports(read_topology(text), ports)))


def ports_of(topology: Topology) -> list[int]:
    return [
        int(address.rpartition(":")[2])
        for one in topology.organisations
        for address in (one.orderer, one.peer, one.mutual_tls_peer)
    ]


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


@pytest.mark.parametrize("ports", ["", "no", "1023", "65525", "-1", "80.5", "\N{SUPERSCRIPT TWO}000", "70000"])
def test_what_is_no_port_is_refused(ports: str) -> None:
    with pytest.raises(ConfigurationError, match="no port to begin with"):
        topology_with(ports)
