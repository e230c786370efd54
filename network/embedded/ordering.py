"""Ordering: envelopes in, blocks out.

As with Raft, an envelope is acknowledged when the orderer has it in memory; it is durable when its block is committed,
which is what a commit status tells. Source: Fabric's `orderer/common/msgprocessor`, `orderer/consensus/etcdraft`.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from fabric_protos.common import common_pb2

from network.embedded.batch_cutter import BatchCutter
from network.embedded.signing import NodeIdentity
from node_client.protocol.block import (
    SIGNATURES,
    Block,
    header_bytes,
    last_config_value,
    new_block,
    signature_header,
    signature_message,
    signatures_metadata,
)
from node_client.protocol.codec import parse
from node_client.protocol.config import ChannelConfig
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import is_expired
from node_client.protocol.policy import SignedData, signers


class BroadcastError(Exception):
    """The orderer does not take an envelope; `status` is a `common.Status`."""

    def __init__(self, status: "common_pb2.Status.ValueType", message: str) -> None:
        super().__init__(message)
        self.status = status


class Orderer:
    """The ordering of one channel.

    Args:
        config: gives the channel's configuration in force.
        identity: signs blocks.
        commit: takes a new block; the next one is made when it returns.
        height, previous_hash: where the chain stands.
    """

    def __init__(
        self,
        config: Callable[[], ChannelConfig],
        identity: NodeIdentity,
        commit: Callable[[Block], Awaitable[None]],
        height: int,
        previous_hash: bytes,
    ) -> None:
        self._config = config
        self._identity = identity
        self._commit = commit
        self._height = height
        self._previous_hash = previous_hash
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def broadcast(self, envelope: bytes) -> None:
        """Take an envelope for ordering.

        Raises:
            BroadcastError: it is empty, too large, not signed by a writer, or its signer's certificate has expired.
        """
        config = self._config()
        if len(envelope) > config.batch_size.absolute_max_bytes:
            raise BroadcastError(
                common_pb2.REQUEST_ENTITY_TOO_LARGE,
                f"message payload is {len(envelope)} bytes and exceeds maximum allowed "
                f"{config.batch_size.absolute_max_bytes} bytes",
            )
        try:
            message = parse(common_pb2.Envelope, envelope, "envelope")
            payload = parse(common_pb2.Payload, message.payload, "payload")
            header = parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
            creator = parse(common_pb2.SignatureHeader, payload.header.signature_header, "signature header").creator
        except ProtocolError as error:
            raise BroadcastError(common_pb2.BAD_REQUEST, str(error)) from error
        if header.channel_id != config.channel:
            raise BroadcastError(common_pb2.NOT_FOUND, "channel does not exist")
        if header.type != common_pb2.ENDORSER_TRANSACTION:
            raise BroadcastError(common_pb2.BAD_REQUEST, "message is of a type that is not ordered here")
        members = signers(config.msp_manager, [SignedData(message.payload, creator, message.signature)])
        if not config.policy("/Channel/Writers").satisfied_by(members):
            raise BroadcastError(
                common_pb2.FORBIDDEN, "implicit policy evaluation failed - policy /Channel/Writers is not satisfied"
            )
        if any(is_expired(member) for member in members):
            raise BroadcastError(common_pb2.BAD_REQUEST, "broadcast client identity expired")
        self._queue.put_nowait(envelope)

    async def run(self) -> None:
        """Make blocks until cancelled."""
        cutter = BatchCutter(self._config().batch_size)
        loop = asyncio.get_running_loop()
        while True:
            batches = cutter.ordered(await self._queue.get())
            deadline = loop.time() + self._config().batch_timeout
            while cutter.pending:
                try:
                    async with asyncio.timeout_at(deadline):
                        envelope = await self._queue.get()
                except TimeoutError:
                    batches.append(cutter.cut())
                    break
                cut = cutter.ordered(envelope)
                batches += cut
                if cut:
                    await self._write(batches)
                    batches, deadline = [], loop.time() + self._config().batch_timeout
            await self._write(batches)

    async def _write(self, batches: list[list[bytes]]) -> None:
        for envelopes in batches:
            block = self._signed(new_block(self._height, self._previous_hash, envelopes))
            await self._commit(block)
            self._height += 1
            self._previous_hash = block.hash

    def _signed(self, block: Block) -> Block:
        value = last_config_value(self._config().block.number)
        header = signature_header(self._identity.serialized, secrets.token_bytes(24))
        message = signature_message(value, header, header_bytes(block.number, block.previous_hash, block.data_hash))
        signature = self._identity.sign(message)
        return block.with_metadata(SIGNATURES, signatures_metadata(value, [(header, signature)]))
