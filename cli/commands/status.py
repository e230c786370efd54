"""`certledger revoke`, `suspend`, `reinstate`, `supersede`: change what a certificate is worth."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaincode.registry.model.status import Reason
from cli.commands.issue import DocumentOptions, document_options, issue_requests
from cli.language import tr
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from chaincode.registry.model.records import CertificateRecord

REASONS = click.Choice([reason.value for reason in Reason])


@click.command()
@click.argument("certificate", metavar="ID")
@click.option("--reason", required=True, type=REASONS, help="Why (RFC 5280).")
@identity_options
def revoke(settings: Settings, certificate: str, reason: str) -> None:
    """Revoke a certificate for good. ID is a certificate id or your reference."""
    certificate_id = settings.certificate_id(certificate)
    with settings.registry() as registry:
        _tell(settings, registry.revoke(certificate_id, Reason(reason)))


@click.command()
@click.argument("certificate", metavar="ID")
@click.option("--reason", required=True, type=REASONS, help="Why (RFC 5280), usually certificateHold.")
@identity_options
def suspend(settings: Settings, certificate: str, reason: str) -> None:
    """Suspend a certificate until it is reinstated. ID is a certificate id or your reference."""
    certificate_id = settings.certificate_id(certificate)
    with settings.registry() as registry:
        _tell(settings, registry.suspend(certificate_id, Reason(reason)))


@click.command()
@click.argument("certificate", metavar="ID")
@identity_options
def reinstate(settings: Settings, certificate: str) -> None:
    """Put a suspended certificate in force again. ID is a certificate id or your reference."""
    certificate_id = settings.certificate_id(certificate)
    with settings.registry() as registry:
        _tell(settings, registry.reinstate(certificate_id))


@click.command()
@click.argument("certificate", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path))
@document_options
@identity_options
def supersede(settings: Settings, certificate: str, file: Path, options: DocumentOptions) -> int:
    """Replace a certificate by a new one for FILE. ID is a certificate id or your reference."""
    request = options.request(file, supersedes=settings.certificate_id(certificate))
    return issue_requests(settings, [request])


def _tell(settings: Settings, record: "CertificateRecord") -> None:
    reason = f" ({record.reason})" if record.reason else ""
    text = f"✔ {tr(record.status.value)}{reason}  {record.certificate_id}"
    settings.output.result(record.to_dict(), text)
