"""`certledger issue`: put certificates on the ledger and write their receipts."""

import asyncio
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exit_codes import ExitCode
from cli.interruption import interruptible
from cli.language import tr
from cli.output import Output, Problem
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from node_client.certificates.issuing import Request
    from node_client.certificates.issuing_all import Progress
    from node_client.errors import FabricError

IN_FLIGHT = 32


def last_day(_: click.Context, __: click.Parameter, value: datetime | None) -> date | None:
    """An option's last day of validity, which has not passed."""
    if value is None:
        return None
    if value.date() < datetime.now(UTC).astimezone().date():
        raise click.BadParameter(tr("{day} is in the past", day=value.date()))
    return value.date()


def certificate_type(_: click.Context, __: click.Parameter, value: str) -> str:
    """An option's type of certificate."""
    from node_client.certificates.certificate_type import is_type

    if not is_type(value):
        raise click.BadParameter(tr("a type is 1 to 100 printable characters"))
    return value


def _reference(_: click.Context, __: click.Parameter, value: str | None) -> str:
    from chaincode.registry.model.ids import is_id

    if value is None:
        return ""
    if not value or is_id(value):
        raise click.BadParameter(tr("a reference is not empty and does not look like a certificate id"))
    return value


@dataclass(frozen=True, kw_only=True)
class DocumentOptions:
    """What is said of a certificate to be issued; the same for every command that issues."""

    kind: str
    valid_until: date | None
    reference: str
    out: Path | None

    def request(self, document: Path, *, supersedes: str | None = None) -> "Request":
        """The request to issue a certificate for a document."""
        from node_client.certificates.issuing import Request

        return Request(
            document=document,
            type=self.kind,
            reference=self.reference,
            valid_until=self.valid_until,
            folder=self.out,
            supersedes=supersedes,
        )


