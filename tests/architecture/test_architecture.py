"""What holds for the whole project: who imports whom, and that nothing needs what only some machines have."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("chaincode", "node_client", "network", "cli")
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_imports_go_one_way() -> None:
    # In a process of its own: import-linter silences every logger of the one that it runs in.
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", modules("node_client", "cli"), ids=lambda path: str(path.relative_to(ROOT)))
def test_clients_need_nothing_that_only_posix_has(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    assert not imported & POSIX_ONLY


def test_modules_stay_small() -> None:
    long = {str(path.relative_to(ROOT)) for path in modules(*PACKAGES) if len(path.read_text().splitlines()) > 400}
    assert not long


def test_libraries_do_not_print() -> None:
    for path in modules("chaincode", "node_client", "network"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", path
