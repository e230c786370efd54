"""A consortium of throw-away keys that attests whatever a test wants attested, without a network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from cryptography import x509
from fabric_protos.msp import identities_pb2

from chaincode.ledger.read_write_set import NamespaceSet, RangeQuery, encode
from chaincode.ledger.state import Version
from chaincode.registry.model import merkle
from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from node_client.anchoring.tree import levels, path_in
from node_client.certificates.attestation import Question
from node_client.certificates.document import Document
from node_client.certificates.questions import batch_question, certificate_question
from node_client.certificates.receipt import Inclusion, Receipt
from node_client.certificates.statement import Ledger, Statement
from node_client.certificates.status_list import StatusList, make
from node_client.certificates.statuses import BATCH, Subject
from node_client.certificates.trust import Trust
from node_client.identity.identity import Identity
from node_client.protocol.policy_dsl import parse_policy
from node_client.protocol.proposal import build_proposal, parse_proposal
from node_client.protocol.transaction import Endorsement, assemble, build_response_payload
from tests.authorities import Ca, Holder, msp_config

POLICY = "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer'))"
MSPS = ("CityMSP", "NishitetsuMSP", "TriValleyMSP")
CITY, NISHITETSU, TRIVALLEY = MSPS
ENOUGH = (CITY, NISHITETSU)
CERTIFICATE_ID = "0123456789abcdef0123456789abcdef"
BATCH_ID = "fedcba9876543210fedcba9876543210"
SALT = b"\x5a" * 32
DOCUMENT = b"a fictional income certificate"
ISSUED = "2026-11-25T00:00:00.000Z"
BEGIN, LIFETIME = datetime.now(UTC) - timedelta(days=400), timedelta(days=800)


def role(name: str) -> x509.Extension[x509.ExtensionType]:
    oid = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
    value = x509.UnrecognizedExtension(oid, b'{"attrs":{"certledger.role":"%s"}}' % name.encode())
    return x509.Extension(oid, False, value)


@dataclass
class Consortium:
    """Three organisations, each with an authority and a peer; the city has an issuer."""

    first_block: str = "ab" * 32
    authorities: dict[str, Ca] = field(default_factory=dict)
    peers: dict[str, Holder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authorities = {msp: Ca.root(f"ca.{msp}", begin=BEGIN, lifetime=LIFETIME) for msp in MSPS}
        self.peers = {msp: self.issue(msp, "peer") for msp in MSPS}
        self.issuer = self.issue(CITY, "client", extensions=[role("issuer")])
        self.ledger = Ledger(self.first_block, "certificates", "registry")
        self.trust = self.trusting()

    def issue(self, msp: str, unit: str, **options: object) -> Holder:
        return self.authorities[msp].issue("someone", unit, **{"begin": BEGIN, "lifetime": LIFETIME, **options})

    def trusting(self, revoked: Mapping[str, Holder] | None = None) -> Trust:
        lists = {msp: [self.authorities[msp].crl(holder.certificate)] for msp, holder in (revoked or {}).items()}
        configs = [msp_config(msp, [ca], revocations=lists.get(msp, [])) for msp, ca in self.authorities.items()]
        return Trust.create(self.ledger, configs, parse_policy(POLICY))

    @property
    def identity(self) -> Identity:
        return Identity(CITY, self.issuer.pem)

    def attest(
        self,
        question: Question,
        result: bytes,
        *,
        endorsers: Sequence[str | tuple[str, Holder]] = ENOUGH,
        ledger: Ledger | None = None,
        reads: Mapping[str, Version | None] | None = None,
        creator: bytes | None = None,
        nonce: bytes | None = None,
        at: datetime | None = None,
        status: int = 200,
    ) -> bytes:
        """What these organisations' peers sign when they are asked this and answer that."""
        ledger = ledger or self.ledger
        proposal = parse_proposal(
            build_proposal(
                channel=ledger.channel,
                chaincode=ledger.chaincode,
                args=[text.encode() for text in (question.function, *question.args)],
                creator=creator or self.identity.serialized,
                nonce=nonce,
                timestamp=at,
            )
        )
        own = NamespaceSet(
            reads=dict(reads) if reads is not None else dict.fromkeys(question.keys, Version(6, 0)),
            range_queries=[RangeQuery(start, end, True) for start, end in question.ranges],
        )
        payload = build_response_payload(
            proposal_hash=proposal.hash,
            chaincode=ledger.chaincode,
            chaincode_version="1",
            status=status,
            message="",
            payload=result,
            result=encode({ledger.chaincode: own}),
            event=b"",
        )
        signed = []
        for one in endorsers:
            msp, holder = one if isinstance(one, tuple) else (one, self.peers[one])
            endorser = identities_pb2.SerializedIdentity(mspid=msp, id_bytes=holder.pem).SerializeToString()
            signed.append(Endorsement(endorser, holder.sign(payload + endorser)))
        return assemble(proposal, payload, signed)

    def statement(self, **changes: object) -> Statement:
        values: dict[str, object] = {
            "certificate_id": CERTIFICATE_ID,
            "type": "income",
            "issuer": CITY,
            "issue_date": date(2026, 11, 25),
            "document": Document.of_bytes(DOCUMENT, "application/pdf"),
            "ledger": self.ledger,
            **changes,
        }
        return Statement(**values)  # type: ignore[arg-type]

    def record(self, **changes: object) -> CertificateRecord:
        values: dict[str, object] = {
            "certificate_id": CERTIFICATE_ID,
            "commitment": self.statement().commitment(SALT),
            "issuer_msp": CITY,
            "issued_at": ISSUED,
            "transaction_id": "cd" * 32,
            **changes,
        }
        return CertificateRecord(**values)  # type: ignore[arg-type]

    def attested(self, record: CertificateRecord | None = None, **options: object) -> bytes:
        """A certificate's record, attested."""
        record = record or self.record()
        return self.attest(certificate_question(record.certificate_id), record.to_bytes(), **options)  # type: ignore[arg-type]

    def receipt(self, attestation: bytes | None = None, statement: Statement | None = None) -> Receipt:
        statement = statement or self.statement()
        return Receipt(
            statement=statement,
            salt=SALT,
            transaction_id="cd" * 32,
            attestation=attestation or self.attested(self.record(commitment=statement.commitment(SALT))),
        )


