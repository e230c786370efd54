"""Arguments and results between texts and types."""

import json
import math
from dataclasses import dataclass, field
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaincode.contract import conversion
from tests.unit.chaincode.contract.forms import Address, Place, Tree
from tests.unit.chaincode.properties import tried

TEXTS = st.text(st.characters(codec="utf-8"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLACES = st.builds(Place, TEXTS, st.none() | st.integers())

BY_TYPE: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, TEXTS),
    (int, st.integers()),
    (float, NUMBERS),
    (bool, st.booleans()),
    (list[int], st.lists(st.integers())),
    (list[list[str]], st.lists(st.lists(TEXTS))),
    (tuple[int, ...], st.lists(st.integers()).map(tuple)),
    (tuple[int, str, bool], st.tuples(st.integers(), TEXTS, st.booleans())),
    (dict[str, float], st.dictionaries(TEXTS, NUMBERS)),
    (Optional[bool], st.booleans()),  # noqa: UP045 - the old way of writing it must work as well
    (int | list[int], st.integers() | st.lists(st.integers())),
    (Address, st.builds(Address, PLACES, st.lists(PLACES), st.dictionaries(TEXTS, TEXTS))),
    (
        Any,
        st.recursive(
            st.booleans() | st.integers() | NUMBERS | st.none(),
            lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
            max_leaves=10,
        ).filter(lambda value: value is not None),
    ),
]


@pytest.mark.parametrize(("kind", "values"), BY_TYPE, ids=[str(kind) for kind, _ in BY_TYPE])
def test_what_a_function_gives_another_can_take(kind: Any, values: st.SearchStrategy[Any]) -> None:
    conversion.check(kind)

    @tried
    @given(values)
    def holds(value: Any) -> None:
        given_back = conversion.argument(conversion.result(value).decode(), kind)
        assert given_back == value
        assert type(given_back) is type(value)

    holds()


@tried
@given(st.dictionaries(TEXTS, st.integers()))
def test_results_do_not_depend_on_the_order_in_which_they_were_made(values: dict[str, int]) -> None:
    backwards = dict(reversed(values.items()))
    assert conversion.result(values) == conversion.result(backwards)


