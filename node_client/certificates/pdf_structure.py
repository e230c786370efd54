"""What an incremental update of a PDF has to know of it, and PDF's objects as text (ISO 32000-2 §7.3, §7.5)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from node_client.certificates.errors import DocumentError

if TYPE_CHECKING:
    from pypdf.generic import PdfObject

_LAST = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF\s*\Z")
_DEPTH = 100  # of nested objects, and of a name tree
_NEXT = "keep its receipt beside it"


@dataclass(frozen=True)
class PdfStructure:
    """What there is.

    Attributes:
        size: the number of the first object that is free.
        root, root_generation: the catalogue's number.
        catalog: its entries, without those that are given apart.
        names: its name trees, without the embedded files.
        embedded_files: the name tree of embedded files, as pairs.
        associated: the files that are associated with the document.
        last_section: where the last cross-reference section begins.
        has_streams: whether it is a stream.
    """

    size: int
    root: int
    root_generation: int
    catalog: Mapping[str, "PdfObject"]
    names: Mapping[str, "PdfObject"]
    embedded_files: tuple[tuple[bytes, "PdfObject"], ...]
    associated: tuple["PdfObject", ...]
    last_section: int
    has_streams: bool
    information: "PdfObject | None"
    identifier: "PdfObject | None"


def read_structure(document: bytes) -> PdfStructure:
    """Read a PDF.

    Raises:
        DocumentError: it is none, is encrypted, or is damaged.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    end = _LAST.search(document[-2048:])
    if not document.startswith(b"%PDF-") or end is None:
        raise DocumentError("it is not a PDF, or is damaged", _NEXT)
    try:
        reader = PdfReader(BytesIO(document), strict=True)
        if reader.is_encrypted:
            raise DocumentError("an encrypted PDF cannot carry its receipt", _NEXT)
        return _structure(reader, document, int(end[1]))
    except (PyPdfError, KeyError, TypeError, ValueError, AttributeError, RecursionError, IndexError) as error:
        raise DocumentError(f"the PDF cannot be read: {error}", _NEXT) from error


def _structure(reader: Any, document: bytes, last: int) -> PdfStructure:
    from pypdf.generic import ArrayObject, DictionaryObject

    trailer = reader.trailer
    root = trailer.raw_get("/Root")
    catalog = root.get_object()
    names = _object(catalog.get("/Names"), DictionaryObject)
    files = _object(names.get("/EmbeddedFiles"), DictionaryObject)
    associated = _object(catalog.get("/AF"), ArrayObject)
    identifier = _object(trailer.get("/ID"), ArrayObject)
    return PdfStructure(
        size=int(trailer["/Size"]),
        root=root.idnum,
        root_generation=root.generation,
        catalog={name: catalog.raw_get(name) for name in catalog if name not in ("/Names", "/AF")},
        names={name: names.raw_get(name) for name in names if name != "/EmbeddedFiles"},
        embedded_files=tuple(_pairs(files, 0)),
        associated=tuple(list.__iter__(associated)),
        last_section=last,
        has_streams=document[last : last + 4] != b"xref",
        information=trailer.raw_get("/Info") if "/Info" in trailer else None,
        identifier=list.__getitem__(identifier, 0) if identifier else None,
    )


def _object(found: Any, kind: Any) -> Any:
    """What a reference stands for; an empty one where there is nothing."""
    value = found.get_object() if found is not None else kind()
    if not isinstance(value, kind):
        raise ValueError("an entry is of another type than it must be")
    return value


def _pairs(node: Any, depth: int) -> Iterator[tuple[bytes, "PdfObject"]]:
    if depth > _DEPTH:
        raise ValueError("its name tree does not end")
    listed = list(list.__iter__(_object(node.get("/Names"), list)))
    for key, value in zip(listed[::2], listed[1::2], strict=True):
        yield _bytes(key.get_object()), value
    for kid in list.__iter__(_object(node.get("/Kids"), list)):
        yield from _pairs(kid.get_object(), depth + 1)


def _bytes(text: Any) -> bytes:
    found = getattr(text, "original_bytes", None)
    if not isinstance(found, bytes):
        raise ValueError("a key of a name tree is no text")
    return found


def written(value: Any, depth: int = 0) -> bytes:
    """An object as text; a reference stays one.

    Raises:
        ValueError: it is a stream, or of a type that is not known.
    """
    from pypdf import generic

    if depth > _DEPTH:
        raise ValueError("its objects are nested too deeply")
    if isinstance(value, generic.IndirectObject):
        return b"%d %d R" % (value.idnum, value.generation)
    if isinstance(value, generic.NullObject):
        return b"null"
    if isinstance(value, generic.BooleanObject):
        return b"true" if value.value else b"false"
    if isinstance(value, generic.NameObject):
        return written_name(str(value))
    if isinstance(value, generic.NumberObject):
        return b"%d" % int(value)
    if isinstance(value, generic.FloatObject):
        return f"{float(value):.10f}".rstrip("0").rstrip(".").encode()
    if isinstance(value, generic.TextStringObject | generic.ByteStringObject):
        return b"<" + _bytes(value).hex().encode() + b">"
    if isinstance(value, generic.ArrayObject):
        return b"[" + b" ".join(written(one, depth + 1) for one in list.__iter__(value)) + b"]"
    if isinstance(value, generic.DictionaryObject) and not isinstance(value, generic.StreamObject):
        entries = ((written_name(name), written(value.raw_get(name), depth + 1)) for name in value)
        return b"<<" + b"".join(name + b" " + one for name, one in entries) + b">>"
    raise ValueError("an object is of a type that is not known here")


def written_name(name: str) -> bytes:
    """A name (§7.3.5): what is no regular character is written as its number."""
    out = bytearray(b"/")
    for byte in name[1:].encode("utf-8", "surrogateescape"):
        regular = 0x21 <= byte <= 0x7E and byte not in b"#()<>[]{}/%"
        out += bytes([byte]) if regular else b"#%02X" % byte
    return bytes(out)
