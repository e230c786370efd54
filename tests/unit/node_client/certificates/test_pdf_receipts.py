"""PDFs that carry their receipt, read by libraries of other authors, and changed byte by byte."""

import io
from dataclasses import replace
from pathlib import Path

import pikepdf
import pypdf
import pytest

import cli
from node_client.certificates.document import Document
from node_client.certificates.errors import DocumentError, ReceiptError
from node_client.certificates.finding import find_receipt
from node_client.certificates.pdf import NAME, carried, embed
from node_client.certificates.receipt import Receipt
from node_client.certificates.receipt_file import receipt_path
from tests.unit.node_client.certificates.consortium import SALT, Consortium

SAMPLE = (Path(cli.__file__).parent / "sample.pdf").read_bytes()


def saved(pdf: pikepdf.Pdf, **options: object) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **options)  # type: ignore[arg-type]
    return out.getvalue()


def small(streams: bool = False) -> pikepdf.Pdf:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(100, 100))
    pdf.Root.OpenAction = pikepdf.Array([pdf.pages[0].obj, pikepdf.Name.XYZ, 0, 99.5, 0])
    pdf.Root.Lang = pikepdf.String("ja-飯塚")
    pdf.Root[pikepdf.Name("/An odd#name")] = pikepdf.Dictionary(A=True, B=None, C=pikepdf.Array([1, -2.25]))
    return pdf


def documents() -> dict[str, bytes]:
    with_files = small()
    for number in range(40):
        with_files.attachments[f"file {number:02}.txt"] = b"something else"
    associated = small()
    associated.attachments["a.txt"] = b"a"
    associated.Root.AF = pikepdf.Array([associated.attachments["a.txt"].obj])
    plain, packed = pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate
    return {
        "sample": SAMPLE,
        "table": saved(small(), object_stream_mode=plain),
        "stream": saved(small(), object_stream_mode=packed),
        "linearized": saved(small(), linearize=True),
        "with files": saved(with_files, object_stream_mode=packed),
        "with associated files": saved(associated, object_stream_mode=plain),
        "without a line's end": saved(small()).rstrip(b"\n"),
    }


DOCUMENTS = documents()


@pytest.fixture(scope="module")
def city() -> Consortium:
    return Consortium()


def receipt_for(city: Consortium, document: bytes) -> Receipt:
    statement = city.statement(document=Document.of_bytes(document, "application/pdf"))
    attested = city.attested(city.record(commitment=statement.commitment(SALT)))
    return replace(city.receipt(attested), statement=statement)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_other_readers_find_the_receipt_and_the_pages(city: Consortium, kind: str) -> None:
    document = DOCUMENTS[kind]
    receipt = receipt_for(city, document).to_bytes()
    data = embed(document, receipt)
    assert data.startswith(document)
    with pikepdf.Pdf.open(io.BytesIO(document)) as before, pikepdf.Pdf.open(io.BytesIO(data)) as after:
        assert not after.check_pdf_syntax()
        assert after.attachments[NAME].get_file().read_bytes() == receipt
        assert set(after.attachments) == {*before.attachments, NAME}
        assert len(after.pages) == len(before.pages)
        for name in before.Root:
            if name not in ("/Names", "/AF"):
                assert after.Root[name] == before.Root[name]
        assert len(after.Root.AF) == len(before.Root.get("/AF", [])) + 1
    reader = pypdf.PdfReader(io.BytesIO(data), strict=True)
    assert reader.attachments[NAME] == [receipt]
    assert len(reader.pages) == 1


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_file_gives_document_and_receipt_back(city: Consortium, kind: str) -> None:
    receipt = receipt_for(city, DOCUMENTS[kind])
    data = embed(DOCUMENTS[kind], receipt.to_bytes())
    found = carried(data)
    assert found is not None
    assert (found.receipt, found.size, found.intact) == (receipt, len(DOCUMENTS[kind]), True)
    assert embed(DOCUMENTS[kind], receipt.to_bytes()) == data


def test_a_document_that_carries_a_receipt_can_be_certified_again(city: Consortium) -> None:
    first = embed(SAMPLE, receipt_for(city, SAMPLE).to_bytes())
    second = receipt_for(city, first)
    found = carried(embed(first, second.to_bytes()))
    assert found is not None
    assert (found.receipt, found.size, found.intact) == (second, len(first), True)


@pytest.mark.parametrize("kind", ["table", "stream"])
def test_every_changed_byte_is_noticed(city: Consortium, kind: str) -> None:
    document = DOCUMENTS[kind]
    data = embed(document, receipt_for(city, document).to_bytes())
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x01
        try:
            found = carried(bytes(changed))
        except ReceiptError:
            continue
        assert found is None or not found.intact, place


def test_something_added_after_the_receipt_is_noticed(city: Consortium) -> None:
    data = embed(SAMPLE, receipt_for(city, SAMPLE).to_bytes())
    with pikepdf.Pdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) == 1
    for more in (b"\n", b"%comment\n", data[len(SAMPLE) :]):
        found = carried(data + more)
        assert found is not None
        assert not found.intact
    assert carried(SAMPLE) is None


def test_another_documents_receipt_is_noticed(city: Consortium) -> None:
    other = receipt_for(city, DOCUMENTS["table"])
    found = carried(embed(SAMPLE, other.to_bytes()))
    assert found is not None
    assert not found.intact


def test_what_can_carry_nothing_is_refused() -> None:
    encrypted = saved(small(), encryption=pikepdf.Encryption(owner="a", user="b"))
    readable = saved(small(), encryption=pikepdf.Encryption(owner="a", user=""))
    for document in (b"", b"no PDF", b"%PDF-1.7\n", SAMPLE[: len(SAMPLE) // 2], encrypted, readable):
        with pytest.raises(DocumentError):
            embed(document, b"{}")


def test_a_receipt_is_found_beside_or_inside(city: Consortium, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    receipt = receipt_for(city, SAMPLE)
    path.write_bytes(SAMPLE)
    with pytest.raises(DocumentError, match="no receipt"):
        find_receipt(path)
    receipt_path(path).write_bytes(receipt.to_bytes())
    beside = find_receipt(path)
    assert (beside.receipt, beside.inside) == (receipt, False)

    path.write_bytes(embed(SAMPLE, receipt.to_bytes()))
    for _ in range(2):
        inside = find_receipt(path)
        assert inside.inside
        assert inside.document == receipt.statement.document
        receipt_path(path).unlink(missing_ok=True)

    path.write_bytes(path.read_bytes() + b"\n")
    assert find_receipt(path).document.sha256 != receipt.statement.document.sha256
    named = tmp_path / "named.json"
    named.write_bytes(receipt.to_bytes())
    assert find_receipt(path, named).document.sha256 != receipt.statement.document.sha256

    path.write_bytes(embed(SAMPLE, receipt.to_bytes()))
    evidence = replace(receipt, attestation=city.attested(city.record(commitment=receipt.commitment)))
    named.write_bytes(evidence.to_bytes())
    found = find_receipt(path, named)
    assert (found.receipt, found.document) == (evidence, receipt.statement.document)
    named.write_bytes(city.receipt().to_bytes())
    path.write_bytes(SAMPLE)
    assert not find_receipt(path, named).inside
