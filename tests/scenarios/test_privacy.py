"""Nothing personal is in what the network wrote: the ledger, events, logs, packages, whatever form it has."""

import base64
import hashlib
import json
import sqlite3
from pathlib import Path

from network.folder import Folder
from tests.conftest import Commands

CANARY = "金糸雀カナリア-Canary-7f3a"


def test_nothing_personal_is_written(own_network: Folder, tmp_path: Path) -> None:
    home = tmp_path / CANARY
    home.mkdir()
    commands = Commands(own_network, home)
    contents = {f"{CANARY}.pdf": f"%PDF {CANARY}".encode(), f"2 {CANARY}": CANARY.encode() * 1000, "bad": b"x"}
    for name, content in contents.items():
        commands.document(name, content)
    first, *_ = commands.ok("issue", f"{CANARY}.pdf", "--reference", f"ref {CANARY}", "--type", f"t {CANARY}")
    commands.ok("verify", f"{CANARY}.pdf")
    commands.ok("supersede", f"ref {CANARY}", f"2 {CANARY}", "--reference", f"new {CANARY}", "--type", CANARY)
    commands.ok("revoke", f"new {CANARY}", "--reason", "unspecified")
    for refused in (["show", CANARY], ["issue", "bad", "--reference", CANARY, "--profile", "city-verifier"]):
        assert commands(*refused).status in (8, 9)
    receipts = [json.loads(path.read_bytes()) for path in home.glob("*.receipt.json")]
    assert len(receipts) == 2
    commands.ok("network", "down")

    secret = _forms(CANARY.encode())
    for content in contents.values():
        secret |= _forms(hashlib.sha256(content).digest())
    for receipt in receipts:
        secret |= _forms(bytes.fromhex(receipt["salt"])) | _forms(receipt["statement"]["issueDate"].encode() + b'"')
    written = [path for path in own_network.path.rglob("*") if path.is_file() and "register.db" not in path.name]
    assert any(path.name in ("ledger.db", "blockfile_000000") for path in written)  # the embedded ledger's, Fabric's
    for path in written:
        data = path.read_bytes()
        for form in secret:
            assert form not in data, f"{path.relative_to(own_network.path)} contains {form!r}"
    # The search finds what is there: the certificate's id is on the ledger, and the canary in the register.
    assert any(first["certificateId"].encode() in path.read_bytes() for path in written)
    register = own_network.organisation("City") / "register.db"
    with sqlite3.connect(register) as connection:
        kept = [row[0] for row in connection.execute("SELECT reference FROM certificates ORDER BY created")]
    assert kept[:2] == [f"ref {CANARY}", f"new {CANARY}"]
    assert register.stat().st_mode & 0o077 == 0


def _forms(secret: bytes) -> set[bytes]:
    """The forms in which something may be hidden in a file."""
    forms = {secret, secret.hex().encode(), secret.hex().upper().encode(), base64.urlsafe_b64encode(secret)[:-4]}
    for shift in range(3):  # base64 at any offset
        forms.add(base64.b64encode(bytes(shift) + secret)[4:-4])
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return forms
    return forms | {text.encode("utf-16-le"), text.encode("utf-16-be"), json.dumps(text)[1:-1].encode()}
