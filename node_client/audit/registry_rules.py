"""The registry's rules once more, apart from the contract: what a transaction had to read, write, answer and announce.

The contract decides before the ledger; an auditor decides again from what the ledger has. Both follow DESIGN's rules
and share the records' form (`chaincode.registry.model`), not each other's code.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chaincode.registry.model import codes, keys, merkle
from chaincode.registry.model.ids import is_digest, is_id
from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from chaincode.registry.model.status import Reason, Status, may_become

READS = frozenset(
    {
        "ReadCertificate",
        "VerifyCertificate",
        "GetCertificateHistory",
        "ListCertificates",
        "ReadBatch",
        "ReadMember",
        "ReadStatusList",
        "ListBatches",
        "org.hyperledger.fabric:GetMetadata",
    }
)
_OF_STATUS = {
    Status.REVOKED: codes.CERTIFICATE_REVOKED,
    Status.SUSPENDED: codes.CERTIFICATE_SUSPENDED,
    Status.ACTIVE: codes.CERTIFICATE_REINSTATED,
    Status.SUPERSEDED: codes.CERTIFICATE_SUPERSEDED,
}


class Refused(Exception):
    """The registry must refuse this; the text says why."""


@dataclass(frozen=True)
class Call:
    """A transaction of the registry.

    Attributes:
        msp_id, role: the caller's organisation, and what its certificate lets it do.
        seconds, nanos: the transaction's time.
    """

    function: str
    args: tuple[str, ...]
    msp_id: str
    role: str
    tx_id: str
    seconds: int
    nanos: int

    @property
    def time(self) -> str:
        """The time as records have it."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds, microseconds=self.nanos // 1000)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Effect:
    """What a transaction must have done.

    Attributes:
        result: its answer; None where it is not looked at.
        event: name and payload.
    """

    reads: set[str] = field(default_factory=set)
    writes: dict[str, bytes] = field(default_factory=dict)
    result: bytes | None = None
    event: tuple[str, bytes] | None = None


class RegistryRules:
    """What the registry does with a call.

    Args:
        issuer_msps: the organisations that may issue.
    """

    def __init__(self, issuer_msps: frozenset[str]) -> None:
        self._issuer_msps = issuer_msps

    def effect(self, call: Call, get: Callable[[str], bytes | None]) -> Effect:
        """What a call must do.

        Args:
            get: the record at a key as it was before the call.

        Raises:
            Refused: it must do nothing, for the registry has to refuse it.
        """
        if call.function in READS:
            return Effect()
        steps: dict[str, tuple[int, Callable[[_Run], bytes]]] = {
            "IssueCertificate": (2, _issue),
            "RevokeCertificate": (2, lambda run: _change(run, Status.REVOKED)),
            "SuspendCertificate": (2, lambda run: _change(run, Status.SUSPENDED)),
            "ReinstateCertificate": (1, lambda run: _change(run, Status.ACTIVE)),
            "SupersedeCertificate": (3, _supersede),
            "AnchorBatch": (3, _anchor),
            "RevokeMember": (4, lambda run: _change_member(run, Status.REVOKED)),
            "SuspendMember": (4, lambda run: _change_member(run, Status.SUSPENDED)),
            "ReinstateMember": (3, lambda run: _change_member(run, Status.ACTIVE)),
            "SupersedeMember": (5, _supersede_member),
        }
        if call.function not in steps:
            raise Refused(f"the registry has no function {call.function}")
        count, step = steps[call.function]
        _require(len(call.args) == count, f"{call.function} takes {count} arguments")
        _require(call.role == codes.ISSUER, "its caller is no issuer")
        _require(call.msp_id in self._issuer_msps, f"the organisation {call.msp_id} may not issue")
        run = _Run(call, get)
        try:
            run.effect.result = step(run)
        except ValueError as error:
            raise Refused(f"its arguments, or a record that it read, are not what they must be: {error}") from error
        except OverflowError as error:
            raise Refused("its time is none") from error
        return run.effect


@dataclass
class _Run:
    call: Call
    get: Callable[[str], bytes | None]
    effect: Effect = field(default_factory=Effect)

    def read(self, key: str) -> bytes | None:
        self.effect.reads.add(key)
        return self.get(key)

    def write(self, key: str, data: bytes) -> bytes:
        self.effect.writes[key] = data
        return data

    def announce(self, name: str, **values: object) -> None:
        payload = {key: value for key, value in values.items() if value is not None}
        self.effect.event = name, json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()

    def certificate(self, certificate_id: str, commitment: str, supersedes: str | None = None) -> CertificateRecord:
        _require(is_id(certificate_id) and is_digest(commitment), "its arguments are no id and commitment")
        call = self.call
        return CertificateRecord(certificate_id, commitment, call.msp_id, call.time, call.tx_id, supersedes=supersedes)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Refused(otherwise)


def _issue(run: _Run) -> bytes:
    certificate_id, commitment = run.call.args
    record = run.certificate(certificate_id, commitment)
    found = run.read(keys.certificate_key(certificate_id))
    if found:
        _require(CertificateRecord.from_bytes(found).same_issue(record), "another certificate has this id")
        return found
    run.announce(codes.CERTIFICATE_ISSUED, certificateId=certificate_id, status=record.status)
    return run.write(keys.certificate_key(certificate_id), record.to_bytes())


