"""`certledger revoke`, `suspend`, `reinstate`, `supersede`: change what certificates are worth."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaincode.registry.model.status import Reason
from cli.commands.issue import IN_FLIGHT, DocumentOptions, document_options, issue_requests
from cli.exit_codes import ExitCode
from cli.language import tr
from cli.names import read_names, require_distinct
from cli.output import Problem
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from node_client.certificates.changing import Change, Outcome
    from node_client.certificates.target import Target

REASONS = click.Choice([reason.value for reason in Reason])


def _named(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the certificates that it is about: ID, or those of a file."""
    option = click.option("--from", "source", metavar="FILE", help="Many: an ID on every line; - is standard input.")
    return click.argument("certificate", metavar="ID", required=False)(option(command))


@click.command()
@_named
@click.option("--reason", required=True, type=REASONS, help="Why (RFC 5280).")
@identity_options
def revoke(settings: Settings, certificate: str | None, source: str | None, reason: str) -> int:
    """Revoke certificates for good. ID is a certificate id, your reference, or a receipt's file."""
    return _change(settings, certificate, source, "revoke", reason)


@click.command()
@_named
@click.option("--reason", required=True, type=REASONS, help="Why (RFC 5280), usually certificateHold.")
@identity_options
def suspend(settings: Settings, certificate: str | None, source: str | None, reason: str) -> int:
    """Suspend certificates until they are reinstated. ID is a certificate id, your reference, or a receipt's file."""
    return _change(settings, certificate, source, "suspend", reason)


@click.command()
@_named
@identity_options
def reinstate(settings: Settings, certificate: str | None, source: str | None) -> int:
    """Put suspended certificates in force again. ID is a certificate id, your reference, or a receipt's file."""
    return _change(settings, certificate, source, "reinstate", None)


@click.command()
@click.argument("certificate", metavar="ID", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--from", "source", metavar="FILE", help="Many: ID,FILE on every line; - is standard input.")
@document_options
@identity_options
def supersede(
    settings: Settings, certificate: str | None, file: Path | None, source: str | None, options: DocumentOptions
) -> int:
    """Replace certificates by new ones for FILE. ID is a certificate id, your reference, or a receipt's file."""
    if source is None:
        if certificate is None or file is None:
            raise click.UsageError(tr("give ID and FILE, or --from"))
        pairs = [(0, certificate, file)]
    else:
        if certificate is not None:
            raise click.UsageError(tr("give ID and FILE, or --from"))
        if options.reference:
            raise click.UsageError(tr("--reference names one certificate: give one FILE"))
        pairs = []
        for line, cells in read_names(source, 2):
            if len(cells) != 2:
                raise click.UsageError(tr("line {line}: ID,FILE is expected", line=line))
            pairs.append((line, cells[0], Path(cells[1])))
    with settings.targets() as find:
        found = [(line, find(name), path) for line, name, path in pairs]
    require_distinct((line, target.certificate_id) for line, target, _ in found)
    requests = [options.request(path, supersedes=target.to_text()) for _, target, path in found]
    return issue_requests(settings, requests)


def _change(settings: Settings, certificate: str | None, source: str | None, verb: str, reason: str | None) -> int:
    from node_client.certificates.changing import Change, Verb

    if (certificate is None) == (source is None):
        raise click.UsageError(tr("give ID, or --from"))
    names = [(0, [certificate])] if certificate is not None else read_names(str(source), 1)
    with settings.targets() as find:
        found = [(line, name, find(name)) for line, (name,) in names]
    require_distinct((line, target.certificate_id) for line, _, target in found)
    targets = [(name, target) for _, name, target in found]
    change = Change(Verb(verb), Reason(reason)) if reason else Change(Verb(verb))
    return asyncio.run(_change_all(settings, targets, change))


async def _change_all(settings: Settings, targets: "list[tuple[str, Target]]", change: "Change") -> int:
    from cli.problems import problem_of
    from node_client.certificates.changing import change_all

    problems: list[Problem] = []
    many = len(targets) > 1
    async with settings.connected() as (_, client):
        async for outcome in change_all(client, targets, change, in_flight=IN_FLIGHT):
            if outcome.error is None:
                _tell(settings, outcome)
            elif not many:
                raise outcome.error
            else:
                problems.append(problem_of(outcome.error))
                settings.output.problem(problems[-1], {"name": outcome.name, "status": "failed"}, about=outcome.name)
    if many:
        count, total = len(targets) - len(problems), len(targets)
        settings.output.message(tr("{count} of {total} changed", count=count, total=total))
    if not problems:
        return ExitCode.DONE
    return problems[0].exit_code if len(problems) == len(targets) else ExitCode.PARTLY_DONE


def _tell(settings: Settings, outcome: "Outcome[str]") -> None:
    record = outcome.record
    if record is None:
        return
    reason = f" ({record.reason})" if record.reason else ""
    text = f"✔ {tr(record.status.value)}{reason}  {outcome.target.certificate_id}"
    values = record.to_dict()
    settings.output.result({**values, "certificateId": outcome.target.certificate_id}, text)
