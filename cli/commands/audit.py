"""`certledger audit`: check a whole ledger, and everyone who keeps it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exit_codes import ExitCode
from cli.language import tr
from cli.settings import Settings, identity_options, read_trust

if TYPE_CHECKING:
    from node_client.audit.audit import Auditor, Report
    from node_client.audit.findings import Finding

EVERY = 200  # blocks between two lines of progress


@click.command()
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Keep what this audit came to, and go on from there the next time.",
)
@click.option(
    "--issuer-msp",
    "issuer_msps",
    multiple=True,
    default=["CityMSP"],
    show_default=True,
    metavar="MSP",
    help="Who may issue, by the registry's settings; can be repeated.",
)
@click.option("--register/--no-register", default=True, help="Compare your organisation's register, if it has one.")
@identity_options
def audit(settings: Settings, checkpoint: Path | None, issuer_msps: tuple[str, ...], register: bool) -> int:
    """Check the whole ledger: every block, transaction and record, every organisation's peer, and your register.

    The exit status is 0 when nothing is wrong, 3 when something was changed, 10 when a peer could not be
    asked or is behind."""
    from node_client import ConnectionProfile
    from node_client.audit.audit import Auditor
    from node_client.audit.peers import every_peer
    from node_client.audit.state import AuditState

    profile = settings.profile()
    trust = read_trust(profile.trust)
    connection = ConnectionProfile.load(profile.connection)
    everyone = every_peer(connection, profile.organisation, profile.user, trust.ledger.channel)
    with AuditState(checkpoint) as state, everyone as peers:
        auditor = Auditor(trust.ledger, state, frozenset(issuer_msps))
        auditor.audit(peers, _Progress(settings))
        auditor.check_trust(trust)
        if register and profile.register.exists():
            _check_register(auditor, profile.register, connection.msp_id(profile.organisation))
        report = auditor.report
    settings.output.result(_record(report), _text(report))
    if report.is_clean:
        return ExitCode.DONE
    out_of_reach = all(one.what in ("unreachable", "height") for one in report.findings)
    return ExitCode.UNREACHABLE if out_of_reach else ExitCode.ALTERED


def _check_register(auditor: "Auditor", path: Path, issuer: str) -> None:
    from node_client.certificates.register import Register

    with Register(path) as register:
        auditor.check_register(register, issuer)


class _Progress:
    def __init__(self, settings: Settings) -> None:
        self._output = settings.output

    def __call__(self, done: int, total: int) -> None:
        if done % EVERY == 0 and done < total:
            self._output.message(tr("{done} of {total} blocks", done=done, total=total))


def _record(report: "Report") -> dict[str, object]:
    tally = report.tally
    return {
        "ledger": report.ledger.to_values(),
        "firstBlock": report.first,
        "height": report.height,
        "blockHash": report.block_hash,
        "blocks": tally.blocks,
        "transactions": tally.transactions,
        "invalid": tally.invalid,
        **asdict(tally.total()),
        "issuers": {msp: asdict(one) for msp, one in sorted(tally.issuers.items())},
        "peers": report.peers,
        "notInRegister": report.not_in_register,
        "findings": [_finding(one) for one in report.findings],
        "moreFindings": report.more,
    }


def _finding(one: "Finding") -> dict[str, object]:
    fields = {
        "what": one.what,
        "detail": one.detail,
        "block": one.block,
        "transactionId": one.transaction_id,
        "peer": one.peer,
        "record": one.record,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _text(report: "Report") -> str:
    tally = report.tally
    headline = tr("nothing is wrong") if report.is_clean else tr("the ledger is not as it should be")
    lines = [f"{'✔' if report.is_clean else '✘'} {headline}"]
    lines.append(f"    {tr('ledger')}: {report.ledger.first_block}  {report.ledger.channel}")
    lines.append(f"    {tr('height')}: {report.height}  {report.block_hash}")
    counted = tr(
        "{transactions} transactions, {invalid} of them invalid", transactions=tally.transactions, invalid=tally.invalid
    )
    lines.append(f"    {counted}")
    lines.append(f"    {tr('peers that were compared')}: {', '.join(report.peers) or '–'}")
    for msp, one in sorted(tally.issuers.items()):
        facts = {
            tr("certificates"): one.certificates,
            tr("batches"): one.batches,
            tr("certificates in batches"): one.anchored,
            tr("revoked"): one.revoked,
            tr("suspended"): one.suspended,
            tr("superseded"): one.superseded,
        }
        lines.append(f"    {msp}: " + ", ".join(f"{name} {count}" for name, count in facts.items()))
    if report.not_in_register:
        lines.append(f"    {tr('single certificates that are not in the register')}: {report.not_in_register}")
    for finding in report.findings:
        block = tr("block {number}", number=finding.block) if finding.block is not None else ""
        where = [block, finding.transaction_id, finding.peer, finding.record]
        lines.append(f"  ✘ {finding.what}: {finding.detail} ({', '.join(filter(None, where))})")
    if report.more:
        lines.append(f"  ✘ {tr('and {count} more', count=report.more)}")
    return "\n".join(lines)
