"""A chaincode's definition from what people write: names, policies in Fabric's notation, a file with collections."""

import re
from dataclasses import dataclass
from pathlib import Path

from network.errors import ConfigurationError
from network.given_files import read_given
from node_client.protocol.collection_config import encode_collections, read_collections
from node_client.protocol.errors import ProtocolError
from node_client.protocol.lifecycle import CHANNEL_POLICY, ChaincodeDefinition, Committed
from node_client.protocol.policy_dsl import parse_policy, policy_text

FIRST_VERSION = "1"

# `core/chaincode/lifecycle/scc.go`
_NAME = re.compile(r"[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A definition as somebody states it.

    Attributes:
        policy: the endorsement policy in Fabric's notation; empty for one of the channel's.
        channel_policy: which one of the channel's; its endorsement policy when empty.
        collections: a file with the private data collections, in the form that Fabric's `peer` command reads.
        init_required: whether it must be initialised, once for each version, before it takes other transactions.
        sequence: 0 for the one in force where that asks for the same, else the next.
    """

    name: str
    version: str = FIRST_VERSION
    policy: str = ""
    channel_policy: str = ""
    collections: Path | None = None
    init_required: bool = False
    sequence: int = 0

    def definition(self, sequence: int = 1) -> ChaincodeDefinition:
        """The definition, with this sequence. Raises ConfigurationError."""
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name} is no name of a chaincode", "use letters and digits, joined by - or _"
            )
        if not _VERSION.fullmatch(self.version):
            raise ConfigurationError(
                f"{self.version} is no version of a chaincode", "use letters, digits, and any of _ . + -"
            )
        if self.policy and self.channel_policy:
            raise ConfigurationError(
                "a definition has one endorsement policy",
                "give --signature-policy or --channel-config-policy, not both",
            )
        try:
            policy = parse_policy(self.policy) if self.policy else b""
        except ProtocolError as error:
            raise ConfigurationError(f"the endorsement policy cannot be read: {error}") from error
        return ChaincodeDefinition(
            name=self.name,
            version=self.version,
            sequence=sequence,
            policy=policy,
            channel_policy=self.channel_policy or CHANNEL_POLICY,
            collections=_collections(self.collections) if self.collections else b"",
            init_required=self.init_required,
        )

    def after(self, committed: Committed | None) -> ChaincodeDefinition:
        """The definition, with the sequence that it has or gets on the channel. Raises ConfigurationError."""
        if self.sequence:
            return self.definition(self.sequence)
        if committed is None:
            return self.definition()
        current = self.definition(committed.definition.sequence)
        same = current.same_content(committed.definition)
        return current if same else self.definition(committed.definition.sequence + 1)


def endorsement_policy(definition: ChaincodeDefinition) -> str:
    """A definition's endorsement policy in words: Fabric's notation, or the path of the channel's."""
    if not definition.policy:
        return definition.channel_policy
    try:
        return policy_text(definition.policy)
    except ProtocolError as error:
        return f"({error})"


def _collections(path: Path) -> bytes:
    data = read_given(path, ConfigurationError)
    try:
        return encode_collections(read_collections(data))
    except ProtocolError as error:
        raise ConfigurationError(f"{path} does not say what collections there are: {error}") from error
