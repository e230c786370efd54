"""Why a peer could not build a package, in words.

A peer tells its client of its external builder's exit status alone; what the builder said is in the peer's log
(`core/container/externalbuilder`). The statuses say what kind of failure it was (`chaincode.builder.errors`), and where
the peer's log is in the network's folder, the builder's words are taken from there.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from chaincode.builder.errors import Failure
from network.engine import engine_of
from network.errors import NetworkError
from network.folder import Folder
from node_client.errors import ProposalError

_FAILED = re.compile(r"external builder failed.*: exit status (\d+)")
# A line that a builder's program wrote on its stderr, as peers log it (`session.go`).
_WORDS = re.compile(r"\[chaincode\.externalbuilder\.[^\]]*\].* -> (.*?)\s+command=(?:build|release)\s*$", re.MULTILINE)
_KINDS: Mapping[int, str] = {
    Failure.PACKAGE: "the package is not as it should be",
    Failure.REQUIREMENTS: "what the package requires could not be installed",
    Failure.SYSTEM: "the peer's machine could not make it",
}


@contextmanager
def explained(folder: Folder, organisation: str) -> Iterator[None]:
    """While a package is installed: say in a refusal what is known of why the peer could not build it."""
    log = _log(folder, organisation)
    before = _size(log)
    try:
        yield
    except ProposalError as error:
        found = _FAILED.search(error.message)
        if not found:
            raise
        words = _KINDS.get(int(found[1]), "")
        said = builder_words(log, before) if log else []
        parts = [error.message, *([words] if words else []), *said]
        explained_error = ProposalError(error.code, ": ".join(parts), transaction_id=error.transaction_id)
        explained_error.next_step = "" if said else "look for what the builder said in the peer's log"
        raise explained_error from error


def builder_words(log: Path, start: int = 0) -> list[str]:
    """What a peer's external builders said, from a place in its log on; the last few lines."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(start if start <= log.stat().st_size else 0)  # logs are cut when they grow too long
        return _WORDS.findall(file.read().decode("utf-8", "replace"))[-5:]
    return []


def _log(folder: Folder, organisation: str) -> Path | None:
    """The log of an organisation's peer, where it is in the network's folder."""
    try:
        name = folder.topology().organisation(organisation).peer_name
        return engine_of(folder).logs().get(name)
    except NetworkError:
        return None


def _size(log: Path | None) -> int:
    with suppress(OSError):
        return log.stat().st_size if log else 0
    return 0
