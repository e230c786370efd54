"""What the streams of peers and orderers hold: blocks, filtered blocks, blocks with private data.

Source: Fabric's `core/peer/deliverevents.go`, `orderer/common/server/server.go`.
"""

import logging
from collections import OrderedDict

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2

from network.embedded.failure import RpcFailure
from network.embedded.filtered_blocks import filtered_block
from network.embedded.ledger import Ledger
from network.embedded.private_blocks import private_data
from network.embedded.seek import Status
from node_client.protocol.block import COMMIT_HASH, TRANSACTIONS_FILTER, is_config_block, parse_block
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData

logger = logging.getLogger(__name__)

REMEMBERED = 32  # filtered blocks, which all who follow the ledger ask for at the same time

Answer = events_pb2.DeliverResponse


class BlockAnswers:
    """Blocks as a peer has them: with validation codes and commit hash."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def status(self, status: "common_pb2.Status.ValueType") -> Answer:
        return Answer(status=status)

    def block(self, number: int, signed: SignedData, *, headers_only: bool) -> Answer:
        return Answer(block=_read(self._ledger, number, headers_only=headers_only))


class FilteredAnswers(BlockAnswers):
    """Filtered blocks. One that cannot be filtered is answered with a status, and the stream goes on."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._remembered: OrderedDict[int, Answer] = OrderedDict()

    def block(self, number: int, signed: SignedData, *, headers_only: bool) -> Answer:
        if headers_only:
            return self._filtered(number, headers_only=True)
        if number not in self._remembered:
            self._remembered[number] = self._filtered(number, headers_only=False)
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return self._remembered[number]

    def _filtered(self, number: int, *, headers_only: bool) -> Answer:
        try:
            return Answer(filtered_block=filtered_block(_read(self._ledger, number, headers_only=headers_only)))
        except ProtocolError as error:
            logger.warning("block %d cannot be filtered: %s", number, error)
            return self.status(Status.BAD_REQUEST)


class PrivateAnswers(BlockAnswers):
    """Blocks with the private data that the peer's organisation holds and the client may see."""

    def __init__(self, ledger: Ledger, msp_id: str) -> None:
        super().__init__(ledger)
        self._msp_id = msp_id

    def block(self, number: int, signed: SignedData, *, headers_only: bool) -> Answer:
        try:
            found = private_data(self._ledger, self._msp_id, number, signed)
        except ProtocolError as error:
            raise RpcFailure(grpc.StatusCode.UNKNOWN, str(error)) from error
        answer = Answer()
        answer.block_and_private_data.block.CopyFrom(_read(self._ledger, number, headers_only=headers_only))
        for position, sets in found.items():
            answer.block_and_private_data.private_data_map[position].CopyFrom(sets)
        return answer


class OrdererAnswers:
    """Blocks as an orderer has them: signed, and not yet judged by any peer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def status(self, status: "common_pb2.Status.ValueType") -> ab_pb2.DeliverResponse:
        return ab_pb2.DeliverResponse(status=status)

    def block(self, number: int, signed: SignedData, *, headers_only: bool) -> ab_pb2.DeliverResponse:
        block = _read(self._ledger, number, headers_only=headers_only)
        for slot in (TRANSACTIONS_FILTER, COMMIT_HASH):
            block.metadata.metadata[slot] = b""
        return ab_pb2.DeliverResponse(block=block)


def _read(ledger: Ledger, number: int, *, headers_only: bool = False) -> common_pb2.Block:
    data = ledger.block(number) or b""
    block = common_pb2.Block.FromString(data)
    if headers_only and not is_config_block(parse_block(data)):
        block.ClearField("data")
    return block
