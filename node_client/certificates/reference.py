"""The caller's own names for certificates, and what goes for one that has none: its document's digest and its type."""

import re

MAX_LENGTH = 500
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_OF_DOCUMENT = re.compile(r"([0-9a-f]{64}):(.+)", re.DOTALL)


def document_reference(sha256: str, type: str) -> str:
    """What a certificate without a reference goes by; the digest is in hex."""
    return f"{sha256}:{type}"


def is_document_reference(reference: str) -> bool:
    """Whether a text has the form of `document_reference`."""
    return _OF_DOCUMENT.fullmatch(reference) is not None


def reference_key(reference: str) -> str | bytes:
    """A reference as the register's index has it: a document's in half of the space, every other as it is."""
    found = _OF_DOCUMENT.fullmatch(reference)
    return bytes.fromhex(found[1]) + found[2].encode("utf-8", "surrogatepass") if found else reference


def is_text(reference: str) -> bool:
    """Whether a reference is text of at most 500 characters, without control characters."""
    return len(reference) <= MAX_LENGTH and not _CONTROL.search(reference)
