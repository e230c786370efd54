"""A peer that has come back hears of the others, even while one of them is away: `python -P -m network.fabric.hearing`.

Peers tell each other what they have when it changes; who has just started gets it in a snapshot of what another knows.
Fabric's gossip drops a whole snapshot from the first peer in it that it does not know (`handleStateInfSnapshot` in
`gossip/gossip/channel/channel.go`), and does not know a peer that was away when it started: nobody hands on the
certificates of a third organisation (`sameOrgOrOurOrgPullFilter` in `gossip/gossip/gossip_impl.go`). Anchor peers stay
in the snapshots however long they are away (`newAliveMsgStore` in `gossip/discovery/discovery_impl.go`): no setting
takes them out, and if they were no anchor peers, nobody would look for them again after a cut.

The gateway finds no endorsers then, until there is another block, of which every peer tells all others by itself. Where
this organisation is the one that issues, none would come.
"""

import argparse
import time
from contextlib import suppress
from math import inf
from pathlib import Path

from network.errors import NetworkError
from network.fabric.connections import gateway
from network.fabric.deploying import endorsement_trouble
from network.folder import Folder
from network.registry import REGISTRY
from network.topology import CHANNEL, Organisation
from network.waiting import NotYet, Waiter
from node_client import GatewayOptions
from node_client.errors import CommitError, FabricError
from node_client.gateway.options import Deadlines

PATIENCE = 8.0  # seconds; peers that are there and are told of each other by themselves take one or two
PAUSE = 1.0  # seconds between two questions of whoever is in no hurry
NO_ENDORSERS = "no combination of peers can be derived"  # `internal/pkg/gateway/registry.go`
_OPTIONS = GatewayOptions(deadlines=Deadlines(evaluate=5, endorse=5, commit_status=10))


def hear(folder: Folder, organisation: Organisation, waiter: Waiter) -> None:
    """Wait until an organisation's gateway gets endorsements for the registry, and help when it finds no endorsers.

    Raises:
        StartError: it gets none in time, as when too many others are away.
    """
    deadline, helped = inf, False

    def ask() -> None:
        nonlocal deadline, helped
        trouble = endorsement_trouble(folder, organisation)
        if NO_ENDORSERS in trouble and not helped:
            deadline = min(deadline, time.monotonic() + PATIENCE)
            helped = time.monotonic() >= deadline and write_block(folder, organisation)
        if trouble:
            raise NotYet(trouble)

    waiter.until("the registry is endorsed", ask)


def write_block(folder: Folder, organisation: Organisation) -> bool:
    """Have a block written, by a question to the registry that is submitted with this organisation's word alone.

    It changes nothing, and where the registry's policy asks for more than one organisation, peers note it as not valid.

    Returns:
        Whether the block is there.
    """
    with gateway(folder, organisation, _OPTIONS) as connection:
        contract = connection.get_network(CHANNEL).get_contract(REGISTRY)
        try:
            contract.submit("ListCertificates", "1", "", organizations=[organisation.msp_id])
        except CommitError:
            return True
        except FabricError:
            return False
    return True


def main() -> None:
    """Do it for the peer of an organisation whose site is here: the keeper does so when it has started one again."""
    parser = argparse.ArgumentParser(prog="python -m network.fabric.hearing", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("organisation")
    arguments = parser.parse_args()
    folder = Folder.at(arguments.folder)
    with suppress(NetworkError, FabricError):
        hear(folder, folder.topology().organisation(arguments.organisation), Waiter(pause=PAUSE))


if __name__ == "__main__":
    main()
