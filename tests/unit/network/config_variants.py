"""Variants of the consortium's configtx.yaml: what configtxgen takes, and what it refuses."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from network.topology import default_configtx

Profile = dict[str, Any]
Edit = Callable[[Profile], object]
_GONE = object()


def variant(edit: Edit) -> Profile:
    """The profile Raft of the consortium's configtx.yaml, edited."""
    profile: Profile = copy.deepcopy(yaml.safe_load(default_configtx())["Profiles"]["Raft"])
    edit(profile)
    return profile


def _set(*path_and_value: Any) -> Edit:
    *path, name, value = path_and_value

    def edit(profile: Profile) -> None:
        section: Any = profile
        for part in path:
            section = section[part]
        if value is _GONE:
            del section[name]
        else:
            section[name] = value

    return edit


def _without(*path: Any) -> Edit:
    return _set(*path, _GONE)


def _all(*edits: Edit) -> Edit:
    def edit(profile: Profile) -> None:
        for one in edits:
            one(profile)

    return edit


def _each(group: str, name: str, value: Any) -> Edit:
    """The same change in every organisation of a group."""

    def edit(profile: Profile) -> None:
        for one in profile[group]["Organizations"]:
            _set(name, value)(one)

    return edit


def _organisation(group: str, edit: Callable[[Profile], object]) -> Edit:
    return lambda profile: edit(profile[group]["Organizations"][0])


def _consenter(name: str, value: Any) -> Edit:
    return _set("Orderer", "EtcdRaft", "Consenters", 0, name, value)


def bft(count: int = 4, options: Mapping[str, Any] | None = None) -> Edit:
    """BFT with so many consenters, which the organisations have in turn."""

    def edit(profile: Profile) -> None:
        orderer = profile["Orderer"]
        organisations = orderer["Organizations"]
        orderer["OrdererType"] = "BFT"
        del orderer["EtcdRaft"]
        orderer["ConsenterMapping"] = []
        for place in range(count):
            organisation = organisations[place % len(organisations)]
            home = organisation["Name"]
            certificate = f"{home}/orderer/tls/server.crt"
            orderer["ConsenterMapping"].append(
                {
                    "ID": place + 1,
                    "Host": f"orderer{place}.example",
                    "Port": 7050 + place,
                    "MSPID": organisation["ID"],
                    "Identity": f"{home}/orderer/msp/signcerts/cert.pem",
                    "ClientTLSCert": certificate,
                    "ServerTLSCert": certificate,
                }
            )
        if options is not None:
            orderer["SmartBFT"] = dict(options)

    return edit


_V2 = _set("Capabilities", {"V2_0": True})
_NO_CAPABILITIES = _all(_without("Capabilities"), _without("Orderer", "Capabilities"))
_BATCH = ("Orderer", "BatchSize")
_OPTIONS = ("Orderer", "EtcdRaft", "Options")
_MINE = ("Application", "Policies", "Mine")
_NESTED = "OutOf(2, 'CityMSP.peer', AND('TriValleyMSP.admin', 'CityMSP.client'), OR(\"NishitetsuMSP.member\"))"
_BFT_OPTIONS = {
    "RequestBatchMaxCount": 1,
    "RequestBatchMaxBytes": 2,
    "RequestBatchMaxInterval": "3ms",
    "IncomingMessageBufferSize": 4,
    "RequestPoolSize": 5,
    "RequestForwardTimeout": "6s",
    "RequestComplainTimeout": "7s",
    "RequestAutoRemoveTimeout": "8s",
    "RequestMaxBytes": 9,
    "ViewChangeResendInterval": "10s",
    "ViewChangeTimeout": "11s",
    "LeaderHeartbeatTimeout": "12s",
    "LeaderHeartbeatCount": 13,
    "CollectTimeout": "14s",
    "SyncOnStart": True,
    "SpeedUpViewChange": True,
    "LeaderRotation": 2,
    "DecisionsPerLeader": 15,
}

