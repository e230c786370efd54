"""The register: an issuing organisation's own store, the only one that may know a person.

Everything is durable here before the step that it protects: salt and statement before a transaction is made, the
signed envelope before it is submitted. Nothing acknowledged can lose its salt, and every run can be resumed.

Operations of one moment share a transaction: thousands of certificates in flight cost few syncs.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from node_client.certificates import register_schema
from node_client.certificates.errors import ReferenceTaken, RegisterError
from node_client.certificates.reference import reference_key

PREPARED, ENDORSED, COMMITTED, ATTESTED = "prepared", "endorsed", "committed", "attested"

TIMEOUT = 300.0  # seconds that one writer waits for another: sealing ten million certificates takes a minute

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One certificate; the fields are the table's columns in their order.

    Attributes:
        reference: the caller's own name for it.
        supersedes: the certificate that it replaces, if any.
        state: prepared, endorsed (its signed envelope is kept), committed, attested (its receipt can be made).
    """

    certificate_id: str
    reference: str
    statement: bytes
    salt: bytes
    supersedes: str | None
    state: str
    transaction_id: str | None
    envelope: bytes | None
    attestation: bytes | None
    created: str


class Register:
    """A register's file. Use it in `with`.

    Args:
        path: made, readable by its owner only, when it is not there.

    Raises:
        RegisterError: it cannot be opened, or is of another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        with usable(path):
            _make_private(path)
            # Writing goes on in a thread: readers must neither see what is not durable yet nor meet its errors.
            self._writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=TIMEOUT)
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")
            self._writer.execute("PRAGMA secure_delete = ON")
            current = register_schema.prepare(self._writer)
            self._reader = sqlite3.connect(path, isolation_level=None, timeout=TIMEOUT)
        if not current:
            self.close()
            raise RegisterError(f"the register {path} is of another version of certledger", "use that version")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    @property
    def reader(self) -> sqlite3.Connection:
        """A connection to read with, in this thread. Use it in `usable`."""
        return self._reader

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()

    def find(self, certificate_id: str) -> Row | None:
        """The certificate with this id."""
        return self._one("SELECT * FROM certificates WHERE id = ?", certificate_id)

    def find_reference(self, reference: str) -> Row | None:
        """The certificate with this reference."""
        return self._one("SELECT * FROM certificates WHERE reference = ?", reference)

    def rows(self) -> Iterator[Row]:
        """Every certificate, in the order of their making."""
        with usable(self._path):
            for row in self._reader.execute("SELECT * FROM certificates ORDER BY created, id"):
                yield Row(*row)

    def _one(self, query: str, value: str) -> Row | None:
        with usable(self._path):
            row = self._reader.execute(query, (value,)).fetchone()
        return Row(*row) if row else None

    async def prepare(
        self, *, certificate_id: str, reference: str, statement: bytes, salt: bytes, supersedes: str | None = None
    ) -> Row:
        """Keep a new certificate. When the reference is known already, nothing is kept.

        Returns:
            The reference's certificate: this one, or the one that came first.

        Raises:
            ReferenceTaken: a batch has a certificate with this reference.
        """
        created = datetime.now(UTC).isoformat(timespec="microseconds")

        def write(connection: sqlite3.Connection) -> bool:
            key = reference_key(reference)
            if connection.execute("SELECT 1 FROM by_reference WHERE key = ?", (key,)).fetchone():
                return False
            connection.execute(
                "INSERT OR IGNORE INTO certificates (id, reference, statement, salt, supersedes, state, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (certificate_id, reference, statement, salt, supersedes, PREPARED, created),
            )
            return True

        if not await self.write(write):
            raise ReferenceTaken(
                "the reference stands for a certificate of a batch", "use another --reference, or supersede that one"
            )
        row = self.find_reference(reference)
        if row is None:
            raise RegisterError("a certificate was erased while it was being issued")
        return row

    async def endorsed(self, certificate_id: str, transaction_id: str, envelope: bytes) -> Row:
        """Keep the signed envelope that is about to be submitted, unless another process has kept one.

        Returns:
            The certificate with the envelope that counts.
        """

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE certificates SET state = ?, transaction_id = ?, envelope = ? WHERE id = ? AND state = ?",
                (ENDORSED, transaction_id, envelope, certificate_id, PREPARED),
            )

        await self.write(write)
        return self._existing(certificate_id)

    async def not_written(self, certificate_id: str, transaction_id: str) -> Row:
        """Go back to prepared: this transaction is known to have written nothing."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE certificates SET state = ?, transaction_id = NULL, envelope = NULL"
                " WHERE id = ? AND transaction_id = ? AND state = ?",
                (PREPARED, certificate_id, transaction_id, ENDORSED),
            )

        await self.write(write)
        return self._existing(certificate_id)

    async def committed(self, certificate_id: str, transaction_id: str) -> Row:
        """The certificate is on the ledger, written by this transaction. The envelope is needed no longer."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE certificates SET state = ?, transaction_id = ?, envelope = NULL"
                " WHERE id = ? AND state IN (?, ?)",
                (COMMITTED, transaction_id, certificate_id, PREPARED, ENDORSED),
            )

        await self.write(write)
        return self._existing(certificate_id)

    async def attested(self, certificate_id: str, attestation: bytes) -> Row:
        """Keep the attestation, with which the receipt is complete."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE certificates SET state = ?, attestation = ? WHERE id = ?",
                (ATTESTED, attestation, certificate_id),
            )

        await self.write(write)
        return self._existing(certificate_id)

    def erase(self, certificate_id: str) -> None:
        """Forget a certificate: what is on the ledger then points to nobody."""
        self.forget(("DELETE FROM certificates WHERE id = ?", (certificate_id,)))

    def forget(self, *changes: tuple[str, tuple[Any, ...]]) -> None:
        """Make changes after which what was there is nowhere in the file; SQL and its values."""

        def write(connection: sqlite3.Connection) -> None:
            for query, values in changes:
                connection.execute(query, values)

        self._write_group([write])
        with usable(self._path):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _existing(self, certificate_id: str) -> Row:
        row = self.find(certificate_id)
        if row is None:
            raise RegisterError("a certificate was erased while it was being issued")
        return row

    async def write(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Do something and wait until it is durable, together with everything else of the moment."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await done

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                results = await asyncio.to_thread(self._write_group, [operation for operation, _ in group])
            except RegisterError as error:
                for _, done in group:
                    if not done.done():
                        done.set_exception(error)
            else:
                for (_, done), result in zip(group, results, strict=True):
                    if not done.done():
                        done.set_result(result)

    def _write_group(self, operations: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        with usable(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                results = [operation(self._writer) for operation in operations]
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise
        return results


def _make_private(path: Path) -> None:
    """Make the file readable by its owner only; SQLite gives its companions the same mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Let what goes wrong with the file appear as what it means. Raises RegisterError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise RegisterError(
            f"the register {path} cannot be used: {error}", "make room on the disk, or look at its permissions"
        ) from error
