"""What the nodes of a folder need is read before they start, and what is wrong is said by file."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from network import control
from network.errors import FolderError
from network.fabric import binaries
from network.fabric.own_keys import check_keys
from network.folder import Engine, Folder
from network.tolerance import BFT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A network with two orderers of the city, as it was made."""
    folder = Folder.at(tmp_path_factory.mktemp("made") / "net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binaries, "find", lambda: None)
        control.create(folder, engine=Engine.FABRIC, consensus=BFT)
    return folder


def test_a_folder_as_it_was_made_is_whole(folder: Folder) -> None:
    check_keys(folder, folder.topology())


def another(path: Path) -> None:
    """Put a key in its place that is as good and not the right one."""
    other = "TriValley" if "Nishitetsu" in path.parts else "Nishitetsu"
    shutil.copy(Path(*(other if part in ("City", "TriValley", "Nishitetsu") else part for part in path.parts)), path)


def garbled(path: Path) -> None:
    path.write_bytes(b"no key and no certificate\n")


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("City/orderer/tls/server.key", Path.unlink, "cannot be read"),
        ("City/orderer1/tls/server.crt", garbled, "is damaged"),
        ("City/orderer1/msp/keystore/key.pem", garbled, "is damaged"),
        ("Nishitetsu/peer/tls/server.key", another, "is not that of its certificate"),
        ("Nishitetsu/peer/msp/signcerts/cert.pem", garbled, "is damaged"),
        ("TriValley/tlsca/tlsca.crt", Path.unlink, "cannot be read"),
        ("TriValley/operator/client.key", another, "is not that of its certificate"),
        ("City/operator/ca.crt", Path.unlink, "cannot be read"),
        ("City/registry/client.crt", garbled, "is damaged"),
        ("City/registry/server.key", Path.unlink, "cannot be read"),
        ("City/users/admin/msp/keystore/key.pem", another, "is not that of its certificate"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_wrong_is_said_by_file(
    folder: Folder, tmp_path: Path, file: str, damage: Callable[[Path], None], message: str
) -> None:
    copied = Folder.at(tmp_path / "net")
    shutil.copytree(folder.path, copied.path)
    damage(copied.path / file)
    with pytest.raises(FolderError, match=message) as caught:
        check_keys(copied, copied.topology())
    assert str(copied.path / file) in str(caught.value)
    assert caught.value.next_step
