"""Auditing: a ledger that was filled for it, its blocks judged anew and every organisation's peer compared."""

import asyncio
import os
import time
from typing import Any

from bench import issue
from bench.issuing import CHANNEL
from bench.targets import Target
from node_client import ConnectionProfile
from node_client.audit.audit import Auditor, Report
from node_client.audit.peers import Peer, every_peer
from node_client.audit.state import AuditState
from node_client.certificates.trust import Trust

IN_FLIGHT = 64


async def run(target: Target, levels: list[int], seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Issue for so many seconds, then audit the whole ledger.

    Returns:
        The row of `audit`; none where there is no trust file.
    """
    if target.trust is None:
        return {"audit": []}
    await issue.run(target, [IN_FLIGHT], seconds)
    trust = Trust.from_bytes(target.trust.read_bytes())
    row = await asyncio.to_thread(_audit, target, trust)
    print(f"audit: {row}")
    return {"audit": [row]}


def _audit(target: Target, trust: Trust) -> dict[str, Any]:
    profile = ConnectionProfile.load(target.connection)
    with every_peer(profile, target.organisation, target.user, CHANNEL) as peers:
        cpu, begun = time.process_time(), time.perf_counter()
        count = _report(trust, peers).tally.transactions
        cpu, wall = time.process_time() - cpu, time.perf_counter() - begun
    return {
        "transactions": count,
        "peers": len(peers),
        "perSecond": round(count / wall, 1),
        "perCpuSecond": round(count / cpu, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def _report(trust: Trust, peers: list[Peer]) -> Report:
    with AuditState() as state:
        auditor = Auditor(trust.ledger, state, frozenset({"CityMSP"}))
        auditor.audit(peers)
    if not auditor.report.is_clean:
        raise RuntimeError(f"the audit found something: {auditor.report.findings[:3]}")
    return auditor.report
