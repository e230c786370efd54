"""A channel's blocks, judged anew one after the other.

Nothing that a peer adds to a block is believed: validation codes and the commit hash are computed anew, and compared.
Source: Fabric's `protoutil/blockutils.go` for hashes and signatures, and what `node_client.protocol.validation` names.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chaincode.ledger.mvcc import BlockValidator, Updates
from chaincode.ledger.read_write_set import NamespaceSet
from chaincode.ledger.state import StateReader
from node_client.audit.findings import Finding, What
from node_client.audit.state import AuditState, Place
from node_client.errors import AuditError
from node_client.protocol import collections
from node_client.protocol.block import (
    COMMIT_HASH,
    Block,
    block_signatures,
    check_transactions,
    data_hash,
    is_config_block,
    parse_block,
    signature_message,
)
from node_client.protocol.commit_hash import commit_hash
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_authority import check_applicable
from node_client.protocol.definitions import LIFECYCLE
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData, signers
from node_client.protocol.transaction import Transaction
from node_client.protocol.validation import Code, Judged, judge_block

LARGEST = 2**63  # of blocks' numbers that can be kept
BLOCK_VALIDATION = "/Channel/Orderer/BlockValidation"


@dataclass(frozen=True)
class Placed:
    """A transaction of a block.

    Attributes:
        code: its validation code, computed anew.
        transaction: None for configuration and for what could not be read.
        sets: what a valid one reads and writes.
    """

    position: int
    tx_id: str
    code: int
    transaction: Transaction | None = None
    sets: Mapping[str, NamespaceSet] | None = None

    @property
    def is_valid(self) -> bool:
        """Whether it counts."""
        return self.code == Code.VALID


@dataclass(frozen=True)
class Replayed:
    """A block, judged anew."""

    block: Block
    transactions: tuple[Placed, ...]
    findings: tuple[Finding, ...]


Look = Callable[[int, Sequence[Placed], ChannelConfig, StateReader], Iterable[Finding]]


@dataclass
class _Block:
    block: Block
    findings: list[Finding] = field(default_factory=list)

    def note(self, what: What, detail: str, transaction_id: str = "") -> None:
        self.findings.append(Finding(what=what, detail=detail, block=self.block.number, transaction_id=transaction_id))


class Replay:
    """Goes through a channel's blocks from the first one, or from where the state's last audit ended.

    Args:
        state: the state that the blocks before make; it is changed with every block.
        first_block: the ledger's id: SHA-256 of the first block's header, in hex.
        channel: the channel's name.
        look: looks at every block's transactions before their changes are made: is given the block's number, the
            transactions, the configuration and the state before the block.

    Raises:
        AuditError: the state is of something else.
    """

    def __init__(self, state: AuditState, first_block: str, channel: str, look: Look = lambda *_: ()) -> None:
        self.state = state
        self.config: ChannelConfig | None = None
        self._first_block = first_block
        self._channel = channel
        self._look = look
        self._last: Block | None = None
        self._commit_hash = b""
        self._lives: list[tuple[str, str, int]] | None = None
        if place := state.place:
            if place.first_block != first_block:
                raise AuditError("the audit's state is of another ledger", "name another file")
            try:
                self._last = parse_block(place.block)
                self.config = ChannelConfig.from_bytes(place.config)
            except ProtocolError as error:
                raise AuditError(f"the audit's state is damaged: {error}", "begin anew with another file") from error
            self._commit_hash = place.commit_hash

    @property
    def height(self) -> int:
        """How many blocks have been judged: the number of the next one."""
        return self._last.number + 1 if self._last else 0

    @property
    def block_hash(self) -> str:
        """The hash of the block that was judged last, in hex."""
        return self._last.hash.hex() if self._last else ""

    def take(self, block: Block) -> Replayed:
        """Judge the next block, and make its changes.

        Raises:
            AuditError: the chain does not begin with a configuration, so that there is nothing to judge it by, or this
                can be no block of it.
        """
        if block.number >= LARGEST:
            raise AuditError(
                f"after block {self.height - 1} the peer gives a block that cannot be one", "ask another peer"
            )
        noted = _Block(block)
        self._check_chain(noted)
        config = self.config or self._first(noted)
        if self._last is not None:
            self._check_signatures(noted, config)
        transactions, updates = self._judge(block, config)
        self._check_codes(noted, transactions)
        codes = bytes(one.code for one in transactions)
        if block.number:
            self._commit_hash, slot = commit_hash(codes, updates, self._commit_hash)
            if block.metadata[COMMIT_HASH : COMMIT_HASH + 1] != (slot,):
                noted.note(What.COMMIT_HASH, "the block's commit hash is not that of what its transactions write")
        noted.findings += self._look(block.number, transactions, config, self.state)
        self._apply(block, transactions, updates)
        self._take_configuration(noted, config, transactions)
        self._last = block
        return Replayed(block, tuple(transactions), tuple(noted.findings))

    def keep(self, kept: bytes = b"{}") -> None:
        """Keep how far this has come, for an audit that goes on from here."""
        if self._last and self.config:
            self.state.keep(
                Place(self._first_block, self._last.encode(), self.config.block.encode(), self._commit_hash, kept)
            )

    def _check_chain(self, noted: _Block) -> None:
        block, last = noted.block, self._last
        if block.number != self.height:
            noted.note(What.CHAIN, f"block {self.height} should follow, and block {block.number} does")
        if last is None and block.hash.hex() != self._first_block:
            noted.note(What.LEDGER, "the channel begins with another block than the one that is trusted")
        if last is not None and block.previous_hash != last.hash:
            noted.note(What.CHAIN, f"the block does not name the hash of block {last.number}")
        if data_hash(block.envelopes) != block.data_hash:
            noted.note(What.CONTENT, "the block's transactions are not the ones that its header says")
        try:
            check_transactions(block.envelopes)
        except ProtocolError as error:
            noted.note(What.CONTENT, f"peers refuse the block: {error}")

    def _first(self, noted: _Block) -> ChannelConfig:
        try:
            config = ChannelConfig(noted.block)
        except ProtocolError as error:
            raise AuditError(f"the channel does not begin with its configuration: {error}") from error
        if config.channel != self._channel:
            noted.note(What.LEDGER, f"the first block is of the channel {config.channel}")
        return config

    def _check_signatures(self, noted: _Block, config: ChannelConfig) -> None:
        if not is_signed(noted.block, config):
            noted.note(What.ORDERERS, "the ordering organisations did not sign the block")

    def _judge(self, block: Block, config: ChannelConfig) -> tuple[list[Placed], Updates]:
        validator = BlockValidator(self.state, block.number)
        judged = judge_block(block, config, self.state, self.state.has_transaction)
        return [_placed(position, one, validator) for position, one in enumerate(judged)], validator.updates

    def _check_codes(self, noted: _Block, transactions: Sequence[Placed]) -> None:
        codes = noted.block.validation_codes
        if len(codes) != len(transactions):
            noted.note(What.VALIDATION_CODE, "the block does not have one code for every transaction")
            return
        for one, code in zip(transactions, codes, strict=True):
            if one.code != code:
                detail = f"its code is {_name(code)}, and must be {_name(one.code)}"
                noted.note(What.VALIDATION_CODE, detail, one.tx_id)

    def _apply(self, block: Block, transactions: Sequence[Placed], updates: Updates) -> None:
        expired = [(namespace, name, block.number - life - 1) for namespace, name, life in self._limited()]
        self.state.apply(updates, (one.tx_id for one in transactions if one.tx_id), expired)
        if any(namespace == LIFECYCLE for namespace, _ in updates.public):
            self._lives = None

    def _limited(self) -> Sequence[tuple[str, str, int]]:
        if self._lives is None:
            self._lives = list(collections.limited_lives(self.state))
        return self._lives

    def _take_configuration(self, noted: _Block, config: ChannelConfig, transactions: Sequence[Placed]) -> None:
        self.config = config
        block = noted.block
        if not block.number or not is_config_block(block):
            return
        if not transactions[0].is_valid:
            # Peers keep the configuration that they have.
            noted.note(What.CONFIGURATION, "the configuration is not one that a member of the channel signed")
            return
        try:
            following = ChannelConfig(block)
        except ProtocolError as error:
            noted.note(What.CONFIGURATION, f"the configuration cannot be read: {error}")
            return
        try:
            check_applicable(following, block.envelopes[0], config)
        except ProtocolError as error:
            noted.note(What.CONFIGURATION, f"the configuration does not follow from the one in force: {error}")
        # What comes after it was judged by it, right or wrong.
        self.config = following


def is_signed(block: Block, config: ChannelConfig) -> bool:
    """Whether the ordering organisations signed a block, as the configuration in force asks for."""
    try:
        value, signatures = block_signatures(block)
        signed = [
            SignedData(
                signature_message(value, one.header, block.header_bytes),
                one.creator or config.consenters[one.identifier],
                one.signature,
            )
            for one in signatures
            if one.creator or one.identifier in config.consenters
        ]
        return config.policy(BLOCK_VALIDATION).satisfied_by(signers(config.msp_manager, signed))
    except ProtocolError:
        return False


def _placed(position: int, one: Judged, validator: BlockValidator) -> Placed:
    code: int = one.code
    if code == Code.VALID and one.sets is not None:
        conflict = validator.validate(position, one.sets)
        if conflict:
            code = Code.Value(conflict.value)
            one = replace(one, sets=None)
    return Placed(position, one.tx_id, code, one.transaction, one.sets)


def _name(code: int) -> str:
    return Code.Name(Code.ValueType(code)) if code in Code.values() else str(code)
