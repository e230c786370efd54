"""`certledger chaincode install|approve|readiness|commit|status`: the steps of one organisation.

They are its admin's: of the organisation of the current profile, unless `--profile` names somebody.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.chaincode_options import FILE, definition_options
from cli.exit_codes import ExitCode
from cli.language import tr
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from network.lifecycle.definition import Stated
    from network.lifecycle.member import Ready, Told
    from node_client.protocol.lifecycle import ChaincodeDefinition, Readiness


@click.command()
@click.argument("file", type=FILE)
@identity_options
def install(settings: Settings, file: Path) -> None:
    """Install the package in FILE at the organisation's peer. The peer builds it, which may take a while."""
    from network.lifecycle.building import explained
    from network.lifecycle.member import acting, administrator
    from network.lifecycle.packaging import read_package

    info, data = read_package(file)
    profile = administrator(settings.folder, settings.profile_name)
    with acting(profile) as member, explained(settings.folder, profile.organisation):
        done = member.install(data)
    record = {
        "organisation": member.organisation,
        "mspId": member.msp_id,
        "packageId": info.id,
        "label": info.label,
        "already": not done,
    }
    told = tr("installed") if done else tr("installed already")
    settings.output.result(record, f"✔ {told}  {member.organisation}  {info.id}")


@click.command()
@definition_options()
@click.option("--package-id", metavar="ID", help="The package that runs it at the organisation's peers.")
@click.option("--package", type=FILE, metavar="FILE", help="The same by the package's file.")
@click.option("--without-package", is_flag=True, help="The organisation's peers do not run it.")
@identity_options
def approve(
    settings: Settings, stated: "Stated", package_id: str | None, package: Path | None, without_package: bool
) -> None:
    """Approve the definition of chaincode NAME for the organisation."""
    from network.lifecycle.member import acting, administrator
    from network.lifecycle.packaging import read_package

    if (package_id is not None) + (package is not None) + without_package != 1:
        raise click.UsageError(tr("name the package with --package-id or --package, or say --without-package"))
    chosen = read_package(package)[0].id if package else package_id or ""
    with acting(administrator(settings.folder, settings.profile_name)) as member:
        done = member.approve(stated, chosen)
    record = {
        "organisation": member.organisation,
        "mspId": member.msp_id,
        **_definition(done.definition),
        "packageId": chosen or None,
        "already": done.already,
        "installed": done.installed,
    }
    told = tr("approved already") if done.already else tr("approved")
    settings.output.result(record, f"✔ {told}  {member.organisation}  {_named(done.definition)}")
    if not done.installed:
        settings.output.message(tr("the package is not installed at this peer yet: certledger chaincode install"))


@click.command()
@definition_options()
@identity_options
def readiness(settings: Settings, stated: "Stated") -> None:
    """Show which organisations have approved exactly this definition of chaincode NAME."""
    from network.lifecycle.member import acting, administrator

    with acting(administrator(settings.folder, settings.profile_name)) as member:
        found = member.readiness(stated)
    record = {**_definition(found.definition), **_readiness(found.readiness), "inForce": found.in_force}
    state = tr("in force already") if found.in_force else tr("not in force yet")
    lines = [f"{_named(found.definition)}  {state}", *_readiness_lines(found)]
    settings.output.result(record, "\n".join(lines))


@click.command()
@definition_options()
@click.option(
    "--endorser",
    "endorsers",
    multiple=True,
    metavar="MSPID",
    help="An organisation whose peer endorses it; can be repeated (default: all that have approved it).",
)
@identity_options
def commit(settings: Settings, stated: "Stated", endorsers: Sequence[str]) -> None:
    """Put a definition of chaincode NAME into force that enough organisations have approved."""
    from network.lifecycle.member import acting, administrator

    with acting(administrator(settings.folder, settings.profile_name)) as member:
        found, endorsed = member.commit(stated, endorsers)
    already = not endorsed
    record = {
        **_definition(found.definition),
        "approvals": found.readiness.approvals,
        "endorsers": list(endorsed),
        "already": already,
    }
    told = tr("in force already") if already else tr("in force")
    settings.output.result(record, "\n".join([f"✔ {told}  {_named(found.definition)}", *_readiness_lines(found)]))


