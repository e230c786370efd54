"""Our contracts' metadata are taken by the official shim, which has Fabric's schema of them."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaincode.contract import Context, Contract, ContractChaincode, evaluate, submit
from network.folder import Folder
from node_client import ConnectionProfile, Gateway
from tests.interop.contract import Interop
from tests.interop.tools import npm_project, require
from tests.scenarios.counter import Counter

Verdict = Callable[[dict[str, Any]], str | None]


@dataclass(frozen=True)
class Part:
    name: str
    count: int


@dataclass(frozen=True)
class Empty:
    pass


class EveryType(Contract):
    """A function for every kind of argument and result that contracts know."""

    name = "every-type"

    @submit
    async def simple(self, context: Context, text: str, number: int, real: float, yes: bool) -> float:
        raise NotImplementedError

    @submit
    async def nested(self, context: Context, parts: list[Part], table: dict[str, int]) -> Part:
        raise NotImplementedError

    @submit
    async def either(self, context: Context, text: str | None, part: Part | list[int], any: Part | Empty) -> Any:
        raise NotImplementedError

    @evaluate
    async def nothing(self, context: Context) -> None:
        raise NotImplementedError

    @evaluate
    async def many(self, context: Context, pair: tuple[int, ...]) -> dict[str, list[Part]]:
        raise NotImplementedError


@pytest.fixture
def verdict(tmp_path: Path) -> Verdict:
    """What the official shim objects to in metadata."""
    folder, node = npm_project("node_shim"), require("node", 20)

    def ask(metadata: dict[str, Any]) -> str | None:
        path = tmp_path / "metadata.json"
        path.write_text(json.dumps(metadata), encoding="utf-8")
        command = [node, "validate_metadata.js", str(path)]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
        said: str | None = json.loads(done.stdout.splitlines()[-1])["error"]
        return said

    return ask


def test_the_registrys_metadata_on_the_network(network: Folder, verdict: Verdict) -> None:
    profile = ConnectionProfile.load(network.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", "issuer") as gateway:
        registry = gateway.get_network(profile.channel).get_contract("registry")
        metadata = json.loads(registry.evaluate("org.hyperledger.fabric:GetMetadata"))
    functions = {one["name"] for contract in metadata["contracts"].values() for one in contract["transactions"]}
    assert {"IssueCertificate", "ReadCertificate"} <= functions
    assert verdict(metadata) is None


@pytest.mark.parametrize("contract", [Counter(), Interop(), EveryType()], ids=["Counter", "Interop", "EveryType"])
def test_metadata_of_contracts(contract: Contract, verdict: Verdict) -> None:
    assert verdict(ContractChaincode(contract, title="a title", version="1").metadata()) is None


def test_metadata_that_are_wrong_are_refused(verdict: Verdict) -> None:
    """So that being taken says something."""
    metadata = ContractChaincode(Interop(), title="a title", version="1").metadata()
    said = verdict({**metadata, "info": {"title": 1}})
    assert said is not None
    assert "does not match the schema" in said