def _existing(run: _Run, certificate_id: str) -> CertificateRecord:
    found = run.read(keys.certificate_key(certificate_id))
    _require(found is not None, "there is no such certificate")
    record = CertificateRecord.from_bytes(found or b"")
    _require(record.issuer_msp == run.call.msp_id, "another organisation issued the certificate")
    return record


def _change(run: _Run, status: Status) -> bytes:
    certificate_id, *rest = run.call.args
    reason = Reason(rest[0]) if rest else None
    record = _existing(run, certificate_id)
    if (record.status, record.reason) == (status, reason):
        return record.to_bytes()
    _require(may_become(record.status, status), f"what is {record.status} cannot become {status}")
    run.announce(_OF_STATUS[status], certificateId=certificate_id, status=status, reason=reason)
    return run.write(keys.certificate_key(certificate_id), record.with_status(status, reason).to_bytes())


def _supersede(run: _Run) -> bytes:
    certificate_id, new_id, commitment = run.call.args
    successor = run.certificate(new_id, commitment, supersedes=certificate_id)
    record = _existing(run, certificate_id)
    found = run.read(keys.certificate_key(new_id))
    if found:
        _require(CertificateRecord.from_bytes(found).same_issue(successor), "another certificate has this id")
        return found
    _require(may_become(record.status, Status.SUPERSEDED), f"what is {record.status} cannot be superseded")
    replaced = record.with_status(Status.SUPERSEDED, Reason.SUPERSEDED, superseded_by=new_id)
    run.write(keys.certificate_key(certificate_id), replaced.to_bytes())
    run.announce(
        codes.CERTIFICATE_SUPERSEDED, certificateId=certificate_id, supersededBy=new_id, status=replaced.status
    )
    return run.write(keys.certificate_key(new_id), successor.to_bytes())


def _anchor(run: _Run) -> bytes:
    batch_id, root, text = run.call.args
    size = json.loads(text)
    _require(is_id(batch_id) and is_digest(root) and type(size) is int and size >= 1, "its arguments are no batch")
    call = run.call
    found = run.read(keys.batch_key(batch_id))
    if found:
        existing = BatchRecord.from_bytes(found)
        same = (existing.root, existing.size, existing.issuer_msp) == (root, size, call.msp_id)
        _require(same, "another batch has this id")
        return found
    run.announce(codes.BATCH_ANCHORED, batchId=batch_id, size=size)
    return run.write(
        keys.batch_key(batch_id), BatchRecord(batch_id, root, size, call.msp_id, call.time, call.tx_id).to_bytes()
    )


def _change_member(run: _Run, status: Status, reason: Reason | None = None, superseded_by: str | None = None) -> bytes:
    batch_id, leaf, proof, *rest = run.call.args
    if reason is None and rest:
        reason = Reason(rest[0])
    found = run.read(keys.batch_key(batch_id))
    _require(found is not None, "there is no such batch")
    batch = BatchRecord.from_bytes(found or b"")
    _require(batch.issuer_msp == run.call.msp_id, "another organisation anchored the batch")
    index = _index(batch, leaf, proof)
    key = keys.status_key(batch_id, leaf)
    existing = run.read(key)
    current = StatusRecord.from_bytes(existing) if existing else None
    if current and (current.status, current.reason, current.superseded_by) == (status, reason, superseded_by):
        return current.to_bytes()
    now = current.status if current else Status.ACTIVE
    _require(may_become(now, status), f"what is {now} cannot become {status}")
    record = StatusRecord(
        batch_id, leaf, index, batch.issuer_msp, run.call.time, run.call.tx_id, status, reason, superseded_by
    )
    run.announce(
        _OF_STATUS[status], batchId=batch_id, leaf=leaf, status=status, reason=reason, supersededBy=superseded_by
    )
    return run.write(key, record.to_bytes())


def _index(batch: BatchRecord, leaf: str, proof: str) -> int:
    values = json.loads(proof)
    try:
        index, path = values["index"], [bytes.fromhex(node) for node in values["path"]]
        shown = type(index) is int and merkle.verify_inclusion(
            bytes.fromhex(leaf), index, batch.size, path, bytes.fromhex(batch.root)
        )
    except (KeyError, TypeError) as error:
        raise Refused("its proof is none") from error
    _require(is_digest(leaf) and shown, "its proof does not show the leaf in the batch")
    return int(index)


def _supersede_member(run: _Run) -> bytes:
    batch_id, leaf, _, new_id, commitment = run.call.args
    successor = run.certificate(new_id, commitment, supersedes=f"{batch_id}/{leaf}")
    found = run.read(keys.certificate_key(new_id))
    if found:
        _require(CertificateRecord.from_bytes(found).same_issue(successor), "another certificate has this id")
        return found
    _change_member(run, Status.SUPERSEDED, Reason.SUPERSEDED, new_id)
    return run.write(keys.certificate_key(new_id), successor.to_bytes())


def call_of(
    args: Sequence[bytes], msp_id: str, role: str, tx_id: str, seconds: int, nanos: int, *, contract: str = "registry"
) -> Call:
    """A call as it stands in a transaction. Raises Refused when it is none."""
    try:
        function, *rest = (one.decode() for one in args)
    except ValueError as error:
        raise Refused("its arguments are no texts") from error
    return Call(function.removeprefix(f"{contract}:"), tuple(rest), msp_id, role, tx_id, seconds, nanos)
