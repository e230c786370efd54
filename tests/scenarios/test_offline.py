"""Verifying without a network: the trust file that the channel's blocks give, receipts, and status lists."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread

import cbor2
import pytest

import cli
from cli.main import run
from network.folder import Folder
from network.profiles import load_profile
from node_client import ConnectionProfile, Gateway
from node_client.certificates.document import Document
from node_client.certificates.receipt import Receipt
from node_client.certificates.receipt_file import read_receipt, receipt_path
from node_client.gateway._sync.contract import Contract
from tests.conftest import Commands, Result, certledger
from tests.unit.node_client.certificates.test_cose_receipts import verified

Anchored = tuple[Commands, str, list[tuple[Path, Receipt]]]
SAMPLE = Path(cli.__file__).parent / "sample.pdf"


def offline(commands: Commands, *arguments: str | Path) -> Result:
    """Verify as somebody who has files alone; in this process, which is faster."""
    output = StringIO()
    with chdir(commands.home), redirect_stdout(output):
        status = run(["verify", *map(str, arguments), "--offline", "--json"])
    return Result(status, output.getvalue(), "")


def process(commands: Commands, *arguments: str | Path) -> Result:
    """As `offline`, in a process of its own, without a network's folder."""
    nowhere = Folder.at(commands.home / "nowhere")
    return certledger("verify", *arguments, "--offline", "--json", cwd=commands.home, folder=nowhere)


def test_a_bank_needs_files_alone(commands: Commands) -> None:
    path = commands.document("a.pdf")
    (issued,) = commands.ok("issue", path.name)
    (trust,) = commands.ok("network", "export-trust", "trust.json")
    certificate_id = issued["certificateId"]
    commands.ok("status-list", "export", certificate_id, "--out", "a.jwt")

    alone = process(commands, path.name, "--trust", "trust.json")
    assert alone.status == 7
    assert alone.records[0]["trust"] == trust["sha256"]
    settled = process(commands, path.name, "--trust", "trust.json", "--status-list", "a.jwt", "--issuer", "CityMSP")
    assert settled.status == 0
    assert {one["outcome"] for one in settled.records[0]["checks"]} == {"passed"}

    commands.ok("revoke", certificate_id, "--reason", "unspecified")
    commands.ok("status-list", "export", certificate_id, "--out", "a.jwt")
    assert process(commands, path.name, "--trust", "trust.json", "--status-list", "a.jwt").status == 4
    path.write_bytes(b"another document")
    assert process(commands, path.name, "--trust", "trust.json", "--status-list", "a.jwt").status == 3


def test_the_trust_file_of_the_blocks_is_the_one_that_was_pinned(commands: Commands) -> None:
    commands.ok("network", "export-trust", "trust.json")
    assert (commands.home / "trust.json").read_bytes() == (commands.folder.path / "trust.json").read_bytes()


def test_the_ledgers_answer_is_kept_as_evidence(commands: Commands) -> None:
    path = commands.document("a.pdf")
    commands.ok("issue", path.name)
    commands.ok("verify", path.name, "--save", "evidence.json")
    commands.ok("network", "export-trust", "trust.json")
    evidence, receipt = commands.home / "evidence.json", commands.home / "a.pdf.receipt.json"
    assert evidence.read_bytes() != receipt.read_bytes()
    result = offline(commands, path.name, "--receipt", "evidence.json", "--trust", "trust.json")
    assert result.status == 7
    assert {one["outcome"] for one in result.records[0]["checks"]} == {"passed", "skipped"}


def test_no_status_list_is_no_verdict(commands: Commands) -> None:
    path = commands.document("a.pdf")
    commands.ok("issue", path.name)
    commands.ok("network", "export-trust", "trust.json")
    (commands.home / "no.jwt").write_text("nothing")
    for source in ("no.jwt", "missing.jwt", "http://localhost:1/list"):
        assert offline(commands, path.name, "--trust", "trust.json", "--status-list", source).status == 7
    assert offline(commands, path.name).status == 2


def anchored(commands: Commands, count: int) -> tuple[str, list[tuple[Path, Receipt]]]:
    """A batch of certificates, each with its document and, beside it, its receipt."""
    folder = commands.home / "documents"
    folder.mkdir()
    paths = [folder / f"{number}.txt" for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(20))
    (run,) = commands.ok("anchor", "documents")
    out = commands.home / "receipts"
    assert commands("receipt", "export", "--run", run["run"], "--format", "files", "--out", out).status == 0
    receipts = {one.statement.document.sha256: one for one in map(read_receipt, out.iterdir())}
    found = [(path, receipts[Document.of_file(path).sha256]) for path in paths]
    for path, receipt in found:
        receipt_path(path).write_bytes(receipt.to_bytes())
    return run["batchId"], found