TAKEN: dict[str, Edit] = {
    "the consortium's own": lambda profile: None,
    **{
        f"BatchTimeout {text}": _set("Orderer", "BatchTimeout", text) for text in ("1000ms", "1.5ms", "90s", "0s", "3h")
    },
    "no BatchTimeout": _without("Orderer", "BatchTimeout"),
    "no BatchSize": _without(*_BATCH),
    "an empty BatchSize": _set(*_BATCH, None),
    "a part of BatchSize": _set(*_BATCH, {"MaxMessageCount": 7, "PreferredMaxBytes": 0}),
    "BatchSize in units": _set(
        *_BATCH, {"MaxMessageCount": "10", "AbsoluteMaxBytes": "99 KB", "PreferredMaxBytes": "1g"}
    ),
    "BatchSize in bytes": _set(*_BATCH, {"MaxMessageCount": 1, "AbsoluteMaxBytes": 1000, "PreferredMaxBytes": "512kb"}),
    "MaxChannels": _set("Orderer", "MaxChannels", 12),
    "no options of Raft": _without(*_OPTIONS),
    "some options of Raft": _set(*_OPTIONS, {"ElectionTick": 20, "HeartbeatTick": 0, "SnapshotIntervalSize": 12345}),
    "one consenter": lambda profile: profile["Orderer"]["EtcdRaft"]["Consenters"].__delitem__(slice(1, None)),
    "organisations in another order": _all(
        lambda profile: profile["Orderer"]["Organizations"].reverse(),
        lambda profile: profile["Application"]["Organizations"].reverse(),
    ),
    "an organisation that only orders": lambda profile: profile["Application"]["Organizations"].pop(),
    "an organisation that only uses": lambda profile: profile["Orderer"]["Organizations"].pop(),
    "other names": _organisation("Application", lambda one: one.update(Name="Rural-Town.1", ID="Rural.Town-1")),
    "no anchor peers": _each("Application", "AnchorPeers", _GONE),
    "an empty list of anchor peers": _each("Application", "AnchorPeers", []),
    "two anchor peers": _organisation(
        "Application", lambda one: one["AnchorPeers"].append({"Host": "peer1.city", "Port": "7061"})
    ),
    "no endpoints, before V3": _all(_V2, _each("Orderer", "OrdererEndpoints", _GONE)),
    "addresses, before V3": _all(_V2, _set("Orderer", "Addresses", ["orderer0.city:7050", "orderer0.tri:9050"])),
    "two endpoints": _each("Orderer", "OrdererEndpoints", ["one.example:7050", "two.example:7050"]),
    "no capabilities": _all(_NO_CAPABILITIES, _without("Application", "Capabilities")),
    "capabilities that are not required": _all(
        _set("Capabilities", {"V3_0": False}), _set("Application", "Capabilities", {"V2_5": True, "V2_0": False})
    ),
    "several capabilities": _set("Application", "Capabilities", {"V2_5": True, "V2_0": True, "V1_4_2": True}),
    "ACLs": _set(
        "Application",
        "ACLs",
        {"peer/Propose": "/Channel/Application/Writers", "qscc/GetChainInfo": "Readers", "event/Block": "/Channel/X"},
    ),
    "no ACLs": _set("Application", "ACLs", {}),
    "a consortium": _set("Consortium", "Ours"),
    "a kind of MSP": _organisation("Application", _set("MSPType", "bccsp")),
    "a policy of nested gates": _set(*_MINE, {"Type": "Signature", "Rule": _NESTED}),
    **{
        f"a policy {rule} Endorsement": _set(*_MINE, {"Type": "ImplicitMeta", "Rule": f"{rule} Endorsement"})
        for rule in ("ANY", "ALL", "MAJORITY")
    },
    **{f"BFT with {count} consenters": bft(count) for count in (1, 2, 3, 4, 7, 10)},
    "BFT with its options": bft(options=_BFT_OPTIONS),
    "BFT with some options": bft(options={"RequestBatchMaxInterval": "200ms", "LeaderRotation": 1}),
    "BFT with none of its options": bft(options={}),
}

