"""`certledger status-list`: what verifiers without a network check revocation by."""

from pathlib import Path

import click

from cli.language import tr
from cli.settings import Settings, identity_options


@click.group("status-list")
def status_list() -> None:
    """Status lists, by which verifiers without a network see what was revoked."""


@status_list.command()
@click.argument("name", metavar="ID")
@click.option("--batch", is_flag=True, help="ID is a batch's, and the list has all its members.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Default: ID.status-list.jwt.")
@identity_options
def export(settings: Settings, name: str, batch: bool, out: Path | None) -> None:
    """Make a status list, attested by the organisations and signed by you with its time.

    ID is a certificate id or your reference; with --batch a batch's id. Publish the list where verifiers find it, and
    make a new one at least as often as they ask for (`verify --max-age`)."""
    from node_client import ConnectionProfile
    from node_client.certificates.status_list import make
    from node_client.certificates.statuses import BATCH, CERTIFICATE, Subject
    from node_client.durable import replace_file

    subject = Subject(BATCH, name) if batch else Subject(CERTIFICATE, settings.certificate_id(name))
    profile = settings.profile()
    connection = ConnectionProfile.load(profile.connection)
    identity = connection.identity(profile.organisation, profile.user)
    signer = connection.signer(profile.organisation, profile.user)
    with settings.registry() as registry:
        made = make(subject, registry.attest_statuses(subject), registry.trust, identity, signer)
        changed = len(made.statuses(registry.trust).changed)
    path = out or Path(f"{subject.id}.status-list.jwt")
    replace_file(path, made.to_bytes())
    record = {
        "subject": subject.kind,
        "id": subject.id,
        "file": str(path),
        "validFrom": made.valid_from.isoformat(timespec="milliseconds"),
        "changed": changed,
    }
    settings.output.result(record, f"✔ {tr('status list written')}: {path}  {tr('no longer active')}: {changed}")
