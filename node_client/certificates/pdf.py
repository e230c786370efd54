"""PDF documents that carry their receipt inside: an embedded file, added by an incremental update.

The certified document is the file's first bytes, unchanged; the update comes after them (ISO 32000-2 §7.5.6, §7.11.4,
§14.13). What is written is fixed to the byte, for a file is accepted only when embedding its receipt into its first
bytes gives exactly this file: else something could hide in the update, which the certificate does not cover. So the
writer is our own, and a library only reads.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from node_client.certificates.errors import DocumentError, ReceiptError
from node_client.certificates.pdf_structure import PdfStructure, read_structure, written, written_name
from node_client.certificates.receipt import Receipt

NAME = "certledger-receipt.json"
_MARK = b"%certledger-receipt 1\n"
_STREAM = re.compile(
    re.escape(_MARK)
    + rb"\d+ 0 obj\n<</Type/EmbeddedFile/Subtype/application#2Fjson/Params<</Size \d+>>/Length (\d{1,8})>>\nstream\n"
)


@dataclass(frozen=True)
class Carried:
    """A receipt that a PDF carries.

    Attributes:
        size: the bytes of the certified document, from the file's beginning.
        intact: whether the file is this document with this receipt, and nothing else.
    """

    receipt: Receipt
    size: int
    intact: bool


def embed(document: bytes, receipt: bytes) -> bytes:
    """A PDF with a receipt inside.

    Raises:
        DocumentError: it is no PDF, or one that can carry nothing: encrypted or damaged.
    """
    structure = read_structure(document)
    filespec, stream = structure.size + 1, structure.size
    text = f"({NAME})".encode()
    objects = {
        stream: b"<</Type/EmbeddedFile/Subtype/application#2Fjson/Params<</Size %d>>/Length %d>>\nstream\n%b\nendstream"
        % (len(receipt), len(receipt), receipt),
        filespec: b"<</Type/Filespec/F%b/UF%b/AFRelationship/Supplement/EF<</F %d 0 R/UF %d 0 R>>>>"
        % (text, text, stream, stream),
        structure.root: _catalog(structure, filespec),
    }
    out = bytearray(document)
    if not document.endswith((b"\n", b"\r")):
        out += b"\n"
    out += _MARK
    places = {}
    for number, content in objects.items():
        places[number] = len(out)
        generation = structure.root_generation if number == structure.root else 0
        out += b"%d %d obj\n%b\nendobj\n" % (number, generation, content)
    digest = sha256(document + receipt).digest()[:16]
    out += _section(structure, places, len(out), digest)
    return bytes(out)


def carried(data: bytes) -> Carried | None:
    """The receipt that a file carries; None when it carries none.

    Raises:
        ReceiptError: what it carries is no receipt.
    """
    place = data.rfind(_MARK)
    match = _STREAM.match(data, place) if place >= 0 else None
    if match is None:
        return None
    content = data[match.end() : match.end() + int(match[1])]
    receipt = Receipt.from_bytes(content)
    size = receipt.statement.document.size
    document = data[:size]
    # A library reads the document to embed anew: only the one that was certified gets that far.
    certified = len(document) == size and sha256(document).hexdigest() == receipt.statement.document.sha256
    try:
        intact = certified and embed(document, content) == data
    except DocumentError as error:
        raise ReceiptError(f"the file carries a receipt that it cannot carry: {error}") from error
    return Carried(receipt, size, intact)


def _catalog(structure: PdfStructure, filespec: int) -> bytes:
    """The document's catalogue, with the file among its embedded ones."""
    reference = b"%d 0 R" % filespec
    entries = {name: written(value) for name, value in structure.catalog.items()}
    associated = [written(one) for one in structure.associated]
    entries["/AF"] = b"[" + b" ".join([*associated, reference]) + b"]"
    names = {name: written(value) for name, value in structure.names.items()}
    # The pairs of a name tree are in the order of their keys; the same key again would hide one of the two.
    pairs = [(key, written(value)) for key, value in structure.embedded_files if key != NAME.encode()]
    pairs = sorted([*pairs, (NAME.encode(), reference)])
    listed = b"".join(b"<%b>%b " % (key.hex().encode(), value) for key, value in pairs)
    names["/EmbeddedFiles"] = b"<</Names[" + listed.rstrip() + b"]>>"
    entries["/Names"] = _dictionary(names)
    return _dictionary(entries)


def _dictionary(entries: dict[str, bytes]) -> bytes:
    return b"<<" + b"".join(written_name(name) + b" " + value for name, value in entries.items()) + b">>"


def _section(structure: PdfStructure, places: dict[int, int], here: int, digest: bytes) -> bytes:
    """The cross-reference section, of the kind that the document has (§7.5.4, §7.5.8), and the trailer."""
    size = structure.size + 2
    trailer: dict[str, bytes] = {
        "/Root": b"%d %d R" % (structure.root, structure.root_generation),
        "/Prev": b"%d" % structure.last_section,
    }
    if structure.information is not None:
        trailer["/Info"] = written(structure.information)
    if structure.identifier is not None:
        trailer["/ID"] = b"[" + written(structure.identifier) + b"<" + digest.hex().encode() + b">]"
    generations = {structure.root: structure.root_generation}
    if not structure.has_streams:
        lines = [
            b"%d 1\n%010d %05d n \n" % (number, place, generations.get(number, 0))
            for number, place in sorted(places.items())
        ]
        # Readers take a section for damaged that does not begin with object 0, the head of the free ones.
        body = (
            b"xref\n0 1\n0000000000 65535 f \n"
            + b"".join(lines)
            + b"trailer\n"
            + _dictionary({"/Size": b"%d" % size, **trailer})
            + b"\n"
        )
    else:
        places = {**places, size: here}
        rows = [
            b"\x01" + place.to_bytes(5, "big") + generations.get(number, 0).to_bytes(2, "big")
            for number, place in sorted(places.items())
        ]
        entries = {
            "/Type": b"/XRef",
            "/Size": b"%d" % (size + 1),
            "/W": b"[1 5 2]",
            "/Index": b"[" + b" ".join(b"%d 1" % number for number in sorted(places)) + b"]",
            "/Length": b"%d" % (8 * len(rows)),
            **trailer,
        }
        body = b"%d 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (size, _dictionary(entries), b"".join(rows))
    return body + b"startxref\n%d\n%%%%EOF\n" % here
