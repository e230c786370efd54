"""Real Fabric's error answers, case by case: see tests/vectors/gateway_errors/README.md."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from network.folder import Engine, Folder
from node_client.protocol.chaincode_package import chaincode_package
from tests.conftest import engine
from tests.scenarios.deploying import Service, define, free_address, served, unused_name
from tests.scenarios.gateway_errors.cases import CASES
from tests.scenarios.gateway_errors.outcome import load_vectors, write_vectors
from tests.scenarios.gateway_errors.scene import Scene, Services

RECORDED = load_vectors()


@pytest.fixture(scope="module")
def scene(network: Folder, counter_service: Service) -> Iterator[Scene]:
    rude = define(network, unused_name("rude"), free_address())
    elsewhere_name, elsewhere_address = unused_name("elsewhere"), free_address()
    elsewhere = define(network, elsewhere_name, elsewhere_address, without=frozenset({"City"}))
    dead_name = unused_name("dead")
    connection = {"address": free_address(), "dial_timeout": "1s", "tls_required": False}
    package = chaincode_package(f"{dead_name}_1", "ccaas", {"connection.json": json.dumps(connection).encode()})
    dead = define(network, dead_name, "", package=package)
    with ExitStack() as stack:
        for service in (rude, elsewhere):
            stack.enter_context(served(service, "tests.scenarios.rude"))
        scene = stack.enter_context(Scene(network, Services(counter_service, rude, dead, elsewhere)))
        scene.wait_for_chaincodes()
        yield scene


@pytest.fixture(scope="module")
def records(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Where outcomes go that are recorded rather than compared."""
    found: dict[str, Any] = {}
    if request.config.getoption("--record") and is_embedded(request.config):
        pytest.fail("only real Fabric's answers are recorded")
    yield found
    if found:
        write_vectors(found)


def is_embedded(config: pytest.Config) -> bool:
    return engine() is Engine.EMBEDDED and not config.getoption("--network")


def test_every_case_is_recorded() -> None:
    assert set(RECORDED) == set(CASES)
    assert all(RECORDED[name]["provoked"] == case.provoked for name, case in CASES.items())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if case.slow else []) for name, case in CASES.items()]
)
def test_answer(request: pytest.FixtureRequest, scene: Scene, records: dict[str, Any], name: str) -> None:
    case = CASES[name]
    record = {"name": name, "provoked": case.provoked, **case.run(scene).record(scene.names)}
    if request.config.getoption("--record"):
        records[name] = record
    else:
        assert record == RECORDED[name]
