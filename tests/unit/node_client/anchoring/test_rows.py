"""Rows read all at once are what they are one by one."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from node_client.anchoring.rows import RowError, RowReader, Terms
from tests.unit.node_client.anchoring.registers import ISSUER, LEDGER, digest

TERMS = Terms(issuer=ISSUER, ledger=LEDGER, issued_on=date(2026, 4, 1), type="income")
NAMES = ("reference", "size", "name", "sha256", "type", "valid_until")

digests = st.sampled_from([digest(1), digest(2).upper(), digest(3)[:-1], digest(4) + " ", " " * 64, "é" * 64, ""])
good_digests = st.integers(0, 99).map(digest)
sizes = st.sampled_from(["1", "007", "15", " 3", "0", "-1", "１", "²", "", "9" * 15, "9" * 16, "9" * 17])
good_sizes = st.integers(1, 10**9).map(str)
references = st.sampled_from(
    ["R1", "髙﨑 花子", " R", "", "\u3000", "0" * 32, "x" * 31, "x" * 501, "a\x07", "\ue000", "\udcff"]
)
types = st.sampled_from(["", "taxation", " income ", "x" * 101])
dates = st.sampled_from(["", "2026-12-31", "1999-01-01", "tomorrow"])


def row(*cells: "st.SearchStrategy[str]") -> "st.SearchStrategy[list[str]]":
    return st.tuples(*cells).map(list)


good = row(st.sampled_from(["R1", "R2", ""]), good_sizes, st.just("-"), good_digests, st.just(""), st.just(""))
mixed = row(references, sizes | good_sizes, st.just("-"), digests | good_digests, types, dates)


@given(st.lists(good, min_size=1, max_size=5), st.lists(mixed, max_size=2))
def test_all_at_once_as_one_by_one(plain: list[list[str]], others: list[list[str]]) -> None:
    rows = [*plain, *others]
    reader = RowReader(NAMES, TERMS)
    found = reader.read_all(rows)
    one_by_one = []
    try:
        for cells in rows:
            one_by_one.append(reader.read(cells))
    except RowError:
        assert found is None
        return
    if not others:
        assert found is not None
    if found is not None:
        hashes = bytes.fromhex(found.digests)
        together = [
            (found.kinds[kind], hashes[32 * place : 32 * place + 32], size, reference)
            for place, (kind, size, reference) in enumerate(zip(found.kind, found.sizes, found.references, strict=True))
        ]
        assert together == one_by_one
        assert found.digests == found.digests.lower()
