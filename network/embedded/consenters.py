"""What an update may change of the orderers themselves.

Here none of it has an effect, for there is no consensus; but what Fabric's orderers refuse is refused. Source: Fabric's
`orderer/consensus/etcdraft` (`ValidateConsensusMetadata`, `VerifyConfigMetadata`, `membership.go`), and
`orderer/common/msgprocessor/maintenancefilter.go`; the texts are Fabric's.
"""

from collections.abc import Collection, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fabric_protos.common import configtx_pb2
from fabric_protos.orderer import configuration_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2

from node_client.protocol.certificates import load_certificate
from node_client.protocol.codec import parse
from node_client.protocol.config import Configuration
from node_client.protocol.config_consensus import BFT, RAFT
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.duration import parse_duration
from node_client.protocol.errors import ProtocolError

ConsensusType = configuration_pb2.ConsensusType


def consensus(config: Configuration) -> ConsensusType:
    """A configuration's consensus: its type, its state and its options."""
    return parse(ConsensusType, config.consensus, "ConsensusType")


def check_consenters(config: Configuration, new: Configuration) -> None:
    """Check what an update makes of the consenters. Raises ProtocolError."""
    after = consensus(new)
    if after.type != RAFT or not after.metadata:
        return
    try:
        metadata = etcdraft_pb2.ConfigMetadata.FromString(after.metadata)
    except ValueError as error:
        raise ProtocolError(f"failed to unmarshal new etcdraft metadata configuration: {error}") from error
    try:
        _check_metadata(metadata, new)
    except ProtocolError as error:
        raise ProtocolError(f"invalid new config metadata: {error}") from error
    before = parse(etcdraft_pb2.ConfigMetadata, consensus(config).metadata, "consenters").consenters
    added = len({one.client_tls_cert for one in metadata.consenters} - {one.client_tls_cert for one in before})
    kept = {one.SerializeToString() for one in metadata.consenters}
    removed = sum(one.SerializeToString() not in kept for one in before)
    if added > 1 or removed > 1:
        changes = f"add {added} node(s), remove {removed} node(s)"
        raise ProtocolError(
            f"update of more than one consenter at a time is not supported, requested changes: {changes}"
        )


def _check_metadata(metadata: etcdraft_pb2.ConfigMetadata, config: Configuration) -> None:
    if not metadata.HasField("options"):
        raise ProtocolError("nil Raft config metadata options")
    options = metadata.options
    if not (options.heartbeat_tick and options.election_tick and options.max_inflight_blocks):
        raise ProtocolError(
            f"none of HeartbeatTick ({options.heartbeat_tick}), ElectionTick ({options.election_tick}) and "
            f"MaxInflightBlocks ({options.max_inflight_blocks}) can be zero"
        )
    if options.election_tick <= options.heartbeat_tick:
        raise ProtocolError(
            f"ElectionTick ({options.election_tick}) must be greater than HeartbeatTick ({options.heartbeat_tick})"
        )
    try:
        interval = parse_duration(options.tick_interval)
    except ProtocolError as error:
        text = f'time: invalid duration "{options.tick_interval}"'
        raise ProtocolError(
            f"failed to parse TickInterval ({options.tick_interval}) to time duration: {text}"
        ) from error
    if not interval:
        raise ProtocolError("TickInterval cannot be zero")
    if not metadata.consenters:
        raise ProtocolError("empty consenter set")
    authorities = [
        load_certificate(pem) for msp in config.orderer_msps for pem in (*msp.tls_roots, *msp.tls_intermediates)
    ]
    for one in metadata.consenters:
        _check_consenter(one, authorities)
    _check_duplicates(metadata.consenters)


def _check_consenter(one: etcdraft_pb2.Consenter, authorities: Sequence[x509.Certificate]) -> None:
    where = f"{one.host}:{one.port}"
    for kind, pem in (("client", one.client_tls_cert), ("server", one.server_tls_cert)):
        try:
            certificate = load_certificate(pem)
        except ProtocolError as error:
            text = f"parsing tls {kind} cert of {where}: {error}"
            raise ProtocolError(f"consenter {where} has invalid certificate: {text}") from error
        if not any(_is_issued_by(certificate, authority) for authority in authorities):
            text = f"verifying tls {kind} cert with serial number {certificate.serial_number}"
            unknown = "x509: certificate signed by unknown authority"
            raise ProtocolError(f"consenter {where} has invalid certificate: {text}: {unknown}")


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _check_duplicates(consenters: Collection[etcdraft_pb2.Consenter]) -> None:
    seen: set[bytes] = set()
    for one in consenters:
        if one.server_tls_cert in seen or one.client_tls_cert in seen:
            server, client = one.server_tls_cert.decode(), one.client_tls_cert.decode()
            raise ProtocolError(f"duplicate consenter: server cert: {server}, client cert: {client}")
        seen |= {one.server_tls_cert, one.client_tls_cert}


def check_maintenance(config: Configuration, new: Configuration, update: ConfigUpdate) -> None:
    """Check that the consensus changes by way of maintenance only. Raises ProtocolError."""
    before, after = consensus(config), consensus(new)
    states = f"{ConsensusType.State.Name(before.state)} to {ConsensusType.State.Name(after.state)}"
    types = f"{before.type} to {after.type}"
    if before.state != after.state:
        _check_only_consensus(update)
        if before.type != after.type:
            raise ProtocolError(
                f"attempted to change ConsensusType.Type from {types}, but ConsensusType.State is changing from "
                f"{states}"
            )
        if before.metadata != after.metadata:
            raise ProtocolError(
                f"attempted to change ConsensusType.Metadata, but ConsensusType.State is changing from {states}"
            )
    if before.type != after.type:
        for which, one in (("current", before), ("next", after)):
            if one.state == ConsensusType.STATE_NORMAL:
                raise ProtocolError(
                    f"attempted to change consensus type from {types}, but {which} config ConsensusType.State is not "
                    "in maintenance mode"
                )
        if after.type != BFT:
            raise ProtocolError(f"attempted to change consensus type from {types}, transition not supported")


def _check_only_consensus(update: ConfigUpdate) -> None:
    write = parse(configtx_pb2.ConfigUpdate, update.data, "configuration update").write_set
    wrong = ""
    if not write.groups:
        wrong = "config update contains no changes"
    elif write.values:
        wrong = "config update contains changes to values in group Channel"
    elif len(write.groups) > 1:
        wrong = "config update contains changes to more than one group"
    elif "Orderer" not in write.groups:
        wrong = "update does not contain the Orderer group"
    elif write.groups["Orderer"].groups:
        wrong = "config update contains changes to groups within the Orderer group"
    elif "ConsensusType" not in write.groups["Orderer"].values:
        wrong = "config update does not contain the ConsensusType value"
    elif len(write.groups["Orderer"].values) > 1:
        wrong = "config update contain more then just the ConsensusType value in the Orderer group"
    if wrong:
        raise ProtocolError(wrong)
