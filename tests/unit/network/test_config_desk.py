"""The configuration is asked for again while the orderer knows no leader, and what it refuses otherwise is told."""

from pathlib import Path

import pytest
from fabric_protos.common import common_pb2

from network import config_files, control
from network.config_files import ConfigDesk
from network.folder import Folder
from network.profiles import load_profile
from node_client.errors import AdminError


@pytest.fixture
def desk(tmp_path: Path) -> ConfigDesk:
    folder = Folder.at(tmp_path / "net")
    control.create(folder, ports="auto")
    return ConfigDesk(load_profile(folder, "city-admin"))


class Orderer:
    """Refuses with these statuses, one after the other, and answers then."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)

    def __call__(self, *_: object) -> object:
        if self.statuses:
            raise AdminError("orderer", self.statuses.pop(0), "no block")
        return self


def test_an_election_passes(desk: ConfigDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    orderer = Orderer(common_pb2.SERVICE_UNAVAILABLE, common_pb2.SERVICE_UNAVAILABLE)
    monkeypatch.setattr(config_files, "fetch_configuration", orderer)
    assert desk.config() is orderer  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("status", [common_pb2.FORBIDDEN, 0])
def test_what_does_not_pass_is_told_at_once(desk: ConfigDesk, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    orderer = Orderer(status, status)
    monkeypatch.setattr(config_files, "fetch_configuration", orderer)
    with pytest.raises(AdminError) as caught:
        desk.config()
    assert caught.value.status == status
    assert len(orderer.statuses) == 1


def test_an_orderer_without_a_leader_is_told_in_the_end(desk: ConfigDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_files, "fetch_configuration", Orderer(*[common_pb2.SERVICE_UNAVAILABLE] * 3))
    monkeypatch.setattr(config_files, "ELECTION", -1.0)
    with pytest.raises(AdminError) as caught:
        desk.config()
    assert caught.value.status == common_pb2.SERVICE_UNAVAILABLE
