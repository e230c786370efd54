"""`certledger network`: make, start, stop and look after a network."""

import json
import os
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from cli.clock import Clock
from cli.commands import sites
from cli.commands.channel_config import config
from cli.commands.export_trust import export_trust
from cli.commands.network_install import install
from cli.commands.network_units import export_units
from cli.exit_codes import ExitCode
from cli.language import tr
from cli.settings import CONSENSUS, Settings, folder_options

if TYPE_CHECKING:
    from network.status import NodeStatus, OrganisationStatus
    from network.tolerance import Tolerance

SOON = timedelta(days=60)
ENGINES = click.Choice(["embedded", "fabric"])
ROLES = click.Choice(["admin", "issuer", "auditor", "verifier"])


@click.group()
def network() -> None:
    """The network: of three organisations on this machine, or the site of one of them."""


for command in sites.COMMANDS:
    network.add_command(command)


network.add_command(export_trust)
network.add_command(config)


network.add_command(install)
network.add_command(export_units)


@network.command()
@click.option(
    "--engine",
    type=ENGINES,
    help="What runs a new network: one process of our own (embedded), or Fabric's peers and orderers (fabric). "
    "Default: CERTLEDGER_ENGINE, else embedded.",
)
@click.option(
    "--ports", default="", metavar="auto|NUMBER", help="Free ports, or the first of a row (new networks only)."
)
@click.option("--consensus", type=CONSENSUS, help="How a new network's orderers agree (default: raft).")
@folder_options
def up(settings: Settings, engine: str | None, ports: str, consensus: str | None) -> None:
    """Start the network and return when it serves; make it first when it is not there."""
    from network import control
    from network.folder import Engine

    if engine is None and not settings.folder.exists:
        # The environment speaks of new networks only: one that has been made keeps its engine.
        engine = ENGINES.convert(os.environ.get("CERTLEDGER_ENGINE") or "embedded", None, None)
    chosen = Engine(engine) if engine else None
    started = control.up(
        settings.folder, ports=ports, engine=chosen, consensus=consensus or "", progress=Clock(settings)
    )
    text = tr("the network serves") if started else tr("the network runs already")
    show_status(settings, text)


@network.command()
@click.option("--purge", is_flag=True, help="Remove the ledger, the keys and the registers as well.")
@folder_options
def down(settings: Settings, purge: bool) -> None:
    """Stop the network. Its ledger stays, unless it is purged."""
    from network import control

    was_running = control.down(settings.folder, purge=purge)
    text = tr("the network is stopped") if was_running else tr("the network did not run")
    if purge:
        text += "; " + tr("its folder is removed")
    settings.output.result({"wasRunning": was_running, "purged": purge}, f"✔ {text}")


@network.command()
@folder_options
def status(settings: Settings) -> int:
    """Show whether the network runs: process, endpoints, height of every organisation's ledger."""
    return ExitCode.DONE if show_status(settings) else ExitCode.UNREACHABLE


@network.command()
@click.argument("node")
@folder_options
def restart(settings: Settings, node: str) -> None:
    """Start a NODE of a Fabric network anew, such as peer0.city, and return when the network serves again."""
    from network import control

    control.restart(settings.folder, node, progress=Clock(settings))
    show_status(settings, tr("the node is started anew"))


@network.command()
@click.argument("node", default="")
@click.option("--lines", default=100, show_default=True, type=click.IntRange(1), help="Of each log.")
@folder_options
def logs(settings: Settings, node: str, lines: int) -> None:
    """Print the end of the network's logs, or of a NODE's."""
    from network import control

    for path in control.logs(settings.folder, node):
        last = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        settings.output.result({"file": str(path), "lines": last}, "\n".join([f"== {path}", *last]))


@network.command("profile")
@click.argument("organisation", metavar="ORG")
@folder_options
def connection_profile(settings: Settings, organisation: str) -> None:
    """Print ORG's connection profile, for clients that are not ours."""
    from network import profiles

    found = settings.folder.require_resident(settings.folder.topology(), organisation)
    click.echo(json.dumps(profiles.connection_profile(settings.folder, found), indent=2, ensure_ascii=False))


