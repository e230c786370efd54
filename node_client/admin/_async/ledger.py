"""A channel's ledger as one peer has it (`peer channel getinfo` of Fabric, and what its `qscc` answers beside)."""

from node_client.errors import ProposalError
from node_client.gateway._async.gateway import AsyncGateway
from node_client.protocol import ledger_queries
from node_client.protocol.block import Block, parse_block
from node_client.protocol.ledger_queries import QSCC, ChainInfo, ProcessedTransaction


class AsyncLedger:
    """The ledger of a channel, at one peer.

    Blocks are as the peer keeps them, with the codes of its own judgement (`Block.validation_codes`).

    Args:
        gateway: connected to the peer, as somebody who may read the channel.
        channel: the channel's name.
    """

    def __init__(self, gateway: AsyncGateway, channel: str) -> None:
        self._gateway = gateway
        self._channel = channel

    async def info(self) -> ChainInfo:
        """How far the ledger is. Raises ProposalError."""
        arguments = [b"GetChainInfo", self._channel.encode()]
        return ledger_queries.chain_info(await self._gateway.process_proposal(QSCC, arguments, self._channel))

    async def block(self, number: int) -> Block | None:
        """The block of this number; None when the peer does not have it yet.

        Raises:
            ProposalError: the peer refused, or could not be reached; so for all of these questions.
        """
        return await self._block("GetBlockByNumber", str(number).encode())

    async def block_by_hash(self, hash_: bytes) -> Block | None:
        """The block whose header has this hash; None when there is none."""
        return await self._block("GetBlockByHash", hash_)

    async def block_of_transaction(self, transaction_id: str) -> Block | None:
        """The block that a transaction is in, valid or not; None when there is none."""
        return await self._block("GetBlockByTxID", transaction_id.encode())

    async def transaction(self, transaction_id: str) -> ProcessedTransaction | None:
        """A transaction and how it ended; None when it is in no block."""
        data = await self._find("GetTransactionByID", transaction_id.encode())
        return None if data is None else ledger_queries.processed_transaction(data)

    async def _block(self, function: str, argument: bytes) -> Block | None:
        data = await self._find(function, argument)
        return None if data is None else parse_block(data)

    async def _find(self, function: str, argument: bytes) -> bytes | None:
        arguments = [function.encode(), self._channel.encode(), argument]
        try:
            return await self._gateway.process_proposal(QSCC, arguments, self._channel)
        except ProposalError as error:
            if ledger_queries.not_there(error.message):
                return None
            raise
