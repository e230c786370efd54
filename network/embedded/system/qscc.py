"""`qscc`: the ledger asked by block number, hash and transaction id. Source: Fabric's `core/scc/qscc/query.go`."""

from collections.abc import Callable, Mapping

from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import transaction_pb2

from network.embedded.ledger import Ledger
from network.embedded.system import Call, Refused
from node_client.protocol.block import parse_block


def chain_info(ledger: Ledger) -> bytes:
    """Height, last hash and the one before, as `common.BlockchainInfo`."""
    current, previous = ledger.tip
    return ledger_pb2.BlockchainInfo(
        height=ledger.height, currentBlockHash=current, previousBlockHash=previous
    ).SerializeToString()


def _by_number(ledger: Ledger, argument: bytes) -> bytes:
    try:
        number = int(argument)
    except ValueError:
        raise Refused(f"Failed to parse block number with error {argument!r}") from None
    return ledger.block(number) or _missing(f"Failed to get block number {number}, error no such block number")


def _by_hash(ledger: Ledger, argument: bytes) -> bytes:
    return ledger.block_by_hash(argument) or _missing(
        f"Failed to get block hash {argument.hex()}, error no such block hash"
    )


def _by_transaction(ledger: Ledger, argument: bytes) -> bytes:
    tx_id = argument.decode(errors="replace")
    place = ledger.transaction(tx_id)
    if place is None:
        return _missing(f"Failed to get block for txID {tx_id}, error no such transaction ID [{tx_id}] in index")
    return ledger.block(place.block) or b""


def _transaction(ledger: Ledger, argument: bytes) -> bytes:
    tx_id = argument.decode(errors="replace")
    place = ledger.transaction(tx_id)
    if place is None:
        return _missing(f"Failed to get transaction with id {tx_id}, error no such transaction ID [{tx_id}] in index")
    envelope = parse_block(ledger.block(place.block) or b"").envelopes[place.position]
    return transaction_pb2.ProcessedTransaction(
        transactionEnvelope=common_pb2.Envelope.FromString(envelope), validationCode=place.code
    ).SerializeToString()


def _missing(text: str) -> bytes:
    raise Refused(text)


_FUNCTIONS: Mapping[str, Callable[[Ledger, bytes], bytes]] = {
    "GetBlockByNumber": _by_number,
    "GetBlockByHash": _by_hash,
    "GetBlockByTxID": _by_transaction,
    "GetTransactionByID": _transaction,
}


class Qscc:
    """The ledger queries."""

    async def invoke(self, call: Call) -> bytes:
        ledger = call.peer.ledger
        if not call.args:
            raise Refused("missing 3rd argument for " + call.function)
        if call.args[0].decode(errors="replace") != ledger.config.channel:
            raise Refused(f"Invalid chain ID, {call.args[0].decode(errors='replace')}")
        if call.function == "GetChainInfo":
            return chain_info(ledger)
        if call.function not in _FUNCTIONS:
            raise Refused(f"Requested function {call.function} not found.")
        if len(call.args) < 2:
            raise Refused("missing 3rd argument for " + call.function)
        return _FUNCTIONS[call.function](ledger, call.args[1])
