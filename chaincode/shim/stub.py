"""What a transaction can do: its arguments, its submitter, and the ledger.

Names and rules are those of fabric-chaincode-go's `shim.ChaincodeStubInterface`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.composite_key import composite_range, create_composite_key, split_composite_key
from chaincode.shim.chaincode import Response
from chaincode.shim.identity import ClientIdentity, parse_identity
from chaincode.shim.iterators import (
    KeyModification,
    KeyValue,
    Page,
    QueryIterator,
    key_modification,
    key_value,
    to_datetime,
)
from chaincode.shim.stream import Message, Request

VALIDATION_PARAMETER = "VALIDATION_PARAMETER"  # the metadata key of a key's own endorsement policy
FIRST_SIMPLE_KEY = "\u0001"  # a range without a start begins after the composite keys


@dataclass(frozen=True)
class PeerFeatures:
    """What the peer said of itself in READY (from v3.1 on): 0 means that it has no such thing."""

    write_batch: int = 0
    multiple_keys: int = 0

    @classmethod
    def from_ready(cls, payload: bytes) -> "PeerFeatures":
        """The features that READY's payload names; a peer before v3.1 sends none."""
        try:
            message = chaincode_pb2.ChaincodeAdditionalParams.FromString(payload)
        except DecodeError:
            return cls()
        return cls(
            write_batch=message.max_size_write_batch if message.use_write_batch else 0,
            multiple_keys=message.max_size_get_multiple_keys if message.use_get_multiple_keys else 0,
        )


