"""A chaincode that breaks the rules of its stream, or answers differently at different peers.

It speaks the protocol itself, for no shim would do such things. The first argument says what it does, or always the
variable RUDE where it is set. Run as `python -m tests.scenarios.rude`.
"""

import asyncio
import os
from collections import Counter
from typing import Any

import grpc
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, chaincode_shim_pb2_grpc, proposal_response_pb2

Message = chaincode_shim_pb2.ChaincodeMessage
FLOOD = 20_000  # requests, of which
FLOOD_KEY = "k" * 1000  # each asks for this key


class Rude(chaincode_shim_pb2_grpc.ChaincodeServicer):
    """Serves every peer that dials."""

    def __init__(self, chaincode_id: str) -> None:
        self._chaincode_id = chaincode_id
        self._seen: Counter[str] = Counter()
        self._asking: dict[str, str] = {}
        self._number = 0

    async def Connect(self, messages: object, context: Any) -> None:  # noqa: N802 - gRPC's name
        name = chaincode_pb2.ChaincodeID(name=self._chaincode_id)
        await context.write(Message(type=Message.REGISTER, payload=name.SerializeToString()))
        while isinstance(message := await context.read(), Message):
            if message.type == Message.TRANSACTION:
                given = chaincode_pb2.ChaincodeInput.FromString(message.payload).args
                what, *rest = [argument.decode() for argument in given]
                what = os.environ.get("RUDE") or what
                if what == "end":
                    return
                if what == "flood":
                    await self._flood(message, context)
                if what == "ask":  # for another transaction, whose time is over
                    self._asking[rest[0]] = message.txid
                    await context.write(_get_state(rest[0], message.channel_id))
                for answer in self._answers(message.txid, what, rest):
                    answer.txid, answer.channel_id = message.txid, message.channel_id
                    await context.write(answer)
            elif message.txid in self._asking:
                answer = _completed(200, payload=message.payload.decode())
                answer.txid, answer.channel_id = self._asking.pop(message.txid), message.channel_id
                await context.write(answer)

    async def _flood(self, message: Message, context: Any) -> None:
        """Ask and ask, for this transaction and for others that are not there, and read no answer."""
        for number in range(FLOOD):
            tx_id = message.txid if number % 2 else str(number)
            await context.write(_get_state(tx_id, message.channel_id, FLOOD_KEY))

    def _answers(self, tx_id: str, what: str, rest: list[str]) -> list[Message]:
        match what:
            case "error":
                return [Message(type=Message.ERROR, payload=rest[0].encode())]
            case "garbage":
                return [Message(type=Message.COMPLETED, payload=b"\xff\xff\xff")]
            case "nonsense":
                return [Message(type=Message.REGISTERED)]
            case "respond":
                return [_completed(int(rest[0]), *rest[1:])]
            case "twice":
                return [_completed(200), _completed(500, "too late")]
            case "hang" | "flood" | "ask":
                return []
            case "differ":
                self._number += 1
                return [_completed(200, payload=str(self._number))]
            case "in turn":  # one status per peer, in the order in which they ask about the same transaction
                self._seen[tx_id] += 1
                status = int(rest[self._seen[tx_id] - 1])
                return [_completed(status, "" if status == 200 else "not this time")]
        return [_completed(500, f"{what} is not known here")]


def _get_state(tx_id: str, channel: str, key: str = "k") -> Message:
    payload = chaincode_shim_pb2.GetState(key=key).SerializeToString()
    return Message(type=Message.GET_STATE, payload=payload, txid=tx_id, channel_id=channel)


def _completed(status: int, message: str = "", payload: str = "") -> Message:
    response = proposal_response_pb2.Response(status=status, message=message, payload=payload.encode())
    return Message(type=Message.COMPLETED, payload=response.SerializeToString())


async def main() -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    chaincode_shim_pb2_grpc.add_ChaincodeServicer_to_server(Rude(os.environ["CHAINCODE_ID"]), server)
    server.add_insecure_port(os.environ["CHAINCODE_SERVER_ADDRESS"])
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
