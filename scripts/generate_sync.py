"""Generate the synchronous client from the asynchronous one.

`python scripts/generate_sync.py` writes every `_sync/` from the `_async/` beside it; `--check` fails when the committed
files are not those. Transports are written by hand, on grpc and on grpc.aio.
"""

import argparse
import re
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
    "AsyncBlockAndPrivateDataEventsRequest": "BlockAndPrivateDataEventsRequest",
    "AsyncBlockEventsRequest": "BlockEventsRequest",
    "AsyncChaincodeEventsRequest": "ChaincodeEventsRequest",
    "AsyncChannel": "Channel",
    "AsyncChannelConfiguration": "ChannelConfiguration",
    "AsyncChannelParticipation": "ChannelParticipation",
    "AsyncCommit": "Commit",
    "AsyncContract": "Contract",
    "AsyncDiscoverer": "Discoverer",
    "AsyncDiscovery": "Discovery",
    "AsyncEventStream": "EventStream",
    "AsyncEventsRequest": "EventsRequest",
    "AsyncFilteredBlockEventsRequest": "FilteredBlockEventsRequest",
    "AsyncGateway": "Gateway",
    "AsyncLedger": "Ledger",
    "AsyncLifecycle": "Lifecycle",
    "AsyncNetwork": "Network",
    "AsyncOperations": "Operations",
    "AsyncOrderer": "Orderer",
    "AsyncPeerChannels": "PeerChannels",
    "AsyncProposal": "Proposal",
    "AsyncRegistryClient": "RegistryClient",
    "AsyncResponses": "Responses",
    "AsyncRest": "Rest",
    "AsyncTransaction": "Transaction",
    "AsyncTransport": "Transport",
    "_AsyncDeliverRequest": "_DeliverRequest",
    "_async": "_sync",
}


def generate(package: str, target: Path) -> None:
    source = ROOT / package / "_async"
    names = re.compile(rf"\b({'|'.join(NAMES)})\b")
    with tempfile.TemporaryDirectory() as folder:
        renamed = Path(folder) / "_async"
        renamed.mkdir()
        for path in sorted(source.glob("*.py")):
            if path.name not in BY_HAND:
                text = names.sub(lambda found: NAMES[found[0]], path.read_text(encoding="utf-8"))
                (renamed / path.name).write_text(text, encoding="utf-8")
        made = [renamed / path.name for path in sorted(renamed.glob("*.py"))]
        unasync.unasync_files([str(path) for path in made], [unasync.Rule(f"{renamed}/", f"{target}/")])
    for path in (target / one.name for one in made):
        text = path.read_text(encoding="utf-8").replace("`async with`", "`with`")
        path.write_text(HEADER.format(name=path.name) + text if text else "", encoding="utf-8")
    for stale in {path.name for path in target.glob("*.py")} - {path.name for path in made} - BY_HAND:
        (target / stale).unlink()
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
            there = {path.name for path in committed.glob("*.py")} - BY_HAND
            for name in sorted(there | {path.name for path in made.glob("*.py")}):
                old, new = committed / name, made / name
                if not (old.is_file() and new.is_file() and old.read_bytes() == new.read_bytes()):
                    raise SystemExit(f"{package}/_sync/{name} is out of date: run scripts/generate_sync.py")


if __name__ == "__main__":
    main()
