"""Changes of how a channel's orderers agree: another consenter, maintenance mode, and from Raft to BFT.

Each is one update. Source: Fabric's `orderer/common/msgprocessor/maintenancefilter.go`: entering and leaving
maintenance changes nothing else, the type changes in maintenance only, the consenters before and after are the same.
"""

from collections.abc import Mapping

from fabric_protos.common import configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.orderer.smartbft import configuration_pb2 as smartbft_pb2

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError

RAFT, BFT = "etcdraft", "BFT"
_CONSENSUS, _MAPPING, _VALIDATION, _ENDPOINTS = "ConsensusType", "Orderers", "BlockValidation", "Endpoints"


def consensus_type(config: bytes) -> str:
    """How the orderers of a configuration agree, such as `etcdraft` or `BFT`. Raises ProtocolError."""
    return _consensus(_orderer(_parse(config))).type


def raft_addresses(config: bytes) -> tuple[str, ...]:
    """Where the consenters of Raft are, `host:port`. Raises ProtocolError."""
    consensus = _consensus(_orderer(_parse(config)))
    metadata = parse(etcdraft_pb2.ConfigMetadata, consensus.metadata, "consenters")
    return tuple(f"{one.host}:{one.port}" for one in metadata.consenters)


def bft_owners(config: bytes) -> Mapping[str, str]:
    """Where the consenters of BFT are, and whose: `host:port` → MSP id, in their order. Raises ProtocolError."""
    mapping = parse(configuration_pb2.Orderers, _orderer(_parse(config)).values[_MAPPING].value, _MAPPING)
    return {f"{one.host}:{one.port}": one.msp_id for one in mapping.consenter_mapping}


def with_maintenance(config: bytes, wanted: bool) -> bytes:
    """The configuration in, or out of, maintenance mode."""
    message = _parse(config)
    consensus = _consensus(_orderer(message))
    states = orderer_pb2.ConsensusType
    consensus.state = states.STATE_MAINTENANCE if wanted else states.STATE_NORMAL
    return _with_consensus(message, consensus)


def with_raft_consenter(config: bytes, organisation: str, address: str, certificate: bytes) -> bytes:
    """The configuration with another consenter of Raft, which is an endpoint of its organisation too.

    Args:
        address: `host:port`.
        certificate: its TLS certificate, PEM.

    Raises:
        ProtocolError: no such organisation orders.
    """
    message = _parse(config)
    orderer = _orderer(message)
    consensus = _consensus(orderer)
    metadata = parse(etcdraft_pb2.ConfigMetadata, consensus.metadata, "consenters")
    host, _, port = address.rpartition(":")
    metadata.consenters.add(host=host, port=int(port), client_tls_cert=certificate, server_tls_cert=certificate)
    consensus.metadata = metadata.SerializeToString(deterministic=True)
    if organisation not in orderer.groups:
        raise ProtocolError(f"{organisation} does not order on the channel")
    value = orderer.groups[organisation].values[_ENDPOINTS]
    endpoints = parse(configuration_pb2.OrdererAddresses, value.value, _ENDPOINTS)
    if address not in endpoints.addresses:
        endpoints.addresses.append(address)
    value.value = endpoints.SerializeToString(deterministic=True)
    return _with_consensus(message, consensus)


def with_bft(config: bytes, wanted: bytes) -> bytes:
    """The configuration whose orderers agree by BFT, as another configuration says, and stay in maintenance mode.

    Their TLS certificates stay those by which they know each other now: Fabric takes no others, renewed ones included.
    Options must state how large a batch is, unlike those of a first block: the values in force are put in, which Fabric
    uses in any case (`createSmartBftConfig` of `orderer/consensus/smartbft/util.go`).

    Args:
        wanted: a configuration of BFT with the same consenters: its options, mapping and policy of block signatures.

    Raises:
        ProtocolError: the consenters are others.
    """
    message = _parse(config)
    orderer, source = _orderer(message), _orderer(_parse(wanted))
    before = parse(etcdraft_pb2.ConfigMetadata, _consensus(orderer).metadata, "consenters").consenters
    known = {(one.host, one.port): one for one in before}
    mapping = parse(configuration_pb2.Orderers, source.values[_MAPPING].value, _MAPPING)
    if sorted(known) != sorted((one.host, one.port) for one in mapping.consenter_mapping):
        raise ProtocolError("the consenters of BFT are not those of Raft")
    for one in mapping.consenter_mapping:
        now = known[one.host, one.port]
        one.client_tls_cert, one.server_tls_cert = now.client_tls_cert, now.server_tls_cert
    value = orderer.values[_MAPPING]
    value.value, value.mod_policy = mapping.SerializeToString(deterministic=True), source.values[_MAPPING].mod_policy
    orderer.policies[_VALIDATION].policy.CopyFrom(source.policies[_VALIDATION].policy)
    consensus = _consensus(source)
    options = parse(smartbft_pb2.Options, consensus.metadata, "SmartBFT options")
    size = parse(orderer_pb2.BatchSize, orderer.values["BatchSize"].value, "BatchSize")
    options.request_batch_max_count, options.request_batch_max_bytes = size.max_message_count, size.absolute_max_bytes
    consensus.metadata = options.SerializeToString(deterministic=True)
    consensus.state = orderer_pb2.ConsensusType.STATE_MAINTENANCE
    return _with_consensus(message, consensus)


def _parse(config: bytes) -> configtx_pb2.Config:
    return parse(configtx_pb2.Config, config, "configuration")


def _orderer(config: configtx_pb2.Config) -> configtx_pb2.ConfigGroup:
    return config.channel_group.groups["Orderer"]


def _consensus(orderer: configtx_pb2.ConfigGroup) -> orderer_pb2.ConsensusType:
    return parse(orderer_pb2.ConsensusType, orderer.values[_CONSENSUS].value, _CONSENSUS)


def _with_consensus(message: configtx_pb2.Config, consensus: orderer_pb2.ConsensusType) -> bytes:
    _orderer(message).values[_CONSENSUS].value = consensus.SerializeToString(deterministic=True)
    return message.SerializeToString(deterministic=True)
