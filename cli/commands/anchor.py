"""`certledger anchor`: put many certificates on the ledger at once."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands.anchor_runs import forget_run, runs_status
from cli.commands.issue import certificate_type, last_day
from cli.exit_codes import ExitCode
from cli.interruption import interruptible
from cli.language import tr
from cli.output import Problem
from cli.progress import ProgressLine
from cli.settings import Settings, identity_options, read_trust

if TYPE_CHECKING:
    from node_client.anchoring.anchoring import Anchored
    from node_client.anchoring.checking import Checked
    from node_client.anchoring.folder_source import FolderSource
    from node_client.anchoring.manifest import Manifest
    from node_client.anchoring.options import Control, Options, Progress
    from node_client.certificates.errors import RowsRefused
    from node_client.errors import FabricError

BATCH_SIZE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    source: str
    run: str
    encoding: str | None
    dry_run: bool
    options: "Options"


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option("--run", "run_name", default="", metavar="NAME", help="The run's name (default: the source's digest).")
@click.option("--type", "kind", default="income", show_default=True, callback=certificate_type, help="Of every row.")
@click.option("--media-type", default="", metavar="TYPE", help="Of every row's document.")
@click.option(
    "--valid-until", type=click.DateTime(["%Y-%m-%d"]), callback=last_day, help="Every row's last day of validity."
)
@click.option("--batch-size", default=BATCH_SIZE, show_default=True, type=click.IntRange(1), help="In a transaction.")
@click.option("--skip-invalid", is_flag=True, help="Leave out rows that cannot be used.")
@click.option("--encoding", metavar="NAME", help="Of a manifest (default: UTF-8, or else Shift_JIS).")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes (default: one for each core).")
@click.option("--yes", is_flag=True, help="With forget: do not ask.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing, and say what a run would do.")
@identity_options
def anchor(
    settings: Settings,
    source: str,
    run_name: str,
    kind: str,
    media_type: str,
    valid_until: date | None,
    batch_size: int,
    skip_invalid: bool,
    encoding: str | None,
    jobs: int | None,
    yes: bool,
    dry_run: bool,
) -> int:
    """Anchor many certificates in one transaction, each with a receipt of its own.

    SOURCE is a folder of documents, a manifest (CSV with a header row, or JSON Lines), or - for a manifest on standard
    input. A manifest has the columns path, or sha256 and size; and media_type, type, issued_on, valid_until, reference,
    in any order. The same command again goes on where an earlier one stopped.

    `certledger anchor status` lists the runs, and `certledger anchor forget --run NAME` gives one up that is not
    finished (sources of these names are ./status and ./forget).
    """
    if source == "status":
        return runs_status(settings)
    if source == "forget":
        if not run_name or dry_run:
            raise click.UsageError(tr("forget needs --run NAME, and has no --dry-run"))
        return forget_run(settings, run_name, yes=yes)
    from node_client.anchoring.options import Options
    from node_client.certificates.document import is_media_type

    if media_type and not is_media_type(media_type):
        raise click.UsageError(tr("{text} is not a media type such as application/pdf", text=media_type))
    options = Options(
        type=kind,
        media_type=media_type,
        valid_until=valid_until,
        batch_size=batch_size,
        skip_invalid=skip_invalid,
        jobs=jobs or os.cpu_count() or 1,
    )
    asked = _Asked(source=source, run=run_name, encoding=encoding, dry_run=dry_run, options=options)
    return asyncio.run(_Command(settings, asked).run())


class _Command:
    def __init__(self, settings: Settings, asked: _Asked) -> None:
        self._output = settings.output
        self._settings = settings
        self._asked = asked
        self._line = ProgressLine()
        self._interrupted = False
        self._sent: tuple[int, int] | None = None  # batches that are anchored, and that there are

    async def run(self) -> int:
        """Anchor, and tell what came of it. Returns the exit status."""
        from node_client.anchoring.options import Control
        from node_client.certificates.errors import RowsRefused, Stopped
        from node_client.errors import FabricError

        control = Control(progress=self._progress, again=self._again)
        with interruptible(self._interruption(control.stop)):
            try:
                if self._asked.dry_run:
                    return self._checked(await asyncio.to_thread(self._check, control))
                return self._told(await self._anchor(control))
            except RowsRefused as refused:
                return self._refused(refused)
            except Stopped:
                self._output.message(tr("stopped: the same command goes on where it stopped"))
                return ExitCode.INTERRUPTED
            except FabricError as error:
                if self._sent is None:
                    raise
                return self._broke_off(error, *self._sent)
            finally:
                self._line.clear()

    async def _anchor(self, control: "Control") -> "Anchored":
        from node_client.anchoring.anchoring import Anchorer
        from node_client.certificates.register import Register

        path = self._settings.profile().register
        _sort_beside(path)
        with Register(path) as register, _opened(self._asked, path.parent) as source:
            self._tell_source(source)
            async with self._settings.connected() as (gateway, client):
                anchorer = Anchorer(gateway, client, register)
                return await anchorer.anchor(source, self._asked.options, run=self._asked.run, control=control)

    def _check(self, control: "Control") -> "Checked":
        from node_client import ConnectionProfile
        from node_client.anchoring.checking import check

        profile = self._settings.profile()
        trust = read_trust(profile.trust)
        msp_id = ConnectionProfile.load(profile.connection).msp_id(profile.organisation)
        _sort_beside(profile.register)
        with _opened(self._asked, profile.register.parent) as source:
            self._tell_source(source)
            options = self._asked.options
            return check(source, profile.register, msp_id, trust.ledger, options, control, run=self._asked.run)

    def _checked(self, checked: "Checked") -> int:
        from node_client.anchoring.batches import SENDING
        from node_client.anchoring.run import READING

        self._line.clear()
        for line, message in checked.problems:
            self._problem(line, message, "would-be-left-out")
        self._tell_unused(checked.unused)
        record = {
            "status": "anchored" if checked.already else "would-be-anchored",
            "run": checked.run,
            "state": checked.state or None,
            "certificates": checked.members,
            "batches": checked.batches,
            "leftOut": checked.left_out,
            "already": checked.already,
        }
        text = tr("anchored already") if checked.already else tr("would be anchored; nothing was done")
        self._output.result(record, f"✔ {text}  {tr('{count} certificates', count=checked.members)}")
        if checked.state == READING:
            self._output.message(tr("a run that stopped while it was read would go on"))
        if checked.state == SENDING:
            self._output.message(tr("a run that stopped while it was sent would go on"))
        return self._ended(checked.state, checked.left_out)

    def _tell_source(self, source: "FolderSource | Manifest") -> None:
        if source.shape.encoding == "cp932":
            self._output.message(tr("the manifest is read as Shift_JIS"))
        self._tell_unused(source.unused)

    def _tell_unused(self, names: Iterable[str]) -> None:
        if names:
            self._output.message(tr("columns that are not used: {names}", names=", ".join(sorted(names))))

    def _told(self, anchored: "Anchored") -> int:
        self._line.clear()
        for line, message in anchored.problems:
            self._problem(line, message, "left-out")
        for batch in anchored.batches:
            record = {
                "batchId": batch.batch_id,
                "size": batch.size,
                "root": batch.root.hex(),
                "transactionId": batch.transaction_id,
                "run": anchored.run.name,
                "status": "anchored",
                "already": anchored.already,
            }
            text = tr("anchored already") if anchored.already else tr("anchored")
            self._output.result(record, f"✔ {text}  {batch.batch_id}  {tr('{count} certificates', count=batch.size)}")
        self._tell_unused(anchored.unused)
        return self._ended(anchored.run.state, anchored.run.left_out)

    def _ended(self, state: str, left_out: int) -> int:
        from node_client.anchoring.run import GIVEN_UP

        if left_out:
            self._output.message(tr("{count} rows left out", count=left_out))
        if state == GIVEN_UP:
            self._output.message(tr("this run was given up: its other certificates are not anchored"))
            return ExitCode.PARTLY_DONE
        return ExitCode.PARTLY_DONE if left_out else ExitCode.DONE

    def _refused(self, refused: "RowsRefused") -> int:
        from cli.problems import problem_of

        self._line.clear()
        for line, message in refused.problems:
            self._problem(line, message, "refused")
        self._output.problem(problem_of(refused), {"status": "not-anchored", "count": refused.count})
        return ExitCode.USAGE

    def _broke_off(self, error: "FabricError", anchored: int, batches: int) -> int:
        from cli.problems import problem_of

        self._line.clear()
        problem = problem_of(error)
        status = "unknown" if problem.exit_code == ExitCode.OUTCOME_UNKNOWN else "not-anchored"
        self._output.problem(problem, {"status": status, "batches": batches, "anchored": anchored})
        text = tr("{count} of {total} batches are anchored: the same command goes on", count=anchored, total=batches)
        self._output.message(text)
        return problem.exit_code

    def _problem(self, line: int, message: str, status: str) -> None:
        problem = Problem(exit_code=ExitCode.USAGE, code="bad-row", message=message)
        if self._output.as_json:
            self._output.result({"line": line, "status": status, "error": problem.record()}, "")
        self._output.message(tr("line {line}: {message}", line=line, message=message))

    def _progress(self, progress: "Progress") -> None:
        from node_client.anchoring.options import Stage

        tally = progress.tally
        match progress.stage:
            case Stage.READING:
                self._line.show(tr("reading"), progress.done, progress.total, tally.members, tally.before)
            case Stage.SEALING:
                self._line.show(tr("building the tree"), 0, 0, tally.members)
            case Stage.SENDING:
                self._sent = progress.done, progress.total
                self._line.show(tr("anchoring batches"), progress.done, progress.total, progress.done)

    def _again(self, error: "FabricError") -> None:
        from cli.problems import passing_trouble

        self._line.clear()
        self._output.message(passing_trouble(error))

    def _interruption(self, stop: threading.Event) -> Callable[[], None]:
        """What Ctrl-C does: the run ends where it can go on; a second one leaves at once, which does no harm either."""

        def interrupt() -> None:
            if self._interrupted:
                os._exit(ExitCode.INTERRUPTED)
            self._interrupted = True
            stop.set()

        return interrupt


def _sort_beside(register: Path) -> None:
    """Let SQLite put what it sorts, references among it, beside the register, and not where others look."""
    os.environ.setdefault("SQLITE_TMPDIR", str(register.parent))


def _opened(asked: _Asked, spool: Path) -> "contextlib.AbstractContextManager[FolderSource | Manifest]":
    from node_client.anchoring.folder_source import FolderSource
    from node_client.anchoring.manifest import Manifest

    if asked.source == "-":
        return Manifest(None, asked.encoding, spool)
    path = Path(asked.source)
    if path.is_dir():
        return contextlib.nullcontext(FolderSource(path))
    return Manifest(path, asked.encoding)
