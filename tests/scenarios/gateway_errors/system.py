"""What system chaincodes refuse."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from fabric_protos.peer.lifecycle import lifecycle_pb2

from network.topology import CHANNEL
from node_client.protocol.lifecycle import ChaincodeDefinition, approve_argument
from tests.scenarios.gateway_errors.case import Case
from tests.scenarios.gateway_errors.drafts import GARBAGE
from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.scene import Scene


@dataclass(frozen=True)
class Call:
    """A call of a system chaincode by one of the city's users; without a channel, at the endorser service."""

    chaincode: str
    args: tuple[str | bytes, ...]
    user: str = "admin"
    channel: str = CHANNEL
    organisation: str = "City"


def _approve(name: str = "new", sequence: int = 1, version: str = "1", package: str = "") -> bytes:
    local = lifecycle_pb2.ChaincodeSource.Local(package_id=package)
    return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
        name=name, sequence=sequence, version=version, source=lifecycle_pb2.ChaincodeSource(local_package=local)
    ).SerializeToString()


def _commit(name: str = "new", sequence: int = 1, version: str = "1") -> bytes:
    return lifecycle_pb2.CommitChaincodeDefinitionArgs(
        name=name, sequence=sequence, version=version
    ).SerializeToString()


def _ready(name: str = "new", sequence: int = 1, version: str = "1") -> bytes:
    return lifecycle_pb2.CheckCommitReadinessArgs(name=name, sequence=sequence, version=version).SerializeToString()


def _defined(name: str) -> bytes:
    return lifecycle_pb2.QueryChaincodeDefinitionArgs(name=name).SerializeToString()


def _approved(name: str, sequence: int = 0) -> bytes:
    return lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name=name, sequence=sequence).SerializeToString()


def _installed(package: str) -> bytes:
    return lifecycle_pb2.QueryInstalledChaincodeArgs(package_id=package).SerializeToString()


def _package(package: str) -> bytes:
    return lifecycle_pb2.GetInstalledChaincodePackageArgs(package_id=package).SerializeToString()


def _install(package: bytes) -> bytes:
    return lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package).SerializeToString()


