"""Making a trust file from a channel, as one of its peers gives it."""

from node_client.audit.reading import read_blocks
from node_client.audit.replay import Replay
from node_client.audit.state import AuditState
from node_client.audit.trust_ranges import TrustRanges
from node_client.certificates.errors import LedgerMismatch
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust
from node_client.gateway._sync.network import Network


def export(network: Network, ledger: Ledger) -> Trust:
    """What holds on a ledger, and has held, by its blocks; a peer cannot make up any of it.

    Args:
        network: the channel, over a peer of one's own.
        ledger: the ledger, of which the first block is known.

    Raises:
        LedgerMismatch: the peer's chain is another one, or does not hold together.
        TrustError: the registry has not been defined.
        EventsError, EvaluateError: the peer could not be asked.
    """
    ranges = TrustRanges(ledger)
    with AuditState() as state, state.change():
        replay = Replay(state, ledger.first_block, ledger.channel)
        for block in read_blocks(network, 0, network.height()):
            for finding in replay.take(block).findings:
                raise LedgerMismatch(f"block {block.number}: {finding.detail}", "see what is wrong: certledger audit")
            ranges.take(replay)
    return ranges.result()
