"""A disk that is full under the register: said clearly, nothing is sent without its salts, and it goes on later."""

import json
from pathlib import Path

import pytest

from chaincode.registry.model.ids import new_id
from network.folder import Folder
from node_client.anchoring.members import Members
from node_client.certificates.register import Register
from tests.conftest import Commands
from tests.disks import MEGABYTE, disk, full, require_disks

ROWS = 20_000


@pytest.mark.embedded
def test_a_full_disk_is_said_and_the_same_command_goes_on(own_network: Folder, tmp_path: Path) -> None:
    require_disks()
    # Audits of the shared network must not find batches that its register does not have.
    commands = Commands(own_network, tmp_path)
    refusals = []
    with disk(tmp_path / "disk", 48 * MEGABYTE) as place:
        profile = _profile(commands, place / "register.db")
        for left in (0, 64 * 1024, MEGABYTE, 3 * MEGABYTE, 6 * MEGABYTE, 9 * MEGABYTE):
            source = _manifest(commands, new_id())
            with full(place, left):
                result = commands("anchor", source, "--profile", profile, "--json", "--jobs", "1")
                if result.status:
                    error = result.records[-1]["error"]
                    assert (result.status, error["code"]) == (2, "bad-register"), error
                    assert "full" in error["message"] or "I/O" in error["message"], error
                    refusals.append(left)
            (batch,) = commands.ok("anchor", source, "--profile", profile, "--jobs", "1")
            assert batch["size"] == ROWS
        with Register(place / "register.db") as register:
            members = Members(register)
            for batch in members.batches.all():
                assert members.root(batch) == batch.root
                assert batch.state == "attested"
    assert refusals[0] == 0
    assert len(refusals) >= 3  # in several steps


def _profile(commands: Commands, register: Path) -> Path:
    """The issuer's profile with another register."""
    values = json.loads((commands.folder.path / "profiles" / "city-issuer.json").read_text())
    path = commands.home / "profile.json"
    path.write_text(json.dumps({**values, "register": str(register)}))
    return path


def _manifest(commands: Commands, mark: str) -> str:
    with (commands.home / f"{mark}.csv").open("w") as file:
        file.write("sha256,size,reference\n")
        file.writelines(f"{number:064x},1,{mark}-{number}\n" for number in range(ROWS))
    return f"{mark}.csv"
