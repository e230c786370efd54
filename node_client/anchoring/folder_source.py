"""A folder of documents: each of them, in the folders below too, gets a certificate."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from node_client.anchoring.preparing import Row, Shape, Work
from node_client.anchoring.source import Segment, cut, rows_digest, seen_row, unchanged
from node_client.certificates.errors import SourceChanged, SourceError
from node_client.certificates.receipt_file import SUFFIX


class FolderSource:
    """The documents of a folder, in the order of their names. Hidden files and receipts are left out.

    Args:
        path: the folder.
    """

    shape = Shape(("path",))
    unused = ()

    def __init__(self, path: Path) -> None:
        self.folder = str(path)
        self.total = 0
        self._digest = ""

    def digest(self) -> str:
        """Over the documents' names, sizes and times of change."""
        digest, count = sha256(), 0
        for segment in self._walk():
            digest.update(segment.digest)
            count = segment.done
        if not count:
            raise SourceError(f"{self.folder} has no documents")
        self.total, self._digest = count, digest.hexdigest()
        return self._digest

    def segments(self) -> Iterator[Segment]:
        """Read it, not the documents. Raises SourceChanged at the end when it is not what `digest` was told of."""
        changed = SourceChanged(f"{self.folder} changed while it was read", "start again when it is complete")
        return unchanged(self._walk(), self._digest, changed)

    def _walk(self) -> Iterator[Segment]:
        done = 0
        for rows in cut(self._rows()):
            done += len(rows)
            yield Segment(rows_digest(rows), Work(rows[0][0], rows=rows), done)

    def _rows(self) -> Iterator[Row]:
        try:
            for number, path in enumerate(_documents(self.folder, ""), 1):
                yield seen_row(number, (path,), path, self.folder)
        except OSError as error:
            raise SourceError(f"{error.filename or self.folder} cannot be read: {error.strerror}") from error


def _documents(root: str, folder: str) -> Iterator[str]:
    """Paths below the root; a link to a folder is not followed, for it could lead back."""
    with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118 - names that are no text must survive
        found = sorted((one.name, one.is_dir(follow_symlinks=False)) for one in entries)
    for name, is_folder in found:
        if name.startswith(".") or name.endswith(SUFFIX):
            continue
        path = os.path.join(folder, name)  # noqa: PTH118
        if is_folder:
            yield from _documents(root, path)
        elif os.path.isfile(os.path.join(root, path)):  # noqa: PTH113, PTH118
            yield path