class ChaincodeStub:
    """One transaction.

    Args:
        message: TRANSACTION or INIT.
        request: asks the peer for something, and gives the payload of its answer.
        features: what the peer can do.

    Raises:
        DecodeError: the message is not well formed.
    """

    def __init__(self, message: Message, request: Request, features: PeerFeatures | None = None) -> None:
        self.tx_id = message.txid
        self.channel_id = message.channel_id
        self.args: tuple[bytes, ...] = tuple(chaincode_pb2.ChaincodeInput.FromString(message.payload).args)
        self.event: tuple[str, bytes] | None = None
        self._request = request
        self._features = features or PeerFeatures()
        self._batch: list[chaincode_shim_pb2.WriteRecord] | None = None
        self._signed_proposal = message.proposal
        proposal = proposal_pb2.Proposal.FromString(message.proposal.proposal_bytes)
        header = common_pb2.Header.FromString(proposal.header)
        self._channel_header = common_pb2.ChannelHeader.FromString(header.channel_header)
        self._signature_header = common_pb2.SignatureHeader.FromString(header.signature_header)
        self._payload = proposal.payload

    # Arguments and origin

    @property
    def function(self) -> str:
        """The first argument. Raises ValueError when it is not UTF-8."""
        return self.args[0].decode() if self.args else ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arguments after the function, as text. Raises ValueError when one is not UTF-8."""
        return tuple(argument.decode() for argument in self.args[1:])

    @property
    def timestamp(self) -> datetime:
        """The time in the proposal: what the client's clock said, the same for all endorsers."""
        return to_datetime(self._channel_header.timestamp.seconds, self._channel_header.timestamp.nanos)

    @property
    def creator(self) -> bytes:
        """The submitter, as a serialised identity."""
        return self._signature_header.creator

    @property
    def client_identity(self) -> ClientIdentity:
        """The submitter. The peer has checked its certificate and signature."""
        return parse_identity(self._signature_header.creator)

    @cached_property
    def transient(self) -> Mapping[str, bytes]:
        """Data that goes to endorsers and not into the transaction."""
        payload = proposal_pb2.ChaincodeProposalPayload.FromString(self._payload)
        return dict(payload.TransientMap)

    @property
    def signed_proposal(self) -> tuple[bytes, bytes]:
        """The proposal's bytes and the submitter's signature."""
        return self._signed_proposal.proposal_bytes, self._signed_proposal.signature

    @property
    def binding(self) -> bytes:
        """SHA-256 over nonce, creator and epoch: ties transient data to this proposal."""
        header = self._signature_header
        epoch = self._channel_header.epoch.to_bytes(8, "little")
        return sha256(header.nonce + header.creator + epoch).digest()

    # State

    async def get_state(self, key: str) -> bytes | None:
        """The committed value of a key, or None. The transaction's own writes do not show."""
        return await self._get("", key)

    async def get_multiple_states(self, keys: Sequence[str]) -> list[bytes | None]:
        """The committed values of several keys, in one request where the peer can."""
        return await self._get_multiple("", keys)

    async def put_state(self, key: str, value: bytes) -> None:
        """Write a key when the transaction commits. An empty value is refused: it could not be told from none."""
        await self._put("", key, value)

    async def delete_state(self, key: str) -> None:
        """Delete a key when the transaction commits."""
        await self._delete("", key)

    async def get_state_by_range(self, start: str, end: str) -> QueryIterator[KeyValue]:
        """The simple keys from `start` up to, not including, `end`; empty means no bound."""
        return await self._range(start or FIRST_SIMPLE_KEY, end)

    async def get_state_by_range_with_pagination(self, start: str, end: str, size: int, bookmark: str = "") -> Page:
        """One page of a range, in a transaction that writes nothing."""
        return await self._page(start or FIRST_SIMPLE_KEY, end, size, bookmark)

    async def get_state_by_partial_composite_key(
        self, object_type: str, attributes: Sequence[str]
    ) -> QueryIterator[KeyValue]:
        """The composite keys that begin with these parts."""
        return await self._range(*composite_range(object_type, attributes))

    async def get_state_by_partial_composite_key_with_pagination(
        self, object_type: str, attributes: Sequence[str], size: int, bookmark: str = ""
    ) -> Page:
        """One page of the composite keys that begin with these parts, in a transaction that writes nothing."""
        start, end = composite_range(object_type, attributes)
        return await self._page(start, end, size, bookmark)

    async def get_query_result(self, query: str) -> QueryIterator[KeyValue]:
        """A rich query; peers with LevelDB refuse it."""
        message = chaincode_shim_pb2.GetQueryResult(query=query)
        first = await self._request(Message.GET_QUERY_RESULT, message.SerializeToString())
        return QueryIterator(self._request, first, key_value)

    async def get_history_for_key(self, key: str) -> QueryIterator[KeyModification]:
        """The committed writes of a key, newest first."""
        message = chaincode_shim_pb2.GetHistoryForKey(key=key)
        first = await self._request(Message.GET_HISTORY_FOR_KEY, message.SerializeToString())
        return QueryIterator(self._request, first, key_modification)

    create_composite_key = staticmethod(create_composite_key)
    split_composite_key = staticmethod(split_composite_key)

    # A key's own endorsement policy

    async def set_state_validation_parameter(self, key: str, policy: bytes) -> None:
        """Give a key an endorsement policy of its own (a serialised ApplicationPolicy or SignaturePolicyEnvelope)."""
        message = chaincode_shim_pb2.PutStateMetadata(
            key=key, metadata=chaincode_shim_pb2.StateMetadata(metakey=VALIDATION_PARAMETER, value=policy)
        )
        await self._request(Message.PUT_STATE_METADATA, message.SerializeToString())

    async def get_state_validation_parameter(self, key: str) -> bytes | None:
        """A key's own endorsement policy, or None."""
        message = chaincode_shim_pb2.GetStateMetadata(key=key)
        answer = await self._request(Message.GET_STATE_METADATA, message.SerializeToString())
        for entry in chaincode_shim_pb2.StateMetadataResult.FromString(answer).entries:
            if entry.metakey == VALIDATION_PARAMETER:
                return entry.value
        return None

    # Private data

    async def get_private_data(self, collection: str, key: str) -> bytes | None:
        """A private value that this organisation holds, or None."""
        return await self._get(collection, key)

    async def get_private_data_hash(self, collection: str, key: str) -> bytes | None:
        """The SHA-256 of a private value, known to every organisation, or None."""
        message = chaincode_shim_pb2.GetState(key=key, collection=collection)
        return await self._request(Message.GET_PRIVATE_DATA_HASH, message.SerializeToString()) or None

    async def put_private_data(self, collection: str, key: str, value: bytes) -> None:
        """Write a private key: its value to the collection's members, its hash to all."""
        await self._put(collection, key, value)

    async def delete_private_data(self, collection: str, key: str) -> None:
        """Delete a private key."""
        await self._delete(collection, key)

    async def purge_private_data(self, collection: str, key: str) -> None:
        """Delete a private key and its past values."""
        message = chaincode_shim_pb2.DelState(key=key, collection=collection)
        await self._request(Message.PURGE_PRIVATE_DATA, message.SerializeToString())

    # Events and other chaincode

    def set_event(self, name: str, payload: bytes) -> None:
        """Set the transaction's event; the last one counts. Raises ValueError for an empty name."""
        if not name:
            raise ValueError("an event needs a name")
        self.event = (name, payload)

    async def invoke_chaincode(self, name: str, args: Sequence[bytes], channel: str = "") -> Response:
        """Call another chaincode, in this channel as part of this transaction, in another one for reading."""
        target = f"{name}/{channel}" if channel else name
        message = chaincode_pb2.ChaincodeSpec(
            chaincode_id=chaincode_pb2.ChaincodeID(name=target), input=chaincode_pb2.ChaincodeInput(args=args)
        )
        answer = await self._request(Message.INVOKE_CHAINCODE, message.SerializeToString())
        inner = Message.FromString(answer)
        response = proposal_response_pb2.Response.FromString(inner.payload)
        return Response(response.status, response.message, response.payload)

    # Write batches

    def start_write_batch(self) -> None:
        """Collect writes and send them together, where the peer can (v3.1); otherwise nothing changes."""
        if self._features.write_batch and self._batch is None:
            self._batch = []

    async def flush(self) -> None:
        """Send the collected writes; done by itself when the transaction ends."""
        batch, self._batch = self._batch, None
        size = self._features.write_batch
        for begin in range(0, len(batch or []), size or 1):
            message = chaincode_shim_pb2.WriteBatchState(rec=(batch or [])[begin : begin + size])
            await self._request(Message.WRITE_BATCH_STATE, message.SerializeToString())

    async def _get(self, collection: str, key: str) -> bytes | None:
        message = chaincode_shim_pb2.GetState(key=key, collection=collection)
        return await self._request(Message.GET_STATE, message.SerializeToString()) or None

    async def _get_multiple(self, collection: str, keys: Sequence[str]) -> list[bytes | None]:
        size = self._features.multiple_keys
        if not size:
            return [await self._get(collection, key) for key in keys]
        values: list[bytes | None] = []
        for begin in range(0, len(keys), size):
            message = chaincode_shim_pb2.GetStateMultiple(keys=keys[begin : begin + size], collection=collection)
            answer = await self._request(Message.GET_STATE_MULTIPLE, message.SerializeToString())
            result = chaincode_shim_pb2.GetStateMultipleResult.FromString(answer)
            values.extend(value or None for value in result.values)
        return values

    async def _put(self, collection: str, key: str, value: bytes) -> None:
        if not key:
            raise ValueError("a key may not be empty")
        if not value:
            raise ValueError("a value may not be empty: delete the key instead")
        if self._batch is not None:
            record = chaincode_shim_pb2.WriteRecord
            self._batch.append(record(key=key, value=value, collection=collection, type=record.PUT_STATE))
            return
        message = chaincode_shim_pb2.PutState(key=key, value=value, collection=collection)
        await self._request(Message.PUT_STATE, message.SerializeToString())

    async def _delete(self, collection: str, key: str) -> None:
        if self._batch is not None:
            record = chaincode_shim_pb2.WriteRecord
            self._batch.append(record(key=key, collection=collection, type=record.DEL_STATE))
            return
        message = chaincode_shim_pb2.DelState(key=key, collection=collection)
        await self._request(Message.DEL_STATE, message.SerializeToString())

    async def _range(self, start: str, end: str) -> QueryIterator[KeyValue]:
        message = chaincode_shim_pb2.GetStateByRange(startKey=start, endKey=end)
        first = await self._request(Message.GET_STATE_BY_RANGE, message.SerializeToString())
        return QueryIterator(self._request, first, key_value)

    async def _page(self, start: str, end: str, size: int, bookmark: str) -> Page:
        if size < 1:
            raise ValueError("a page holds at least one row")
        page = chaincode_shim_pb2.QueryMetadata(pageSize=size, bookmark=bookmark)
        message = chaincode_shim_pb2.GetStateByRange(startKey=start, endKey=end, metadata=page.SerializeToString())
        answer = await self._request(Message.GET_STATE_BY_RANGE, message.SerializeToString())
        response = chaincode_shim_pb2.QueryResponse.FromString(answer)
        metadata = chaincode_shim_pb2.QueryResponseMetadata.FromString(response.metadata)
        async with QueryIterator(self._request, answer, key_value) as rows:
            return Page(tuple([row async for row in rows]), metadata.bookmark)
