"""The entry point: finds the command, and turns whatever happens into a message and an exit status."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from cli import __version__
from cli.exit_codes import ExitCode
from cli.language import tr
from cli.output import Output, prepare_streams

COMMANDS = {
    "network": "cli.commands.network:network",
    "issue": "cli.commands.issue:issue",
    "anchor": "cli.commands.anchor:anchor",
    "receipt": "cli.commands.receipt:receipt",
    "verify": "cli.commands.verify:verify",
    "revoke": "cli.commands.status:revoke",
    "suspend": "cli.commands.status:suspend",
    "reinstate": "cli.commands.status:reinstate",
    "supersede": "cli.commands.status:supersede",
    "status-list": "cli.commands.status_list:status_list",
    "audit": "cli.commands.audit:audit",
    "show": "cli.commands.show:show",
    "history": "cli.commands.show:history",
    "list": "cli.commands.show:list_certificates",
    "erase": "cli.commands.erase:erase",
    "register": "cli.commands.register:register",
    "profile": "cli.commands.profile:profile",
    "identity": "cli.commands.identity:identity",
    "chaincode": "cli.commands.chaincode:chaincode",
    "demo": "cli.commands.demo:demo",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used, so that every command starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="certledger")
def certledger() -> None:
    """Certificates on a Hyperledger Fabric ledger run jointly by several organisations."""


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit status, one of `ExitCode`.
    """
    output = Output(as_json="--json" in arguments)
    try:
        status = certledger.main(list(arguments), prog_name="certledger", standalone_mode=False)
    except click.ClickException as error:
        from cli.problems import usage_problem

        if isinstance(error, click.UsageError) and error.ctx and not output.as_json:
            output.message(error.ctx.get_usage())
        output.problem(usage_problem(error.format_message()))
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        output.message(tr("interrupted"))
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader went away: nothing to say to it, and Python must not try again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.INTERNAL
    except Exception as error:
        if os.environ.get("CERTLEDGER_DEBUG"):
            raise
        from cli.problems import problem_of

        problem = problem_of(error)
        output.problem(problem)
        return problem.exit_code
    return status if isinstance(status, int) else ExitCode.DONE


def main() -> None:
    """The `certledger` command."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what gRPC would log, our errors say
    prepare_streams()
    sys.exit(run(sys.argv[1:]))