@click.command()
@click.argument("name", default="")
@identity_options
def status(settings: Settings, name: str) -> int:
    """Show what is installed, in force and approved: all chaincode, or that of NAME.

    Every organisation whose admin is in the network's folder is asked at its own peer, or the one of --profile alone.
    """
    from cli.problems import problem_of
    from network.errors import NetworkError
    from network.lifecycle.member import acting, administrator, administrators
    from node_client.errors import FabricError

    folder = settings.folder
    one = [administrator(folder, settings.profile_name)] if settings.profile_name else []
    profiles = one or administrators(folder)
    problems = []
    for profile in profiles:
        try:
            with acting(profile) as member:
                told = member.told(name)
        except (FabricError, NetworkError) as error:
            problems.append(problem_of(error))
            settings.output.problem(problems[-1], {"organisation": profile.organisation}, about=profile.organisation)
            continue
        record = {"organisation": member.organisation, "mspId": member.msp_id, **_told(told)}
        settings.output.result(record, "\n".join([f"{member.organisation} ({member.msp_id})", *_told_lines(told)]))
    if not problems:
        return ExitCode.DONE
    return problems[0].exit_code if len(problems) == len(profiles) else ExitCode.PARTLY_DONE


def _definition(definition: "ChaincodeDefinition") -> dict[str, object]:
    return {"name": definition.name, "chaincodeVersion": definition.version, "sequence": definition.sequence}


def _named(definition: "ChaincodeDefinition") -> str:
    sequence = f"{tr('sequence')} {definition.sequence}"
    return f"{definition.name}  {tr('version')} {definition.version}  {sequence}"


def _readiness(readiness: "Readiness") -> dict[str, object]:
    from network.lifecycle.member import nothing_approved

    differs = {
        msp_id: list(found) for msp_id, found in readiness.mismatches.items() if found and not nothing_approved(found)
    }
    return {"approvals": readiness.approvals, "mismatches": differs}


def _readiness_lines(found: "Ready") -> list[str]:
    from network.lifecycle.member import nothing_approved

    lines = []
    for msp_id, agrees in found.readiness.approvals.items():
        differs = found.readiness.mismatches.get(msp_id, ())
        if agrees:
            state = tr("approved")
        elif nothing_approved(differs):
            state = tr("not approved")
        else:
            state = tr("approved another definition, which differs in {fields}", fields=", ".join(differs))
        lines.append(f"    {'✔' if agrees else '–'} {msp_id}  {state}")
    return lines


def _told(told: "Told") -> dict[str, object]:
    from network.lifecycle.definition import endorsement_policy

    return {
        "installed": [
            {
                "packageId": one.package_id,
                "label": one.label,
                "usedBy": [
                    {"channel": where, "name": name, "chaincodeVersion": version} for where, name, version in one.uses
                ],
            }
            for one in told.installed
        ],
        "committed": [
            {
                **_definition(one.definition),
                "policy": endorsement_policy(one.definition),
                "collections": bool(one.definition.collections),
                "initRequired": one.definition.init_required,
                "approvals": one.approvals,
            }
            for one in told.committed
        ],
        "approved": [{**_definition(one.definition), "packageId": one.package_id or None} for one in told.approved],
    }


def _told_lines(told: "Told") -> list[str]:
    from network.lifecycle.definition import endorsement_policy

    lines = []
    for installed in told.installed:
        uses = ", ".join(f"{name} {version}" for _, name, version in installed.uses)
        lines.append(f"    {tr('installed')}  {installed.package_id}" + (f"  ({uses})" if uses else ""))
    for committed in told.committed:
        agreed = ", ".join(msp_id for msp_id, agrees in committed.approvals.items() if agrees)
        lines.append(
            f"    {tr('in force')}  {_named(committed.definition)}  {endorsement_policy(committed.definition)}"
        )
        lines.append(f"        {tr('approved by')} {agreed}")
    for approved in told.approved:
        package = approved.package_id or tr("runs nowhere here")
        lines.append(f"    {tr('approved')}  {_named(approved.definition)}  {package}")
    return lines
