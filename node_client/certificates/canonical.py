"""Canonical JSON (RFC 8785), read strictly: what does not encode to itself again is refused."""

import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from node_client.certificates.errors import FormatError

MAX_SIZE = 4 * 1024 * 1024


_LARGEST = 2**53 - 1
_dump = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


def encode(values: Mapping[str, Any]) -> bytes:
    """The one encoding of these values.

    Where nothing differs between RFC 8785 and the standard library's encoder, that one is used, which is many times as
    fast: names in ASCII, texts, small whole numbers, and what is made of them.

    Raises:
        ValueError: JSON cannot have these values.
    """
    values = dict(values)
    return _dump(values).encode() if _is_plain(values) else rfc8785.dumps(values)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        for name, one in value.items():
            if type(name) is not str or not name.isascii() or (type(one) is not str and not _is_plain(one)):
                return False
        return True
    if kind is list:
        return all(type(one) is str or _is_plain(one) for one in value)
    if kind is int:
        return bool(-_LARGEST <= value <= _LARGEST)
    return kind is str or kind is bool or value is None


class Fields:
    """The fields of a JSON object, each taken once, with its type.

    Args:
        values: the object.
        error: the error that is raised when it is not as it should be.
        what: how messages name it.
    """

    def __init__(self, values: object, error: type[FormatError], what: str) -> None:
        self._error = error
        self._what = what
        if not isinstance(values, dict):
            raise error(f"{what}: a JSON object is expected")
        self._left = dict(values)

    @classmethod
    def read(
        cls, data: bytes, error: type[FormatError], what: str, max_size: int = MAX_SIZE, *, exact: bool = True
    ) -> "Fields":
        """The fields of an object in its canonical encoding.

        Args:
            exact: whether to look that they are in that encoding; not needed when the caller encodes what it has read
                and compares that.

        Raises:
            FormatError: the bytes are not exactly the canonical encoding of an object.
        """
        if len(data) > max_size:
            raise error(f"{what}: more than {max_size} bytes")
        try:
            values = json.loads(data.decode())
            as_it_must = not exact or (isinstance(values, dict) and encode(values) == data)
        except (ValueError, RecursionError) as cause:
            raise error(f"{what}: not JSON") from cause
        if not as_it_must:
            raise error(f"{what}: not in the one form that it has (RFC 8785)")
        return cls(values, error, what)

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self._take(name)
        if not isinstance(value, str) or not value:
            raise self.bad(name)
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, or None when the field is not there."""
        return self.text(name) if name in self._left else None

    def number(self, name: str) -> int:
        """A whole number from 0."""
        value = self._take(name)
        if type(value) is not int or value < 0:
            raise self.bad(name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.bad(name)
        return tuple(value)

    def fields(self, name: str) -> "Fields":
        """An object."""
        return Fields(self._take(name), self._error, f"{self._what}, {name}")

    def optional_fields(self, name: str) -> "Fields | None":
        """An object, or None when the field is not there."""
        return self.fields(name) if name in self._left else None

    def objects(self, name: str) -> "list[Fields]":
        """A list of objects."""
        value = self._take(name)
        if not isinstance(value, list):
            raise self.bad(name)
        return [Fields(item, self._error, f"{self._what}, {name}") for item in value]

    def expect(self, name: str, value: object) -> None:
        """A field that has this one value."""
        if self._take(name) != value:
            raise self.bad(name)

    def end(self) -> None:
        """Refuse fields that nobody took."""
        if self._left:
            raise self._error(f"{self._what}: unknown field {sorted(self._left)[0]}")

    def bad(self, name: str) -> FormatError:
        """The error for a field that is not what it should be."""
        return self._error(f"{self._what}: {name} is not what it should be")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise self._error(f"{self._what}: {name} is missing")
        return self._left.pop(name)
