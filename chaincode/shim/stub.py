"""What a transaction can do: its arguments, its submitter, and the ledger.

Names and rules are those of fabric-chaincode-go's `shim.ChaincodeStubInterface`.
"""

from collections.abc import Sequence

from chaincode.ledger.composite_key import (
    MAX_CODE_POINT,
    NAMESPACE,
    composite_range,
    create_composite_key,
    split_composite_key,
)
from chaincode.shim.chaincode import Response
from chaincode.shim.invocation import Invocation
from chaincode.shim.iterators import KeyModification, KeyValue, Page, QueryIterator
from chaincode.shim.private_data import VALIDATION_PARAMETER, PrivateData
from chaincode.shim.requests import PeerFeatures, Requests
from chaincode.shim.simple_key import simple_range
from chaincode.shim.stream import Message, Request

PUBLIC = ""  # the public state is the collection without a name


class ChaincodeStub(Invocation, PrivateData):
    """One transaction.

    Args:
        message: TRANSACTION or INIT.
        request: asks the peer for something, and gives the payload of its answer.
        features: what the peer can do.

    Raises:
        DecodeError: the message is not well formed.
    """

    def __init__(self, message: Message, request: Request, features: PeerFeatures | None = None) -> None:
        super().__init__(message)
        self.event: tuple[str, bytes] | None = None
        self._requests = Requests(request, features or PeerFeatures())

    # State

    async def get_state(self, key: str) -> bytes | None:
        """The committed value of a key, or None. The transaction's own writes do not show."""
        return await self._requests.get(PUBLIC, key)

    async def get_multiple_states(self, keys: Sequence[str]) -> list[bytes | None]:
        """The committed values of several keys, in one request where the peer can."""
        return await self._requests.get_multiple(PUBLIC, keys)

    async def put_state(self, key: str, value: bytes) -> None:
        """Write a key when the transaction commits. An empty value is refused: it could not be told from none."""
        await self._requests.put(PUBLIC, key, value)

    async def delete_state(self, key: str) -> None:
        """Delete a key when the transaction commits."""
        await self._requests.delete(PUBLIC, key)

    async def get_state_by_range(self, start: str, end: str) -> QueryIterator[KeyValue]:
        """The simple keys from `start` up to, not including, `end`; empty means no bound."""
        return await self._requests.range(PUBLIC, *simple_range(start, end))

    async def get_state_by_range_with_pagination(self, start: str, end: str, size: int, bookmark: str = "") -> Page:
        """One page of a range, in a transaction that writes nothing."""
        return await self._requests.range_page(*simple_range(start, end), size, bookmark)

    async def get_state_by_partial_composite_key(
        self, object_type: str, attributes: Sequence[str]
    ) -> QueryIterator[KeyValue]:
        """The composite keys that begin with these parts."""
        return await self._requests.range(PUBLIC, *composite_range(object_type, attributes))

    async def get_state_by_partial_composite_key_with_pagination(
        self, object_type: str, attributes: Sequence[str], size: int, bookmark: str = ""
    ) -> Page:
        """One page of the composite keys that begin with these parts, in a transaction that writes nothing."""
        return await self._requests.range_page(*composite_range(object_type, attributes), size, bookmark)

    async def get_all_composite_keys_with_pagination(self, size: int, bookmark: str = "") -> Page:
        """One page of all composite keys, in a transaction that writes nothing."""
        return await self._requests.range_page(NAMESPACE, NAMESPACE + MAX_CODE_POINT, size, bookmark)

    async def get_query_result(self, query: str) -> QueryIterator[KeyValue]:
        """A rich query; peers with LevelDB refuse it."""
        return await self._requests.query(PUBLIC, query)

    async def get_query_result_with_pagination(self, query: str, size: int, bookmark: str = "") -> Page:
        """One page of a rich query, in a transaction that writes nothing; peers with LevelDB refuse it."""
        return await self._requests.query_page(query, size, bookmark)

    async def get_history_for_key(self, key: str) -> QueryIterator[KeyModification]:
        """The committed writes of a key, newest first."""
        return await self._requests.history(key)

    create_composite_key = staticmethod(create_composite_key)
    split_composite_key = staticmethod(split_composite_key)

    # A key's own endorsement policy

    async def set_state_validation_parameter(self, key: str, policy: bytes) -> None:
        """Give a key an endorsement policy of its own (a serialised ApplicationPolicy or SignaturePolicyEnvelope)."""
        await self._requests.put_metadata(PUBLIC, key, VALIDATION_PARAMETER, policy)

    async def get_state_validation_parameter(self, key: str) -> bytes | None:
        """A key's own endorsement policy, or None."""
        return (await self._requests.get_metadata(PUBLIC, key)).get(VALIDATION_PARAMETER)

    # Events and other chaincode

    def set_event(self, name: str, payload: bytes) -> None:
        """Set the transaction's event; the last one counts, and only when the transaction succeeds.

        Raises ValueError for an empty name.
        """
        if not name:
            raise ValueError("an event needs a name")
        self.event = (name, payload)

    async def invoke_chaincode(self, name: str, args: Sequence[bytes], channel: str = "") -> Response:
        """Call another chaincode, in this channel as part of this transaction, in another one for reading.

        Returns:
            Its response, a refusal too.

        Raises:
            PeerError: it could not be run.
        """
        return await self._requests.invoke(f"{name}/{channel}" if channel else name, args)

    # Write batches

    def start_write_batch(self) -> None:
        """Collect writes and send them together, where the peer can (v3.1); otherwise nothing changes."""
        self._requests.start_batch()

    async def flush(self) -> None:
        """Send the collected writes; done by itself when the transaction ends."""
        await self._requests.flush()
