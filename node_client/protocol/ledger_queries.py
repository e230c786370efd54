"""Messages of the `qscc` chaincode, by which a peer is asked for its ledger (`core/scc/qscc/query.go`)."""

import re
from dataclasses import dataclass

from fabric_protos.common import ledger_pb2
from fabric_protos.peer import transaction_pb2

from node_client.protocol.codec import parse
from node_client.protocol.transaction import validation_code_name

QSCC = "qscc"

_MISSING = re.compile(r", error no such (block number|block hash|transaction ID) \[[^\]]*\] in index$")


@dataclass(frozen=True)
class ChainInfo:
    """How far a peer's ledger is.

    Attributes:
        height: how many blocks it has.
        hash: the newest block's.
        previous_hash: that of the block before it; empty where there is none.
    """

    height: int
    hash: bytes
    previous_hash: bytes


@dataclass(frozen=True)
class ProcessedTransaction:
    """A transaction on the ledger, valid or not.

    Attributes:
        envelope: as it was submitted, `common.Envelope`.
        code: the validation code; 0 is valid.
        name: the code's name, such as MVCC_READ_CONFLICT.
    """

    envelope: bytes
    code: int
    name: str


def chain_info(data: bytes) -> ChainInfo:
    """The answer of GetChainInfo. Raises ProtocolError."""
    info = parse(ledger_pb2.BlockchainInfo, data, "chain info")
    return ChainInfo(info.height, info.currentBlockHash, info.previousBlockHash)


def processed_transaction(data: bytes) -> ProcessedTransaction:
    """The answer of GetTransactionByID. Raises ProtocolError."""
    found = parse(transaction_pb2.ProcessedTransaction, data, "processed transaction")
    code = found.validationCode
    return ProcessedTransaction(found.transactionEnvelope.SerializeToString(), code, validation_code_name(code))


def not_there(refusal: str) -> bool:
    """Whether a peer says that its ledger has no such block or transaction (`blkstorage/blockindex.go`)."""
    return bool(_MISSING.search(refusal))
