"""What configtx.yaml says of the consensus among orderers, as the channel's configuration has it: Raft and BFT.

Source: Fabric's `internal/configtxgen/genesisconfig` and `encoder`, `common/policies/bft.go`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fabric_protos.common import configuration_pb2, policies_pb2
from fabric_protos.msp import identities_pb2, msp_principal_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.orderer.smartbft import configuration_pb2 as smartbft_pb2

from network.errors import ConfigurationError
from network.sections import number, only, size
from node_client.protocol.duration import parse_duration

_RAFT_OPTIONS = {
    "TickInterval": "500ms",
    "ElectionTick": 10,
    "HeartbeatTick": 1,
    "MaxInflightBlocks": 5,
    "SnapshotIntervalSize": 16 * 1024 * 1024,
}
# `DefaultConfig` of SmartBFT's `pkg/types/config.go`, as far as Fabric takes it over; for a section that is not there.
_BFT_OPTIONS = {
    "RequestBatchMaxCount": 100,
    "RequestBatchMaxBytes": 10 * 1024 * 1024,
    "RequestBatchMaxInterval": "50ms",
    "IncomingMessageBufferSize": 200,
    "RequestPoolSize": 400,
    "RequestForwardTimeout": "2s",
    "RequestComplainTimeout": "20s",
    "RequestAutoRemoveTimeout": "3m0s",
    "ViewChangeResendInterval": "5s",
    "ViewChangeTimeout": "20s",
    "LeaderHeartbeatTimeout": "1m0s",
    "LeaderHeartbeatCount": 10,
    "CollectTimeout": "1s",
    "SyncOnStart": False,
    "SpeedUpViewChange": False,
}
_BFT_FIELDS = {
    "".join(part.capitalize() for part in name.split("_")): name
    for name in smartbft_pb2.Options.DESCRIPTOR.fields_by_name
}
_RAFT_CONSENTER = ("Host", "Port", "ClientTLSCert", "ServerTLSCert")
_BFT_CONSENTER = ("ID", "Host", "Port", "MSPID", "Identity", "ClientTLSCert", "ServerTLSCert")


def raft_metadata(section: Mapping[str, Any], folder: Path) -> bytes:
    """The metadata of `etcdraft`. Options that are not stated are Fabric's defaults.

    Raises:
        ConfigurationError: the section cannot be used.
    """
    only(section, "EtcdRaft", ("Consenters", "Options"))
    consenters = [_consenter(one, "EtcdRaft", _RAFT_CONSENTER) for one in section.get("Consenters") or []]
    if not consenters:
        raise ConfigurationError("EtcdRaft names no consenters")
    stated = {name: value for name, value in (section.get("Options") or {}).items() if value}
    only(stated, "EtcdRaft.Options", _RAFT_OPTIONS)
    options = {**_RAFT_OPTIONS, **stated}
    parse_duration(options["TickInterval"])
    if options["ElectionTick"] <= options["HeartbeatTick"]:
        raise ConfigurationError("EtcdRaft.Options: ElectionTick must be greater than HeartbeatTick")
    return etcdraft_pb2.ConfigMetadata(
        consenters=[
            etcdraft_pb2.Consenter(
                host=one["Host"],
                port=number(one["Port"]),
                client_tls_cert=(folder / one["ClientTLSCert"]).read_bytes(),
                server_tls_cert=(folder / one["ServerTLSCert"]).read_bytes(),
            )
            for one in consenters
        ],
        options=etcdraft_pb2.Options(
            tick_interval=options["TickInterval"],
            election_tick=options["ElectionTick"],
            heartbeat_tick=options["HeartbeatTick"],
            max_inflight_blocks=options["MaxInflightBlocks"],
            snapshot_interval_size=size(options["SnapshotIntervalSize"]),
        ),
    ).SerializeToString()


def bft_metadata(section: Mapping[str, Any] | None) -> bytes:
    """The metadata of `BFT`: the options as they are stated, or Fabric's defaults without the whole section."""
    options = _BFT_OPTIONS if section is None else section
    only(options, "SmartBFT", _BFT_FIELDS)
    values: Mapping[str, Any] = {_BFT_FIELDS[name]: value for name, value in options.items()}
    return smartbft_pb2.Options(**values).SerializeToString()


def bft_consenters(sections: Sequence[Mapping[str, Any]], folder: Path) -> list[configuration_pb2.Consenter]:
    """The consenters of `ConsenterMapping`. Raises ConfigurationError, OSError."""
    if not sections:
        raise ConfigurationError("ConsenterMapping names no consenters")
    consenters = [_consenter(one, "ConsenterMapping", _BFT_CONSENTER) for one in sections]
    return [
        configuration_pb2.Consenter(
            id=one["ID"],
            host=one["Host"],
            port=number(one["Port"]),
            msp_id=one["MSPID"],
            identity=(folder / one["Identity"]).read_bytes(),
            client_tls_cert=(folder / one["ClientTLSCert"]).read_bytes(),
            server_tls_cert=(folder / one["ServerTLSCert"]).read_bytes(),
        )
        for one in consenters
    ]


def bft_block_validation(consenters: Sequence[configuration_pb2.Consenter]) -> bytes:
    """The policy of a block's signatures: a quorum of the consenters, ⌈(n + f + 1) / 2⌉ of n with f = ⌊(n - 1) / 3⌋."""
    count = len(consenters)
    quorum = (count + (count - 1) // 3 + 2) // 2
    rules = [policies_pb2.SignaturePolicy(signed_by=place) for place in range(count)]
    identities = [
        identities_pb2.SerializedIdentity(mspid=one.msp_id, id_bytes=one.identity).SerializeToString()
        for one in consenters
    ]
    kind = msp_principal_pb2.MSPPrincipal
    return policies_pb2.SignaturePolicyEnvelope(
        rule=policies_pb2.SignaturePolicy(n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=quorum, rules=rules)),
        identities=[kind(principal_classification=kind.IDENTITY, principal=one) for one in identities],
    ).SerializeToString()


def _consenter(section: Mapping[str, Any], where: str, names: Sequence[str]) -> Mapping[str, Any]:
    only(section, f"a consenter of {where}", names)
    missing = [name for name in names if not section.get(name) and name != "ID"]
    if missing:
        raise ConfigurationError(f"a consenter of {where} does not state {missing[0]}")
    return {"ID": 0, **section}
