"""`certledger status-list`: what verifiers without a network check revocation by."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.language import tr
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from node_client.certificates.statuses import Subject


@click.group("status-list")
def status_list() -> None:
    """Status lists, by which verifiers without a network see what was revoked."""


@status_list.command()
@click.argument("name", metavar="ID", required=False)
@click.option("--batch", is_flag=True, help="ID is a batch's, and the list has all its members.")
@click.option("--all", "everything", is_flag=True, help="A list for every batch of your register.")
@click.option("--out", metavar="PATH", type=click.Path(path_type=Path), help="Default: ID.status-list.jwt; a folder.")
@identity_options
def export(settings: Settings, name: str | None, batch: bool, everything: bool, out: Path | None) -> None:
    """Make a status list, attested by the organisations and signed by you with its time.

    ID is a certificate id or your reference, and the list is of its batch if it is in one; with --batch ID is the
    batch's. Publish the list where verifiers find it, and
    make a new one at least as often as they ask for (`verify --max-age`). With --all, --out is a folder."""
    from node_client import ConnectionProfile
    from node_client.certificates.status_list import make
    from node_client.durable import make_folder, replace_file

    subjects = _subjects(settings, name, batch=batch, everything=everything)
    profile = settings.profile()
    connection = ConnectionProfile.load(profile.connection)
    identity = connection.identity(profile.organisation, profile.user)
    signer = connection.signer(profile.organisation, profile.user)
    folder = out if everything and out else Path()
    make_folder(folder)
    with settings.registry() as registry:
        for subject in subjects:
            made = make(subject, registry.attest_statuses(subject), registry.trust, identity, signer)
            changed = len(made.statuses(registry.trust).changed)
            path = out if out and not everything else folder / f"{subject.id}.status-list.jwt"
            replace_file(path, made.to_bytes())
            record = {
                "subject": subject.kind,
                "id": subject.id,
                "file": str(path),
                "validFrom": made.valid_from.isoformat(timespec="milliseconds"),
                "changed": changed,
            }
            settings.output.result(
                record, f"✔ {tr('status list written')}: {path}  {tr('no longer active')}: {changed}"
            )


def _subjects(settings: Settings, name: str | None, *, batch: bool, everything: bool) -> "list[Subject]":
    """What lists are to be made of."""
    from node_client.anchoring.batches import Batches
    from node_client.certificates.register import ATTESTED, COMMITTED, Register
    from node_client.certificates.statuses import BATCH, CERTIFICATE, Subject

    if everything == (name is not None) or (everything and batch):
        raise click.UsageError(tr("give either ID or --all"))
    if name is not None and batch:
        return [Subject(BATCH, name)]
    if name is not None:
        target = settings.target(name)
        return [
            Subject(BATCH, target.inclusion.batch_id)
            if target.inclusion
            else Subject(CERTIFICATE, target.certificate_id)
        ]
    with Register(settings.profile().register) as register:
        batches = Batches(register).all()
    return [Subject(BATCH, one.batch_id) for one in batches if one.state in (COMMITTED, ATTESTED)]
