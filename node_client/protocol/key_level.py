"""Whose endorsement each write of a transaction needs: the key's own policy, the collection's, or the chaincode's.

Source: Fabric's `core/common/validation/statebased`. A key's policy is the one from before the block. When a
transaction earlier in the block was endorsed to change it, whatever is written to the key after that is void: which
policy counted would depend on whether that transaction turns out valid.
"""

from collections.abc import Callable, Sequence

from chaincode.ledger import read_write_set
from chaincode.ledger.read_write_set import NamespaceSet
from chaincode.ledger.state import StateReader, VersionedValue
from node_client.protocol import collections
from node_client.protocol.config import ChannelConfig
from node_client.protocol.definitions import LIFECYCLE, read_definition
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member
from node_client.protocol.policy import Policy, SignaturePolicy

VALIDATION_PARAMETER = "VALIDATION_PARAMETER"
PUBLIC = ""

Place = tuple[str, str, str | bytes]  # namespace, collection or PUBLIC, key or its hash


class NotEndorsed(Exception):
    """A transaction lacks endorsements; the text says for what."""


class KeyLevelPolicies:
    """Checks the endorsements of a block's transactions, one after the other.

    Args:
        state: the state before the block.
    """

    def __init__(self, config: ChannelConfig, state: StateReader) -> None:
        self._config = config
        self._state = state
        self._changed: set[Place] = set()

    def check(self, namespace: str, part: NamespaceSet | None, policy: bytes, members: Sequence[Member]) -> None:
        """Check the endorsements of what a transaction writes in a namespace.

        Args:
            part: the transaction's set of this namespace; None when it has none.
            policy: the chaincode's endorsement policy, `protos.ApplicationPolicy`.
            members: the endorsers whose signatures hold.

        Raises:
            NotEndorsed: they are not enough.
        """
        check = _Check(self._config, self._state, namespace, policy, members, self._changed)
        if part is None:
            check.chaincode()
            return
        for key in (*part.writes, *part.metadata_writes):
            check.key(PUBLIC, key, self._state.get(namespace, key))
        hashed = [(name, key) for name, one in part.collections.items() for key in one.writes]
        hashed += [(name, key) for name, one in part.collections.items() for key in one.metadata_writes]
        for name, digest in hashed:
            check.key(name, digest, self._state.get_private_hash(namespace, name, digest))
        if not check.any_checked:
            check.chaincode()
        self._changed |= {(namespace, PUBLIC, key) for key in part.metadata_writes}
        self._changed |= {
            (namespace, name, key) for name, one in part.collections.items() for key in one.metadata_writes
        }


class _Check:
    """The checks of one transaction in one namespace: no policy but keys' own is evaluated twice."""

    def __init__(
        self,
        config: ChannelConfig,
        state: StateReader,
        namespace: str,
        policy: bytes,
        members: Sequence[Member],
        changed: set[Place],
    ) -> None:
        self._config = config
        self._state = state
        self._namespace = namespace
        self._policy = policy
        self._members = members
        self._changed = changed
        self._checked: set[str] = set()
        self.any_checked = False

    def key(self, collection: str, key: str | bytes, found: VersionedValue | None) -> None:
        if (self._namespace, collection, key) in self._changed:
            raise NotEndorsed(f"validation parameters for a key in {self._namespace} changed earlier in the block")
        entries = read_write_set.decode_metadata(found.metadata) if found else {}
        if parameter := entries.get(VALIDATION_PARAMETER):
            self._evaluate(lambda: SignaturePolicy(parameter, self._config.msp_manager), "a key")
        elif collection:
            self.collection(collection)
        else:
            self.chaincode()

    def collection(self, name: str) -> None:
        if name in self._checked:
            return
        policy = self._collection_policy(name)
        if policy is None:
            self.chaincode()
            return
        self._evaluate(lambda: self._config.application_policy(policy)[0], f"collection {name}")
        self._checked.add(name)

    def chaincode(self) -> None:
        if PUBLIC not in self._checked:
            self._evaluate(lambda: self._config.application_policy(self._policy)[0], "the chaincode")
            self._checked.add(PUBLIC)

    def _collection_policy(self, name: str) -> bytes | None:
        """A collection's endorsement policy, or None where the chaincode's holds (`CollectionValidationInfo`)."""
        msp_id = collections.implicit_organisation(name)
        if msp_id is not None:
            return self._organisations_policy(msp_id)
        definition = None if self._namespace == LIFECYCLE else read_definition(self._state, self._namespace)
        found = collections.explicit(definition.collections if definition else b"").get(name)
        if found is None:
            raise NotEndorsed(f"no such collection '{name}'")
        return found.endorsement_policy.SerializeToString() if found.HasField("endorsement_policy") else None

    def _organisations_policy(self, msp_id: str) -> bytes:
        for name, known in self._config.organisations.items():
            if known == msp_id:
                return collections.organisations_policy(name, msp_id, self._config)
        raise NotEndorsed(f"no org found in channel with MSPID '{msp_id}'")

    def _evaluate(self, policy: Callable[[], Policy], what: str) -> None:
        try:
            if not policy().satisfied_by(self._members):
                raise NotEndorsed(f"the endorsement policy of {what} of {self._namespace} is not satisfied")
        except ProtocolError as error:
            raise NotEndorsed(f"the endorsement policy of {what} of {self._namespace} cannot be used") from error
        self.any_checked = True
