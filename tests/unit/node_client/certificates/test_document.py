import hashlib
import os
from pathlib import Path

import pytest

from node_client.certificates.document import Document
from node_client.certificates.errors import DocumentError


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "所得.PDF"
    path.write_bytes(b"abc" * 1_000_000)
    document = Document.of_file(path)
    assert document == Document(hashlib.sha256(b"abc" * 1_000_000).hexdigest(), 3_000_000, "application/pdf")


def test_media_type_of_an_unknown_name(tmp_path: Path) -> None:
    path = tmp_path / "x.unknown"
    path.write_bytes(b"")
    assert Document.of_file(path).media_type == "application/octet-stream"


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path, Path("/dev/null"), Path("\0"), tmp_path / ("x" * 300)):
        with pytest.raises(DocumentError):
            Document.of_file(path)


def test_fifo_is_no_document(tmp_path: Path) -> None:
    """Opening one would wait for ever."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(DocumentError, match="not a regular file"):
        Document.of_file(tmp_path / "fifo")
