import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from node_client.certificates.errors import RegisterError
from node_client.certificates.register import ATTESTED, COMMITTED, ENDORSED, PREPARED, Register, Row

ID, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "register.db"


async def prepared(register: Register, certificate_id: str = ID, reference: str = "r") -> Row:
    return await register.prepare(
        certificate_id=certificate_id, reference=reference, statement=b"statement", salt=b"salt"
    )


async def test_states_in_order(path: Path) -> None:
    with Register(path) as register:
        row = await prepared(register)
        assert (row.state, row.statement, row.salt, row.envelope) == (PREPARED, b"statement", b"salt", None)
        row = await register.endorsed(ID, "tx", b"envelope")
        assert (row.state, row.transaction_id, row.envelope) == (ENDORSED, "tx", b"envelope")
        row = await register.committed(ID, "tx")
        assert (row.state, row.envelope) == (COMMITTED, None)
        row = await register.attested(ID, b"attestation")
        assert (row.state, row.attestation) == (ATTESTED, b"attestation")
    with Register(path) as register:
        assert register.find(ID) == row
        assert register.find_reference("r") == row
        assert list(register.rows()) == [row]


async def test_first_certificate_of_a_reference_counts(path: Path) -> None:
    with Register(path) as register:
        await prepared(register)
        assert (await prepared(register, OTHER)).certificate_id == ID
        assert register.find(OTHER) is None


async def test_first_envelope_counts(path: Path) -> None:
    """Two processes that endorse the same certificate submit the same transaction."""
    with Register(path) as one, Register(path) as other:
        await prepared(one)
        await one.endorsed(ID, "first", b"1")
        row = await other.endorsed(ID, "second", b"2")
        assert (row.transaction_id, row.envelope) == ("first", b"1")


async def test_only_the_transaction_that_wrote_nothing_is_given_up(path: Path) -> None:
    with Register(path) as register:
        await prepared(register)
        await register.endorsed(ID, "tx", b"1")
        assert (await register.not_written(ID, "another")).state == ENDORSED
        row = await register.not_written(ID, "tx")
        assert (row.state, row.transaction_id, row.envelope) == (PREPARED, None, None)


async def test_only_its_owner_reads_it(path: Path) -> None:
    with Register(path) as register:
        await prepared(register)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_reader_sees_only_what_is_durable(path: Path) -> None:
    with Register(path) as register:
        await prepared(register)
        register._writer.execute("BEGIN IMMEDIATE")
        register._writer.execute("UPDATE certificates SET state = 'endorsed'")
        row = register.find(ID)
        assert row is not None
        assert row.state == PREPARED
        register._writer.execute("ROLLBACK")


async def test_many_at_once_share_transactions(path: Path) -> None:
    with Register(path) as register:
        begun: list[str] = []
        register._writer.set_trace_callback(lambda text: begun.append(text) if text.startswith("BEGIN") else None)
        await asyncio.gather(*(prepared(register, f"{number:032x}", f"r{number}") for number in range(200)))
        assert len(list(register.rows())) == 200
        assert len(begun) < 20


async def test_durable_before_it_is_acknowledged(path: Path) -> None:
    with Register(path) as register:
        assert register._writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert register._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_erased(path: Path) -> None:
    with Register(path) as register:
        await prepared(register, reference="a very personal reference")
        register.erase(ID)
        assert register.find(ID) is None
        for file in path.parent.iterdir():
            assert b"personal" not in file.read_bytes()


async def test_failed_write_is_told_to_everyone_in_the_group(path: Path) -> None:
    with Register(path) as register:
        await prepared(register)
        register._writer.execute("PRAGMA query_only = ON")
        results = await asyncio.gather(
            *(register.endorsed(ID, f"tx{number}", b"") for number in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [RegisterError] * 3
        register._writer.execute("PRAGMA query_only = OFF")
        assert (await register.endorsed(ID, "tx", b"")).state == ENDORSED


def test_unusable(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(RegisterError):
        Register(path)
    with pytest.raises(RegisterError):
        Register(path.parent)
    with pytest.raises(RegisterError):
        Register(path.parent / "missing" / "register.db")


def test_another_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RegisterError, match="another version"):
        Register(path)
