"""An audit: the blocks judged anew, the records computed anew, the peers and the register compared with them."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain

from chaincode.ledger.composite_key import split_composite_key
from node_client.audit.findings import Finding, What
from node_client.audit.peers import BadAnswer, Beside, Peer, Records, chances
from node_client.audit.reading import read_blocks
from node_client.audit.register_check import check_register, not_in_register
from node_client.audit.registry_check import RegistryCheck
from node_client.audit.replay import Replay
from node_client.audit.state import AuditState
from node_client.audit.tally import Tally
from node_client.audit.trust_ranges import in_force
from node_client.certificates.errors import CertificateError
from node_client.certificates.register import Register
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust
from node_client.errors import AuditError, GatewayError
from node_client.protocol.block import Block

TOGETHER = 200  # blocks whose changes are kept at once
MOST = 1000  # findings that are kept: after so many, what is wrong is not a detail


@dataclass
class Report:
    """What an audit came to.

    Attributes:
        first: the first block that was judged in this audit; 0 unless it went on from an earlier one.
        height: how many blocks the ledger has.
        block_hash: the hash of the last block, in hex.
        peers: the peers whose blocks and records were compared.
        not_in_register: single certificates that are not in the issuer's register; None when there is no register.
        findings: everything that is wrong.
        more: how many findings there are beside those.
    """

    ledger: Ledger
    first: int
    height: int = 0
    block_hash: str = ""
    tally: Tally = field(default_factory=Tally)
    peers: list[str] = field(default_factory=list)
    not_in_register: int | None = None
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def note(self, findings: Iterable[Finding]) -> None:
        """Take note of what is wrong."""
        for one in findings:
            if len(self.findings) < MOST:
                self.findings.append(one)
            else:
                self.more += 1


class Auditor:
    """Audits a ledger.

    Args:
        ledger: the ledger, of which the first block is known.
        state: what an earlier audit came to, or an empty one.
        issuer_msps: the organisations that may issue.

    Raises:
        AuditError: the state is of something else.
    """

    def __init__(self, ledger: Ledger, state: AuditState, issuer_msps: frozenset[str]) -> None:
        place = state.place
        try:
            kept = json.loads(place.kept) if place else {}
            tally = Tally.from_values(kept["tally"]) if kept else Tally()
            # What was wrong then is wrong still: going on from there does not make it good.
            self._in_blocks = [Finding(**{**one, "what": What(one["what"])}) for one in kept.get("findings", ())]
        except (ValueError, TypeError, KeyError) as error:
            raise AuditError("the audit's state is damaged", "begin anew with another file") from error
        self._ledger = ledger
        self._state = state
        self._source = ""  # the peer whose blocks are judged
        self._replay = Replay(
            state, ledger.first_block, ledger.channel, RegistryCheck(ledger.chaincode, issuer_msps, tally)
        )
        self.report = Report(ledger, self._replay.height, tally=tally)
        self.report.note(self._in_blocks)

    def take(self, blocks: Iterable[Block], beside: Sequence[Beside] = ()) -> None:
        """Judge the next blocks, and compare other peers' ones with them."""
        every = iter(blocks)
        for first in every:
            with self._state.change():
                self._judge(first, beside)
                for number, block in enumerate(every, start=2):
                    self._judge(block, beside)
                    if number == TOGETHER:
                        break
                self._replay.keep(self._kept())
        self.report.height = self._replay.height
        self.report.block_hash = self._replay.block_hash

    def _judge(self, block: Block, beside: Sequence[Beside]) -> None:
        findings = [replace(one, peer=self._source) for one in self._replay.take(block).findings]
        self._in_blocks += findings[: MOST - len(self._in_blocks)]
        self.report.note(findings)
        for other in beside:
            other.take(block)

    def audit(self, peers: Sequence[Peer], progress: Callable[[int, int], None] = lambda *_: None) -> None:
        """Read the first peer's blocks, and compare the other peers with it, block by block and record by record.

        Args:
            progress: is told how many blocks of how many have been judged.

        Raises:
            GatewayError: the first peer cannot be asked.
        """
        first, *others = peers
        self._source = first.name
        start, height = self._replay.height, first.network.height()
        if start > height:
            raise AuditError(f"the peer has {height} blocks, and an earlier audit saw {start}", "ask another peer")
        beside = [Beside(peer, first.name, start, height) for peer in others]

        def told(blocks: Iterable[Block]) -> Iterable[Block]:
            for block in blocks:
                yield block
                progress(block.number + 1, height)

        self.take(told(read_blocks(first.network, start, height, peer=first.name)), beside)
        self.report.note(chain.from_iterable(one.findings for one in beside))
        for peer in peers:
            self._compare_records(peer, first)

    def check_trust(self, trust: Trust) -> None:
        """Compare what a trust file says last with what holds now. Raises TrustError when that cannot be used."""
        now = in_force(self._replay, self._ledger.chaincode)
        if now is None or not now.same_rules(trust.ranges[-1]):
            detail = "the channel's organisations, or the registry's policy, are not those of the trust file"
            self.report.note([Finding(what=What.TRUST_FILE, detail=detail, block=self._replay.height - 1)])

    def check_register(self, register: Register, issuer: str) -> None:
        """Compare the register of an organisation, named by its MSP id, with the ledger.

        Raises:
            RegisterError: it cannot be read.
        """
        self.report.note(check_register(register, issuer, self._ledger.chaincode, self._state))
        self.report.not_in_register = not_in_register(register, issuer, self._ledger.chaincode, self._state)

    def _kept(self) -> bytes:
        values = {"tally": asdict(self.report.tally), "findings": [asdict(one) for one in self._in_blocks]}
        return json.dumps(values).encode()

    def _compare_records(self, peer: Peer, first: Peer) -> None:
        records = Records(peer, self._ledger.chaincode, self._state)
        try:
            doubtful = list(records.differences())
            for _ in chances(peer.network):
                if not doubtful:
                    break
                # What was written since the last block that was judged is no difference, nor what the peer is about
                # to write.
                now = first.network.height()
                self.take(read_blocks(first.network, self._replay.height, now, peer=first.name))
                doubtful = [key for key in doubtful if records.still_differs(key)]
        except (GatewayError, CertificateError) as error:
            self.report.note([Finding(what=What.UNREACHABLE, detail=str(error), peer=peer.name)])
            return
        except BadAnswer as error:
            self.report.note([Finding(what=What.RECORD, detail=str(error), peer=peer.name)])
            return
        self.report.peers.append(peer.name)
        for key in doubtful:
            detail = "the peer answers something else than what the ledger's transactions wrote"
            self.report.note([Finding(what=What.RECORD, detail=detail, peer=peer.name, record=_named(key))])


def _named(key: str) -> str:
    kind, attributes = split_composite_key(key)
    return " ".join([kind, *attributes])
