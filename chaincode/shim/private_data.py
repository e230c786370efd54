"""Private data: values for a collection's members, their hashes for everyone."""

from collections.abc import Sequence

from chaincode.ledger.composite_key import composite_range
from chaincode.shim.iterators import KeyValue, QueryIterator
from chaincode.shim.requests import Requests
from chaincode.shim.simple_key import simple_range

VALIDATION_PARAMETER = "VALIDATION_PARAMETER"  # the metadata key of a key's own endorsement policy


class PrivateData:
    """The part of a stub that reads and writes collections.

    Every method raises ValueError for a collection without a name: the public state has that place.
    """

    _requests: Requests

    async def get_private_data(self, collection: str, key: str) -> bytes | None:
        """A private value that this organisation holds, or None."""
        return await self._requests.get(_named(collection), key)

    async def get_multiple_private_data(self, collection: str, keys: Sequence[str]) -> list[bytes | None]:
        """Several private values, in one request where the peer can."""
        return await self._requests.get_multiple(_named(collection), keys)

    async def get_private_data_hash(self, collection: str, key: str) -> bytes | None:
        """The SHA-256 of a private value, known to every organisation, or None."""
        return await self._requests.get_hash(_named(collection), key)

    async def put_private_data(self, collection: str, key: str, value: bytes) -> None:
        """Write a private key: its value to the collection's members, its hash to all."""
        await self._requests.put(_named(collection), key, value)

    async def delete_private_data(self, collection: str, key: str) -> None:
        """Delete a private key."""
        await self._requests.delete(_named(collection), key)

    async def purge_private_data(self, collection: str, key: str) -> None:
        """Delete a private key and its past values."""
        await self._requests.purge(_named(collection), key)

    async def get_private_data_by_range(self, collection: str, start: str, end: str) -> QueryIterator[KeyValue]:
        """The simple keys of a collection in a range, in a transaction that writes nothing."""
        return await self._requests.range(_named(collection), *simple_range(start, end))

    async def get_private_data_by_partial_composite_key(
        self, collection: str, object_type: str, attributes: Sequence[str]
    ) -> QueryIterator[KeyValue]:
        """The composite keys of a collection that begin with these parts, in a transaction that writes nothing."""
        return await self._requests.range(_named(collection), *composite_range(object_type, attributes))

    async def get_private_data_query_result(self, collection: str, query: str) -> QueryIterator[KeyValue]:
        """A rich query of a collection; peers with LevelDB refuse it."""
        return await self._requests.query(_named(collection), query)

    async def set_private_data_validation_parameter(self, collection: str, key: str, policy: bytes) -> None:
        """Give a private key an endorsement policy of its own."""
        await self._requests.put_metadata(_named(collection), key, VALIDATION_PARAMETER, policy)

    async def get_private_data_validation_parameter(self, collection: str, key: str) -> bytes | None:
        """A private key's own endorsement policy, or None."""
        return (await self._requests.get_metadata(_named(collection), key)).get(VALIDATION_PARAMETER)


def _named(collection: str) -> str:
    if not collection:
        raise ValueError("a collection needs a name")
    return collection
