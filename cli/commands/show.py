"""`certledger show`, `history`, `list`: what the ledger has."""

from typing import TYPE_CHECKING

import click

from cli.language import tr
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
    from node_client.certificates.target import Target

PAGE = 100


@click.command()
@click.argument("certificate", metavar="ID")
@identity_options
def show(settings: Settings, certificate: str) -> None:
    """Show a certificate's record. ID is a certificate id or your reference."""
    target = settings.target(certificate)
    with settings.registry() as registry:
        if target.inclusion is not None:
            batch, change = registry.read_member(target.inclusion.batch_id, target.leaf)
            _show_member(settings, target, batch, change)
            return
        record = registry.read(target.certificate_id)
    lines = [
        f"{tr('certificate')}: {record.certificate_id}",
        f"{tr('status')}: {_status(record)}",
        f"{tr('issuer')}: {record.issuer_msp}",
        f"{tr('issued at')}: {record.issued_at}",
        f"{tr('transaction')}: {record.transaction_id}",
        f"{tr('commitment')}: {record.commitment}",
    ]
    if record.supersedes:
        lines.append(f"{tr('replaces')}: {record.supersedes}")
    if record.superseded_by:
        lines.append(f"{tr('replaced by')}: {record.superseded_by}")
    settings.output.result(record.to_dict(), "\n".join(lines))


def _show_member(settings: Settings, target: "Target", batch: "BatchRecord", change: "StatusRecord | None") -> None:
    index = target.inclusion.index if target.inclusion else 0
    lines = [
        f"{tr('certificate')}: {target.certificate_id}",
        f"{tr('status')}: {_status(change) if change else tr('active')}",
        f"{tr('issuer')}: {batch.issuer_msp}",
        f"{tr('issued at')}: {batch.anchored_at}",
        f"{tr('transaction')}: {batch.transaction_id}",
        f"{tr('batch')}: {batch.batch_id} ({index + 1}/{batch.size})",
    ]
    if change and change.superseded_by:
        lines.append(f"{tr('replaced by')}: {change.superseded_by}")
    record = {
        "certificateId": target.certificate_id,
        "index": index,
        "leaf": target.leaf,
        "batch": batch.to_dict(),
        "status": change.status if change else "active",
        "change": change.to_dict() if change else None,
    }
    settings.output.result(record, "\n".join(lines))


@click.command()
@click.argument("certificate", metavar="ID")
@identity_options
def history(settings: Settings, certificate: str) -> None:
    """Show every version of a certificate's record, newest first. ID is a certificate id or your reference."""
    certificate_id = settings.certificate_id(certificate)
    with settings.registry() as registry:
        entries = registry.history(certificate_id)
    for entry in entries:
        record = entry.record
        told = {"transactionId": entry.transaction_id, "at": entry.at, "record": record.to_dict() if record else None}
        state = _status(record) if record else tr("deleted")
        settings.output.result(told, f"{entry.at}  {state}  {tr('transaction')} {entry.transaction_id}")


@click.command("list")
@click.option("--limit", type=click.IntRange(1), help="How many at most (default: all).")
@identity_options
def list_certificates(settings: Settings, limit: int | None) -> None:
    """List the certificates on the ledger, in the order of their ids."""
    bookmark, count = "", 0
    with settings.registry() as registry:
        while limit is None or count < limit:
            size = PAGE if limit is None else min(PAGE, limit - count)
            records, bookmark = registry.list_certificates(size, bookmark)
            for record in records:
                settings.output.result(
                    record.to_dict(),
                    f"{record.certificate_id}  {record.issued_at}  {record.issuer_msp}  {_status(record)}",
                )
            count += len(records)
            if not bookmark:
                break
    if not count:
        settings.output.message(tr("the ledger has no certificates"))


def _status(record: "CertificateRecord | StatusRecord") -> str:
    reason = f" ({record.reason})" if record.reason else ""
    return tr(record.status.value) + reason
