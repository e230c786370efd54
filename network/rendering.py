"""configtx.yaml as it is in force in a folder: its one profile, with the addresses that the organisations state.

Addresses belong to the organisations: a file that all share says who they are and what needs whose word, and where each
of them is comes from its own site. Files of keys and certificates are where `network.crypto` puts them.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from network.errors import ConfigurationError
from network.topology import Organisation, Topology

_HEAD = """\
# The channel as it is in force here: a profile of the consortium's configtx.yaml with the organisations' addresses.
# Fabric's configtxgen reads it as it is.
"""


def rendered(topology: Topology, organisations: Sequence[Organisation], head: str = _HEAD) -> str:
    """The text of the file.

    Args:
        organisations: with their addresses; organisations that are not among them keep those in the topology.
        head: the comment that it begins with.

    Raises:
        ConfigurationError: the profile has more or fewer orderers than the organisations.
    """
    stated = {one.name: one for one in organisations}
    everyone = [stated.get(one.name, one) for one in topology.organisations]
    for before, now in zip(topology.organisations, everyone, strict=True):
        if len(before.orderers) != len(now.orderers):
            raise ConfigurationError(
                f"configtx.yaml has {len(before.orderers)} orderers of {now.name} in the profile {topology.name}, "
                f"and {now.name} states {len(now.orderers)}"
            )
    profile = copy.deepcopy(dict(topology.profile))
    try:
        for section in profile["Application"]["Organizations"]:
            one = next(one for one in everyone if one.name == section["Name"])
            host, _, port = one.peer.rpartition(":")
            section.update(MSPDir=f"{one.name}/msp", AnchorPeers=[{"Host": host, "Port": int(port)}])
        for section in profile["Orderer"]["Organizations"]:
            one = next(one for one in everyone if one.name == section["Name"])
            section.update(MSPDir=f"{one.name}/msp", OrdererEndpoints=[place.address for place in one.orderers])
        _place_consenters(profile["Orderer"], everyone)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"configtx.yaml lacks {error} for the profile {topology.name}") from error
    except StopIteration:
        raise ConfigurationError("an organisation of the profile has orderers and no peer") from None
    return head + yaml.safe_dump({"Profiles": {topology.name: profile}}, sort_keys=False, allow_unicode=True)


def _place_consenters(section: dict[str, Any], organisations: Sequence[Organisation]) -> None:
    placed = [(one, _consenter(one, number)) for one in organisations for number in range(len(one.orderers))]
    if section["OrdererType"] != "BFT":
        _same_count(section["EtcdRaft"]["Consenters"], placed)
        section["EtcdRaft"]["Consenters"] = [consenter for _, consenter in placed]
        return
    # Numbers are the consortium's to give, for no two nodes of a channel may have the same.
    _same_count(section["ConsenterMapping"], placed)
    mapping = []
    left = list(placed)
    for entry in section["ConsenterMapping"]:
        found = next((one for one in left if one[0].msp_id == entry["MSPID"]), None)
        if found is None:
            raise ConfigurationError(f"ConsenterMapping names more consenters of {entry['MSPID']} than it has orderers")
        left.remove(found)
        organisation, consenter = found
        identity = f"{consenter['ServerTLSCert'].rpartition('/tls/')[0]}/msp/signcerts/cert.pem"
        mapping.append({"ID": entry["ID"], "MSPID": organisation.msp_id, "Identity": identity, **consenter})
    section["ConsenterMapping"] = mapping


def _same_count(stated: Sequence[Mapping[str, Any]], placed: Sequence[object]) -> None:
    if len(stated) != len(placed):
        raise ConfigurationError(
            f"configtx.yaml names {len(stated)} consenters, and the organisations have {len(placed)} orderers"
        )


def _consenter(organisation: Organisation, number: int) -> dict[str, Any]:
    place = organisation.orderers[number]
    host, _, port = place.address.rpartition(":")
    certificate = f"{organisation.name}/{place.folder}/tls/server.crt"
    return {"Host": host, "Port": int(port), "ClientTLSCert": certificate, "ServerTLSCert": certificate}
