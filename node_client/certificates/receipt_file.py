"""Receipts as files: `<document>.receipt.json`, written whole or not at all, never over another certificate's."""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from node_client.certificates.canonical import MAX_SIZE
from node_client.certificates.errors import ReceiptConflict, ReceiptError, ReceiptNotWritten
from node_client.certificates.receipt import Receipt
from node_client.durable import make_folder, sync_folder

SUFFIX = ".receipt.json"


def receipt_path(document: Path, folder: Path | None = None) -> Path:
    """Where a document's receipt goes: beside it, or into a folder."""
    return (folder or document.parent) / (document.name + SUFFIX)


def read_receipt(path: Path) -> Receipt:
    """Read a receipt.

    Raises:
        FileNotFoundError: it is not there.
        ReceiptError: it cannot be read, or is not a receipt.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ReceiptError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return Receipt.from_bytes(data)


def is_receipt(path: Path) -> bool:
    """Whether a file is a receipt, by its name and its content."""
    if not path.name.endswith(SUFFIX):
        return False
    try:
        read_receipt(path)
    except (FileNotFoundError, ReceiptError):
        return False
    return True


def require_free(path: Path, certificate_id: str) -> None:
    """Check that a certificate's receipt can go there, before anything is done that cannot be undone.

    Args:
        certificate_id: whose receipt may be there already; empty for a certificate that is yet to be made.

    Raises:
        ReceiptConflict: something else is there, or the folder takes no file of this name.
    """
    try:
        found = read_receipt(path)
    except FileNotFoundError:
        _require_writable(path)
        return
    except ReceiptError as error:
        raise _conflict(path, "something that is not a receipt") from error
    if found.certificate_id != certificate_id:
        raise _conflict(path, f"the receipt of certificate {found.certificate_id}")


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write a receipt, durably, in one step.

    Raises:
        ReceiptConflict: something else is there.
        ReceiptNotWritten: it could not be written.
    """
    temporary = path.parent / f".receipt-{token_hex(8)}"
    try:
        try:
            with temporary.open("xb") as file:
                file.write(receipt.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            _put(temporary, path, receipt.certificate_id)
        finally:
            with suppress(OSError):
                temporary.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise ReceiptNotWritten(
            f"certificate {receipt.certificate_id} is issued, but its receipt {path} could not be written: "
            f"{error.strerror or error}",
            "make room, then issue the same again: it writes the receipt",
        ) from error


def _put(temporary: Path, path: Path, certificate_id: str) -> None:
    try:
        os.link(temporary, path)  # unlike a rename, never over a file that came in between
    except FileExistsError:
        require_free(path, certificate_id)
        temporary.replace(path)
    except OSError:
        # A file system without links.
        require_free(path, certificate_id)
        temporary.replace(path)


def _require_writable(path: Path) -> None:
    try:
        make_folder(path.parent)
        path.exists()  # a name that is too long
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError("the folder cannot be written")
    except OSError as error:
        raise ReceiptConflict(
            f"the receipt {path} could not be written: {error.strerror or error}", "choose another folder with --out"
        ) from error


def _conflict(path: Path, what: str) -> ReceiptConflict:
    return ReceiptConflict(
        f"{path} is {what}, and is left as it is", "move it away, or choose another folder with --out"
    )
