import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node_client.certificates import receipt_file
from node_client.certificates.errors import ReceiptConflict, ReceiptError, ReceiptNotWritten
from node_client.certificates.receipt_file import read_receipt, receipt_path, require_free, write_receipt
from tests.unit.node_client.certificates.test_formats import RECEIPT

OTHER = replace(RECEIPT, statement=replace(RECEIPT.statement, certificate_id="f" * 32))


def test_path() -> None:
    assert receipt_path(Path("a/b.pdf")) == Path("a/b.pdf.receipt.json")
    assert receipt_path(Path("a/b.pdf"), Path("out")) == Path("out/b.pdf.receipt.json")


def test_written_whole_and_read(tmp_path: Path) -> None:
    path = tmp_path / "r"
    write_receipt(path, RECEIPT)
    assert path.read_bytes() == RECEIPT.to_bytes()
    assert read_receipt(path) == RECEIPT
    assert list(tmp_path.iterdir()) == [path]


def test_own_receipt_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "r"
    write_receipt(path, RECEIPT)
    newer = replace(RECEIPT, attestation=b"newer")
    write_receipt(path, newer)
    assert read_receipt(path) == newer


@pytest.mark.parametrize("content", [OTHER.to_bytes(), b"", b"a letter"])
def test_something_else_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r"
    path.write_bytes(content)
    with pytest.raises(ReceiptConflict):
        require_free(path, RECEIPT.certificate_id)
    with pytest.raises(ReceiptConflict):
        write_receipt(path, RECEIPT)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_free_for_a_new_certificate_where_a_receipt_is(tmp_path: Path) -> None:
    write_receipt(tmp_path / "r", RECEIPT)
    with pytest.raises(ReceiptConflict):
        require_free(tmp_path / "r", "")
    require_free(tmp_path / "r", RECEIPT.certificate_id)


def test_folder_is_made_or_refused_beforehand(tmp_path: Path) -> None:
    require_free(tmp_path / "new" / "folder" / "r", "")
    assert (tmp_path / "new" / "folder").is_dir()
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "r", tmp_path / ("x" * 300)):
        with pytest.raises((ReceiptConflict, ReceiptError)):
            require_free(path, "")


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(receipt_file.os, "fsync", full)
    with pytest.raises(ReceiptNotWritten, match="No space left"):
        write_receipt(tmp_path / "r", RECEIPT)
    assert list(tmp_path.iterdir()) == []


def test_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(receipt_file.os, "link", unsupported)
    write_receipt(tmp_path / "r", RECEIPT)
    assert read_receipt(tmp_path / "r") == RECEIPT
    with pytest.raises(ReceiptConflict):
        write_receipt(tmp_path / "r", OTHER)


def test_synced_before_it_is_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    for name in ("fsync", "link"):
        real = getattr(os, name)
        monkeypatch.setattr(
            receipt_file.os, name, lambda *args, name=name, real=real: (steps.append(name), real(*args))[1]
        )
    write_receipt(tmp_path / "r", RECEIPT)
    assert steps == ["fsync", "link", "fsync"]
