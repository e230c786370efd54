"""The private data of a block, as far as an organisation holds it and a client may see it.

Source: Fabric's `core/peer/deliverevents.go` (`getPrivateData`, `CheckCollectionPolicy`).
"""

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.peer.lifecycle import db_pb2

from network.embedded.ledger import Ledger
from node_client.protocol import collections
from node_client.protocol.collections import Collection
from node_client.protocol.definitions import LIFECYCLE, NAMESPACES, field_key
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData, signers


def private_data(
    ledger: Ledger, msp_id: str, number: int, signed: SignedData
) -> dict[int, rwset_pb2.TxPvtReadWriteSet]:
    """The private write sets of a block's transactions, by their places in the block.

    Args:
        msp_id: the organisation that holds them.
        signed: by whom they are asked for. Collections that only members may read are left out for others.

    Raises:
        ProtocolError: a collection is not defined.
    """
    found: dict[int, rwset_pb2.TxPvtReadWriteSet] = {}
    for one in ledger.private_sets(msp_id, number):
        if not _may_see(ledger, _collection(ledger, one.namespace, one.collection, number), signed):
            continue
        sets = found.setdefault(one.position, rwset_pb2.TxPvtReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.KV))
        if not sets.ns_pvt_rwset or sets.ns_pvt_rwset[-1].namespace != one.namespace:
            sets.ns_pvt_rwset.add(namespace=one.namespace)
        sets.ns_pvt_rwset[-1].collection_pvt_rwset.add(collection_name=one.collection, rwset=one.data)
    return found


def _may_see(ledger: Ledger, collection: Collection, signed: SignedData) -> bool:
    if not collection.member_only_read:
        return True
    config = ledger.config
    return collections.admits(collection, signers(config.msp_manager, [signed]), config)


def _collection(ledger: Ledger, namespace: str, name: str, number: int) -> Collection:
    """A chaincode's collection as it was defined last before a block."""
    msp_id = collections.implicit_organisation(name)
    if msp_id is not None:
        return collections.implicit(msp_id)
    key = field_key(NAMESPACES, namespace, "Collections")
    for value in ledger.values_before(LIFECYCLE, key, number):
        defined = collections.explicit(db_pb2.StateData.FromString(value).Bytes)
        if name in defined:
            return defined[name]
    raise ProtocolError(f"no collection config was found for collection {name} for chaincode {namespace}")
