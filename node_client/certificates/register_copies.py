"""Copies of a register: it is the only place where the salts are."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_hex

from node_client.certificates import register_schema
from node_client.certificates.errors import RegisterError
from node_client.certificates.register import usable
from node_client.durable import make_folder, sync_folder

_PAGES = 4096  # that are copied at a time: others may write in between


def back_up(register: Path, target: Path) -> None:
    """Copy a register as it is at one moment, while others may use it.

    Args:
        target: the copy, which is whole or not there; nothing may be there yet.

    Raises:
        RegisterError: it could not be copied.
    """
    if not register.exists():
        raise RegisterError(f"there is no register {register}")
    _copy(register, target)


def restore(copy: Path, register: Path) -> None:
    """Put a copy in the place of a register that is not there.

    Raises:
        RegisterError: something is there already, or the copy is none.
    """
    _copy(copy, register)


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        raise RegisterError(f"{target} is there already, and is left as it is", "move it away, or choose another name")
    temporary = target.with_name(f".{target.name}-{token_hex(8)}")
    try:
        with usable(target):
            make_folder(target.parent)
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with usable(source), closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as from_:
            from_.execute("PRAGMA busy_timeout = 30000")
            _require_register(from_, source)
            with closing(sqlite3.connect(temporary, isolation_level=None)) as to:
                from_.backup(to, pages=_PAGES)
                to.execute("PRAGMA journal_mode = DELETE")
                (found,) = to.execute("PRAGMA quick_check").fetchone()
        if found != "ok":
            raise RegisterError(f"the register {source} is damaged: {found}")
        with usable(target):
            _sync(temporary)
            try:
                os.link(temporary, target)  # unlike a rename, never over what came in between
            except FileExistsError:
                raise
            except OSError:  # a file system without links
                temporary.replace(target)
            sync_folder(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _require_register(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "certificates" not in tables:
        raise RegisterError(f"{path} is no register")
    if version > register_schema.FORMAT:
        raise RegisterError(f"the register {path} is of another version of certledger", "use that version")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
