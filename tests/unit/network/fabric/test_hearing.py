"""A gateway that finds no endorsers is helped by a block, once; other trouble is waited out."""

from collections.abc import Iterator

import pytest

from network.errors import StartError
from network.fabric import hearing
from network.fabric.hearing import NO_ENDORSERS, hear
from network.folder import Folder, default_folder
from network.topology import Organisation
from network.waiting import Waiter

FOLDER = Folder.at(default_folder())
CITY = Organisation("City", "CityMSP", "localhost:7051", "localhost:7050")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """For whom a block was written."""
    found: list[str] = []

    def write(_: Folder, organisation: Organisation) -> bool:
        found.append(organisation.name)
        return len(found) > 1  # the first attempt fails

    monkeypatch.setattr(hearing, "PATIENCE", 0.0)
    monkeypatch.setattr(hearing, "write_block", write)
    return found


def troubles(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """What the gateway answers, one after the other."""
    answers: Iterator[str] = iter(found)
    monkeypatch.setattr(hearing, "endorsement_trouble", lambda *_: next(answers))


def test_a_block_is_written_once(monkeypatch: pytest.MonkeyPatch, written: list[str]) -> None:
    troubles(monkeypatch, "unavailable", *4 * [f"endorse: {NO_ENDORSERS} which satisfy it"], "")
    hear(FOLDER, CITY, Waiter(pause=0))
    assert written == ["City", "City"]


def test_other_trouble_is_waited_out(monkeypatch: pytest.MonkeyPatch, written: list[str]) -> None:
    troubles(monkeypatch, *3 * ["unavailable"], "")
    hear(FOLDER, CITY, Waiter(pause=0))
    assert written == []


def test_peers_have_time_to_tell_by_themselves(monkeypatch: pytest.MonkeyPatch, written: list[str]) -> None:
    monkeypatch.setattr(hearing, "PATIENCE", 3600.0)
    troubles(monkeypatch, *3 * [NO_ENDORSERS], "")
    hear(FOLDER, CITY, Waiter(pause=0))
    assert written == []


def test_what_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch, written: list[str]) -> None:
    monkeypatch.setattr(hearing, "endorsement_trouble", lambda *_: "too few organisations")
    with pytest.raises(StartError, match="too few organisations"):
        hear(FOLDER, CITY, Waiter(patience=0, pause=0))
    assert written == []
