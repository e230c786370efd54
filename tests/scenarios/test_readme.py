"""The README's tutorial and the guides' programs, run as they are printed."""

import ast
import asyncio
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXIT_STATUS = re.compile(r"# exit status (\d+)")


def blocks(document: str, kind: str) -> list[str]:
    return re.findall(
        rf"^```{kind}\n(.*?)^```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def tutorial() -> Iterator[tuple[str, list[str]]]:
    """The commands after the installation, each with the beginnings of lines that it prints."""
    text = "".join(blocks("README.md", "console"))
    _, _, text = text.partition("export PATH")
    for command in text.split("\n$ ")[1:]:
        line, *printed = command.splitlines()
        yield line, printed


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    yield tmp_path
    if (tmp_path / "office" / ".certledger").exists():
        run("certledger network down", tmp_path / "office")


def run(command: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CERTLEDGER_") or name == "CERTLEDGER_ENGINE"
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        env={**environment, "CERTLEDGER_LANG": "en", "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_tutorial(place: Path) -> None:
    cwd, count = place, 0
    for command, printed in tutorial():
        if command.startswith("cd "):
            cwd /= command.removeprefix("cd ")
            continue
        done = run(command, cwd)
        wanted = EXIT_STATUS.search(command)
        assert done.returncode == (int(wanted[1]) if wanted else 0), (command, done)
        for line in printed:
            assert any(found.startswith(line) for found in done.stdout.splitlines()), (command, line, done)
        count += 1
    assert count > 15


def test_client_program(place: Path) -> None:
    (place / "office").mkdir()
    assert run("certledger network up --ports auto", place / "office").returncode == 0
    program, *fragments = blocks("docs/client.md", "python")
    for fragment in fragments:  # which go on from a program's middle
        compile(fragment, "docs/client.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    (place / "office" / "program.py").write_text(program, encoding="utf-8")
    done = run("python program.py", place / "office")
    assert done.stdout == '{"bookmark":"","records":[]}\n', done


def test_contract_program() -> None:
    contract, use = blocks("docs/chaincode.md", "python")
    names: dict[str, Any] = {"__name__": "points"}
    exec(contract, names)
    body = textwrap.indent(use + "    result = await client.evaluate('PointsOf', 'a')\n    return result\n", "    ")
    exec(f"async def used():\n{body}", names)
    assert asyncio.run(names["used"]()) == b"3"


def test_make_knows_the_readmes_commands() -> None:
    for command in ("demo", "test"):
        done = run(f"make --dry-run {command}", ROOT)
        assert done.returncode == 0
    assert [command.strip() for command in blocks("README.md", "console")[0].split("$ ") if command.strip()] == [
        "make demo",
        "make test",
    ]


def test_links_lead_somewhere() -> None:
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), (document, target)
