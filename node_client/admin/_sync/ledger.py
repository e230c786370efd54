# Generated from _async/ledger.py by scripts/generate_sync.py: change that file instead.
"""A channel's ledger as one peer has it (`peer channel getinfo` of Fabric, and what its `qscc` answers beside)."""

from node_client.errors import ProposalError
from node_client.gateway._sync.gateway import Gateway
from node_client.protocol import ledger_queries
from node_client.protocol.block import Block, parse_block
from node_client.protocol.ledger_queries import QSCC, ChainInfo, ProcessedTransaction


class Ledger:
    """The ledger of a channel, at one peer.

    Blocks are as the peer keeps them, with the codes of its own judgement (`Block.validation_codes`).

    Args:
        gateway: connected to the peer, as somebody who may read the channel.
        channel: the channel's name.
    """

    def __init__(self, gateway: Gateway, channel: str) -> None:
        self._gateway = gateway
        self._channel = channel

    def info(self) -> ChainInfo:
        """How far the ledger is. Raises ProposalError."""
        arguments = [b"GetChainInfo", self._channel.encode()]
        return ledger_queries.chain_info(self._gateway.process_proposal(QSCC, arguments, self._channel))

    def block(self, number: int) -> Block | None:
        """The block of this number; None when the peer does not have it yet.

        Raises:
            ProposalError: the peer refused, or could not be reached; so for all of these questions.
        """
        return self._block("GetBlockByNumber", str(number).encode())

    def block_by_hash(self, hash_: bytes) -> Block | None:
        """The block whose header has this hash; None when there is none."""
        return self._block("GetBlockByHash", hash_)

    def block_of_transaction(self, transaction_id: str) -> Block | None:
        """The block that a transaction is in, valid or not; None when there is none."""
        return self._block("GetBlockByTxID", transaction_id.encode())

    def transaction(self, transaction_id: str) -> ProcessedTransaction | None:
        """A transaction and how it ended; None when it is in no block."""
        data = self._find("GetTransactionByID", transaction_id.encode())
        return None if data is None else ledger_queries.processed_transaction(data)

    def _block(self, function: str, argument: bytes) -> Block | None:
        data = self._find(function, argument)
        return None if data is None else parse_block(data)

    def _find(self, function: str, argument: bytes) -> bytes | None:
        arguments = [function.encode(), self._channel.encode(), argument]
        try:
            return self._gateway.process_proposal(QSCC, arguments, self._channel)
        except ProposalError as error:
            if ledger_queries.not_there(error.message):
                return None
            raise
