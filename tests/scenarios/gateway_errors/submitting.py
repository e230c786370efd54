"""Envelopes that an orderer must refuse, through the gateway and directly, and questions after an outcome."""

from collections.abc import Callable, Iterator
from functools import partial

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2

from network.topology import CHANNEL
from node_client.protocol.proposal import new_nonce, transaction_id
from tests.scenarios.gateway_errors.case import Case
from tests.scenarios.gateway_errors.drafts import GARBAGE, Person, invocation_of
from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.scene import Scene

Envelope = common_pb2.Envelope
TOO_LARGE = 10 * 1024 * 1024 + 1


def _payload(
    creator: bytes, *, channel: str = CHANNEL, kind: int = common_pb2.ENDORSER_TRANSACTION, data: bytes = b"data"
) -> bytes:
    nonce = new_nonce()
    channel_header = common_pb2.ChannelHeader(type=kind, channel_id=channel, tx_id=transaction_id(nonce, creator))
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
    )
    return common_pb2.Payload(header=header, data=data).SerializeToString()


def _by(choose: Callable[[Scene], Person]) -> Callable[[Scene], Envelope]:
    def make(scene: Scene) -> Envelope:
        person = choose(scene)
        payload = _payload(person.serialized)
        return Envelope(payload=payload, signature=person.sign(payload))

    return make


def _with(**fields: object) -> Callable[[Scene], Envelope]:
    def make(scene: Scene) -> Envelope:
        person = scene.user()
        payload = _payload(person.serialized, **fields)  # type: ignore[arg-type]
        return Envelope(payload=payload, signature=person.sign(payload))

    return make


def _raw(payload: bytes) -> Callable[[Scene], Envelope]:
    return lambda scene: Envelope(payload=payload, signature=scene.user().sign(payload))


def _signature(signature: bytes) -> Callable[[Scene], Envelope]:
    return lambda scene: Envelope(payload=_payload(scene.user().serialized), signature=signature)


def _signed_by_another(scene: Scene) -> Envelope:
    payload = scene.endorsed("Add", "gateway submitted", "0")
    return Envelope(payload=payload, signature=scene.user("TriValley").sign(payload))


def _header(**fields: bytes) -> bytes:
    return common_pb2.Payload(header=common_pb2.Header(**fields)).SerializeToString()


ENVELOPES: dict[str, tuple[str, Callable[[Scene], Envelope]]] = {
    "no-signature": ("an envelope without a signature", _signature(b"")),
    "garbage-signature": ("a signature that is none", _signature(GARBAGE)),
    "signed-by-another": ("an endorsed transaction with another organisation's signature", _signed_by_another),
    "no-payload": ("a signature over nothing", _raw(b"")),
    "garbage-payload": ("a payload that is none", _raw(GARBAGE)),
    "no-header": ("a payload without a header", _raw(common_pb2.Payload(data=b"data").SerializeToString())),
    "garbage-channel-header": ("a channel header that is none", _raw(_header(channel_header=GARBAGE))),
    "garbage-signature-header": (
        "a signature header that is none",
        _raw(
            _header(
                channel_header=common_pb2.ChannelHeader(
                    type=common_pb2.ENDORSER_TRANSACTION, channel_id=CHANNEL
                ).SerializeToString(),
                signature_header=GARBAGE,
            )
        ),
    ),
    "garbage-creator": ("a creator that is no identity", lambda scene: _raw(_payload(GARBAGE))(scene)),
    "other-channel": ("an envelope for a channel that does not exist", _with(channel="nowhere")),
    "no-channel": ("an envelope without a channel", _with(channel="")),
    "type-config": ("an envelope of type CONFIG", _with(kind=common_pb2.CONFIG)),
    "type-config-update": (
        "an empty envelope of type CONFIG_UPDATE",
        _with(kind=common_pb2.CONFIG_UPDATE),
    ),
    "type-orderer-transaction": ("an envelope of type ORDERER_TRANSACTION", _with(kind=common_pb2.ORDERER_TRANSACTION)),
    "too-large": ("an envelope of more than 10 MB", _with(data=bytes(TOO_LARGE))),
    "unknown-msp": ("a creator of an organisation that does not exist", _by(lambda scene: scene.stateless)),
    "foreign": ("a creator whose certificate comes from a CA that nobody knows", _by(lambda scene: scene.foreigner)),
    "expired": ("a creator whose certificate has expired", _by(lambda scene: scene.expired)),
    "no-unit": ("a creator whose certificate names no role", _by(lambda scene: scene.unitless)),
}


def _submitted(make: Callable[[Scene], Envelope], scene: Scene) -> Outcome:
    return scene.submit(make(scene))


def _broadcast(make: Callable[[Scene], Envelope], scene: Scene) -> Outcome:
    return scene.broadcast(make(scene))