@network.command()
@click.argument("organisation", metavar="ORG")
@click.argument("user", default="admin")
@click.option("--mutual-tls", is_flag=True, help="Use the port that demands the user's TLS certificate.")
@folder_options
def env(settings: Settings, organisation: str, user: str, mutual_tls: bool) -> None:
    """Print the variables with which Fabric's `peer` command acts as a USER of ORG (default: admin)."""
    from network.profiles import peer_environment

    found = settings.folder.require_resident(settings.folder.topology(), organisation)
    variables = peer_environment(settings.folder, found, user, mutual_tls=mutual_tls)
    settings.output.result(
        dict(variables), "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    )


@network.command("add-identity")
@click.argument("organisation", metavar="ORG")
@click.argument("name")
@click.option("--role", required=True, type=ROLES, help="What it may do.")
@folder_options
def add_identity(settings: Settings, organisation: str, name: str, role: str) -> None:
    """Make another identity in ORG, with a profile for it.

    NAME gets onto the ledger and stays there for ever: give a pseudonym such as issuer-02, never a person's name."""
    from network import control

    found = control.add_identity(settings.folder, organisation, name, role)
    profile = f"{found.label}-{name}"
    record = {"organisation": found.name, "name": name, "role": role, "profile": profile}
    settings.output.result(record, f"✔ {tr('identity made')}; {tr('use it with')}: --profile {profile}")


def show_status(settings: Settings, headline: str = "") -> bool:
    """Print what the network does now. Returns whether it runs."""
    from network import control

    found = control.status(settings.folder)
    record: dict[str, object] = {
        "engine": found.engine,
        "running": found.running,
        "pid": found.pid,
        "directory": str(settings.folder.path),
        "organisations": [
            {
                "name": one.name,
                "mspId": one.msp_id,
                "peer": one.peer,
                "mutualTlsPeer": one.mutual_tls_peer,
                "orderer": one.orderer,
                "height": one.height,
            }
            for one in found.organisations
        ],
    }
    record["trouble"] = found.trouble or None
    state = tr("the network runs") if found.running else tr("the network does not run")
    process = f" ({tr('process')} {found.pid})" if found.pid else ""
    lines = [f"{'✔' if found.running else '–'} {headline or state}{process}"]
    if found.nodes:
        record["nodes"] = [
            {
                "name": one.name,
                "kind": one.kind,
                "org": one.organisation,
                "pid": one.pid,
                "healthy": one.healthy,
                "leader": one.leader,
                "height": one.height,
                "address": one.address,
                "chaincode": None if one.chaincode is None else list(one.chaincode),
                "expires": one.expires.isoformat() if one.expires else None,
            }
            for one in found.nodes
        ]
        services = found.running and found.pid is None
        lines += [
            # Services' chaincode answers its peer alone: nobody else can tell whether it runs.
            _node_line(one, "–" if services and one.healthy is None else tr("does not run"))
            for one in found.nodes
        ]
    else:
        lines += [_organisation_line(one) for one in found.organisations]
    if found.tolerance:
        record["consensus"] = {
            "type": found.tolerance.consensus,
            "orderers": found.tolerance.orderers,
            "faults": found.tolerance.faults,
            "indispensable": list(found.tolerance.indispensable),
        }
        lines.append(f"    {_tolerance_line(found.tolerance)}")
    if found.trouble:
        lines.append(f"  ! {tr('it takes no transactions')}: {found.trouble}")
    settings.output.result(record, "\n".join(lines))
    return found.running


def _organisation_line(one: "OrganisationStatus") -> str:
    height = "" if one.height is None else f"  {tr('height')} {one.height}"
    peer = f"{tr('peer')} {one.peer} ({tr('mutual TLS')} {one.mutual_tls_peer})"
    return f"    {one.name:12} {peer}  {tr('orderer')} {one.orderer}{height}"


def _tolerance_line(one: "Tolerance") -> str:
    if one.consensus == "bft":
        text = tr("{orderers} orderers (BFT): {faults} may fail or lie", orderers=one.orderers, faults=one.faults)
    else:
        text = tr("{orderers} orderers (Raft): {faults} may fail", orderers=one.orderers, faults=one.faults)
    if one.indispensable:
        text += "; " + tr("nothing is ordered without {names}", names=", ".join(one.indispensable))
    return text


def _node_line(one: "NodeStatus", unseen: str) -> str:
    state = f"{tr('process')} {one.pid}" if one.pid else tr("runs as a service") if one.healthy else unseen
    if one.pid and one.healthy is False:
        state += f"  {tr('! it does not answer, or is not well')}"
    height = "" if one.height is None else f"  {tr('height')} {one.height}"
    leader = f"  {tr('leader')}" if one.leader else ""
    chaincode = f"  {', '.join(one.chaincode)}" if one.chaincode else ""
    expiry = f"  {_expiry(one.expires)}" if one.expires else ""
    return f"    {one.name:20} {one.address:16} {state}{height}{leader}{chaincode}{expiry}"


def _expiry(expires: datetime) -> str:
    """When a node's certificates expire, said with more weight when that is soon."""
    day = f"{expires:%Y-%m-%d}"
    if expires < datetime.now(UTC) + SOON:
        return tr("! its certificates expire on {day}", day=day)
    return tr("certificates until {day}", day=day)
