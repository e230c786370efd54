"""`certledger chaincode`: put chaincode on the channel, in one step or in those of each organisation."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.chaincode_options import definition_options, source_options
from cli.commands import chaincode_steps
from cli.language import tr
from cli.settings import Settings, folder_options

if TYPE_CHECKING:
    from network.deployment import Source
    from network.lifecycle.definition import Stated


@click.group()
def chaincode() -> None:
    """Chaincode on the channel."""


for step in (chaincode_steps.install, chaincode_steps.approve, chaincode_steps.readiness, chaincode_steps.commit):
    chaincode.add_command(step)
chaincode.add_command(chaincode_steps.status)


@chaincode.command()
@definition_options(sequence=False)
@source_options
@folder_options
def deploy(settings: Settings, stated: "Stated", source: "Source") -> None:
    """Put a chaincode on the channel as its next definition: install, approve and commit for every organisation."""
    from network.deployment import deploy as deploy_chaincode

    done = deploy_chaincode(settings.folder, stated, source)
    record = {"name": stated.name, "sequence": done.sequence, "packageId": done.package_id, **source.record()}
    settings.output.result(
        record, f"✔ {tr('deployed')}  {stated.name}  {tr('sequence')} {done.sequence}  {done.package_id}"
    )


@chaincode.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--label", required=True, help="The package's label, such as points_1.")
@source_options
@folder_options
def package(settings: Settings, file: Path, label: str, source: "Source") -> None:
    """Write a chaincode package to FILE. The same content makes the same package, and the same id, everywhere."""
    from network.lifecycle.packaging import write_package

    info = write_package(file, source.package(label))
    _tell_package(settings, info.id, info.label, info.type, file)


@chaincode.command("package-id")
@click.argument("file", type=click.Path(path_type=Path))
@folder_options
def package_id(settings: Settings, file: Path) -> None:
    """Print the id under which peers know the package in FILE."""
    from network.lifecycle.packaging import read_package

    info, _ = read_package(file)
    _tell_package(settings, info.id, info.label, info.type, file)


def _tell_package(settings: Settings, package_id: str, label: str, kind: str, file: Path) -> None:
    record = {"packageId": package_id, "label": label, "type": kind, "file": str(file)}
    settings.output.result(record, package_id)
