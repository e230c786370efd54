"""A ledger with very many certificates, made without clients: endorsed by the nodes' own keys, block by block.

Every transaction is what clients would have made, and is judged by the ledger as any other.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaincode.ledger.read_write_set import NamespaceSet, Write, encode
from chaincode.ledger.state import Version
from chaincode.registry.model import codes
from chaincode.registry.model.ids import new_id
from chaincode.registry.model.keys import certificate_key
from chaincode.registry.model.records import CertificateRecord
from network.embedded.ledger import Ledger
from network.embedded.ordering import Orderer
from network.embedded.signing import NodeIdentity
from network.folder import Folder
from network.registry import REGISTRY
from network.topology import CHANNEL
from node_client.protocol.definitions import LIFECYCLE, NAMESPACES, field_key, read_definition
from node_client.protocol.proposal import build_proposal, parse_proposal
from node_client.protocol.transaction import (
    ChaincodeEvent,
    Endorsement,
    assemble,
    build_event,
    build_response_payload,
    envelope,
)

ISSUED_AT = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Maker:
    """Makes transactions that issue certificates.

    Attributes:
        version: the registry's.
        defined: where its definition was written.
    """

    client: NodeIdentity
    endorsers: Sequence[NodeIdentity]
    version: str
    defined: Version

    def issue(self, certificate: str) -> bytes:
        """The envelope of a transaction that issues a certificate."""
        commitment = new_id() * 2
        args = [b"IssueCertificate", certificate.encode(), commitment.encode()]
        proposal = parse_proposal(
            build_proposal(channel=CHANNEL, chaincode=REGISTRY, args=args, creator=self.client.serialized)
        )
        tx_id = proposal.transaction_id
        record = CertificateRecord(certificate, commitment, "CityMSP", ISSUED_AT, tx_id).to_bytes()
        key = certificate_key(certificate)
        sets = {
            LIFECYCLE: NamespaceSet(reads={field_key(NAMESPACES, REGISTRY, "Sequence"): self.defined}),
            REGISTRY: NamespaceSet(reads={key: None}, writes={key: Write(key, record, False)}),
        }
        announced = json.dumps({"certificateId": certificate, "status": "active"}, separators=(",", ":")).encode()
        response = build_response_payload(
            proposal_hash=proposal.hash,
            chaincode=REGISTRY,
            chaincode_version=self.version,
            status=200,
            message="",
            payload=record,
            result=encode(sets),
            event=build_event(ChaincodeEvent(REGISTRY, tx_id, codes.CERTIFICATE_ISSUED, announced)),
        )
        endorsements = [Endorsement(one.serialized, one.sign(response + one.serialized)) for one in self.endorsers]
        payload = assemble(proposal, response, endorsements)
        return envelope(payload, self.client.sign(payload))


async def fill(folder: Folder, count: int, per_block: int = 100) -> list[str]:
    """Put so many certificates on the ledger of a network that does not run. Returns their ids."""
    ledger = Ledger(folder.embedded / "ledger.db", (folder.path / "channel.block").read_bytes())
    try:
        maker = _maker(folder, ledger)
        identity = NodeIdentity.load("CityMSP", folder.organisation("City") / "orderer" / "msp")
        orderer = Orderer(lambda: ledger.config, "", identity, ledger.commit, lambda: "", ledger.height, ledger.tip[0])
        issued = [new_id() for _ in range(count)]
        for batch in _batches(issued, per_block):
            await orderer._write([[maker.issue(certificate) for certificate in batch]])
        return issued
    finally:
        ledger.close()


def _maker(folder: Folder, ledger: Ledger) -> Maker:
    state = ledger.state("CityMSP")
    definition = read_definition(state, REGISTRY)
    sequence = state.get(LIFECYCLE, field_key(NAMESPACES, REGISTRY, "Sequence"))
    assert definition
    assert sequence
    names = ("City", "Nishitetsu")
    return Maker(
        client=NodeIdentity.load("CityMSP", folder.organisation("City") / "users" / "issuer" / "msp"),
        endorsers=[NodeIdentity.load(f"{name}MSP", folder.organisation(name) / "peer" / "msp") for name in names],
        version=definition.version,
        defined=sequence.version,
    )


def _batches(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
