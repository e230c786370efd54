"""Who is in the network and where, as configtx.yaml says it.

configtx.yaml has one address for a peer, its anchor peer's. A peer of the embedded network serves on a second port as
well, which demands a client's TLS certificate: by rule the peer's port + 2, 7053 beside 7051.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from network.errors import ConfigurationError

CHANNEL = "certificates"
DEFAULT_PROFILE = "Raft"
RESERVED = frozenset({"profiles", "embedded", "fabric"})  # folders beside the organisations' own
MUTUAL_TLS_OFFSET = 2  # from a peer's port to the one that demands a client's certificate


@dataclass(frozen=True)
class Organisation:
    """One organisation: a peer and an orderer.

    Attributes:
        name: its name in configtx.yaml, which is its folder's name too.
        peer, orderer: their addresses, `host:port`.
    """

    name: str
    msp_id: str
    peer: str
    orderer: str

    @property
    def label(self) -> str:
        """The name as it stands in host-like names: lower case."""
        return self.name.lower()

    @property
    def mutual_tls_peer(self) -> str:
        """Where the peer of an embedded network demands a client's TLS certificate."""
        host, _, port = self.peer.rpartition(":")
        return f"{host}:{int(port) + MUTUAL_TLS_OFFSET}"

    @property
    def peer_name(self) -> str:
        """The peer's name."""
        return f"peer0.{self.label}"

    @property
    def orderer_name(self) -> str:
        """The orderer's name."""
        return f"orderer0.{self.label}"


@dataclass(frozen=True)
class Topology:
    """The organisations of a channel.

    Attributes:
        profile: the profile of configtx.yaml, resolved.
    """

    organisations: tuple[Organisation, ...]
    profile: Mapping[str, Any]

    def organisation(self, name: str) -> Organisation:
        """The organisation of this name, in any case.

        Raises:
            ConfigurationError: there is none.
        """
        for one in self.organisations:
            if one.label == name.lower():
                return one
        known = ", ".join(one.name for one in self.organisations)
        raise ConfigurationError(f"there is no organisation {name}", f"use one of: {known}")


def default_configtx() -> str:
    """The consortium's configtx.yaml; the package's is a link to the one in the project's root."""
    return files("network").joinpath("configtx.yaml").read_text(encoding="utf-8")


def read_topology(text: str, profile: str = DEFAULT_PROFILE) -> Topology:
    """The topology in a configtx.yaml.

    Raises:
        ConfigurationError: it is not YAML, or lacks what a network needs.
    """
    try:
        content = yaml.safe_load(text)
        found = content["Profiles"][profile]
        orderers = {one["Name"]: one for one in found["Orderer"]["Organizations"]}
        organisations = tuple(
            Organisation(
                name=_text(one["Name"]),
                msp_id=_text(one["ID"]),
                peer=f"{one['AnchorPeers'][0]['Host']}:{one['AnchorPeers'][0]['Port']}",
                orderer=_text(orderers[one["Name"]]["OrdererEndpoints"][0]),
            )
            for one in found["Application"]["Organizations"]
        )
    except yaml.YAMLError as error:
        raise ConfigurationError(f"configtx.yaml is not YAML: {error}") from error
    except (KeyError, IndexError, TypeError) as error:
        raise ConfigurationError(f"configtx.yaml lacks {error} for the profile {profile}") from error
    _check(organisations)
    return Topology(organisations, found)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text where {value!r} stands")
    return value


def _check(organisations: Sequence[Organisation]) -> None:
    if not organisations:
        raise ConfigurationError("a network needs organisations that have peers")
    labels = [one.label for one in organisations]
    if len(set(labels)) != len(labels) or not all(re.fullmatch(r"[a-z][a-z0-9-]*", label) for label in labels):
        raise ConfigurationError("organisations need different names of letters, digits and hyphens, whatever the case")
    for label in labels:
        if label in RESERVED:
            raise ConfigurationError(
                f"an organisation cannot be called {label}: the network's folder has one of its own"
            )
    if len({one.msp_id for one in organisations}) != len(organisations):
        raise ConfigurationError("organisations need different MSP ids")
    for one in organisations:
        for address in (one.peer, one.orderer):
            port = address.rpartition(":")[2]
            if not re.fullmatch(r"[^\s:]+:[0-9]{1,5}", address) or not 0 < int(port) < 65536:
                raise ConfigurationError(f"{address} is no address of a node of {one.name}", "write it as host:port")


def with_ports(text: str, ports: Mapping[int, int]) -> str:
    """The configtx.yaml with ports replaced, everything else as it was written."""

    def replaced(match: re.Match[str]) -> str:
        return match[1] + str(ports.get(int(match[2]), int(match[2])))

    return re.sub(r"(Port: |localhost:)(\d+)", replaced, text)
