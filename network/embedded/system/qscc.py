"""`qscc`: the ledger asked by block number, hash and transaction id. Source: Fabric's `core/scc/qscc/query.go`."""

import json
import re
from collections.abc import Callable, Mapping

from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import transaction_pb2

from network.embedded.acl import AccessDenied
from network.embedded.ledger import Ledger
from network.embedded.system import Call, Refused
from node_client.protocol.block import parse_block

NEWEST = 2**64 - 1  # the greatest number stands for the newest block (`common/ledger/blkstorage`)


def chain_info(ledger: Ledger) -> bytes:
    """Height, last hash and the one before, as `common.BlockchainInfo`."""
    current, previous = ledger.tip
    return ledger_pb2.BlockchainInfo(
        height=ledger.height, currentBlockHash=current, previousBlockHash=previous
    ).SerializeToString()


def _by_number(ledger: Ledger, argument: bytes) -> bytes:
    text = argument.decode(errors="replace")
    digits = text.lstrip("0")
    wrong = ""
    if not re.fullmatch("[0-9]+", text):
        wrong = "invalid syntax"
    elif len(digits) > len(str(NEWEST)) or int(digits or "0") > NEWEST:
        wrong = "value out of range"
    if wrong:
        quoted = json.dumps(text, ensure_ascii=False)
        raise Refused(f"Failed to parse block number with error strconv.ParseUint: parsing {quoted}: {wrong}")
    number = int(digits or "0")
    if number == NEWEST:
        number = ledger.height - 1
    found = ledger.block(number) if number < ledger.height else None
    return found or _missing(f"Failed to get block number {number}, error no such block number [{number}] in index")


def _by_hash(ledger: Ledger, argument: bytes) -> bytes:
    text = argument.decode(errors="replace")
    return ledger.block_by_hash(argument) or _missing(
        f"Failed to get block hash {text}, error no such block hash [{argument.hex()}] in index"
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
        if len(call.arguments) < 2:
            raise Refused(f"Incorrect number of arguments, {len(call.arguments)}")
        if call.function != "GetChainInfo" and len(call.arguments) < 3:
            raise Refused(f"missing 3rd argument for {call.function}")
        ledger = call.peer.ledger
        channel = call.args[0].decode(errors="replace")
        if channel != ledger.config.channel:
            raise Refused(f"Invalid chain ID, {channel}")
        try:
            call.peer.access.check(f"qscc/{call.function}", channel, call.signed)
        except AccessDenied as error:
            raise Refused(f"access denied for [{call.function}][{channel}]: [{error}]") from error
        if call.function == "GetChainInfo":
            return chain_info(ledger)
        return _FUNCTIONS[call.function](ledger, call.args[1])
