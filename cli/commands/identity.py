"""`certledger identity`: what becomes of identities after they were made."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.language import tr
from cli.settings import Settings, folder_options

if TYPE_CHECKING:
    from network.revoking import Revoked

REASONS = (
    "unspecified",
    "keyCompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group()
def identity() -> None:
    """Identities of people, programs and nodes."""


@identity.command()
@click.argument("organisation", metavar="ORG")
@click.argument("name", default="")
@click.option("--certificate", metavar="FILE", type=FILE, help="The certificate, where it is not one of this folder.")
@click.option("--crl", metavar="FILE", type=FILE, help="A revocation list of the organisation's own authority.")
@click.option("--reason", type=click.Choice(REASONS), default="unspecified", show_default=True, help="RFC 5280's.")
@folder_options
def revoke(
    settings: Settings, organisation: str, name: str, certificate: Path | None, crl: Path | None, reason: str
) -> None:
    """Revoke the certificate of NAME in ORG for good, on the whole channel.

    NAME is a user's, such as issuer, or a node's, such as peer0.city. The organisation's authority signs the revocation
    list, and the organisation's admin the change of the channel. It works at once: nobody takes anything more from this
    identity, and what it has signed before but is not on the ledger yet counts no more."""
    from network import revoking

    if sum(map(bool, (name, certificate, crl))) != 1:
        raise click.UsageError(tr("name one of: NAME, --certificate, --crl"))
    folder = settings.folder
    found = folder.require_resident(folder.topology(), organisation)
    if crl:
        done = revoking.publish_list(folder, found, crl)
    else:
        chosen = revoking.read_certificate(certificate) if certificate else revoking.certificate_of(folder, found, name)
        done = revoking.revoke(folder, found, [chosen], reason)
    _tell(settings, done, name)


def _tell(settings: Settings, done: "Revoked", name: str) -> None:
    numbers = [f"{number:x}" for number in done.serial_numbers]
    record = {
        "organisation": done.organisation.name,
        "name": name or None,
        "serialNumbers": numbers,
        "block": done.block,
        "already": done.block is None,
        "revoked": sum(len(one) for one in done.lists),
    }
    text = tr("it was revoked already") if done.block is None else f"{tr('revoked')}  {tr('block')} {done.block}"
    settings.output.result(record, f"✔ {text}  {' '.join([name, *numbers]).strip()}")
    settings.output.message(
        tr(
            "the nodes of {organisation} heed it in their own administration after a restart",
            organisation=done.organisation.name,
        )
    )
    settings.output.message(tr("give verifiers the new trust file: certledger network export-trust FILE"))
