"""What an audit finds wrong."""

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """What is wrong, as a stable word for scripts."""

    LEDGER = "ledger"  # the chain begins with another block than the one that is trusted
    CHAIN = "chain"  # a number or hash that does not follow from the block before
    CONTENT = "content"  # a block that does not hold what its header says
    ORDERERS = "orderers"  # a block that the ordering organisations did not sign
    CONFIGURATION = "configuration"  # a configuration that nobody could put into force
    VALIDATION_CODE = "validation-code"  # a transaction's code is not what the rules come to
    COMMIT_HASH = "commit-hash"  # what a block changed is not what its transactions write
    REGISTRY_RULES = "registry-rules"  # a transaction that the registry must refuse, or that wrote something else
    RECORD = "record"  # a peer answers something else than what the ledger's transactions wrote
    PEER = "peer"  # a peer's block differs from another's
    HEIGHT = "height"  # a peer has fewer blocks
    UNREACHABLE = "unreachable"  # a peer could not be asked
    TRUST_FILE = "trust-file"  # the trust file does not say what holds now
    REGISTER = "register"  # the register holds something else than the ledger


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference.

    Attributes:
        detail: a sentence.
        block: the block that it is in.
        transaction_id: the transaction that it is about.
        peer: the organisation whose peer it is about.
        record: the record that it is about, such as `certificate 01ab…`.
    """

    what: What
    detail: str
    block: int | None = None
    transaction_id: str = ""
    peer: str = ""
    record: str = ""
