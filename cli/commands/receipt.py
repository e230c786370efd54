"""`certledger receipt`: the receipts that the register holds."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands.receipt_forms import cose, embed
from cli.exit_codes import ExitCode
from cli.language import tr
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from node_client.certificates.receipt import Receipt
    from node_client.certificates.register import Register


@click.group()
def receipt() -> None:
    """Receipts from the register."""


receipt.add_command(embed)
receipt.add_command(cose)


@receipt.command()
@click.argument("certificate", metavar="ID", required=False)
@click.option("--reference", metavar="R", help="The certificate with this reference.")
@click.option("--all", "everything", is_flag=True, help="Every certificate of the register.")
@click.option("--run", "run_name", metavar="NAME", help="Every certificate of an anchoring run.")
@click.option("--format", "form", type=click.Choice(["jsonl", "files"]), default="jsonl", show_default=True)
@click.option("--out", metavar="PATH", type=click.Path(path_type=Path), help="A file, or a folder for files.")
@identity_options
def export(
    settings: Settings,
    certificate: str | None,
    reference: str | None,
    everything: bool,
    run_name: str | None,
    form: str,
    out: Path | None,
) -> int:
    """Write receipts, for the holders of the documents.

    One receipt (of ID, which is a certificate id or your reference) goes to --out or to standard output as it is. With
    --all or --run, --format jsonl gives one line for each; --format files makes a file for each in the folder --out,
    named by its certificate id.
    """
    from node_client.certificates.register import Register

    if sum((certificate is not None, reference is not None, everything, run_name is not None)) != 1:
        raise click.UsageError(tr("give one of ID, --reference, --run and --all"))
    many = everything or run_name is not None
    if many and form == "files" and out is None:
        raise click.UsageError(tr("--format files needs a folder: --out"))
    profile = settings.profile()
    with Register(profile.register) as register:
        if not many:
            _write_one(_one(register, reference if reference is not None else str(certificate)), out)
            return ExitCode.DONE
        receipts = _many(register, run_name)
        count = _write_files(receipts, out) if form == "files" and out else _write_lines(receipts, out)
    settings.output.message(tr("{count} receipts", count=count))
    return ExitCode.DONE


@receipt.command()
@click.argument("certificate", metavar="ID", required=False)
@click.option("--all", "everything", is_flag=True, help="Every certificate of the register.")
@click.option("--run", "run_name", metavar="NAME", help="Every certificate of an anchoring run.")
@identity_options
def refresh(settings: Settings, certificate: str | None, everything: bool, run_name: str | None) -> int:
    """Have receipts attested anew, under the organisations' certificates of today; then export them again.

    A batch has one attestation: it is new for all of its certificates. ID is a certificate id or your reference.
    """
    if sum((certificate is not None, everything, run_name is not None)) != 1:
        raise click.UsageError(tr("give one of ID, --run and --all"))
    return asyncio.run(_refresh(settings, certificate, run_name))


async def _refresh(settings: Settings, certificate: str | None, run_name: str | None) -> int:
    from node_client.anchoring.holding import attestable
    from node_client.anchoring.refreshing import refresh_batches, refresh_certificate
    from node_client.certificates.register import Register

    with Register(settings.profile().register) as register:
        rows, batches = attestable(register, certificate, run_name)
        async with settings.connected() as (_, client):
            for row in rows:
                await refresh_certificate(client, register, row)
                record = {"certificateId": row.certificate_id, "status": "attested"}
                settings.output.result(record, f"✔ {tr('attested anew')}  {row.certificate_id}")
            async for batch in refresh_batches(client, register, batches):
                told = {"batchId": batch.batch_id, "size": batch.size, "status": "attested"}
                count = tr("{count} certificates", count=batch.size)
                settings.output.result(told, f"✔ {tr('attested anew')}  {batch.batch_id}  {count}")
    return ExitCode.DONE


def _one(register: "Register", name: str) -> "Receipt":
    from node_client.anchoring.holding import find_receipt

    return find_receipt(register, name)


def _many(register: "Register", run_name: str | None) -> Iterator[tuple[str, bytes]]:
    from node_client.anchoring.holding import all_receipts, run_receipts

    return run_receipts(register, run_name) if run_name is not None else all_receipts(register)


def _write_one(receipt: "Receipt", out: Path | None) -> None:
    from node_client.certificates.receipt_file import write_receipt

    if out is not None:
        write_receipt(out, receipt)
        return
    sys.stdout.buffer.write(receipt.to_bytes())
    if sys.stdout.isatty():
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def _write_lines(receipts: Iterator[tuple[str, bytes]], out: Path | None) -> int:
    if out is not None:
        with out.open("wb") as file:
            return _lines(receipts, file.write)
    try:
        return _lines(receipts, sys.stdout.buffer.write)
    finally:
        sys.stdout.buffer.flush()


def _lines(receipts: Iterator[tuple[str, bytes]], write: Callable[[bytes], object]) -> int:
    count = 0
    for _, data in receipts:
        write(data + b"\n")
        count += 1
    return count


def _write_files(receipts: Iterator[tuple[str, bytes]], folder: Path) -> int:
    from node_client.certificates.receipt import Receipt
    from node_client.certificates.receipt_file import SUFFIX, write_receipt
    from node_client.durable import make_folder

    make_folder(folder)
    count = 0
    for certificate_id, data in receipts:
        write_receipt(folder / (certificate_id + SUFFIX), Receipt.from_bytes(data))
        count += 1
    return count
