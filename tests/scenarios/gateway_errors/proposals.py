"""Proposals that are not as they should be, at every service that takes proposals."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from node_client.identity.identity import Identity
from node_client.identity.signer import CURVE_ORDERS
from tests.scenarios.gateway_errors.case import Case
from tests.scenarios.gateway_errors.drafts import GARBAGE, Person, invocation_of
from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.scene import Scene

Signed = proposal_pb2.SignedProposal


def _raw(data: bytes) -> Callable[[Scene], Signed]:
    return lambda scene: Signed(proposal_bytes=data, signature=scene.user().sign(data))


def _with(**fields: object) -> Callable[[Scene], Signed]:
    return lambda scene: scene.signed(**fields)


def _as(choose: Callable[[Scene], Person]) -> Callable[[Scene], Signed]:
    return lambda scene: scene.signed(person=choose(scene))


def _extension(name: str | None) -> bytes:
    identifier = None if name is None else chaincode_pb2.ChaincodeID(name=name, version="" if name else "1")
    return proposal_pb2.ChaincodeHeaderExtension(chaincode_id=identifier).SerializeToString()


def _invocation(spec: chaincode_pb2.ChaincodeSpec | None) -> bytes:
    return chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString()


def _without_input(scene: Scene) -> Signed:
    identifier = chaincode_pb2.ChaincodeID(name=scene.services.counter.name)
    return scene.signed(invocation=_invocation(chaincode_pb2.ChaincodeSpec(chaincode_id=identifier)))


def _other_chaincode(scene: Scene) -> Signed:
    return scene.signed(invocation=invocation_of("registry", "ListCertificates", "1", ""))


def _initialisation(scene: Scene) -> Signed:
    return scene.signed(invocation=invocation_of(scene.services.counter.name, "Who", is_init=True))


def _signed_by_another(scene: Scene) -> Signed:
    return scene.draft().signed(scene.user("TriValley"))


def _signature(change: Callable[[bytes], bytes]) -> Callable[[Scene], Signed]:
    def make(scene: Scene) -> Signed:
        signed = scene.signed()
        return Signed(proposal_bytes=signed.proposal_bytes, signature=change(signed.signature))

    return make


def _high_s(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, CURVE_ORDERS["secp256r1"] - s)


def _certificate(certificate: bytes) -> Callable[[Scene], Signed]:
    def make(scene: Scene) -> Signed:
        person = replace(scene.user(), identity=Identity("CityMSP", certificate))
        return scene.signed(person=person)

    return make


def _committed_before(scene: Scene) -> Signed:
    """A proposal whose transaction is on the ledger."""
    signed = scene.signed("Add", "gateway before", "0")
    scene.commit(signed)
    return signed


FAULTS: dict[str, tuple[str, Callable[[Scene], Signed]]] = {
    "no-proposal": ("an empty message", lambda scene: Signed()),
    "garbage": ("bytes that are no proposal", _raw(GARBAGE)),
    "garbage-header": ("a header that is none", _with(header=GARBAGE)),
    "no-header": ("an empty header", _with(header=b"")),
    "garbage-channel-header": ("a channel header that is none", _with(channel_header=GARBAGE)),
    "garbage-signature-header": ("a signature header that is none", _with(signature_header=GARBAGE)),
    "garbage-extension": ("a channel header's extension that is none", _with(extension=GARBAGE)),
    "extension-without-id": ("a channel header's extension without a chaincode id", _with(extension=_extension(None))),
    "extension-without-name": ("an extension whose chaincode id has no name", _with(extension=_extension(""))),
    "garbage-payload": ("a payload that is none", _with(payload=GARBAGE)),
    "garbage-invocation": ("an invocation that is none", _with(invocation=GARBAGE)),
    "no-spec": ("an invocation without a chaincode spec", _with(invocation=_invocation(None))),
    "no-chaincode-id": (
        "a chaincode spec without an id",
        _with(invocation=_invocation(chaincode_pb2.ChaincodeSpec(input=chaincode_pb2.ChaincodeInput(args=[b"Who"])))),
    ),
    "no-chaincode-name": ("an empty chaincode name in the invocation", _with(invocation=invocation_of("", "Who"))),
    "no-input": ("a chaincode spec without input", _without_input),
    "initialisation": ("an initialisation of a chaincode that asks for none", _initialisation),
    "other-chaincode": ("a header that names the counter, an invocation that names the registry", _other_chaincode),
    "no-channel": ("no channel", _with(channel="")),
    "unknown-channel": ("a channel that does not exist", _with(channel="nowhere")),
    "unknown-chaincode": ("a chaincode that does not exist", _with(chaincode="nothing")),
    "type-config": ("a header of type CONFIG", _with(type=common_pb2.CONFIG)),
    "type-message": ("a header of type MESSAGE", _with(type=common_pb2.MESSAGE)),
    "type-unknown": ("a header of type 99", _with(type=99)),
    "epoch": ("an epoch that is not 0", _with(epoch=1)),
    "no-nonce": ("no nonce", _with(nonce=b"")),
    "no-creator": ("no creator", _with(creator=b"")),
    "wrong-txid": ("a transaction id that is not that of nonce and creator", _with(tx_id="0" * 64)),
    "no-txid": ("no transaction id", _with(tx_id="")),
    "old": ("a timestamp of twenty minutes ago", _with(age=timedelta(minutes=20))),
    "early": ("a timestamp of in twenty minutes", _with(age=-timedelta(minutes=20))),
    "no-timestamp": ("no timestamp", _with(age=None)),
    "no-signature": ("no signature", _signature(lambda _: b"")),
    "garbage-signature": ("a signature that is none", _signature(lambda _: GARBAGE)),
    "high-s": ("the right signature in its other form, with a high S", _signature(_high_s)),
    "signed-by-another": ("the signature of another organisation's issuer", _signed_by_another),
    "garbage-creator": ("a creator that is no identity", _with(creator=GARBAGE)),
    "creator-without-pem": ("a creator whose certificate is not PEM", _certificate(b"certificate")),
    "creator-without-certificate": ("a creator whose certificate is empty", _certificate(b"")),
    "unknown-msp": ("a creator of an organisation that does not exist", _as(lambda scene: scene.stateless)),
    "foreign": ("a creator whose certificate comes from a CA that nobody knows", _as(lambda scene: scene.foreigner)),
    "expired": ("a creator whose certificate has expired", _as(lambda scene: scene.expired)),
    "no-unit": ("a creator whose certificate names no role", _as(lambda scene: scene.unitless)),
    "peer": ("a peer's own identity as the creator", _as(lambda scene: scene.node("peer"))),
    "duplicate": ("a proposal whose transaction has been committed", _committed_before),
}

WHERE: dict[str, tuple[str, Callable[[Scene, Signed], Outcome]]] = {
    "evaluate": ("evaluated at the city's gateway", Scene.evaluate),
    "evaluate-elsewhere": (
        "evaluated at the city's gateway by the peer of Nishitetsu",
        lambda scene, signed: scene.evaluate(signed, "NishitetsuMSP"),
    ),
    "endorse": ("endorsed at the city's gateway", Scene.endorse),
    "endorse-elsewhere": (
        "endorsed at the city's gateway by the peer of Nishitetsu",
        lambda scene, signed: scene.endorse(signed, "NishitetsuMSP"),
    ),
    "process": ("sent to the city's endorser", Scene.process),
}


def _run(make: Callable[[Scene], Signed], call: Callable[[Scene, Signed], Outcome], scene: Scene) -> Outcome:
    return call(scene, make(scene))


def cases() -> Iterator[Case]:
    """Every fault at every place."""
    for place, (where, call) in WHERE.items():
        for fault, (what, make) in FAULTS.items():
            yield Case(f"{place}/{fault}", f"{what}, {where}", partial(_run, make, call))