def document_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of a certificate to be issued, as the argument `options`."""

    @functools.wraps(command)
    def wrapped(
        *arguments: object, kind: str, valid_until: date | None, reference: str, out: Path | None, **others: object
    ) -> int:
        options = DocumentOptions(kind=kind, valid_until=valid_until, reference=reference, out=out)
        return command(*arguments, options=options, **others)

    for option in (
        click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Where receipts go."),
        click.option("--reference", callback=_reference, help="Your own name for the certificate."),
        click.option(
            "--valid-until", type=click.DateTime(["%Y-%m-%d"]), callback=last_day, help="The last day of validity."
        ),
        click.option(
            "--type", "kind", default="income", show_default=True, callback=certificate_type, help="What is certified."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--in-flight", default=IN_FLIGHT, show_default=True, type=click.IntRange(1, 1024), help="At a time.")
@document_options
@identity_options
def issue(settings: Settings, files: tuple[Path, ...], options: DocumentOptions, in_flight: int) -> int:
    """Issue certificates for documents.

    For every FILE a certificate is put on the ledger and FILE.receipt.json is written. The same command again issues
    only what is missing; receipts among the FILEs are left out. A name that begins with a dash comes after `--`.
    """
    from node_client.certificates.errors import DocumentError
    from node_client.certificates.receipt_file import is_receipt

    if options.reference and len(files) > 1:
        raise click.UsageError(tr("--reference names one certificate: give one FILE"))
    receipts = {path for path in files if is_receipt(path)}
    if len(receipts) == len(set(files)):
        raise DocumentError(f"{files[0]} is a receipt", "name the document itself")
    for path in files:
        if path in receipts:
            settings.output.result({"file": str(path), "status": "left-out"}, "")
    if receipts:
        settings.output.message(tr("{count} receipts left out", count=len(receipts)))
    return issue_requests(settings, [options.request(path) for path in files if path not in receipts], in_flight)


def issue_requests(settings: Settings, requests: "list[Request]", in_flight: int = IN_FLIGHT) -> int:
    """Issue what is requested, telling of each certificate as it is done.

    Returns:
        The exit status.
    """
    return asyncio.run(_issue(settings, requests, in_flight))


async def _issue(settings: Settings, requests: "list[Request]", in_flight: int) -> int:
    from node_client import Pipeline
    from node_client.certificates.issuing import Issuer
    from node_client.certificates.issuing_all import issue_all
    from node_client.certificates.register import Register

    report = _Report(settings.output, len(requests))
    stop = asyncio.Event()
    with Register(settings.profile().register) as register, interruptible(_interruption(stop, report)):
        async with settings.connected() as (gateway, client):
            network = gateway.get_network(client.trust.ledger.channel)
            try:
                async with Pipeline(network, in_flight=in_flight) as pipeline:
                    issuer = Issuer(gateway, client, register, pipeline)
                    left = await issue_all(
                        issuer, requests, in_flight=in_flight, done=report.done, stop=stop, again=report.again
                    )
            except asyncio.CancelledError:
                left = [request for request in requests if request not in report.seen]
    return report.end(left)


def _interruption(stop: asyncio.Event, report: "_Report") -> Callable[[], None]:
    """What Ctrl-C does: nothing new is begun and what is in flight ends; a second one leaves at once."""
    task = asyncio.current_task()

    def interrupt() -> None:
        if report.interrupted and task is not None:
            task.cancel()
        elif not report.interrupted:
            report.output.message(tr("stopping: what is in flight is being finished (Ctrl-C again leaves at once)"))
        report.interrupted = True
        stop.set()

    return interrupt


@dataclass
class _Report:
    output: Output
    total: int
    issued: int = 0
    problems: list[Problem] = field(default_factory=list)
    seen: "set[Request]" = field(default_factory=set)
    interrupted: bool = False

    def done(self, progress: "Progress") -> None:
        """Tell of one certificate."""
        from cli.problems import problem_of
        from node_client.certificates.issuing_all import Failed

        self.seen.add(progress.request)
        result, file = progress.result, str(progress.request.document)
        self._clear()
        if isinstance(result, Failed):
            problem = problem_of(result.error)
            self.problems.append(problem)
            status = "unknown" if result.outcome_unknown else "not-issued"
            self.output.problem(problem, {"file": file, "status": status}, about=file)
        else:
            self.issued += 1
            record = {
                "certificateId": result.certificate_id,
                "file": file,
                "receipt": str(result.receipt),
                "transactionId": result.transaction_id,
                "status": "issued",
                "already": result.already,
            }
            text = tr("issued already") if result.already else tr("issued")
            self.output.result(record, f"✔ {text}  {result.certificate_id}  {file}")
        self._show()

    def again(self, error: "FabricError") -> None:
        """Tell that the network does not answer as it should, and is given time."""
        from cli.problems import passing_trouble

        self._clear()
        self.output.message(passing_trouble(error))
        self._show()

    def end(self, left: "list[Request]") -> int:
        """Tell what came of it all, and give the exit status."""
        self._clear()
        for request in left:
            record = {"file": str(request.document), "status": "not-issued"}
            self.output.result(record, f"– {tr('not begun')}  {request.document}")
        if self.total > 1 or left:
            text = tr("{issued} of {total} issued", issued=self.issued, total=self.total)
            if self.problems:
                text += tr(", {count} failed", count=len(self.problems))
            if left:
                text += tr(", {count} not begun: the same command again issues the rest", count=len(left))
            self.output.message(text)
        if self.interrupted and (left or self.problems):
            return ExitCode.INTERRUPTED
        if not self.problems:
            return ExitCode.DONE
        return ExitCode.PARTLY_DONE if self.issued else self.problems[0].exit_code

    def _show(self) -> None:
        if self.total > 1 and sys.stderr.isatty():
            count = self.issued + len(self.problems)
            click.echo(tr("\r{count} of {total}", count=count, total=self.total), err=True, nl=False)

    def _clear(self) -> None:
        if self.total > 1 and sys.stderr.isatty():
            click.echo("\r\033[K", err=True, nl=False)
