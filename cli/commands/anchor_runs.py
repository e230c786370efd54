"""`certledger anchor status` and `forget`: the runs that the register has."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from cli.confirming import confirm
from cli.exit_codes import ExitCode
from cli.language import tr
from cli.settings import Settings

if TYPE_CHECKING:
    from node_client.anchoring.batches import Batch
    from node_client.anchoring.giving_up import GivenUp
    from node_client.certificates.register import Register


def runs_status(settings: Settings) -> int:
    """List the runs. Returns the exit status."""
    from node_client.anchoring.batches import Batches, state_of
    from node_client.anchoring.runs import RunStore
    from node_client.certificates.register import Register

    profile = settings.profile()
    if not profile.register.exists():
        settings.output.message(tr("the register has no runs"))
        return ExitCode.DONE
    count = 0
    with Register(profile.register) as register, RunStore(profile.register) as store:
        batches = Batches(register)
        for run, kept in store.all():
            count += 1
            sent = batches.of_run(run.run)
            anchored = sum(batch.state == "attested" for batch in sent)
            state = state_of(run, sent)
            record = {
                "run": run.name,
                "state": state,
                "certificates": kept,
                "leftOut": run.left_out,
                "batches": len(sent),
                "anchored": anchored,
                "created": run.created,
            }
            words = {
                "reading": tr("not read to its end"),
                "sending": tr("not all sent"),
                "done": tr("anchored"),
                "given-up": tr("given up"),
            }
            certificates = tr("{count} certificates", count=kept)
            text = f"{run.created[:19]}Z  {run.name}  {words[state]}  {certificates}  {anchored}/{len(sent)}"
            settings.output.result(record, text)
    if not count:
        settings.output.message(tr("the register has no runs"))
    return ExitCode.DONE


def forget_run(settings: Settings, name: str, *, yes: bool) -> int:
    """Give up a run, and tell what came of it. Returns the exit status.

    Args:
        yes: do not ask.
    """
    from node_client.anchoring.runs import RunStore
    from node_client.certificates.errors import NotInRegister
    from node_client.certificates.register import Register

    path = settings.profile().register
    if not path.exists():
        raise NotInRegister(f"the register has no run {name}")
    with Register(path) as register:
        with RunStore(path) as store:
            store.require(name)
        question = tr(
            "Give up the run {name}? What was not sent leaves the register for good, salts and all.", name=name
        )
        confirm(settings.output, question, yes=yes)
        return _told(settings, name, asyncio.run(_give_up(settings, register, name)))


async def _give_up(settings: Settings, register: "Register", name: str) -> "GivenUp":
    from node_client.anchoring.giving_up import give_up

    async with AsyncExitStack() as stack:
        connected: Callable[[Batch], Awaitable[Batch]] | None = None

        async def resolve(batch: "Batch") -> "Batch":
            nonlocal connected  # a run of which nothing was sent is given up without a network
            connected = connected or await _connected(settings, register, stack)
            return await connected(batch)

        return await give_up(register, name, resolve)


async def _connected(
    settings: Settings, register: "Register", stack: AsyncExitStack
) -> "Callable[[Batch], Awaitable[Batch]]":
    from node_client.anchoring.giving_up import resolver

    gateway, client = await stack.enter_async_context(settings.connected())
    return resolver(gateway, client, register)


def _told(settings: Settings, name: str, given_up: "GivenUp") -> int:
    from cli.problems import problem_of

    record = {
        "run": name,
        "status": "unknown" if given_up.unknown else ("given-up" if given_up.certificates else "anchored"),
        "certificates": given_up.certificates,
        "batches": given_up.batches,
        "kept": [batch.batch_id for batch in given_up.kept],
        "unknown": [error.transaction_id for error in given_up.unknown],
    }
    if given_up.kept:
        text = tr("{count} batches are on the ledger: their receipts stay", count=len(given_up.kept))
        settings.output.message(text)
    if given_up.unknown:
        settings.output.problem(problem_of(given_up.unknown[0]), record)
        settings.output.message(tr("to finish such a batch instead, run the same anchor command again"))
        return ExitCode.OUTCOME_UNKNOWN
    count = tr("{count} certificates", count=given_up.certificates)
    settings.output.result(record, f"✔ {tr('given up')}  {name}  {count}")
    return ExitCode.DONE