@pytest.mark.parametrize(
    ("value", "payload"),
    [
        (None, b""),
        (b"\xff\x00", b"\xff\x00"),
        ("", b""),
        ("飯塚 \0", "飯塚 \0".encode()),
        (True, b"true"),
        (0, b"0"),
        (10**30, b"1" + b"0" * 30),
        (1.0, b"1.0"),
        (1e22, b"1e+22"),
        ({"b": [1, 2], "a": {"d": None, "c": "値"}}, '{"a":{"c":"値","d":null},"b":[1,2]}'.encode()),
        ((1, "a"), b'[1,"a"]'),
        (Place("飯塚", None), '{"code":null,"town":"飯塚"}'.encode()),
        ([Place("a", 1)], b'[{"code":1,"town":"a"}]'),
        ({"x": Place("a", 1)}, b'{"x":{"code":1,"town":"a"}}'),
    ],
)
def test_results_are_these_bytes(value: object, payload: bytes) -> None:
    assert conversion.result(value) == payload


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, [-math.inf], {1, 2}, [b"bytes"], object(), {"a": {1}}, Place, "\ud800", ["\udfff"]]
)
def test_what_json_cannot_hold_is_no_result(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        conversion.result(value)


REFUSED: list[tuple[Any, list[str]]] = [
    (int, ["", "a", "1.0", "1e3", "true", "null", '"1"', "[1]", "01", "+1", "0x10", "１", "NaN", "1" * 5000]),
    (float, ["", "a", "true", "null", '"1"', "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400]),
    (bool, ["", "True", "1", "0", "null", '"true"', "yes"]),
    (list[int], ["1", "[true]", '["1"]', "[1", "{}", "null", "[1.5]", "[[1]]"]),
    (tuple[int, str], ["[]", "[1]", '[1, "a", 2]', '["a", 1]', "{}"]),
    (dict[str, int], ["[]", '{"a": "1"}', '{"a": true}', "{a: 1}", "null"]),
    (Optional[int], ['"a"', "1.5", "nul"]),  # noqa: UP045
    (Place, ["{}", '{"town": "a"}', '{"town": "a", "code": 1, "more": 2}', '{"town": 1, "code": 1}', "[]", '"a"']),
    (Any, ["", "[", "NaN", '{"a": Infinity}', "[1e999]", '"half \\ud800 a pair"', '["\\uDC00"]', "[" * 100_000]),
    (list, ["{}", "1", "null"]),
    (dict, ["[]", "1", "null"]),
    (Tree, ['{"label": "a", "children": [1]}', '{"label":"a","children":[' * 20_000]),
]


@pytest.mark.parametrize(
    ("kind", "text"),
    [(kind, text) for kind, texts in REFUSED for text in texts],
    ids=[f"{kind}-{text[:40]}" for kind, texts in REFUSED for text in texts],
)
def test_what_is_not_of_the_type_is_a_value_error_that_does_not_repeat_it(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^not {conversion.name(kind)}$"):
        conversion.argument(text, kind)


def test_a_whole_surrogate_pair_is_a_text() -> None:
    assert conversion.argument('["\\ud83d\\ude00", "\\\\ud800"]', Any) == ["😀", "\\ud800"]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("5", float, 5.0),
        (" 5 ", int, 5),
        ("[1, [2]]", list, [1, [2]]),
        ('{"a": [1]}', dict, {"a": [1]}),
        ("null", Any, None),
        ("-0.0", float, -0.0),
        ("9" * 400, int, int("9" * 400)),
        ('{"label":"a","children":[{"label":"b","children":[]}]}', Tree, Tree("a", [Tree("b", [])])),
    ],
)
def test_texts_become_these_values(text: str, kind: Any, expected: object) -> None:
    found = conversion.argument(text, kind)
    assert (found, type(found)) == (expected, type(expected))


def test_a_text_is_taken_as_it_is() -> None:
    for text in ("", "null", '"quoted"', " spaces ", "飯塚"):
        assert conversion.argument(text, str) == text


def test_a_dataclass_that_refuses_its_fields_refuses_the_argument() -> None:
    @dataclass
    class Positive:
        number: int
        derived: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            if self.number < 0:
                raise ValueError("a secret value")

    assert conversion.argument('{"number": 1}', Positive) == Positive(1)
    with pytest.raises(ValueError, match="^not JSON of the expected form$"):
        conversion.argument('{"number": -1}', Positive)
    with pytest.raises(ValueError):
        conversion.argument('{"number": 1, "derived": 1}', Positive)


@pytest.mark.parametrize("kind", [bytes, set[int], dict[int, str], complex, type, list[bytes], tuple[()], "int"])
def test_types_that_no_text_becomes_are_refused(kind: Any) -> None:
    with pytest.raises(TypeError):
        conversion.check(kind)


@dataclass(frozen=True)
class Nothing:
    pass


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (str, {"type": "string"}),
        (bytes, {"type": "string"}),
        (float, {"type": "number"}),
        (Any, {}),
        (list, {"type": "array"}),
        (dict, {"type": "object"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, str], {"type": "array"}),
        (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (str | None, {"type": ["string", "null"]}),
        (list[int] | str, {"type": ["array", "string"], "items": {"type": "integer"}}),
        (list[int] | list[str], {}),
        (Any | None, {}),
        (Nothing, {"type": "object", "properties": {}}),
        (
            Place,
            {
                "type": "object",
                "properties": {"town": {"type": "string"}, "code": {"type": ["integer", "null"]}},
                "required": ["town", "code"],
            },
        ),
        (
            Tree,
            {
                "type": "object",
                "properties": {
                    "label": {"type": "string"},
                    "children": {"type": "array", "items": {"type": "object"}},
                },
                "required": ["label", "children"],
            },
        ),
    ],
)
def test_types_are_described_as_json_schema(kind: Any, schema: dict[str, Any]) -> None:
    assert conversion.schema(kind) == schema
    json.dumps(schema)
