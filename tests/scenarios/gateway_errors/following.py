"""Requests for chaincode events that a gateway must refuse."""

from collections.abc import Callable, Iterator
from functools import partial

from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2

from network.topology import CHANNEL
from tests.scenarios.gateway_errors.case import Case
from tests.scenarios.gateway_errors.drafts import GARBAGE, Person
from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.scene import Scene

SPECIFIED = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=0))


def _request(
    scene: Scene, identity: bytes, *, channel: str = CHANNEL, position: ab_pb2.SeekPosition | None = SPECIFIED
) -> bytes:
    return gateway_pb2.ChaincodeEventsRequest(
        channel_id=channel, chaincode_id=scene.services.counter.name, identity=identity, start_position=position
    ).SerializeToString()


def _by(choose: Callable[[Scene], Person] = Scene.user, **fields: object) -> Callable[[Scene], tuple[bytes, Person]]:
    def make(scene: Scene) -> tuple[bytes, Person]:
        person = choose(scene)
        return _request(scene, person.serialized, **fields), person  # type: ignore[arg-type]

    return make


REQUESTS: dict[str, tuple[str, Callable[[Scene], tuple[bytes, Person]]]] = {
    "no-request": ("an empty request", lambda scene: (b"", scene.user())),
    "garbage": ("a request that is none", lambda scene: (GARBAGE, scene.user())),
    "no-identity": ("no identity", lambda scene: (_request(scene, b""), scene.user())),
    "garbage-identity": ("an identity that is none", lambda scene: (_request(scene, GARBAGE), scene.user())),
    "no-channel": ("no channel", _by(channel="")),
    "unknown-channel": ("a channel that does not exist", _by(channel="nowhere")),
    "signed-by-another": (
        "another organisation's signature",
        lambda scene: (_request(scene, scene.user().serialized), scene.user("TriValley")),
    ),
    "unknown-msp": ("an identity of an organisation that does not exist", _by(lambda scene: scene.stateless)),
    "foreign": ("an identity whose certificate comes from a CA that nobody knows", _by(lambda scene: scene.foreigner)),
    "no-unit": ("an identity whose certificate names no role", _by(lambda scene: scene.unitless)),
    "oldest": ("to start with the oldest block", _by(position=ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest()))),
    "newest": ("to start with the newest block", _by(position=ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest()))),
    "expired": ("an identity whose certificate has expired", _by(lambda scene: scene.expired)),
}


def _asked(make: Callable[[Scene], tuple[bytes, Person]], scene: Scene) -> Outcome:
    scene.commit(scene.signed("Add", "gateway followed", "0"))
    request, person = make(scene)
    return scene.chaincode_events(request, person.sign(request))


def cases() -> Iterator[Case]:
    """Every request."""
    for name, (what, make) in REQUESTS.items():
        yield Case(f"chaincode_events/{name}", what, partial(_asked, make))
