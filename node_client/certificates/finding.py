"""Finding a document's receipt: named by the caller, beside the document, or inside it."""

from dataclasses import dataclass, replace
from pathlib import Path

from node_client.certificates.document import Document
from node_client.certificates.errors import DocumentError
from node_client.certificates.pdf import Carried, carried
from node_client.certificates.receipt import Receipt
from node_client.certificates.receipt_file import read_receipt, receipt_path

LARGEST = 256 * 1024 * 1024  # bytes of a PDF that is searched for a receipt: it is searched in memory


@dataclass(frozen=True)
class Found:
    """A document and its receipt.

    Attributes:
        document: what the receipt is to be compared with: of a PDF that carries its receipt, the part before it.
        inside: whether the document carries the receipt.
    """

    document: Document
    receipt: Receipt
    inside: bool = False


def find_receipt(path: Path, named: Path | None = None) -> Found:
    """A document with its receipt.

    A receipt beside the document counts before one inside, unless it is of another document: the one that is inside
    may have been put there after the receipt beside it was written. A receipt that the caller names counts, also for
    the certified part of a document that carries another receipt of the same certificate.

    Args:
        named: the receipt's file, if the caller names one.

    Raises:
        DocumentError: the document cannot be read, or there is no receipt.
        ReceiptError: what is there is no receipt.
    """
    document = Document.of_file(path)
    beside = named or receipt_path(path)
    try:
        receipt = read_receipt(beside)
    except FileNotFoundError as error:
        found = None if named else _inside(path, document)
        if found is None:
            raise DocumentError(f"there is no receipt {beside}", "name the receipt with --receipt") from error
        return _carried(path, document, found)
    if receipt.statement.document.sha256 == document.sha256:
        return Found(document, receipt)
    found = _inside(path, document)
    if found is None or (named and found.receipt.certificate_id != receipt.certificate_id):
        return Found(document, receipt)
    inside = _carried(path, document, found)
    return replace(inside, receipt=receipt) if named else inside


def _inside(path: Path, document: Document) -> Carried | None:
    if document.size > LARGEST:
        return None
    with path.open("rb") as file:
        if file.read(5) != b"%PDF-":
            return None
        file.seek(0)
        return carried(file.read())


def _carried(path: Path, document: Document, found: Carried) -> Found:
    if not found.intact:  # then the whole file is compared, and is not what was certified
        return Found(document, found.receipt, inside=True)
    with path.open("rb") as file:
        certified = Document.of_bytes(file.read(found.size), document.media_type)
    return Found(certified, found.receipt, inside=True)
