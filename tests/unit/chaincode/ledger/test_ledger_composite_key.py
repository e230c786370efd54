"""Composite keys, as Go's shim forms them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaincode.ledger.composite_key import composite_range, create_composite_key, split_composite_key
from tests.unit.chaincode.properties import tried

PARTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\U0010ffff"))


@pytest.mark.parametrize(
    ("object_type", "attributes", "key"),
    [
        ("type", [], "\0type\0"),
        ("type", ["a", "b"], "\0type\0a\0b\0"),
        ("type", [""], "\0type\0\0"),
        ("", [], "\0\0"),
        ("証明書", ["飯塚", "😀"], "\0証明書\0飯塚\0😀\0"),
    ],
)
def test_a_key_is_its_parts_each_ended_by_a_zero(object_type: str, attributes: list[str], key: str) -> None:
    assert create_composite_key(object_type, attributes) == key
    assert split_composite_key(key) == (object_type, attributes)


@tried
@given(PARTS, st.lists(PARTS, max_size=4))
def test_a_key_splits_into_what_it_was_made_of(object_type: str, attributes: list[str]) -> None:
    assert split_composite_key(create_composite_key(object_type, attributes)) == (object_type, attributes)


@pytest.mark.parametrize("part", ["\0", "a\0b", "\U0010ffff", "a\U0010ffff", "\ud800", "a\udfff"])
def test_parts_that_would_be_mistaken_for_others_are_refused(part: str) -> None:
    for object_type, attributes in ((part, []), ("type", [part]), ("type", ["a", part])):
        with pytest.raises(ValueError):
            create_composite_key(object_type, attributes)


@pytest.mark.parametrize("key", ["", "\0", "simple", "type\0a\0", "\0type", "\0type\0a"])
def test_what_is_no_composite_key_does_not_split(key: str) -> None:
    with pytest.raises(ValueError, match="not a composite key"):
        split_composite_key(key)


@tried
@given(PARTS, st.lists(PARTS, max_size=3), st.lists(PARTS, max_size=2))
def test_a_range_holds_the_keys_that_begin_with_its_parts(
    object_type: str, attributes: list[str], more: list[str]
) -> None:
    start, end = composite_range(object_type, attributes)
    key = create_composite_key(object_type, [*attributes, *more])
    assert start.encode() <= key.encode() < end.encode()


@tried
@given(st.lists(PARTS, min_size=1, max_size=3), st.lists(PARTS, min_size=1, max_size=3))
def test_a_range_holds_no_other_keys(parts: list[str], others: list[str]) -> None:
    start, end = composite_range(parts[0], parts[1:])
    key = create_composite_key(others[0], others[1:])
    assert (start.encode() <= key.encode() < end.encode()) == (others[: len(parts)] == parts)
