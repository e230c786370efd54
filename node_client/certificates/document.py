"""Documents: what a statement says about the file that is certified."""

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from node_client.certificates.errors import DocumentError

DEFAULT_MEDIA_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
# A table of our own: the machine's would make the same file differ from one machine to the next.
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".zip": "application/zip",
}


def is_media_type(text: str) -> bool:
    """Whether a text is a media type in lower case, without parameters (RFC 6838 §4.2)."""
    return _MEDIA_TYPE.fullmatch(text) is not None


@dataclass(frozen=True)
class Document:
    """A document's digest.

    Attributes:
        sha256: of its bytes, in hex.
        size: in bytes.
        media_type: such as application/pdf.
    """

    sha256: str
    size: int
    media_type: str = DEFAULT_MEDIA_TYPE

    @classmethod
    def of_bytes(cls, data: bytes, media_type: str = DEFAULT_MEDIA_TYPE) -> "Document":
        """The digest of a document in memory."""
        return cls(hashlib.sha256(data).hexdigest(), len(data), media_type)

    @classmethod
    def of_file(cls, path: Path) -> "Document":
        """The digest of a file, whatever its size in constant memory; its media type goes by its name.

        Raises:
            DocumentError: it is not there, not a regular file, or cannot be read.
        """
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                kind = "a directory" if path.is_dir() else "not a regular file"
                raise DocumentError(f"{path} is {kind}", "name the document itself")
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
                size = file.tell()
        except FileNotFoundError as error:
            raise DocumentError(f"{path} does not exist") from error
        except (OSError, ValueError) as error:
            raise DocumentError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        return cls(digest.hexdigest(), size, _MEDIA_TYPES.get(path.suffix.lower(), DEFAULT_MEDIA_TYPE))
