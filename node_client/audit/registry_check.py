"""Every valid transaction that touches the registry, compared with what the registry's rules come to."""

from collections.abc import Callable, Iterator, Sequence

from chaincode.ledger.composite_key import split_composite_key
from chaincode.ledger.read_write_set import NamespaceSet
from chaincode.ledger.state import StateReader
from chaincode.registry.model import codes
from chaincode.registry.model.records import RecordError
from node_client.audit.findings import Finding, What
from node_client.audit.registry_rules import Effect, Refused, RegistryRules, call_of
from node_client.audit.replay import Placed
from node_client.audit.tally import KINDS, Record, Tally
from node_client.protocol.certificates import attribute
from node_client.protocol.config import ChannelConfig
from node_client.protocol.errors import ProtocolError
from node_client.protocol.transaction import Transaction

Get = Callable[[str], bytes | None]


class RegistryCheck:
    """Looks at a channel's blocks with the registry's rules.

    Args:
        chaincode: the registry's name.
        issuer_msps: the organisations that may issue.
        tally: is kept up to date.
    """

    def __init__(self, chaincode: str, issuer_msps: frozenset[str], tally: Tally) -> None:
        self._chaincode = chaincode
        self._rules = RegistryRules(issuer_msps)
        self.tally = tally

    def __call__(
        self, number: int, transactions: Sequence[Placed], config: ChannelConfig, state: StateReader
    ) -> Iterator[Finding]:
        """Look at a block.

        Args:
            state: as the blocks before this one made it.
        """
        written: dict[str, bytes] = {}

        def get(key: str) -> bytes | None:
            if key in written:
                return written[key]
            found = state.get(self._chaincode, key)
            return found.value if found else None

        self.tally.blocks += 1
        for one in transactions:
            self.tally.transactions += 1 if one.transaction or not one.is_valid else 0
            self.tally.invalid += 0 if one.is_valid else 1
            if one.transaction is None or one.sets is None or not one.is_valid:
                continue
            for detail in self._details(one, one.transaction, config, get):
                yield Finding(what=What.REGISTRY_RULES, detail=detail, block=number, transaction_id=one.tx_id)
            own = one.sets.get(self._chaincode, NamespaceSet())
            for key, write in own.writes.items():
                self._count(key, get(key), write.value)
                written[key] = write.value

    def _details(self, one: Placed, transaction: Transaction, config: ChannelConfig, get: Get) -> Iterator[str]:
        sets = one.sets or {}
        own = sets.get(self._chaincode)
        if transaction.proposal.chaincode != self._chaincode:
            if own is not None and own.is_written:
                yield f"the chaincode {transaction.proposal.chaincode} wrote the registry's records"
            return
        if any(part.is_written for name, part in sets.items() if name != self._chaincode):
            yield "it wrote outside the registry"
        try:
            effect = self._effect(transaction, config, get)
        except Refused as refused:
            yield f"the registry must refuse it: {refused}"
            return
        yield from _differences(effect, own or NamespaceSet(), transaction, self._chaincode)

    def _effect(self, transaction: Transaction, config: ChannelConfig, get: Get) -> Effect:
        proposal = transaction.proposal
        try:
            member = config.msp_manager.member(proposal.creator)
        except ProtocolError as error:
            raise Refused(f"its caller is not known: {error}") from error
        role = attribute(member.certificate, codes.ROLE_ATTRIBUTE)
        call = call_of(proposal.args, member.msp_id, role, proposal.transaction_id, proposal.seconds, proposal.nanos)
        return self._rules.effect(call, get)

    def _count(self, key: str, old: bytes | None, new: bytes) -> None:
        record = read_record(key, new)
        if record is not None:
            self.tally.changed(read_record(key, old) if old else None, record)


def read_record(key: str, data: bytes) -> Record | None:
    """The record at a key; None when it is none of the registry's."""
    try:
        kind, _ = split_composite_key(key)
        return KINDS[kind].from_bytes(data)
    except (KeyError, RecordError, ValueError):
        return None


def _differences(effect: Effect, own: NamespaceSet, transaction: Transaction, chaincode: str) -> Iterator[str]:
    response = transaction.response
    writes = {key: write.value for key, write in own.writes.items() if not write.is_delete}
    deleted = len(writes) != len(own.writes)
    if writes != effect.writes or deleted or own.metadata_writes or own.collections:
        yield "it wrote something else than the registry's rules come to"
    if effect.result is None:
        if response.event is not None:
            yield "a read announced something"
        return
    if set(own.reads) != effect.reads or own.range_queries:
        yield "it did not read what the registry must look at"
    if response.status != 200 or response.payload != effect.result:
        yield "its answer is not the record"
    event = (response.event.name, response.event.payload) if response.event else None
    if event != effect.event:
        yield "it announced something else than what it did"
    elif response.event and response.event.chaincode != chaincode:
        yield "it announced something for another chaincode"
