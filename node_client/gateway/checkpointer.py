"""Where an event stream has come to, so that it can go on there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from node_client.durable import replace_file
from node_client.gateway.requests import ChaincodeEvent


class Checkpointer(Protocol):
    """Remembers what has been dealt with.

    Attributes:
        block_number: the block to go on with; None at the very beginning.
        transaction_id: the transaction in that block after which to go on; empty to begin with its first.
    """

    @property
    def block_number(self) -> int | None: ...

    @property
    def transaction_id(self) -> str: ...

    def checkpoint(self, event: ChaincodeEvent) -> None:
        """Remember that this event has been dealt with, and all before it."""
        ...

    def checkpoint_block(self, block_number: int) -> None:
        """Remember that this block has been dealt with, and all before it."""
        ...

    def checkpoint_transaction(self, block_number: int, transaction_id: str) -> None:
        """Remember that this transaction has been dealt with, and all before it."""
        ...


@dataclass
class MemoryCheckpointer:
    """Remembers as long as the process lives."""

    block_number: int | None = None
    transaction_id: str = ""

    def checkpoint(self, event: ChaincodeEvent) -> None:
        """Remember that this event has been dealt with, and all before it."""
        self.checkpoint_transaction(event.block_number, event.transaction_id)

    def checkpoint_block(self, block_number: int) -> None:
        """Remember that this block has been dealt with, and all before it."""
        self._remember(block_number + 1, "")

    def checkpoint_transaction(self, block_number: int, transaction_id: str) -> None:
        """Remember that this transaction has been dealt with, and all before it."""
        self._remember(block_number, transaction_id)

    def _remember(self, block_number: int, transaction_id: str) -> None:
        self.block_number, self.transaction_id = block_number, transaction_id


class FileCheckpointer(MemoryCheckpointer):
    """Remembers in a file, which is replaced as a whole and synced: a crash leaves the old place or the new one.

    Every call writes to the disk before it returns. One process at a time may use a file.

    Raises:
        ValueError: the file is there and holds something else.
        OSError: it cannot be read, or written to.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not a checkpoint") from error
        try:
            values = json.loads(text)
            block, transaction_id = values["blockNumber"], values.get("transactionId", "")
            self.block_number = int(block)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a checkpoint") from error
        if self.block_number < 0 or not isinstance(transaction_id, str):
            raise ValueError(f"{path} is not a checkpoint")
        self.transaction_id = transaction_id

    def _remember(self, block_number: int, transaction_id: str) -> None:
        content = {"blockNumber": str(block_number), "transactionId": transaction_id}
        replace_file(self.path, json.dumps(content).encode())
        super()._remember(block_number, transaction_id)
