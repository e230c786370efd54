"""What an external builder said, from a peer's log; the lines are real ones of Fabric v3.1.5."""

from pathlib import Path

import pytest

from network.folder import Folder
from network.lifecycle import building
from network.lifecycle.building import builder_words, explained
from node_client.errors import ProposalError

BEFORE = (
    "\x1b[34m2026-11-25 02:42:19.969 UTC 0119 INFO\x1b[0m [comm.grpc.server] \x1b[34;1mfunc1\x1b[0m -> unary call "
    "completed grpc.service=protos.Endorser grpc.method=ProcessProposal grpc.code=OK grpc.call_duration=658.739µs\n"
)
SAID = (
    "\x1b[34m2026-11-25 02:42:21.080 UTC 011a INFO\x1b[0m [chaincode.externalbuilder.certledger] "
    "\x1b[34;1mwaitForExit\x1b[0m -> build: No matching distribution found for {what} command=build\n"
)
RUNNING = SAID.replace("command=build", "command=run")
REFUSED = (
    "failed to invoke backing implementation of 'InstallChaincode': could not build chaincode: external builder "
    "failed: external builder failed to build: external builder 'certledger' failed: exit status {status}"
)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of the organisation's peer."""
    log = tmp_path / "peer0.city.log"
    log.write_text(BEFORE + SAID.format(what="an earlier one"))
    monkeypatch.setattr(building, "_log", lambda folder, organisation: log)
    return log


def refused(log: Path, status: int, written: str) -> ProposalError:
    def install() -> None:
        with log.open("a") as file:
            file.write(written)
        raise ProposalError("500", REFUSED.format(status=status))

    with pytest.raises(ProposalError) as caught, explained(Folder.at(log.parent), "City"):
        install()
    return caught.value


def test_the_builders_words_of_this_installation_are_told(log: Path) -> None:
    error = refused(log, 69, BEFORE + SAID.format(what="adding") + RUNNING.format(what="another") + BEFORE)
    assert error.message.endswith(
        "exit status 69: what the package requires could not be installed: "
        "build: No matching distribution found for adding"
    )
    assert error.next_step == ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (65, "exit status 65: the package is not as it should be"),
        (69, "exit status 69: what the package requires could not be installed"),
        (71, "exit status 71: the peer's machine could not make it"),
        (3, "exit status 3"),
    ],
)
def test_without_words_the_status_tells_the_kind_of_failure(log: Path, status: int, words: str) -> None:
    error = refused(log, status, BEFORE)
    assert error.message.endswith(words)
    assert "the peer's log" in error.next_step


def test_a_log_that_was_cut_meanwhile_is_read_from_its_beginning(log: Path) -> None:
    log.write_text(SAID.format(what="adding"))
    assert builder_words(log, 10_000) == ["build: No matching distribution found for adding"]
    assert builder_words(log.with_name("missing")) == []


def test_other_refusals_are_left_alone(log: Path) -> None:
    with pytest.raises(ProposalError) as caught, explained(Folder.at(log.parent), "City"):
        raise ProposalError("500", "access denied")
    assert caught.value.message == "access denied"


def test_a_peer_whose_log_is_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="could not be installed"), explained(Folder.at(tmp_path / "x"), "City"):
        raise ProposalError("500", REFUSED.format(status=69))
