"""All nodes are asked everything at once, and what the channel's ordering bears is what its configuration says."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from network import control
from network.channel import channel_of
from network.fabric import binaries, survey
from network.fabric.nodes import Kind, Node
from network.fabric.processes import Process
from network.folder import Engine, Folder
from network.tolerance import Tolerance
from node_client.protocol.config import ChannelConfig, Configuration
from node_client.protocol.config_consensus import with_raft_consenter
from tests.unit.network.made_sites import BFT as BFT_TOPOLOGY
from tests.unit.network.made_sites import four_orderers, raft_block

DEADLINE = 60.0
QUESTIONS: dict[str, Any] = {
    "is_well": True,
    "leads": True,
    "height": 7,
    "chaincode": ("registry 1",),
    "configuration": None,
    "follows": False,
    "knows_leader": True,
    "_endorsement_trouble": "",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A network that was made, and whose nodes a test answers for."""
    folder = Folder.at(tmp_path / "net")
    monkeypatch.setattr(binaries, "find", lambda: None)
    control.create(folder, engine=Engine.FABRIC)
    return folder


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str, Node], Any]) -> None:
    for name in QUESTIONS:
        monkeypatch.setattr(survey, name, lambda _, node, name=name: answer(name, node))


def test_no_question_waits_for_another(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Barrier(9 * len(QUESTIONS))

    def answer(name: str, _: Node) -> Any:
        asked.wait(DEADLINE)
        return QUESTIONS[name]

    answering(monkeypatch, answer)
    monkeypatch.setattr(survey, "process_of", lambda *_: Process(os.getpid(), "now"))
    found = survey.survey(folder, folder.topology())
    assert [(one.healthy, one.height, one.pid) for one in found.nodes] == [(True, 7, os.getpid())] * 9
    assert (found.trouble, found.tolerance) == ("", Tolerance("raft", 3, 1, ()))


def test_a_silent_node_is_told_beside_the_others(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    silence = {"is_well": False, "follows": False, "knows_leader": False}

    def answer(name: str, node: Node) -> Any:
        return silence.get(name) if node.name == "orderer0.city" else QUESTIONS[name]

    answering(monkeypatch, answer)
    monkeypatch.setattr(survey, "process_of", lambda *_: Process(os.getpid(), "now"))
    silent, *others = survey.survey(folder, folder.topology()).nodes
    assert (silent.healthy, silent.leader, silent.height, silent.pid) == (False, None, None, os.getpid())
    assert [(one.healthy, one.height) for one in others] == [(True, 7)] * 8


def test_what_does_not_run_is_asked_nothing_more(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(name: str, node: Node) -> Any:
        assert name == "is_well"
        return None if node.kind is Kind.CHAINCODE else False

    answering(monkeypatch, answer)
    found = survey.survey(folder, folder.topology())
    assert [(one.pid, one.leader, one.height) for one in found.nodes] == [(None, None, None)] * 9
    assert found.trouble == "no orderer leads the others"


def test_the_channels_configuration_says_who_orders(tmp_path: Path) -> None:
    bundles = four_orderers(tmp_path)
    raft = ChannelConfig.from_bytes(raft_block(bundles))
    assert survey.tolerance_of(raft) == Tolerance("raft", 3, 1, ())
    certificate = bundles[0].orderers[1].tls_certificate.encode()
    wider = with_raft_consenter(raft.encoded, "City", "orderer1.city:7050", certificate)
    assert survey.tolerance_of(Configuration(raft.channel, wider)) == Tolerance("raft", 4, 1, ("City",))
    bft = ChannelConfig.from_bytes(channel_of(BFT_TOPOLOGY, bundles).block)
    assert survey.tolerance_of(bft) == Tolerance("bft", 4, 1, ("City",))
