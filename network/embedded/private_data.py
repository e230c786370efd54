"""Private data on its way: from the endorser to the collection's members, and into the ledger when it is committed.

Source: Fabric's `gossip/privdata/distributor.go` and `pvtdataprovider.go`. What gossip does between peers happens here
within one process, but by the same rules: an endorser gives a write set to as many members as the collection says, and
at commit a member that lacks it asks the other members. Nobody else is ever given it.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from chaincode.ledger.read_write_set import NamespaceSet
from chaincode.ledger.state import StateReader
from network.embedded.private_rows import PrivateSet
from network.embedded.transient import RETENTION, PrivateSets, TransientStore
from node_client.protocol import collections
from node_client.protocol.collections import Collection
from node_client.protocol.config import ChannelConfig

logger = logging.getLogger(__name__)


class NotDistributed(Exception):
    """An endorser could not give private data to as many members as the collection demands. The text is Fabric's."""


class PrivateData:
    """The private data of a channel's organisations between endorsement and commit.

    Args:
        folder: where each organisation's store is.
        organisations: their MSP ids.
    """

    def __init__(self, folder: Path, organisations: Iterable[str]) -> None:
        self._stores = {msp_id: TransientStore(folder / f"{msp_id}.db") for msp_id in organisations}
        self._peers: dict[str, bytes] = {}

    def close(self) -> None:
        """Close the stores."""
        for store in self._stores.values():
            store.close()

    def join(self, msp_id: str, peer: bytes) -> None:
        """Let an organisation's peer, by its serialised identity, be given private data."""
        self._peers[msp_id] = peer

    def shares(
        self, endorser: str, tx_id: str, sets: PrivateSets, *, config: ChannelConfig, state: StateReader
    ) -> dict[str, PrivateSets]:
        """What an endorser keeps of what it simulated, and what it gives to whom, by MSP id.

        Args:
            endorser: its MSP id.
            state: what it simulated on.

        Raises:
            NotDistributed: fewer members can be reached than the collection demands.
        """
        shares: dict[str, dict[tuple[str, str], bytes]] = {endorser: dict(sets)}
        for (namespace, name), data in sets.items():
            collection = collections.find(state, namespace, name)
            reachable = [one for one in self._eligible(collection, config) if one != endorser] if collection else []
            required = collection.required_peer_count if collection else 0
            if len(reachable) < required:
                raise NotDistributed(
                    f"failed to distribute private collection, txID {tx_id}, channel {config.channel}: could not build "
                    f"private data dissemination plan for chaincode {namespace} and collection {name}: required to "
                    f"disseminate to at least {required} peers, but know of only {len(reachable)} eligible peers"
                )
            for msp_id in reachable[: collection.maximum_peer_count if collection else 0]:
                shares.setdefault(msp_id, {})[namespace, name] = data
        return dict(shares)

    async def give(self, tx_id: str, shares: Mapping[str, PrivateSets], height: int) -> None:
        """Let everyone have their share; durable when this returns.

        Args:
            height: the ledger's height.

        Raises:
            sqlite3.Error: it could not be written.
        """
        await asyncio.gather(*(self._stores[msp_id].put(tx_id, share, height) for msp_id, share in shares.items()))

    def held(
        self, tx_id: str, position: int, sets: Mapping[str, NamespaceSet], *, config: ChannelConfig, state: StateReader
    ) -> list[PrivateSet]:
        """The private write sets of a transaction that is being committed, at every organisation that is to hold them.

        Args:
            position: its place in the block.
            sets: its public sets, which hold the hashes.
            state: the state before the block.
        """
        found = []
        for namespace, part in sets.items():
            for name, hashes in part.collections.items():
                if not (hashes.writes or hashes.metadata_writes):
                    continue
                collection = collections.find(state, namespace, name)
                if collection is None:
                    continue
                givers = self._eligible(collection, config)
                members = [one for one in collections.member_organisations(collection, config) if one in self._stores]
                for msp_id in dict.fromkeys([*members, *givers]):
                    for holder in dict.fromkeys([msp_id, *givers]):
                        data = self._stores[holder].find(tx_id, namespace, name, hashes.private_digest)
                        if data is not None:
                            found.append(PrivateSet(msp_id, position, namespace, name, data))
                            break
                    else:
                        logger.warning("block commits without private data of %s for %s", namespace, msp_id)
        return found

    def forget(self, tx_ids: Iterable[str], block: int) -> None:
        """Let go of committed transactions' data and, now and then, of what was never committed."""
        below = block - RETENTION if block % RETENTION == 0 and block > RETENTION else None
        tx_ids = list(tx_ids)
        if not tx_ids and below is None:
            return
        for store in self._stores.values():
            try:
                store.forget(tx_ids, below)
            except sqlite3.Error as error:
                logger.warning("private data of committed transactions could not be removed yet: %s", error)

    def _eligible(self, collection: Collection, config: ChannelConfig) -> list[str]:
        """The organisations whose peers the member policy admits."""
        return [
            msp_id
            for msp_id in config.organisations.values()
            if (peer := self._peers.get(msp_id))
            and collections.admits(collection, [config.msp_manager.member(peer)], config)
        ]
