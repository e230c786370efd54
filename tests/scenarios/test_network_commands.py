"""The network's own commands: what they promise of processes, folders, profiles and identities."""

import json
import os
import signal
from pathlib import Path

import pytest

from network.folder import Engine, Folder
from tests.conftest import Commands, certledger, engine


@pytest.fixture
def own(own_network: Folder, tmp_path: Path) -> Commands:
    home = tmp_path / "home"
    home.mkdir()
    return Commands(own_network, home)


def test_up_again_continues_with_the_same_ledger(own: Commands) -> None:
    document = own.document("a")
    (issued,) = own.ok("issue", document.name)
    (before,) = own.ok("network", "status")
    own.ok("network", "down")
    (stopped,) = own.ok("network", "down")
    assert stopped["wasRunning"] is False
    down = own("network", "status", "--json")
    assert down.status == 10
    assert down.records[0]["running"] is False
    (after,) = own.ok("network", "up")
    heights = [one["height"] for one in after["organisations"]]
    assert heights == [one["height"] for one in before["organisations"]]
    assert len(set(heights)) == 1
    assert after["pid"] != before["pid"]
    assert own("verify", document.name).status == 0
    (record,) = own.ok("show", issued["certificateId"])
    assert record["transactionId"] == issued["transactionId"]


def test_up_after_everything_was_killed(own: Commands) -> None:
    document = own.document("a")
    own.ok("issue", document.name)
    (status,) = own.ok("network", "status")
    # What keeps nodes running goes first, or it would start them again.
    for pid in (status["pid"], *(node["pid"] for node in status.get("nodes", ()))):
        os.kill(pid, signal.SIGKILL)
    assert own("verify", document.name).status == 7  # nobody answers: nothing is confirmed
    own.ok("network", "up")
    assert own("verify", document.name).status == 0


def test_purge_removes_everything(own: Commands) -> None:
    own.ok("network", "down", "--purge")
    assert not own.folder.path.exists()
    assert own("network", "status").status == 2


def test_status_and_logs(commands: Commands) -> None:
    (status,) = commands.ok("network", "status")
    assert [one["mspId"] for one in status["organisations"]] == ["CityMSP", "NishitetsuMSP", "TriValleyMSP"]
    assert all(one["height"] >= 3 and one["peer"] and one["orderer"] for one in status["organisations"])
    os.kill(status["pid"], 0)
    # The network's own log: chaincode of other tests may have filled the others with what it raised on purpose.
    own_log = "network" if engine() is Engine.FABRIC else "embedded"
    everything = ["network", "logs", own_log, "--lines", "1000000"]
    assert any("the network serves" in line for log in commands.ok(*everything) for line in log["lines"])
    assert "the network serves" in commands(*everything).output


def test_profile_is_complete_and_keeps_others_keys_out(commands: Commands) -> None:
    result = commands("network", "profile", "nishitetsu")
    assert result.status == 0
    profile = json.loads(result.output)
    assert profile["channel"] == "certificates"
    assert set(profile["organizations"]) == {"City", "Nishitetsu", "TriValley"}
    for name, organisation in profile["organizations"].items():
        assert organisation["mspid"] == f"{name}MSP"
        assert Path(organisation["ca"]["cert"]).is_file()
        assert organisation["peers"]
        assert all(peer in profile["peers"] for peer in organisation["peers"])
        assert bool(organisation["users"]) == (name == "Nishitetsu")
    users = profile["organizations"]["Nishitetsu"]["users"]
    assert {"admin", "issuer", "auditor", "verifier"} <= set(users)
    for user in users.values():
        keys = [user["private_key"], user["tls"]["private_key"]]
        for path in [*keys, user["cert"], user["tls"]["cert"]]:
            assert Path(path).is_absolute()
            assert Path(path).is_file()
        assert all(Path(path).stat().st_mode & 0o777 == 0o600 for path in keys)
        assert (Path(user["msp"]) / "signcerts").is_dir()
    for node in (*profile["peers"].values(), *profile["orderers"].values()):
        assert node["url"].startswith("grpcs://localhost:")
        assert Path(node["tlsCACerts"]["path"]).is_file()
        assert node["grpcOptions"]


def test_environment_of_fabrics_peer_command(commands: Commands) -> None:
    (variables,) = commands.ok("network", "env", "City", "auditor")
    assert variables["CORE_PEER_LOCALMSPID"] == "CityMSP"
    assert variables["CORE_PEER_TLS_ENABLED"] == "true"
    assert (Path(variables["CORE_PEER_MSPCONFIGPATH"]) / "signcerts").is_dir()
    assert Path(variables["CORE_PEER_TLS_ROOTCERT_FILE"]).is_file()
    text = commands("network", "env", "City", "auditor").output
    assert f"export CORE_PEER_ADDRESS={variables['CORE_PEER_ADDRESS']}" in text
    assert commands("network", "env", "City", "nobody").status == 2
    assert commands("network", "env", "Nowhere").status == 2


def test_new_identity_acts_in_its_role_at_once(commands: Commands) -> None:
    name = f"clerk-{os.urandom(4).hex()}"
    (made,) = commands.ok("network", "add-identity", "City", name, "--role", "issuer")
    document = commands.document("a")
    commands.ok("issue", document.name, "--profile", made["profile"])
    (reader,) = commands.ok("network", "add-identity", "TriValley", name, "--role", "verifier")
    assert commands("verify", document.name, "--profile", reader["profile"]).status == 0
    refused = commands("issue", commands.document("b").name, "--profile", reader["profile"], "--json")
    assert refused.status == 9
    again = commands("network", "add-identity", "City", name, "--role", "auditor")
    assert again.status == 2  # what is there stays as it is
    for bad in ("../x", "", "a b", "日本"):
        assert commands("network", "add-identity", "City", bad, "--role", "issuer").status == 2
    assert commands("network", "add-identity", "City", "x", "--role", "mayor").status == 2


def test_profiles_are_listed_chosen_and_shown(own: Commands) -> None:
    current = [one["name"] for one in own.ok("profile", "list") if one["current"]]
    assert current == ["city-issuer"]
    own.ok("profile", "use", "trivalley-auditor")
    (shown,) = own.ok("profile", "show")
    assert (shown["organisation"], shown["user"]) == ("TriValley", "auditor")
    assert own("issue", own.document("a").name).status == 9
    assert own("profile", "use", "nobody").status == 2
    assert [one["name"] for one in own.ok("profile", "list") if one["current"]] == ["trivalley-auditor"]


def test_two_ups_at_once_make_one_network(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    folder = Folder.at(tmp_path / "net")
    try:
        with ThreadPoolExecutor(3) as pool:
            ups = [
                pool.submit(certledger, "network", "up", "--ports", "auto", "--json", cwd=tmp_path, folder=folder)
                for _ in range(3)
            ]
            results = [up.result() for up in ups]
        assert any(result.status == 0 for result in results)
        (status,) = certledger("network", "status", "--json", cwd=tmp_path, folder=folder).records
        assert status["running"]
        for result in results:
            if result.status == 0:
                assert result.records[0]["pid"] == status["pid"]
            else:
                assert result.status == 2
                assert result.records[0]["error"]["nextStep"]
    finally:
        certledger("network", "down", cwd=tmp_path, folder=folder)
