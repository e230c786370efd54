"""Generate the synchronous client from the asynchronous one.

`python scripts/generate_sync.py` writes every `_sync/` from the `_async/` beside it; `--check` fails when the committed
files are not those. Transports are written by hand, on grpc and on grpc.aio.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("node_client/gateway", "node_client/admin", "node_client/certificates")
BY_HAND = {"transport.py"}
HEADER = "# Generated from _async/{name} by scripts/generate_sync.py: change that file instead.\n"
NAMES = {
    "AsyncChaincodeEventsRequest": "ChaincodeEventsRequest",
    "AsyncCommit": "Commit",
    "AsyncContract": "Contract",
    "AsyncGateway": "Gateway",
    "AsyncLedger": "Ledger",
    "AsyncLifecycle": "Lifecycle",
    "AsyncNetwork": "Network",
    "AsyncProposal": "Proposal",
    "AsyncRegistryClient": "RegistryClient",
    "AsyncTransaction": "Transaction",
    "AsyncTransport": "Transport",
    "AsyncIterator": "Iterator",
    "_async": "_sync",
}


def generate(package: str, target: Path) -> None:
    source = ROOT / package / "_async"
    files = [path for path in sorted(source.glob("*.py")) if path.name not in BY_HAND]
    rule = unasync.Rule(fromdir=str(source) + "/", todir=str(target) + "/", additional_replacements=NAMES)
    unasync.unasync_files([str(path) for path in files], [rule])
    for path in files:
        made = target / path.name
        text = made.read_text(encoding="utf-8").replace("`async with`", "`with`")
        made.write_text(HEADER.format(name=path.name) + text if text else "", encoding="utf-8")
    settings = ["--config", str(ROOT / "pyproject.toml")]
    ruff = [str(Path(sys.executable).parent / "ruff")]
    subprocess.run([*ruff, "check", "-q", "--fix", "--select", "I", *settings, str(target)], check=True)
    subprocess.run([*ruff, "format", "-q", *settings, str(target)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, and fail on a difference")
    arguments = parser.parse_args()
    for package in PACKAGES:
        if not (ROOT / package / "_async").is_dir():
            continue
        committed = ROOT / package / "_sync"
        if not arguments.check:
            generate(package, committed)
            continue
        with tempfile.TemporaryDirectory() as temporary:
            made = Path(temporary) / "_sync"
            made.mkdir()
            generate(package, made)
            for path in made.glob("*.py"):
                other = committed / path.name
                if not other.is_file() or other.read_bytes() != path.read_bytes():
                    raise SystemExit(f"{package}/_sync/{path.name} is out of date: run scripts/generate_sync.py")


if __name__ == "__main__":
    main()
