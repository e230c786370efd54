"""Making, starting and stopping the network of a folder: in which order, and what is left when something fails."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from network import control
from network.errors import ConfigurationError, FolderError, NetworkError, StartError
from network.folder import Engine, Folder
from network.lock import hold, holder
from network.profiles import (
    connection_profile,
    current_profile,
    load_profile,
    peer_environment,
    profile_names,
    use_profile,
)
from network.progress import Progress, Step
from network.status import NetworkStatus
from node_client import ConnectionProfile
from node_client.protocol.block import parse_block
from node_client.protocol.config import ChannelConfig


class FakeEngine:
    """An engine that runs nothing, and does as it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failure: NetworkError | None = None

    def start(self, progress: Progress) -> None:
        self.calls.append("start")
        if self.failure:
            raise self.failure

    def stop(self) -> bool:
        self.calls.append("stop")
        return True

    def status(self) -> NetworkStatus:
        return NetworkStatus(Engine.EMBEDDED, False, None, ())

    def logs(self) -> dict[str, Path]:
        return {"embedded": Path("embedded.log"), "chaincode-registry_1-City": Path("chaincode.log")}

    def restart(self, node: str, progress: Progress) -> None:
        self.calls.append(f"restart {node}")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine()
    monkeypatch.setattr(control, "engine_of", lambda folder: engine)
    return engine


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A network that has been made; tests only look at it."""
    folder = Folder.at(tmp_path_factory.mktemp("made") / "net")
    control.create(folder, ports="20000")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.at(tmp_path / "net")


def test_a_new_network_has_keys_a_first_block_and_profiles(made: Folder) -> None:
    block = parse_block((made.path / "channel.block").read_bytes())
    assert ChannelConfig(block).organisations == {
        "City": "CityMSP",
        "Nishitetsu": "NishitetsuMSP",
        "TriValley": "TriValleyMSP",
    }
    trust = json.loads((made.path / "trust.json").read_text())
    assert block.hash.hex() in json.dumps(trust)
    assert [one.peer for one in made.topology().organisations] == [
        "localhost:20001",
        "localhost:20005",
        "localhost:20009",
    ]
    assert profile_names(made) == sorted(
        f"{name}-{user}"
        for name in ("city", "nishitetsu", "trivalley")
        for user in ("admin", "auditor", "issuer", "verifier")
    )
    assert current_profile(made) == "city-issuer"


def test_a_connection_profile_has_everyones_addresses_and_its_own_keys(made: Folder) -> None:
    city, nishitetsu, _ = made.topology().organisations
    content = connection_profile(made, city)
    assert set(content["organizations"]["City"]["users"]) == {"admin", "auditor", "issuer", "verifier"}
    assert content["organizations"]["Nishitetsu"]["users"] == {}
    assert content["channel"] == "certificates"
    profile = ConnectionProfile.load(made.organisation("City") / "connection.json")
    assert profile.content == content
    assert profile.endpoint("City").address == city.peer
    assert profile.endpoint("City", user="issuer").address == city.mutual_tls_peer
    assert profile.endpoint("Nishitetsu").address == nishitetsu.peer
    assert b"BEGIN CERTIFICATE" in (profile.endpoint("City").tls_roots or b"")
    profile.signer("City", "issuer").sign(b"x" * 32)
    assert profile.identity("City", "issuer").msp_id == "CityMSP"


def test_a_user_profile_is_found_by_its_name_or_its_file(made: Folder, tmp_path: Path) -> None:
    by_name = load_profile(made, "trivalley-auditor")
    assert (by_name.organisation, by_name.user) == ("TriValley", "auditor")
    assert by_name.connection == made.organisation("TriValley") / "connection.json"
    assert load_profile(made, str(made.path / "profiles" / "trivalley-auditor.json")) == by_name
    assert load_profile(made) == load_profile(made, "city-issuer")
    for name in ("nobody", "", "../trust"):
        (tmp_path / "empty.json").write_text("{}")
        if name:
            with pytest.raises(NetworkError, match=f"there is no profile {name}|is not a profile"):
                load_profile(made, name)
    with pytest.raises(NetworkError, match="is not a profile"):
        load_profile(made, str(tmp_path / "empty.json"))


def test_fabrics_peer_is_told_where_everything_is(made: Folder) -> None:
    city = made.topology().organisation("city")
    variables = peer_environment(made, city, "issuer")
    assert variables["CORE_PEER_LOCALMSPID"] == "CityMSP"
    assert (Path(variables["CORE_PEER_MSPCONFIGPATH"]) / "signcerts" / "cert.pem").is_file()
    for name in ("ROOTCERT", "CLIENTCERT", "CLIENTKEY"):
        assert Path(variables[f"CORE_PEER_TLS_{name}_FILE"]).is_file()
    with pytest.raises(NetworkError, match="City has no user nobody"):
        peer_environment(made, city, "nobody")


def test_a_network_is_made_and_then_started(folder: Folder, engine: FakeEngine) -> None:
    steps: list[Step] = []
    assert control.up(folder, ports="20000", progress=lambda step, *_: steps.append(step)) is True
    assert folder.exists
    assert engine.calls == ["start"]
    assert steps == [Step.MADE]
    before = (folder.path / "channel.block").read_bytes()
    assert control.up(folder) is True
    assert (folder.path / "channel.block").read_bytes() == before
    with pytest.raises(NetworkError, match="its ports with it"):
        control.up(folder, ports="auto")
    with pytest.raises(NetworkError, match="was made for the engine embedded, not fabric"):
        control.up(folder, engine=Engine.FABRIC)
    assert engine.calls == ["start", "start"]


def test_a_network_that_runs_is_not_started_again(folder: Folder, engine: FakeEngine) -> None:
    control.create(folder)
    folder.lock.parent.mkdir()
    with hold(folder.lock):
        assert control.up(folder) is False
    assert engine.calls == []


def test_a_new_network_that_does_not_start_is_removed_again(folder: Folder, engine: FakeEngine) -> None:
    engine.failure = StartError("the address localhost:7051 is in use", "use other ports")
    with pytest.raises(StartError, match="in use"):
        control.up(folder)
    assert list(folder.path.parent.iterdir()) == []


def test_a_new_network_of_which_nodes_have_run_stays_with_its_logs(folder: Folder, engine: FakeEngine) -> None:
    class Crashing(FakeEngine):
        def start(self, progress: Progress) -> None:
            (folder.home / "orderer0.city" / "data").mkdir(parents=True)
            raise StartError("orderer0.city ended (status 2)", "look into: certledger network logs orderer0.city")

    engine.start = Crashing().start  # type: ignore[method-assign]
    with pytest.raises(StartError, match="ended"):
        control.up(folder)
    assert folder.exists


def test_an_old_network_that_does_not_start_stays(folder: Folder, engine: FakeEngine) -> None:
    control.create(folder)
    engine.failure = StartError("the address localhost:7051 is in use")
    with pytest.raises(StartError):
        control.up(folder)
    assert folder.exists


def test_a_new_network_that_another_command_started_stays(folder: Folder, engine: FakeEngine) -> None:
    class Overtaken(FakeEngine):
        def start(self, progress: Progress) -> None:
            folder.lock.parent.mkdir()
            self.lock = hold(folder.lock)
            self.lock.__enter__()
            raise StartError("the network of this folder runs already")

    overtaken = Overtaken()
    engine.start = overtaken.start  # type: ignore[method-assign]
    with pytest.raises(StartError, match="runs already"):
        control.up(folder)
    assert folder.exists
    overtaken.lock.__exit__(None, None, None)


@pytest.mark.parametrize("ports", ["80", "65530", "-1", "x", "７０５０"])
def test_ports_that_are_none_make_nothing(folder: Folder, engine: FakeEngine, ports: str) -> None:
    with pytest.raises(ConfigurationError, match="is no port to begin with"):
        control.up(folder, ports=ports)
    assert not folder.path.exists()
    assert engine.calls == []


def test_an_identity_is_added_with_its_profile(folder: Folder) -> None:
    control.create(folder)
    use_profile(folder, "trivalley-admin")
    assert control.add_identity(folder, "city", "window-7", "issuer").name == "City"
    assert load_profile(folder, "city-window-7").user == "window-7"
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    profile.signer("City", "window-7").sign(b"x" * 32)
    assert current_profile(folder) == "trivalley-admin"
    with pytest.raises(NetworkError, match="exists already"):
        control.add_identity(folder, "City", "window-7", "auditor")
    with pytest.raises(NetworkError, match="there is no organisation Rural"):
        control.add_identity(folder, "Rural", "window-8", "issuer")


def test_stopping_and_removing_a_network(folder: Folder, engine: FakeEngine) -> None:
    control.create(folder)
    assert control.down(folder) is True
    assert folder.exists
    assert control.down(folder, purge=True) is True
    assert not folder.path.exists()
    assert engine.calls == ["stop", "stop"]


def test_a_network_that_could_not_be_stopped_is_not_removed(
    folder: Folder, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> bool:
        raise NetworkError("a process runs the network and does not say which one it is")

    control.create(folder)
    monkeypatch.setattr(engine, "stop", fail)
    with pytest.raises(NetworkError):
        control.down(folder, purge=True)
    assert folder.exists


def test_logs_are_told_by_what_wrote_them(made: Folder, engine: FakeEngine) -> None:
    assert control.logs(made) == [Path("embedded.log"), Path("chaincode.log")]
    assert control.logs(made, "Chaincode-registry_1-city") == [Path("chaincode.log")]
    with pytest.raises(NetworkError, match="there is no orderer"):
        control.logs(made, "orderer")


def test_of_several_who_start_a_network_in_one_folder_at_once_one_does(folder: Folder) -> None:
    def up(_: int) -> str:
        try:
            return "started" if control.up(folder, ports="auto") else "ran already"
        except (FolderError, StartError, NetworkError) as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(up, range(3)))
    try:
        assert outcomes.count("started") == 1, outcomes
        for outcome in outcomes:
            assert outcome in (
                "started",
                "ran already",
                "another command has just made the network",
                "the network of this folder runs already",
                "the network has been made already, and its ports with it",
            )
        assert folder.exists
        assert holder(folder.lock)
        assert sorted(path.name for path in folder.path.parent.iterdir()) == ["net"]
    finally:
        control.down(folder)
    assert holder(folder.lock) is None