@dataclass(frozen=True)
class Batched:
    """A batch of a consortium, with every member's receipt and document."""

    record: BatchRecord
    receipts: tuple[Receipt, ...]
    documents: tuple[bytes, ...]


def batch_of(
    city: Consortium, size: int, batch_id: str = BATCH_ID, *, says: str = CITY, recorded: str = CITY
) -> Batched:
    """A batch.

    Args:
        says: whom the statements name as the issuer.
        recorded: whom the ledger's record names.
    """
    documents = tuple(b"document %d" % number for number in range(size))
    statements = [
        city.statement(
            certificate_id=f"{number:032x}", document=Document.of_bytes(document, "application/pdf"), issuer=says
        )
        for number, document in enumerate(documents)
    ]
    leaves = [merkle.leaf_hash(merkle.certificate_leaf(one.certificate_id, one.commitment(SALT))) for one in statements]
    nodes = levels(leaves)
    record = BatchRecord(batch_id, nodes[-1][0].hex(), size, recorded, ISSUED, "cd" * 32)
    attestation = city.attest(batch_question(batch_id), record.to_bytes())
    receipts = tuple(
        Receipt(
            statement=one,
            salt=SALT,
            transaction_id="cd" * 32,
            attestation=attestation,
            inclusion=Inclusion(batch_id, number, size, tuple(path_in(nodes, number))),
        )
        for number, one in enumerate(statements)
    )
    return Batched(record, receipts, documents)


def batch_list(city: Consortium, batch: Batched, *statuses: StatusRecord) -> StatusList:
    """The batch's status list."""
    subject = Subject(BATCH, batch.record.batch_id)
    answer = {"batch": batch.record.to_dict(), "statuses": [one.to_dict() for one in statuses]}
    data = json.dumps(answer, separators=(",", ":"), sort_keys=True).encode()
    return make(subject, city.attest(subject.question, data), city.trust, city.identity, city.issuer.signer)
