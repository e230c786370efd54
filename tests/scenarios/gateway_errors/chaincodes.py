"""What chaincodes and the choice of organisations can make of a call."""

from collections.abc import Callable, Iterator
from functools import partial

from tests.scenarios.gateway_errors.case import Case
from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.proposals import Signed
from tests.scenarios.gateway_errors.scene import Scene

CALLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown-function": ("counter", ("NoSuchFunction",)),
    "no-arguments": ("counter", ("",)),
    "refusal": ("counter", ("Fail", "a reason")),
    "exception": ("counter", ("BreakDown",)),
    "error": ("rude", ("error", "an error of its own")),
    "garbage-response": ("rude", ("garbage",)),
    "nonsense": ("rude", ("nonsense",)),
    "ended": ("rude", ("end",)),
    "twice": ("rude", ("twice",)),
    "status-0": ("rude", ("respond", "0", "nothing")),
    "status-199": ("rude", ("respond", "199", "too low")),
    "status-399": ("rude", ("respond", "399", "just good", "payload")),
    "status-400": ("rude", ("respond", "400", "too high", "payload")),
    "status-500-with-payload": ("rude", ("respond", "500", "refused", "payload")),
    "status-500-without-words": ("rude", ("respond", "500")),
    "dead": ("dead", ("Who",)),
    "not-installed": ("elsewhere", ("respond", "200")),
}

PLACES: dict[str, Callable[[Scene, Signed], Outcome]] = {
    "evaluate": Scene.evaluate,
    "evaluate-elsewhere": lambda scene, signed: scene.evaluate(signed, "NishitetsuMSP"),
    "endorse": Scene.endorse,
    "process": Scene.process,
}


def _call(chaincode: str, args: tuple[str, ...], place: Callable[[Scene, Signed], Outcome], scene: Scene) -> Outcome:
    name = getattr(scene.services, chaincode).name
    return place(scene, scene.signed(*args, chaincode=name))


def _chosen(
    rpc: str, organizations: tuple[str, ...], args: tuple[str, ...], chaincode: str, secret: bool, scene: Scene
) -> Outcome:
    signed = scene.signed(
        *args, chaincode=getattr(scene.services, chaincode).name, transient={"k": b"secret"} if secret else {}
    )
    return (scene.evaluate if rpc == "evaluate" else scene.endorse)(signed, *organizations)


ADD = ("Add", "gateway chosen", "0")
OK = ("respond", "200")
# name → what is done, which organisations, arguments, chaincode, with transient data or without
CHOICES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], str, bool]] = {
    "unknown-organisation": ("only by an organisation that does not exist", ("NowhereMSP",), ADD, "counter", False),
    "two-unknown-organisations": (
        "by the city and two organisations that do not exist",
        ("NowhereMSP", "CityMSP", "ElsewhereMSP"),
        ADD,
        "counter",
        False,
    ),
    "named-twice": ("by the city, named twice", ("CityMSP", "CityMSP"), ADD, "counter", False),
    "not-enough": ("by fewer organisations than the policy asks for", ("TriValleyMSP",), ADD, "counter", False),
    "not-here": ("of a chaincode that the gateway's peer does not have", (), OK, "elsewhere", False),
    "not-here-transient": ("of such a chaincode, with transient data", (), OK, "elsewhere", True),
    "not-here-chosen": ("of such a chaincode by the city", ("CityMSP",), OK, "elsewhere", False),
    "not-here-transient-chosen": (
        "of such a chaincode by Nishitetsu, with transient data",
        ("NishitetsuMSP",),
        OK,
        "elsewhere",
        True,
    ),
    "transient-unknown-organisation": (
        "by an organisation that does not exist, with transient data",
        ("NowhereMSP",),
        ADD,
        "counter",
        True,
    ),
    "transient-unknown-chaincode": ("of a chaincode that is not there, with transient data", (), OK, "dead", True),
    "first-fails": ("when the first peer's chaincode refuses", (), ("in turn", "500", "200", "200"), "rude", False),
    "others-fail": ("when all but the first peer's refuse", (), ("in turn", "200", "500", "500"), "rude", False),
    "second-fails": ("when only the second peer's refuses", (), ("in turn", "200", "500", "200"), "rude", False),
    "first-errs": ("when the first peer's chaincode breaks down", (), ("error", "broken"), "rude", False),
    "results-differ": ("when every peer comes to another result", (), ("Differ",), "counter", False),
}


def cases() -> Iterator[Case]:
    """Every call at every place, and every choice."""
    for place, call in PLACES.items():
        for name, (chaincode, args) in CALLS.items():
            provoked = f"the {chaincode} chaincode is called with {list(args)}, {place}"
            yield Case(f"{place}/{name}", provoked, partial(_call, chaincode, args, call))
        if place != "evaluate":  # which asks one peer after the other, for half a minute each
            hang = partial(_call, "rude", ("hang",), call)
            yield Case(f"{place}/timeout", f"the chaincode never answers, {place}", hang, slow=True)
    for rpc in ("evaluate", "endorse"):
        for name, (what, organizations, args, chaincode, secret) in CHOICES.items():
            run = partial(_chosen, rpc, organizations, args, chaincode, secret)
            yield Case(f"{rpc}/{name}", f"{rpc} {what}", run)