def test_a_batchs_status_list_settles_all_its_members(commands: Commands) -> None:
    batch_id, found = anchored(commands, 3)
    commands.ok("network", "export-trust", "trust.json")
    (first, receipt), *others = found
    arguments = ("--trust", "trust.json", "--status-list", "b.jwt")

    (made,) = commands.ok("status-list", "export", batch_id, "--batch", "--out", "b.jwt")
    assert made["changed"] == 0
    assert [offline(commands, path, *arguments).status for path, _ in found] == [0] * 3

    inclusion = receipt.inclusion
    assert inclusion is not None
    with connected(commands) as contract:
        contract.submit("RevokeMember", batch_id, receipt.leaf.hex(), inclusion.proof, "unspecified")
    (made,) = commands.ok("status-list", "export", batch_id, "--batch", "--out", "b.jwt")
    assert made["changed"] == 1
    assert offline(commands, first, *arguments).status == 4
    assert [offline(commands, path, *arguments).status for path, _ in others] == [0] * 2
    (of_member,) = commands.ok("status-list", "export", receipt.certificate_id, "--out", "m.jwt")
    assert (of_member["subject"], of_member["id"]) == ("batch", batch_id)
    every = {one["id"]: one for one in commands.ok("status-list", "export", "--all", "--out", "lists")}
    assert every[batch_id]["changed"] == 1
    latest = commands.home / "lists" / f"{batch_id}.status-list.jwt"
    assert offline(commands, first, "--trust", "trust.json", "--status-list", latest).status == 4
    (audited,) = commands.ok("audit")
    assert audited["findings"] == []
    assert audited["anchored"] >= 3


def test_a_status_list_from_the_web_counts_until_it_is_too_old(batch: Anchored) -> None:
    commands, batch_id, ((first, _), *_) = batch
    (commands.home / "published").mkdir()
    commands.ok("status-list", "export", batch_id, "--batch", "--out", "published/list.jwt")
    settle = ("--trust", "trust.json", "--max-age")
    with published(commands.home / "published") as address:
        source = ("--status-list", f"{address}/list.jwt")
        assert offline(commands, first, *settle, "24h", *source).status == 0
        old = offline(commands, first, *settle, "1ns", *source)
        assert old.status == 7
        (failed,) = [one for one in old.records[0]["checks"] if one["outcome"] == "failed"]
        assert failed["name"] == "status"
        assert failed["detail"].startswith("the status list is of 2")
        assert offline(commands, first, *settle, "24h", "--status-list", f"{address}/other.jwt").status == 7
        assert offline(commands, first, *settle, "soon", *source).status == 2


@contextmanager
def published(folder: Path) -> Iterator[str]:
    """A folder's files on the web. Gives the address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def batch(network: Folder, tmp_path_factory: pytest.TempPathFactory) -> Anchored:
    """A batch that nobody changes, with a trust file."""
    commands = Commands(network, tmp_path_factory.mktemp("batch"))
    commands.ok("network", "export-trust", "trust.json")
    return commands, *anchored(commands, 3)


def test_a_receipt_of_another_place_or_batch_never_passes(
    batch: Anchored,
) -> None:
    commands, _, ((first, receipt), (_, other), _) = batch
    for changed in (replace(receipt, inclusion=other.inclusion), replace(other, inclusion=receipt.inclusion)):
        receipt_path(first).write_bytes(changed.to_bytes())
        assert offline(commands, first, "--trust", "trust.json").status == 3


def test_one_pdf_is_enough(commands: Commands) -> None:
    unique = b"%" + os.urandom(8).hex().encode()  # a comment, and the end of the file once more
    sample = SAMPLE.read_bytes()
    path = commands.document("a.pdf", sample + unique + b"\n" + sample[sample.rindex(b"startxref") :])
    commands.ok("issue", path.name)
    commands.ok("network", "export-trust", "trust.json")
    commands.ok("receipt", "embed", path.name, "--out", "whole.pdf")
    receipt_path(path).unlink()
    assert commands("verify", "whole.pdf").status == 0
    alone = offline(commands, "whole.pdf", "--trust", "trust.json")
    assert alone.status == 7
    assert {one["outcome"] for one in alone.records[0]["checks"]} == {"passed", "skipped"}
    whole = commands.home / "whole.pdf"
    whole.write_bytes(whole.read_bytes() + b"%\n")
    assert commands("verify", "whole.pdf").status == 3


def test_the_issuer_signs_cose_receipts(batch: Anchored) -> None:
    commands, batch_id, ((_, receipt), *_) = batch
    (made,) = commands.ok("receipt", "cose", receipt.certificate_id, "--out", "r.cose")
    assert made["entry"] == receipt.certificate_id + receipt.commitment
    data, entry = (commands.home / "r.cose").read_bytes(), bytes.fromhex(made["entry"])
    assert verified(data, entry)  # by python-cwt
    assert not verified(data, entry[:-1] + bytes([entry[-1] ^ 1]))
    header = cbor2.loads(cbor2.loads(data).value[0])
    assert header[15] == {1: "CityMSP", 2: f"urn:certledger:batch:{batch_id}"}


@contextmanager
def connected(commands: Commands) -> Iterator[Contract]:
    """The registry, as the city's issuer."""
    user = load_profile(commands.folder)
    connection = ConnectionProfile.load(user.connection)
    with Gateway.from_profile(connection, user.organisation, user.user) as gateway:
        yield gateway.get_network("certificates").get_contract("registry")


def test_the_guides_program(commands: Commands) -> None:
    text = (Path(cli.__file__).parents[1] / "docs" / "verification.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (issued,) = commands.ok("issue", commands.document("income.pdf").name)
    commands.ok("network", "export-trust", "trust.json")
    commands.ok("status-list", "export", issued["certificateId"], "--out", "list.jwt")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=commands.home, capture_output=True, text=True, check=True
    )
    assert done.stdout == "genuine\n"
