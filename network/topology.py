"""Who is in the network and where, as configtx.yaml says it.

configtx.yaml has one address for a peer, its anchor peer's, and one for every orderer, an endpoint of its organisation.
A peer of the embedded network serves on a second port as well, which demands a client's TLS certificate: by rule the
peer's port + 2, 7053 beside 7051.
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
RESERVED = frozenset({"profiles", "embedded", "fabric", "bundles"})  # folders beside the organisations' own
MUTUAL_TLS_OFFSET = 2  # from a peer's port to the one that demands a client's certificate


@dataclass(frozen=True)
class OrdererPlace:
    """An orderer of an organisation.

    Attributes:
        name: such as `orderer0.city`.
        folder: where its keys are, in the organisation's folder.
        address: `host:port`.
    """

    name: str
    folder: str
    address: str


@dataclass(frozen=True)
class Organisation:
    """One organisation: a peer, and an orderer or several.

    Attributes:
        name: its name in configtx.yaml, which is its folder's name too.
        peer: its peer's address, `host:port`.
        orderer: its first orderer's.
        more_orderers: those of its others.
    """

    name: str
    msp_id: str
    peer: str
    orderer: str
    more_orderers: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that everybody needs to know: the peer's, then the orderers'."""
        return (self.peer, self.orderer, *self.more_orderers)

    @property
    def orderers(self) -> tuple[OrdererPlace, ...]:
        """Its orderers."""
        return tuple(
            OrdererPlace(f"orderer{number}.{self.label}", f"orderer{number or ''}", address)
            for number, address in enumerate((self.orderer, *self.more_orderers))
        )

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


@dataclass(frozen=True)
class Topology:
    """The organisations of a channel.

    Attributes:
        name: the name of the profile of configtx.yaml.
        profile: the profile, resolved.
    """

    organisations: tuple[Organisation, ...]
    name: str
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
            _organisation(one, orderers[one["Name"]]) for one in found["Application"]["Organizations"]
        )
    except yaml.YAMLError as error:
        raise ConfigurationError(f"configtx.yaml is not YAML: {error}") from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ConfigurationError(f"configtx.yaml lacks {error} for the profile {profile}") from error
    _check(organisations)
    return Topology(organisations, profile, found)


def _organisation(section: Mapping[str, Any], ordering: Mapping[str, Any]) -> Organisation:
    first, *more = ordering["OrdererEndpoints"]
    return Organisation(
        name=_text(section["Name"]),
        msp_id=_text(section["ID"]),
        peer=f"{section['AnchorPeers'][0]['Host']}:{section['AnchorPeers'][0]['Port']}",
        orderer=_text(first),
        more_orderers=tuple(map(_text, more)),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text where {value!r} stands")
    return value


def _check(organisations: Sequence[Organisation]) -> None:
    if not organisations:
        raise ConfigurationError("a network needs organisations that have peers")
    labels = [one.label for one in organisations]
    if len(set(labels)) != len(labels):
        raise ConfigurationError("organisations need different names, whatever the case")
    if len({one.msp_id for one in organisations}) != len(organisations):
        raise ConfigurationError("organisations need different MSP ids")
    for one in organisations:
        check_name(one.name)
        check_addresses(one)


def check_name(name: str) -> None:
    """Check that this can be an organisation's name, and its folder's. Raises ConfigurationError."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name.lower()) or not name.isascii():
        raise ConfigurationError(f"{name!r} is no name of an organisation", "use letters, digits and hyphens")
    if name.lower() in RESERVED:
        raise ConfigurationError(f"an organisation cannot be called {name}: the network's folder has one of its own")


def check_addresses(organisation: Organisation) -> None:
    """Check that an organisation's addresses are ones, and all different. Raises ConfigurationError."""
    for address in organisation.addresses:
        port = address.rpartition(":")[2]
        if not re.fullmatch(r"[^\s:/]+:[0-9]{1,5}", address) or not 0 < int(port) < 65536:
            raise ConfigurationError(
                f"{address} is no address of a node of {organisation.name}", "write it as host:port"
            )
    if len(set(organisation.addresses)) != len(organisation.addresses):
        raise ConfigurationError(f"two nodes of {organisation.name} have the same address")
