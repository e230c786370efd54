"""Bad input gets a clear error and changes nothing."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from network.folder import Folder
from node_client import ConnectionProfile, Gateway
from tests.conftest import Commands, Result, certledger

UNKNOWN_ID = "0" * 32


def height(commands: Commands) -> int:
    connection = ConnectionProfile.load(commands.folder.organisation("City") / "connection.json")
    with Gateway.from_profile(connection, "City", "admin") as gateway:
        return gateway.get_network(connection.channel).height()


def error_of(result: Result) -> dict[str, Any]:
    return dict(result.records[0]["error"])


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["issue", "missing"], 2, "bad-document"),
        (["issue", "empty"], 2, "bad-document"),
        (["issue", "folder"], 2, "bad-document"),
        (["issue", "/dev/null"], 2, "bad-document"),
        (["issue"], 2, "usage"),
        (["issue", "there", "--type", ""], 2, "usage"),
        (["issue", "there", "--type", "x" * 101], 2, "usage"),
        (["issue", "there", "--valid-until", "soon"], 2, "usage"),
        (["issue", "there", "--valid-until", "2020-01-01"], 2, "usage"),
        (["issue", "there", "--reference", ""], 2, "usage"),
        (["issue", "there", "--reference", UNKNOWN_ID], 2, "usage"),
        (["issue", "there", "empty", "--reference", "r"], 2, "usage"),
        (["issue", "there", "--out", "there"], 2, "receipt-conflict"),
        (["issue", "there", "--profile", "nobody"], 2, "bad-input"),
        (["issue", "there", "--profile", "city-verifier"], 9, "refused"),
        (["issue", "there", "--profile", "city-auditor"], 9, "refused"),
        (["issue", "there", "--profile", "city-admin"], 9, "refused"),
        (["issue", "there", "--profile", "nishitetsu-issuer"], 9, "refused"),
        (["verify", "missing"], 2, "bad-document"),
        (["verify", "there"], 2, "bad-document"),
        (["verify", "folder"], 2, "bad-document"),
        (["verify", "there", "--receipt", "missing"], 2, "bad-document"),
        (["show", UNKNOWN_ID], 8, "not-found"),
        (["show", "no such reference"], 8, "not-found"),
        (["history", UNKNOWN_ID], 8, "not-found"),
        (["revoke", UNKNOWN_ID, "--reason", "keyCompromise"], 8, "not-found"),
        (["revoke", UNKNOWN_ID, "--reason", "boredom"], 2, "usage"),
        (["revoke", UNKNOWN_ID], 2, "usage"),
        (["suspend", UNKNOWN_ID, "--reason", "certificateHold"], 8, "not-found"),
        (["reinstate", UNKNOWN_ID], 8, "not-found"),
        (["supersede", UNKNOWN_ID, "there"], 8, "not-found"),
        (["erase", UNKNOWN_ID, "--yes"], 8, "not-found"),
        (["list", "--limit", "0"], 2, "usage"),
        (["profile", "use", "nobody"], 2, "bad-input"),
        (["profile", "show", "../nobody"], 2, "bad-input"),
        (["network", "profile", "Nowhere"], 2, "bad-configuration"),
        (["network", "env", "City", "nobody"], 2, "bad-input"),
        (["network", "add-identity", "City", "../x", "--role", "issuer"], 2, "bad-input"),
        (["network", "add-identity", "City", "issuer", "--role", "issuer"], 2, "bad-input"),
        (["network", "add-identity", "City", "x", "--role", "mayor"], 2, "usage"),
        (["network", "up", "--ports", "auto"], 2, "bad-input"),
        (["chaincode", "deploy", "registry", "--address", "localhost:1"], 2, "bad-configuration"),
        (["chaincode", "deploy", "x", "--address", "nowhere"], 2, "bad-configuration"),
        (["chaincode", "deploy", "x", "--address", "localhost:1", "--policy", "AND("], 2, "bad-configuration"),
        (["chaincode", "deploy", "x y", "--address", "localhost:1"], 2, "bad-configuration"),
        (["no-such-command"], 2, "usage"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None,
)
def test_bad_input(commands: Commands, arguments: list[str], status: int, code: str) -> None:
    commands.document("there")
    commands.document("empty").write_bytes(b"")
    (commands.home / "folder").mkdir()
    files, before = set(commands.home.iterdir()), height(commands)
    result = commands(*arguments, "--json")
    assert (result.status, error_of(result)["code"]) == (status, code), result
    assert error_of(result)["message"]
    assert "error: " in result.messages
    assert set(commands.home.iterdir()) == files
    assert height(commands) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(commands: Commands) -> None:
    commands.document("secret").chmod(0)
    assert commands("issue", "secret").status == 2


def test_registrys_words_reach_the_user(commands: Commands) -> None:
    commands.document("there")
    result = commands("issue", "there", "--profile", "city-verifier", "--json")
    assert "NOT_AUTHORISED" in error_of(result)["message"]


def test_other_organisations_certificate(commands: Commands) -> None:
    (issued,) = commands.ok("issue", commands.document("a").name)
    result = commands("revoke", issued["certificateId"], "--reason", "unspecified", "--profile", "trivalley-issuer")
    assert result.status == 9
    assert commands("verify", "a", "--profile", "trivalley-verifier").status == 0


def test_foreign_and_expired_identities(commands: Commands, tmp_path: Path) -> None:
    from tests.identities import expired_user, foreign_user

    commands.document("there")
    for user in (foreign_user(commands.folder, tmp_path / "f"), expired_user(commands.folder, tmp_path / "e")):
        for command in (["issue", "there"], ["list"], ["revoke", UNKNOWN_ID, "--reason", "unspecified"]):
            result = commands(*command, "--profile", user, "--json")
            assert (result.status, error_of(result)["code"]) == (9, "refused"), result
        assert not (commands.home / "there.receipt.json").exists()


def test_verifier_without_rights_cannot_confirm(commands: Commands, tmp_path: Path) -> None:
    from tests.identities import foreign_user

    commands.ok("issue", commands.document("a").name)
    result = commands("verify", "a", "--profile", foreign_user(commands.folder, tmp_path / "f"), "--json")
    assert (result.status, result.records[0]["verdict"]) == (7, "unconfirmed")


def test_no_network_here(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    for arguments in (["issue", "a"], ["list"], ["network", "status"], ["network", "down"], ["network", "logs"]):
        result = certledger(*arguments, "--json", cwd=tmp_path, CERTLEDGER_DIR="")
        assert (result.status, error_of(result)["code"]) == (2, "bad-folder")
        assert "network up" in error_of(result)["nextStep"]


def test_folder_of_another_version_or_purpose(tmp_path: Path) -> None:
    other, full = tmp_path / "other", tmp_path / "full"
    for folder, name, text in ((other, "network.json", '{"format": 99}'), (full, "letter.txt", "hello")):
        folder.mkdir()
        (folder / name).write_text(text)
        for command in (["up"], ["down", "--purge"], ["status"]):
            result = certledger("network", *command, "--dir", folder, "--json", cwd=tmp_path)
            assert (result.status, error_of(result)["code"]) == (2, "bad-folder")
        assert [path.name for path in folder.iterdir()] == [name]


def test_network_down(own_network: Folder, tmp_path: Path) -> None:
    commands = Commands(own_network, tmp_path)
    document = commands.document("a")
    commands.ok("issue", document.name)
    commands.ok("network", "down")
    status = commands("network", "status", "--json")
    assert (status.status, status.records[0]["running"], status.records[0]["pid"]) == (10, False, None)
    result = commands("verify", document.name, "--json")
    assert (result.status, result.records[0]["verdict"]) == (7, "unconfirmed")
    for command in (["list"], ["revoke", UNKNOWN_ID, "--reason", "unspecified"]):
        assert commands(*command).status == 10
    result = commands("issue", *(commands.document(f"d{number}").name for number in range(70)), "--json")
    assert result.status == 10
    assert {record["status"] for record in result.records} == {"not-issued"}
    assert len(result.records) == 70
    assert commands("chaincode", "deploy", "x", "--address", "localhost:1").status == 10
    commands.ok("network", "up")
    assert commands("verify", document.name).status == 0
    commands.ok("issue", *(f"d{number}" for number in range(70)))
    assert commands.ok("network", "down", "--purge")[0]["purged"]
    assert not own_network.path.exists()


def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = certledger("network", "up", "--ports", str(port), "--dir", "n", "--json", cwd=tmp_path)
    assert (result.status, error_of(result)["code"]) == (2, "not-started")
    assert str(port) in error_of(result)["message"]
    assert not (tmp_path / "n").exists()


def test_second_up_leaves_the_first_alone(own_network: Folder, tmp_path: Path) -> None:
    commands = Commands(own_network, tmp_path)
    (before,) = commands.ok("network", "status")
    (after,) = commands.ok("network", "up")
    assert after["pid"] == before["pid"]


def test_receipts_folder_that_cannot_be_written(commands: Commands) -> None:
    long = "x" * 250  # the document's name fits, its receipt's does not
    commands.document(long)
    before = height(commands)
    result = commands("issue", long, "--json")
    assert (result.status, error_of(result)["code"]) == (2, "receipt-conflict")
    assert height(commands) == before


def test_damaged_files_of_ours(commands: Commands, tmp_path: Path) -> None:
    commands.document("a")
    profile = json.loads((commands.folder.path / "profiles" / "city-issuer.json").read_text())
    damaged = tmp_path / "damaged"
    damaged.write_bytes(os.urandom(5000))
    for field, code in (("register", "bad-register"), ("trust", "bad-trust-file"), ("connection", "bad-profile")):
        path = tmp_path / f"{field}.json"
        path.write_text(json.dumps({**profile, field: str(damaged)}))
        result = commands("issue", "a", "--profile", path, "--json")
        assert (result.status, error_of(result)["code"]) == (2, code)
    damaged.write_text("{}")
    assert commands("list", "--profile", damaged.rename(tmp_path / "damaged.json")).status == 2
