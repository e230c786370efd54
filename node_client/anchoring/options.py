"""What a caller asks for, and is told, of a run."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from threading import Event

from node_client.anchoring.reading import Tally
from node_client.certificates.certificate_type import DEFAULT_TYPE
from node_client.certificates.statement import Ledger
from node_client.errors import FabricError

BATCH_SIZE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to anchor.

    Attributes:
        type, media_type, valid_until: what the statements say where the source does not.
        batch_size: certificates of a batch, at most.
        skip_invalid: leave rows out that cannot be used, instead of anchoring nothing.
        jobs: processes that prepare; with more than one the program's main module must be importable.
    """

    type: str = DEFAULT_TYPE
    media_type: str = ""
    valid_until: date | None = None
    batch_size: int = BATCH_SIZE
    skip_invalid: bool = False
    jobs: int = 1

    def text(self, issuer: str, ledger: Ledger) -> str:
        """What must be the same when a run goes on, as JSON."""
        values = {
            "type": self.type,
            "mediaType": self.media_type,
            "validUntil": self.valid_until.isoformat() if self.valid_until else None,
            "batchSize": self.batch_size,
            "skipInvalid": self.skip_invalid,
            "issuer": issuer,
            "ledger": ledger.to_values(),
        }
        return json.dumps(values)


class Stage(StrEnum):
    """The parts of a run."""

    READING = "reading"
    SEALING = "sealing"
    SENDING = "sending"


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done, total: of the source, in its own unit, or while it is sent of the batches; the total is 0 where nobody
            knows it.
        tally: what has been read.
    """

    stage: Stage
    done: int
    total: int
    tally: Tally


def _ignore(_: object) -> None:
    """No one wants to know."""


@dataclass
class Control:
    """What a caller wants to be told, and how it stops a run.

    Attributes:
        progress: told now and then, maybe in another thread.
        stop: when set, the run ends soon and can go on later.
        again: told why the first time that batches are tried again because the network is away.
    """

    progress: Callable[[Progress], None] = _ignore
    stop: Event = field(default_factory=Event)
    again: Callable[[FabricError], None] = _ignore
