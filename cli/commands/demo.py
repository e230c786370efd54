"""`certledger demo`: the main job, command by command, on a network of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

import click

from cli.exit_codes import ExitCode
from cli.language import tr


@click.command()
def demo() -> int:
    """Issue, verify, tamper with and revoke a certificate on a network that is made for it and goes away again."""
    with TemporaryDirectory(prefix="certledger-demo-") as name, _directory(Path(name)) as home:
        document, altered = home / "所得証明書.pdf", home / "改ざん.pdf"
        with as_file(files("cli").joinpath("sample.pdf")) as sample:
            copyfile(sample, document)
        try:
            ended = _steps(document, altered)
        finally:
            if (home / ".certledger").exists():
                ended_down = _run(tr("The network goes down."), ["network", "down", "--purge"])
        return ended or ended_down


def _steps(document: Path, altered: Path) -> int:
    name, receipt = document.name, f"{document.name}.receipt.json"
    reference = "demo-1"
    steps: list[tuple[str, list[str], ExitCode]] = [
        (
            tr("Three organisations' network comes up, with the registry running beside every peer."),
            ["network", "up", "--ports", "auto"],
            ExitCode.DONE,
        ),
        (
            tr("The city issues a certificate for a document (a fictional income certificate)."),
            ["issue", name, "--reference", reference],
            ExitCode.DONE,
        ),
        (tr("Whoever receives the document verifies it."), ["verify", name], ExitCode.DONE),
        (
            tr("Somebody changes one byte of the document: it is refused."),
            ["verify", altered.name, "--receipt", receipt],
            ExitCode.ALTERED,
        ),
        (
            tr("The city revokes the certificate."),
            ["revoke", reference, "--reason", "privilegeWithdrawn"],
            ExitCode.DONE,
        ),
        (tr("The genuine document is refused from now on."), ["verify", name], ExitCode.REVOKED),
        (tr("The ledger keeps the certificate's history."), ["history", reference], ExitCode.DONE),
        (tr("Every organisation has the same ledger."), ["network", "status"], ExitCode.DONE),
    ]
    data = bytearray(document.read_bytes())
    data[len(data) // 2] ^= 1
    altered.write_bytes(data)
    for text, arguments, expected in steps:
        status = _run(text, arguments)
        if status != expected:
            click.echo(tr("the demonstration failed: exit status {status}", status=int(status)), err=True)
            return status or ExitCode.INTERNAL
    return ExitCode.DONE


def _run(text: str, arguments: list[str]) -> int:
    from cli.main import run

    click.echo(f"\n# {text}\n$ certledger {' '.join(arguments)}")
    return run(arguments)


@contextmanager
def _directory(path: Path) -> Iterator[Path]:
    """Work in a folder, with the network in it, whatever the environment says."""
    before, where = os.environ.pop("CERTLEDGER_DIR", None), Path.cwd()
    os.chdir(path)
    try:
        yield path
    finally:
        os.chdir(where)
        if before is not None:
            os.environ["CERTLEDGER_DIR"] = before