REFUSED: dict[str, Edit] = {
    "a BatchTimeout that is none": _set("Orderer", "BatchTimeout", "soon"),
    "a size of 4 GB": _set(*_BATCH, "AbsoluteMaxBytes", "4 GB"),
    "a size in terabytes": _set(*_BATCH, "AbsoluteMaxBytes", "10 TB"),
    "an unknown part of BatchSize": _set(*_BATCH, "Max", 1),
    "an unknown option of Raft": _set(*_OPTIONS, "Ticks", 1),
    "a TickInterval that is none": _set(*_OPTIONS, "TickInterval", "often"),
    "heartbeats as rare as elections": _set(*_OPTIONS, "HeartbeatTick", 10),
    "no consenters": _set("Orderer", "EtcdRaft", "Consenters", []),
    "no Raft": _without("Orderer", "EtcdRaft"),
    **{f"a consenter without {name}": _consenter(name, _GONE) for name in ("Host", "Port", "ClientTLSCert")},
    "a certificate that is not there": _consenter("ServerTLSCert", "nowhere.crt"),
    "an MSP folder that is not there": _organisation("Orderer", _set("MSPDir", "nowhere")),
    "no endpoints": _each("Orderer", "OrdererEndpoints", _GONE),
    "addresses": _set("Orderer", "Addresses", ["orderer0.city:7050"]),
    "an unknown key of the profile": _set("Polices", {}),
    "an unknown key of Application": _set("Application", "Members", 1),
    "an unknown key of an organisation": _organisation("Application", _set("Anchors", [])),
    "an MSP of another kind": _organisation("Application", _set("MSPType", "other")),
    "no policies": _without("Application", "Policies"),
    **{f"no policy {name}": _without("Policies", name) for name in ("Readers", "Writers", "Admins")},
    "no policy BlockValidation": _without("Orderer", "Policies", "BlockValidation"),
    "an organisation without Admins": _organisation("Application", _without("Policies", "Admins")),
    "a policy of another kind": _set(*_MINE, {"Type": "Other", "Rule": "ANY Admins"}),
    "a policy without a rule": _set(*_MINE, {"Type": "Signature"}),
    "a policy with more": _set(*_MINE, {"Type": "Signature", "Rule": "OR('CityMSP.peer')", "Why": "because"}),
    "a policy without a gate": _set(*_MINE, {"Type": "Signature", "Rule": "'CityMSP.peer'"}),
    **{
        f"the rule {rule!r}": _set(*_MINE, {"Type": "ImplicitMeta", "Rule": rule})
        for rule in ("any Admins", "ANY", "ANY  Admins", "ANY Admins ", "MOST Admins")
    },
    "an unknown orderer type": _set("Orderer", "OrdererType", "kafka"),
    "no orderers": _without("Orderer"),
    "no application": _without("Application"),
    "BFT before V3": _all(_V2, bft()),
    "BFT without consenters": bft(0),
    "BFT with an unknown option": bft(options={"Faults": 1}),
    "BFT with a size in units": bft(options={"RequestBatchMaxBytes": "10 MB"}),
    "BFT without an identity": _all(bft(), _without("Orderer", "ConsenterMapping", 0, "Identity")),
}

# What configtxgen takes and is refused here: no orderer of Fabric v3 runs it, or it does not mean what it says.
STRICTER: dict[str, Edit] = {
    "solo": _set("Orderer", "OrdererType", "solo"),
    "no orderer type": _without("Orderer", "OrdererType"),
    "a BatchTimeout in nanoseconds": _set("Orderer", "BatchTimeout", 5),
    "an octal size": _set(*_BATCH, "AbsoluteMaxBytes", "010 KB"),
    "a negative size": _set(*_BATCH, "AbsoluteMaxBytes", -1),
    "keys in another case": _set("application", {"members": 1}),
}
