"""Manifests as people write them."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from node_client.anchoring.folder_source import FolderSource
from node_client.anchoring.manifest import BLOCK, Manifest
from node_client.anchoring.options import Options
from node_client.anchoring.run import Run
from node_client.anchoring.runs import RunStore
from node_client.certificates.errors import RowsRefused, SourceChanged, SourceError
from node_client.certificates.statement import Statement
from tests.unit.node_client.anchoring.registers import (
    HEADER,
    digest,
    lines,
    members,
    read,
    read_manifest,
    reader,
    rows,
)

A, B, C = digest(1), digest(2), digest(3)


@pytest.fixture
def register(tmp_path: Path) -> Path:
    return tmp_path / "register.db"


def references(register: Path, content: bytes, options: Options | None = None, **others: str) -> list[str | None]:
    run, _ = read_manifest(register, content, options, **others)
    return [one.given for one in members(register, run)]


def problems(register: Path, content: bytes) -> list[tuple[int, str]]:
    with pytest.raises(RowsRefused) as refused:
        read_manifest(register, content)
    assert refused.value.count == len(refused.value.problems)
    return list(refused.value.problems)


def test_what_a_row_says_is_in_the_statement(register: Path) -> None:
    header = "reference,valid_until,type,sha256,issued_on,media_type,size"
    content = lines(header, f"R,2026-12-31,tax-payment,{A.upper()},2026/4/1,Application/PDF,12", f",,,{B},,,3")
    run, _ = read_manifest(register, content, Options(type="income", media_type="text/plain"))
    first, second = (Statement.from_bytes(one.statement) for one in members(register, run))
    assert (first.type, first.document.media_type, first.document.sha256) == ("tax-payment", "application/pdf", A)
    assert (first.issue_date, first.valid_until, first.document.size) == (date(2026, 4, 1), date(2026, 12, 31), 12)
    assert (second.type, second.document.media_type, second.valid_until) == ("income", "text/plain", None)
    assert second.issue_date.isoformat() == run.issued_on


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
def test_ends_of_lines_and_marks_of_order(register: Path, end: str, bom: bytes, last: bool) -> None:
    content = bom + lines("", HEADER, *rows(range(3)), "", "  ", *rows(range(3, 5)), "", end=end)
    assert references(register, content if last else content.rstrip()) == ["R0", "R1", "R2", "R3", "R4"]


NAMES = ["髙﨑 𠮷野", "①㈱~", "ｶﾅ", '表"示', "ソ十能", "\ue000外字", "👨‍👩‍👧", "é", "-1+1=2", "'"]


@pytest.mark.parametrize("quoted", [True, False])
def test_rare_characters_in_utf8(register: Path, quoted: bool) -> None:
    names = [name for name in NAMES if quoted or '"' not in name]
    cells = ['"' + name.replace('"', '""') + '"' if quoted else name for name in names]
    content = lines(HEADER, *(f"{digest(number)},1,{cell}" for number, cell in enumerate(cells)))
    assert references(register, content) == names


def test_shift_jis_as_windows_writes_it(register: Path) -> None:
    names = ["髙﨑", "①㈱~", "ソ十能表", "ｶﾅ", "試験 花子"]
    content = "\r\n".join([HEADER, *(f"{digest(n)},1,{name}" for n, name in enumerate(names)), ""]).encode("cp932")
    assert references(register, content) == names


def test_an_encoding_that_is_named(register: Path) -> None:
    content = "\n".join([HEADER, f"{A},1,花子"]).encode("euc_jp")
    assert references(register, content, encoding="euc-jp") == ["花子"]
    with pytest.raises(SourceError, match="there is no encoding"):
        read_manifest(register, content, encoding="klingon")


def test_bytes_that_are_no_text_are_said_by_line(register: Path) -> None:
    content = lines(HEADER, *rows(range(2))) + f"{A},1,".encode() + b"\x81\xff\xfe\n"
    ((line, message),) = problems(register, content)
    assert (line, "control characters" in message) == (4, True)


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_other_delimiters(register: Path, delimiter: str) -> None:
    content = lines(HEADER, *rows(range(3))).replace(b",", delimiter.encode())
    assert references(register, content) == ["R0", "R1", "R2"]


def test_header_as_people_write_it(register: Path) -> None:
    header = '" SHA256 ","Size","Reference","氏名","media type"'
    run, _ = read_manifest(register, lines(header, f"{A},1,R,試験 花子,text/plain"))
    (member,) = members(register, run)
    assert (member.given, Statement.from_bytes(member.statement).document.media_type) == ("R", "text/plain")
    with Manifest(register.parent / "manifest") as manifest:
        assert manifest.unused == ("氏名",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n  \n", "is empty"),
        (lines("reference,size", "a,1"), "needs a header row"),
        (lines("sha256,reference", f"{A},R"), "needs a header row"),
        (lines(A + ",1,R"), "needs a header row"),
        (lines("sha256,size,size", f"{A},1,1"), "has the column size twice"),
        (f"{HEADER}\r{A},1,R\r".encode(), "end with CR alone"),
        ("\ufeff".encode("utf-16-le") + lines(HEADER), "is UTF-16"),
        (lines(HEADER), "nothing to anchor"),
        (lines(HEADER, "x" * (1 << 21)), "longer than"),
    ],
)
def test_manifests_that_cannot_be_used(register: Path, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_manifest(register, content)


BAD_ROWS = [
    (f"{A},1", "2 cells instead of 3"),
    (f"{A},1,R,more", "4 cells instead of 3"),
    (f"{A[:-1]},1,R", "sha256 is not 64 hex digits"),
    (f"{A[:-1]}g,1,R", "sha256 is not 64 hex digits"),
    (f"{A[:-2]} a,1,R", "sha256 is not 64 hex digits"),
    (",1,R", "neither path nor sha256"),
    *((f"{A},{size},R", "size is not a whole number") for size in ("", "0", "-1", "1.5", "1e3", "12", "1_0", "x")),
    (f"{A},{2**53},R", "size is not a whole number"),
    (f"{A},{'9' * 5000},R", "size is not a whole number"),
    (f"{A},1,{'0' * 32}", "looks like a certificate id"),
    (f"{A},1,{B}:income", "looks like a certificate id or a document's digest"),
    (f"{A},1,{'x' * 501}", "more than 500 characters"),
    (f"{A},1,a\x07b", "control characters"),
]


@pytest.mark.parametrize(("row", "message"), BAD_ROWS)
def test_bad_rows_are_said_by_line(register: Path, row: str, message: str) -> None:
    row = row.replace("12", "１２") if "12" in row and "size" in message else row
    (found,) = problems(register, lines(HEADER, *rows(range(5, 8)), "", row, *rows(range(8, 10))))
    assert (found[0], message in found[1]) == (6, True), found


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("issued_on", "2026-02-30", "issued_on is not a date"),
        ("issued_on", "01/04/2026", "issued_on is not a date"),
        ("issued_on", "2026-4/1", "issued_on is not a date"),
        ("issued_on", "令和8年4月1日", "issued_on is not a date"),
        ("valid_until", "tomorrow", "valid_until is not a date"),
        ("valid_until", "1999-01-01", "before the day of issue"),
        ("media_type", "PDF file", "not a media type"),
        ("type", "x" * 101, "not 1 to 100"),
        ("type", "a\tb", "not 1 to 100"),
    ],
)
def test_bad_cells_of_other_columns(register: Path, column: str, cell: str, message: str) -> None:
    content = lines(f"sha256,size,{column}", f"{A},1,", f"{B},1,{cell}")
    ((line, text),) = problems(register, content)
    assert (line, message in text) == (3, True), text
    assert cell not in text


def test_bad_rows_refuse_everything_and_leave_the_register_as_it_was(register: Path) -> None:
    content = lines(HEADER, *rows(range(5000)), "bad", *rows(range(5000, 6000)), "bad", "bad")
    assert [line for line, _ in problems(register, content)] == [5002, 6003, 6004]
    assert references(register, content.replace(b"bad\n", b"")) == [f"R{number}" for number in range(6000)]


def test_bad_rows_can_be_left_out(register: Path) -> None:
    content = lines(HEADER, *rows(range(700)), "bad", *rows(range(700, 1000)), "bad")
    run, tally = read_manifest(register, content, Options(skip_invalid=True, batch_size=300))
    assert (run.members, run.left_out) == (1000, 2)
    assert [line for line, _ in tally.problems] == [702, 1003]
    assert [one.given for one in members(register, run)] == [f"R{number}" for number in range(1000)]


def test_quotes_from_anywhere_on(register: Path) -> None:
    """Cells with ends of lines in them, after the first block that is read without looking into lines."""
    count = 2 * BLOCK // len(rows([1])[0])
    quoted = [f'"{digest(count + n)}","1","Q{n}","line\n""one"", two\n"' for n in range(5000)]
    plain = [f"{row}," for row in rows(range(count))]
    content = lines(f"{HEADER},remark", *plain, *quoted, "bad")
    ((line, _),) = problems(register, content)
    assert line == 2 + count + 3 * 5000
    expected = [*(f"R{n}" for n in range(count)), *(f"Q{n}" for n in range(5000))]
    assert references(register, content.replace(b"bad\n", b"")) == expected


def test_a_quote_that_is_never_closed_is_said(register: Path) -> None:
    content = lines(HEADER, *rows(range(3)), f'"{A},1,R9', *rows(range(4, 9000)))
    found = problems(register, content)
    assert found[0][0] == 5


def test_duplicate_references_are_refused_with_both_lines(register: Path) -> None:
    content = lines(HEADER, *rows(range(500)), f"{A},9,R7", *rows(range(500, 600)), f"{B},9,R7")
    assert problems(register, content) == [
        (502, "the same reference as line 9"),
        (603, "the same reference as line 9"),
    ]
    run, tally = read_manifest(register, content, Options(skip_invalid=True, batch_size=512))
    assert [line for line, _ in tally.problems] == [502, 603]
    assert (run.members, run.left_out) == (600, 2)
    assert [one.given for one in members(register, run)] == [f"R{number}" for number in range(600)]


def test_documents_without_a_reference_go_by_digest_and_type(register: Path) -> None:
    content = lines("sha256,size,type", f"{A},1,income", f"{A},1,taxation", f"{B},1,income", f"{A.upper()},1,income")
    assert problems(register, content) == [(5, "the same reference as line 2")]
    run, _ = read_manifest(register, content[: content.rindex(A.upper().encode())])
    assert [one.reference for one in members(register, run)] == [f"{A}:income", f"{A}:taxation", f"{B}:income"]


def test_references_of_earlier_runs_are_taken(register: Path) -> None:
    read_manifest(register, lines(HEADER, *rows(range(10))))
    content = lines(HEADER, *rows(range(8, 12)))
    assert problems(register, content) == [
        (2, "the reference is in the register already"),
        (3, "the reference is in the register already"),
    ]
    run, _ = read_manifest(register, content, Options(skip_invalid=True))
    assert [one.given for one in members(register, run)] == ["R10", "R11"]


def test_the_same_content_is_the_same_run(register: Path) -> None:
    content = lines(HEADER, *rows(range(10)))
    first, _ = read_manifest(register, content)
    again, _ = read_manifest(register, content)
    assert again == first
    with pytest.raises(SourceError, match="other options"):
        read_manifest(register, content, Options(type="taxation"))


def test_a_named_run_keeps_to_its_source(register: Path) -> None:
    read_manifest(register, lines(HEADER, *rows(range(10))), run="night")
    with pytest.raises(SourceError, match="not the one with which the run night began"):
        read_manifest(register, lines(HEADER, *rows(range(10, 20))), run="night")


def test_many_bad_rows_are_counted(register: Path) -> None:
    with pytest.raises(RowsRefused) as refused:
        read_manifest(register, lines(HEADER, *["bad"] * 3000))
    assert (refused.value.count, len(refused.value.problems)) == (3000, 1000)


# JSON Lines


def test_json_lines(register: Path) -> None:
    objects = [
        {"sha256": A, "size": 3, "reference": "髙", "valid_until": None, "name": "not used"},
        {"size": "4", "sha256": B, "type": "taxation", "reference": ""},
    ]
    content = lines(json.dumps(objects[0]), "", json.dumps(objects[1], ensure_ascii=False))
    run, tally = read_manifest(register, b"\xef\xbb\xbf" + content)
    first, second = members(register, run)
    assert (first.given, first.size, second.given, second.kind.type) == ("髙", 3, None, "taxation")
    assert tally.unused == {"name"}


@pytest.mark.parametrize("line", ["[]", "{", '{"sha256": 1}', '{"size": true}', '{"size": 1.0}', "1", "[" * 100_000])
def test_bad_json_lines_are_said_by_line(register: Path, line: str) -> None:
    good = json.dumps({"sha256": A, "size": 1})
    ((found, _),) = problems(register, lines(good, line, good.replace(A, B)))
    assert found == 2


# Documents by their paths


def test_documents_by_path(register: Path) -> None:
    folder = register.parent
    (folder / "a.pdf").write_bytes(b"1")
    (folder / "日本 語.txt").write_bytes(b"two")
    content = lines("path,sha256,size,reference", "a.pdf,,,R1", f"日本 語.txt,{digest(1)},,R2", f",{C},5,R3")
    assert problems(register, content) == [(3, "sha256 is not that of the document at path")]
    run, _ = read_manifest(register, content.replace(digest(1).encode(), b""))
    first, second, third = members(register, run)
    assert (first.sha256.hex(), first.size) == (digest(1), 1)
    assert Statement.from_bytes(first.statement).document.media_type == "application/pdf"
    assert (second.size, third.sha256.hex()) == (3, C)


def test_documents_that_cannot_be_read_are_said_by_line(register: Path) -> None:
    (register.parent / "empty").touch()
    (register.parent / "folder").mkdir()
    found = problems(register, lines("path", "missing", "empty", "folder", "a\0b"))
    assert [line for line, _ in found] == [2, 3, 4, 5]
    assert "does not exist" in found[0][1]
    assert "is empty" in found[1][1]


def test_documents_that_changed_make_another_run(register: Path) -> None:
    document = register.parent / "a.pdf"
    document.write_bytes(b"1")
    content = lines("path,reference", "a.pdf,today")
    first, _ = read_manifest(register, content)
    document.write_bytes(b"another")
    second, _ = read_manifest(register, content.replace(b"today", b"tomorrow"))
    assert first.name != second.name
    again, _ = read_manifest(register, content.replace(b"today", b"tomorrow"))
    assert again == second


def test_json_lines_with_paths(register: Path) -> None:
    (register.parent / "a.pdf").write_bytes(b"1")
    run, _ = read_manifest(register, lines(json.dumps({"path": "a.pdf"}), json.dumps({"sha256": B, "size": 1})))
    assert [one.sha256.hex() for one in members(register, run)] == [digest(1), B]
    ((line, _),) = problems(register, lines(json.dumps({"path": "a.pdf"}), "nonsense"))
    assert line == 2


# Sources that change, and standard input


@pytest.mark.parametrize(
    "change", [lambda data: data + b"x,1,R\n", lambda data: data[:-100], lambda data: data.swapcase()]
)
def test_a_manifest_that_changes_while_it_is_read_is_noticed(register: Path, change: Callable[[bytes], bytes]) -> None:
    path = register.parent / "manifest.csv"
    path.write_bytes(lines(HEADER, *rows(range(20_000))))
    with Manifest(path) as manifest:
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(SourceChanged):
            read(register, manifest)
    assert references(register, lines(HEADER, *rows(range(10)))) == [f"R{number}" for number in range(10)]


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize("skip", [True, False])
def test_a_document_that_changes_between_naming_and_reading_is_noticed(
    register: Path, monkeypatch: pytest.MonkeyPatch, as_folder: bool, skip: bool
) -> None:
    documents = register.parent / "documents"
    documents.mkdir()
    for number in range(3):
        (documents / f"{number}.txt").write_text(str(number))
    path = register.parent / "manifest.csv"
    path.write_bytes(lines("path", *[f"documents/{number}.txt" for number in range(3)]))
    begin = RunStore.begin

    def changed(*arguments: Any) -> Run:
        (documents / "1.txt").write_text("another")
        return begin(*arguments)

    with nullcontext(FolderSource(documents)) if as_folder else Manifest(path) as source:
        monkeypatch.setattr(RunStore, "begin", changed)
        with pytest.raises(SourceChanged, match="changed while it was read"):
            read(register, source, Options(skip_invalid=skip))
        monkeypatch.undo()
        with RunStore(register) as store:
            assert store.all() == []
        run, _ = read(register, source)  # as it is now
    assert [one.size for one in members(register, run)] == [1, 7, 1]


def test_standard_input(register: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = lines(HEADER, *rows(range(10)))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    with Manifest(None, spool=register.parent) as manifest:
        assert len(list(register.parent.iterdir())) == 0  # it has no name
        run, _ = reader(register).source(manifest)
    assert (run, None) == (read_manifest(register, content)[0], None)
    assert run.members == 10
