"""Between the texts of the wire and the types of a function's signature.

`str` is the text itself; `int`, `float`, `bool` and everything else is JSON, as in the official contract APIs.
Results: None is empty, `str` and `bytes` are themselves, everything else is JSON without spaces, keys sorted, so that
all endorsers give the same bytes.
"""

import json
import types
from dataclasses import asdict, is_dataclass
from typing import Any, Union, get_args, get_origin


def argument(text: str, kind: Any) -> object:
    """The argument as its declared type.

    Raises:
        ValueError: the text is not of that type.
    """
    if kind is str:
        return text
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not {name(kind)}") from error
    return converted(value, kind)


def converted(value: Any, kind: Any) -> object:
    """A JSON value as the declared type; dataclasses are made from objects with exactly their fields."""
    origin = get_origin(kind)
    if kind is Any or kind is object:
        return value
    if origin in (Union, types.UnionType):
        for option in get_args(kind):
            try:
                return converted(value, option)
            except ValueError:
                continue
    elif kind is type(None) and value is None:
        return None
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif kind in (str, int, bool) and type(value) is kind:
        return value
    elif origin in (list, tuple) and isinstance(value, list):
        (inner, *_) = get_args(kind)
        return origin(converted(item, inner) for item in value)
    elif origin is dict and isinstance(value, dict):
        _, inner = get_args(kind)
        return {key: converted(item, inner) for key, item in value.items()}
    elif is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        fields = kind.__dataclass_fields__
        if set(value) == set(fields):
            return kind(**{key: converted(item, fields[key].type) for key, item in value.items()})
    raise ValueError(f"not {name(kind)}")


def result(value: object) -> bytes:
    """A function's result as the response's payload."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def name(kind: Any) -> str:
    """The type as messages and metadata name it."""
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(kind, "JSON of the expected form")


def schema(kind: Any) -> dict[str, Any]:
    """The type as JSON Schema, for the contract's metadata."""
    simple = {str: "string", int: "integer", float: "number", bool: "boolean"}
    if kind in simple:
        return {"type": simple[kind]}
    if get_origin(kind) in (list, tuple):
        return {"type": "array", "items": schema(get_args(kind)[0])}
    return {"type": "object"}
