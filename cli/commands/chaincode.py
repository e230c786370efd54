"""`certledger chaincode`: put chaincode on the channel."""

from pathlib import Path

import click

from cli.language import tr
from cli.settings import Settings, folder_options


@click.group()
def chaincode() -> None:
    """Chaincode on the channel."""


@chaincode.command()
@click.argument("name")
@click.option("--address", required=True, metavar="HOST:PORT", help="Where the chaincode serves.")
@click.option("--version", default="1", show_default=True, help="The definition's version.")
@click.option("--policy", default="", help="The endorsement policy (default: the channel's).")
@click.option(
    "--collections", metavar="FILE", type=click.Path(path_type=Path), help="Private data: a collections_config.json."
)
@click.option("--init-required", is_flag=True, help="It must be initialised first, once for each version.")
@folder_options
def deploy(
    settings: Settings,
    name: str,
    address: str,
    version: str,
    policy: str,
    collections: Path | None,
    init_required: bool,
) -> None:
    """Put a chaincode that runs as a service on the channel: install, approve and commit for every organisation."""
    from network.deployment import deploy as deploy_chaincode

    done = deploy_chaincode(
        settings.folder,
        name,
        address,
        version=version,
        policy=policy,
        collections=collections,
        init_required=init_required,
    )
    record = {"name": name, "address": address, "sequence": done.sequence, "packageId": done.package_id}
    settings.output.result(record, f"✔ {tr('deployed')}  {name}  {tr('sequence')} {done.sequence}  {done.package_id}")
