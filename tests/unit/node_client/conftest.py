"""A fake peer, someone who asks it, and both clients to ask it with."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from node_client import AsyncGateway, Gateway, Identity, KeySigner
from tests.unit.node_client.fake_peer import FakePeer
from tests.unit.node_client.people import Person, person


@pytest.fixture(scope="session")
def someone() -> Person:
    return person("issuer-01")


@pytest.fixture(scope="session")
def identity(someone: Person) -> Identity:
    return Identity("CityMSP", someone.certificate)


@pytest.fixture(scope="session")
def signer(someone: Person) -> KeySigner:
    return KeySigner.from_pem(someone.key)


@pytest.fixture
def peer() -> Iterator[FakePeer]:
    with FakePeer() as peer:
        yield peer


@pytest.fixture(params=[AsyncGateway, Gateway], ids=["async", "sync"])
def kind(request: pytest.FixtureRequest) -> Any:
    """The client's class."""
    return request.param


@pytest.fixture
def connect(kind: Any, peer: FakePeer, identity: Identity, signer: KeySigner) -> Callable[..., Any]:
    """A client of the fake peer; arguments override what it is made with."""

    def connect(**changed: Any) -> Any:
        arguments = {"endpoint": peer.endpoint, "identity": identity, "signer": signer, **changed}
        return kind(**arguments)

    return connect
