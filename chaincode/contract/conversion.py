"""Between the texts of the wire and the types of a function's signature.

`str` is the text itself; `int`, `float`, `bool` and everything else is JSON, as in the official contract APIs.
Results: None is empty, `str` and `bytes` are themselves, everything else is JSON without spaces, keys sorted, so that
all endorsers give the same bytes. NaN and the infinities are no JSON, neither as arguments nor in results.
"""

import json
import math
import types
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def argument(text: str, kind: Any) -> object:
    """The argument as its declared type.

    Raises:
        ValueError: the text is not of that type.
    """
    if kind is str:
        return text
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text that UTF-8 can hold
        return converted(value, kind)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not {name(kind)}") from error


def converted(value: Any, kind: Any) -> object:
    """A JSON value as the declared type; dataclasses are made from objects with exactly their fields.

    Raises:
        ValueError: the value is not of that type.
    """
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
        return _float(value)
    elif kind in (str, int, bool, list, dict) and type(value) is kind:
        return value
    elif origin is list and isinstance(value, list):
        (inner,) = get_args(kind)
        return [converted(item, inner) for item in value]
    elif origin is tuple and isinstance(value, list):
        kinds = get_args(kind)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        if len(kinds) == len(value):
            return tuple(converted(item, inner) for item, inner in zip(value, kinds, strict=True))
    elif origin is dict and isinstance(value, dict):
        _, inner = get_args(kind)
        return {key: converted(item, inner) for key, item in value.items()}
    elif _is_dataclass(kind) and isinstance(value, dict):
        hints = field_types(kind)
        if set(value) == set(hints):
            return kind(**{key: converted(item, hints[key]) for key, item in value.items()})
    raise ValueError(f"not {name(kind)}")


def check(kind: Any, above: frozenset[Any] = frozenset()) -> None:
    """See that arguments can be of this type.

    Raises:
        TypeError: there is no text that would become one.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind in (Any, object, str, int, float, bool, type(None), list, dict) or kind in above:
        return
    if origin is dict:
        if inner[0] is not str:
            raise TypeError(f"the keys of JSON are texts, so {kind} cannot be an argument")
        inner = inner[1:]
    elif origin is tuple and inner:
        inner = inner[:-1] if inner[-1] is Ellipsis else inner
    elif _is_dataclass(kind):
        inner = tuple(field_types(kind).values())
    elif origin not in (Union, types.UnionType, list):
        raise TypeError(f"{kind} cannot be an argument")
    for one in inner:
        check(one, above | {kind})


def result(value: object) -> bytes:
    """A function's result as the response's payload.

    Raises:
        TypeError, ValueError: the value is none that JSON can hold.
    """
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True, default=_plain
    ).encode()


def name(kind: Any) -> str:
    """The type as messages and metadata name it."""
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(kind, "JSON of the expected form")


def schema(kind: Any, above: frozenset[Any] = frozenset()) -> dict[str, Any]:
    """The type as JSON Schema, for the metadata: in the part of it that Fabric's `contract-schema.json` takes."""
    simple = {str: "string", bytes: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    origin, inner = get_origin(kind), get_args(kind)
    if kind in simple:
        return {"type": simple[kind]}
    if kind is Any or kind is object:
        return {}
    if origin in (Union, types.UnionType):
        return _either([schema(one, above) for one in inner])
    if kind is list or origin in (list, tuple):
        kinds = [one for one in inner if one is not Ellipsis]
        return {"type": "array", "items": schema(kinds[0], above)} if len(kinds) == 1 else {"type": "array"}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema(inner[1], above)}
    if _is_dataclass(kind) and kind not in above:
        hints = field_types(kind)
        properties = {key: schema(one, above | {kind}) for key, one in hints.items()}
        required = {"required": list(hints)} if hints else {}  # which may not be empty in draft 4
        return {"type": "object", "properties": properties, **required}
    return {"type": "object"}


def _either(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What is one of these. Fabric's schema has no `anyOf`: several types in one can be said, two kinds of one not."""
    kinds = [part.get("type", "") for part in parts]
    if "" in kinds or len(set(kinds)) < len(kinds):
        return {}
    merged = {key: value for part in parts for key, value in part.items()}
    return {**merged, "type": kinds}


@lru_cache(maxsize=1024)
def field_types(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields, those that are written as strings found in the dataclass's own module."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _is_dataclass(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"a {type(value).__name__} cannot be in a result")


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    return _float(float(text))


def _float(value: float) -> float:
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError(f"not {name(float)}") from error
    if not math.isfinite(number):
        raise ValueError(f"not {name(float)}")
    return number