def _archive(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return plain.getvalue()


METADATA = b'{"type": "ccaas", "label": "no label"}'
LIFECYCLE = "_lifecycle"
# What stands for bytes that depend on the network.
FIRST_BLOCK, APPROVED = "the channel's first block", "what was approved before"
APPROVE, COMMIT, READY = "ApproveChaincodeDefinitionForMyOrg", "CommitChaincodeDefinition", "CheckCommitReadiness"
CALLS: dict[str, Call] = {
    "qscc-no-arguments": Call("qscc", ()),
    "qscc-no-channel-argument": Call("qscc", ("GetChainInfo",)),
    "qscc-other-channel": Call("qscc", ("GetChainInfo", "nowhere")),
    "qscc-unknown-function": Call("qscc", ("GetNothing", CHANNEL, "1")),
    "qscc-unknown-function-short": Call("qscc", ("GetNothing", CHANNEL)),
    "qscc-block-no-number": Call("qscc", ("GetBlockByNumber", CHANNEL)),
    "qscc-block-bad-number": Call("qscc", ("GetBlockByNumber", CHANNEL, "first")),
    "qscc-block-negative-number": Call("qscc", ("GetBlockByNumber", CHANNEL, "-1")),
    "qscc-block-empty-number": Call("qscc", ("GetBlockByNumber", CHANNEL, "")),
    "qscc-block-huge-number": Call("qscc", ("GetBlockByNumber", CHANNEL, "99999999999999999999")),
    "qscc-block-not-there": Call("qscc", ("GetBlockByNumber", CHANNEL, "1000000000")),
    "qscc-hash-not-there": Call("qscc", ("GetBlockByHash", CHANNEL, "hash")),
    "qscc-transaction-not-there": Call("qscc", ("GetTransactionByID", CHANNEL, "1234")),
    "qscc-block-of-transaction-not-there": Call("qscc", ("GetBlockByTxID", CHANNEL, "1234")),
    "qscc-without-channel": Call("qscc", ("GetChainInfo", CHANNEL), channel=""),
    "cscc-no-arguments": Call("cscc", ()),
    "cscc-no-channel-argument": Call("cscc", ("GetConfigBlock",)),
    "cscc-unknown-function": Call("cscc", ("GetNothing", CHANNEL)),
    "cscc-unknown-function-short": Call("cscc", ("GetNothing",)),
    "cscc-config-other-channel": Call("cscc", ("GetConfigBlock", "nowhere")),
    "cscc-config-empty-channel": Call("cscc", ("GetConfigBlock", "")),
    "cscc-channel-config-other-channel": Call("cscc", ("GetChannelConfig", "nowhere")),
    "cscc-channel-config-empty-channel": Call("cscc", ("GetChannelConfig", "")),
    "cscc-join-garbage": Call("cscc", ("JoinChain", GARBAGE), channel=""),
    "cscc-join-again": Call("cscc", ("JoinChain", FIRST_BLOCK), channel=""),
    "cscc-join-again-as-issuer": Call("cscc", ("JoinChain", FIRST_BLOCK), user="issuer", channel=""),
    "cscc-join-empty-block": Call("cscc", ("JoinChain", b""), channel=""),
    "cscc-channels-of-another": Call("cscc", ("GetChannels",), channel="", organisation="TriValley"),
    "lifecycle-no-arguments": Call(LIFECYCLE, ()),
    "lifecycle-one-argument": Call(LIFECYCLE, ("QueryChaincodeDefinitions",)),
    "lifecycle-three-arguments": Call(LIFECYCLE, ("QueryChaincodeDefinitions", b"", b"")),
    "lifecycle-unknown-function": Call(LIFECYCLE, ("Nothing", b"")),
    "lifecycle-garbage-argument": Call(LIFECYCLE, ("QueryChaincodeDefinition", GARBAGE)),
    "lifecycle-definition-not-there": Call(LIFECYCLE, ("QueryChaincodeDefinition", _defined("nothing"))),
    "lifecycle-definition-without-name": Call(LIFECYCLE, ("QueryChaincodeDefinition", _defined(""))),
    "lifecycle-approval-not-there": Call(LIFECYCLE, ("QueryApprovedChaincodeDefinition", _approved("nothing"))),
    "lifecycle-approval-of-later": Call(LIFECYCLE, ("QueryApprovedChaincodeDefinition", _approved("registry", 9))),
    "lifecycle-approval-as-issuer": Call(
        LIFECYCLE, ("QueryApprovedChaincodeDefinition", _approved("registry")), user="issuer"
    ),
    "lifecycle-approval-of-another": Call(
        LIFECYCLE, ("QueryApprovedChaincodeDefinition", _approved("registry")), organisation="TriValley"
    ),
    "lifecycle-ready-sequence": Call(LIFECYCLE, (READY, _ready("registry", 9))),
    "lifecycle-ready-sequence-past": Call(LIFECYCLE, (READY, _ready("registry", 1, "2"))),
    "lifecycle-ready-sequence-zero": Call(LIFECYCLE, (READY, _ready("new", 0))),
    "lifecycle-approve-as-issuer": Call(LIFECYCLE, (APPROVE, _approve()), user="issuer"),
    "lifecycle-approve-of-another": Call(LIFECYCLE, (APPROVE, _approve()), organisation="TriValley"),
    "lifecycle-approve-bad-name": Call(LIFECYCLE, (APPROVE, _approve("new!"))),
    "lifecycle-approve-no-name": Call(LIFECYCLE, (APPROVE, _approve(""))),
    "lifecycle-approve-system-name": Call(LIFECYCLE, (APPROVE, _approve("qscc"))),
    "lifecycle-approve-no-version": Call(LIFECYCLE, (APPROVE, _approve(version=""))),
    "lifecycle-approve-bad-version": Call(LIFECYCLE, (APPROVE, _approve(version="1 2"))),
    "lifecycle-approve-sequence": Call(LIFECYCLE, (APPROVE, _approve("registry", 9))),
    "lifecycle-approve-sequence-zero": Call(LIFECYCLE, (APPROVE, _approve(sequence=0))),
    "lifecycle-approve-other-definition": Call(LIFECYCLE, (APPROVE, _approve("registry", 1, "2"))),
    "lifecycle-approve-again": Call(LIFECYCLE, (APPROVE, APPROVED)),
    "lifecycle-install-no-gzip": Call(LIFECYCLE, ("InstallChaincode", _install(b"x" * 100)), channel=""),
    "lifecycle-install-empty-gzip": Call(LIFECYCLE, ("InstallChaincode", _install(gzip.compress(b""))), channel=""),
    "lifecycle-install-no-code": Call(
        LIFECYCLE, ("InstallChaincode", _install(_archive({"metadata.json": METADATA}))), channel=""
    ),
    "lifecycle-install-no-metadata": Call(
        LIFECYCLE, ("InstallChaincode", _install(_archive({"code.tar.gz": _archive({})}))), channel=""
    ),
    "lifecycle-install-bad-label": Call(
        LIFECYCLE,
        ("InstallChaincode", _install(_archive({"metadata.json": METADATA, "code.tar.gz": _archive({})}))),
        channel="",
    ),
    "lifecycle-approve-no-package": Call(LIFECYCLE, (APPROVE, _approve(package="new_1:" + "0" * 64))),
    "lifecycle-commit-not-approved": Call(LIFECYCLE, (COMMIT, _commit("not-approved"))),
    "lifecycle-commit-sequence": Call(LIFECYCLE, (COMMIT, _commit("registry", 9))),
    "lifecycle-commit-bad-name": Call(LIFECYCLE, (COMMIT, _commit("new!"))),
    "lifecycle-installed-not-there": Call(LIFECYCLE, ("QueryInstalledChaincode", _installed("x:1")), channel=""),
    "lifecycle-package-not-there": Call(LIFECYCLE, ("GetInstalledChaincodePackage", _package("x:1")), channel=""),
    "lifecycle-installed-as-issuer": Call(LIFECYCLE, ("QueryInstalledChaincodes", b""), user="issuer", channel=""),
    "lifecycle-installed-of-another": Call(
        LIFECYCLE, ("QueryInstalledChaincodes", b""), channel="", organisation="TriValley"
    ),
    "lifecycle-install-nothing": Call(LIFECYCLE, ("InstallChaincode", _install(b"")), channel=""),
    "lifecycle-install-garbage": Call(LIFECYCLE, ("InstallChaincode", _install(GARBAGE)), channel=""),
    "lifecycle-install-as-issuer": Call(LIFECYCLE, ("InstallChaincode", _install(b"")), user="issuer", channel=""),
    "lifecycle-query-without-channel": Call(LIFECYCLE, ("QueryChaincodeDefinition", _defined("registry")), channel=""),
    "lifecycle-approve-without-channel": Call(LIFECYCLE, (APPROVE, _approve()), channel=""),
    "user-chaincode-without-channel": Call("registry", ("ListCertificates", "1", ""), channel=""),
}


def _called(call: Call, scene: Scene) -> Outcome:
    person = scene.user(call.organisation, call.user)
    counter = scene.services.counter
    definition = ChaincodeDefinition(name=counter.name, version="1", sequence=counter.sequence)
    known = {
        FIRST_BLOCK: (scene.folder.path / "channel.block").read_bytes(),
        APPROVED: approve_argument(definition, counter.package_id),
    }
    args = tuple(known.get(one, one) for one in call.args)
    draft = scene.draft(chaincode=call.chaincode, person=person, channel=call.channel)
    signed = draft.calling(args).signed(person)
    return scene.evaluate(signed, "CityMSP") if call.channel else scene.process(signed)


def cases() -> Iterator[Case]:
    """Every call."""
    for name, call in CALLS.items():
        args = [one if isinstance(one, str) else "…" for one in call.args]
        where = "evaluated at the city's gateway" if call.channel else "sent to the city's endorser without a channel"
        provoked = f"{call.organisation}'s {call.user} calls {call.chaincode} with {args}, {where}"
        yield Case(f"system/{name}", provoked, partial(_called, call))
