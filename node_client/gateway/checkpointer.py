"""Where an event stream has come to, so that it can go on there."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from node_client.gateway.requests import ChaincodeEvent


class Checkpointer(Protocol):
    """Remembers the last event that was dealt with: its block, and its transaction within that block."""

    @property
    def block_number(self) -> int | None: ...

    @property
    def transaction_id(self) -> str: ...

    def checkpoint(self, event: ChaincodeEvent) -> None:
        """Remember that this event has been dealt with."""
        ...


@dataclass
class MemoryCheckpointer:
    """Remembers as long as the process lives."""

    block_number: int | None = None
    transaction_id: str = ""

    def checkpoint(self, event: ChaincodeEvent) -> None:
        self.block_number, self.transaction_id = event.block_number, event.transaction_id


@dataclass
class FileCheckpointer:
    """Remembers in a file, which is replaced as a whole and synced: it holds the old position or the new one.

    Raises:
        ValueError: the file is there and holds something else.
    """

    path: Path
    block_number: int | None = field(default=None, init=False)
    transaction_id: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.path.exists():
            try:
                values = json.loads(self.path.read_text(encoding="utf-8"))
                self.block_number, self.transaction_id = int(values["blockNumber"]), str(values["transactionId"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{self.path} is not a checkpoint") from error

    def checkpoint(self, event: ChaincodeEvent) -> None:
        record = {"blockNumber": event.block_number, "transactionId": event.transaction_id}
        temporary = self.path.with_name(self.path.name + ".new")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        self.block_number, self.transaction_id = event.block_number, event.transaction_id