def _ordered(make: Callable[[Scene], Envelope], scene: Scene) -> Outcome:
    """How something ends that the orderers take."""
    envelope = make(scene)
    assert scene.submit(envelope).code == "OK"
    header = common_pb2.Payload.FromString(envelope.payload).header
    tx_id = common_pb2.ChannelHeader.FromString(header.channel_header).tx_id
    issuer = scene.user()
    request = _status(issuer.serialized, tx_id=tx_id)
    return scene.commit_status(request, issuer.sign(request))


def _status(identity: bytes, *, channel: str = CHANNEL, tx_id: str = "0" * 64) -> bytes:
    return gateway_pb2.CommitStatusRequest(
        transaction_id=tx_id, channel_id=channel, identity=identity
    ).SerializeToString()


def _asked(make: Callable[[Scene], tuple[bytes, Person]], scene: Scene) -> Outcome:
    request, person = make(scene)
    return scene.commit_status(request, person.sign(request))


def _ask(choose: Callable[[Scene], Person] = Scene.user, **fields: str) -> Callable[[Scene], tuple[bytes, Person]]:
    return lambda scene: (_status(choose(scene).serialized, **fields), choose(scene))


QUESTIONS: dict[str, tuple[str, Callable[[Scene], tuple[bytes, Person]]]] = {
    "no-request": ("an empty request", lambda scene: (b"", scene.user())),
    "garbage": ("a request that is none", lambda scene: (GARBAGE, scene.user())),
    "no-identity": ("no identity", lambda scene: (_status(b""), scene.user())),
    "no-channel": ("no channel", _ask(channel="")),
    "no-transaction": ("no transaction id", _ask(tx_id="")),
    "unknown-channel": ("a channel that does not exist", _ask(channel="nowhere")),
    "signed-by-another": (
        "another organisation's signature",
        lambda scene: (_status(scene.user().serialized), scene.user("TriValley")),
    ),
    "garbage-identity": ("an identity that is none", lambda scene: (_status(GARBAGE), scene.user())),
    "unknown-msp": ("an identity of an organisation that does not exist", _ask(lambda scene: scene.stateless)),
    "foreign": ("an identity whose certificate comes from a CA that nobody knows", _ask(lambda scene: scene.foreigner)),
    "no-unit": ("an identity whose certificate names no role", _ask(lambda scene: scene.unitless)),
}


def _expired_asks(scene: Scene) -> Outcome:
    """The status of a transaction that is there, asked by someone whose certificate has expired."""
    tx_id = scene.commit(scene.signed("Add", "gateway asked", "0"))
    request = _status(scene.expired.serialized, tx_id=tx_id)
    return scene.commit_status(request, scene.expired.sign(request))


def _too_many(scene: Scene) -> Outcome:
    request = _status(scene.user().serialized)
    return scene.too_many(request, scene.user().sign(request))


def _not_enough(scene: Scene) -> Envelope:
    payload = scene.endorsed("Add", "gateway not enough", "0", organizations=["TriValleyMSP"])
    return Envelope(payload=payload, signature=scene.user().sign(payload))


def _other_chaincode(scene: Scene) -> Envelope:
    """A transaction whose header names the counter, which ran, and whose invocation names the registry."""
    payload = scene.endorsed_payload(scene.signed(invocation=invocation_of("registry", "Add", "gateway other", "0")))
    return Envelope(payload=payload, signature=scene.user().sign(payload))


def cases() -> Iterator[Case]:
    """Every envelope in both ways, and every question."""
    for name, (what, make) in ENVELOPES.items():
        yield Case(f"submit/{name}", f"{what}, submitted at the city's gateway", partial(_submitted, make))
        yield Case(f"broadcast/{name}", f"{what}, broadcast at the city's orderer", partial(_broadcast, make))
    yield Case("submit/no-envelope", "nothing is submitted", lambda scene: scene.submit(None))
    yield Case(
        "submit/unknown-channel",
        "a transaction is submitted for a channel that does not exist",
        lambda scene: scene.submit(_with()(scene), "nowhere"),
    )
    yield Case(
        "submit/no-channel-named",
        "a transaction is submitted without saying for which channel",
        lambda scene: scene.submit(_with()(scene), ""),
    )
    yield Case("commit_status/expired", "an identity whose certificate has expired", _expired_asks)
    yield Case("commit_status/too-many", "more than five hundred wait for a transaction that never comes", _too_many)
    for name, (what, question) in QUESTIONS.items():
        yield Case(f"commit_status/{name}", what, partial(_asked, question))
    for name, what, make in (
        ("type-unknown", "an envelope of type 99 is ordered", _with(kind=99)),
        ("type-message", "an envelope of type MESSAGE is ordered", _with(kind=common_pb2.MESSAGE)),
        ("garbage-data", "an envelope whose transaction is none is ordered", _with(data=GARBAGE)),
        ("other-chaincode", "a transaction whose header and invocation name different chaincodes", _other_chaincode),
        ("not-enough-endorsements", "a transaction is ordered that only one organisation endorsed", _not_enough),
    ):
        yield Case(f"commit_status/{name}", what, partial(_ordered, make))
