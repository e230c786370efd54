"""`certledger network export-trust`: what verifiers pin, read from the channel itself."""

from pathlib import Path

import click

from cli.language import tr
from cli.settings import Settings, identity_options, read_trust


@click.command("export-trust")
@click.argument("file", type=click.Path(path_type=Path))
@identity_options
def export_trust(settings: Settings, file: Path) -> None:
    """Write the trust file that verifiers pin, and print its SHA-256.

    It is read from the channel's blocks, each of which is checked from the first one on. Give people the file, and its
    SHA-256 on another way than the file."""
    from node_client.audit.trust_export import export
    from node_client.durable import replace_file

    pinned = read_trust(settings.profile().trust)
    with settings.network(pinned.ledger.channel) as network:
        trust = export(network, pinned.ledger)
    replace_file(file, trust.to_bytes())
    record = {"file": str(file), "sha256": trust.digest, "ranges": [one.from_block for one in trust.ranges]}
    settings.output.result(record, f"{trust.digest}  {file}")
    settings.output.message(tr("the trust file is written; verifiers compare its SHA-256 with what you tell them"))
