"""Verifying without a network: receipts of one batch, from their bytes to the verdict, on one core.

A batch is anchored and attested once; what is measured is what a bank does with each receipt after the first one.
"""

import time
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from bench.issuing import CHAINCODE, CHANNEL
from bench.targets import Target
from chaincode.registry.model import merkle
from chaincode.registry.model.commitment import new_salt
from chaincode.registry.model.ids import new_id
from node_client import AsyncGateway, ConnectionProfile
from node_client.anchoring.tree import levels as tree_levels
from node_client.anchoring.tree import path_in
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.document import Document
from node_client.certificates.receipt import Inclusion, Receipt
from node_client.certificates.statement import Statement
from node_client.certificates.status_list import StatusList, make
from node_client.certificates.statuses import BATCH, Subject
from node_client.certificates.trust import Trust
from node_client.certificates.verification import Verdict, Verifier

SIZE = 4096


async def run(target: Target, levels: list[int], seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Measure it; the levels of concurrency mean nothing here.

    Returns:
        The row of `offline`; none where there is no trust file.
    """
    if target.trust is None:
        return {"offline": []}
    trust = Trust.from_bytes(target.trust.read_bytes())
    receipts, status_list = await _batch(target, trust)
    _verify(trust, receipts[:1], status_list)
    count, cpu, begun = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - begun < seconds:
        _verify(trust, receipts, status_list)
        count += len(receipts)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - begun
    row = {
        "verified": count,
        "perSecond": round(count / wall, 1),
        "perCpuSecond": round(count / cpu, 1),
        "receiptBytes": len(receipts[0][1]),
    }
    print(f"offline: {row}")
    return {"offline": [row]}


def _verify(trust: Trust, receipts: list[tuple[bytes, bytes]], status_list: StatusList) -> None:
    for document, data in receipts:
        verifier = Verifier(Document.of_bytes(document), Receipt.from_bytes(data), trust, "CityMSP")
        verifier.check_receipt()
        verifier.check_attested()
        verifier.check_status_list(status_list, timedelta(hours=24))
        if verifier.result().verdict is not Verdict.GENUINE:
            raise RuntimeError("a genuine receipt was not found genuine")


async def _batch(target: Target, trust: Trust) -> tuple[list[tuple[bytes, bytes]], StatusList]:
    """Documents with their receipts, and the batch's status list."""
    documents = [sha256(b"%d" % number).digest() for number in range(SIZE)]
    statements = [
        Statement(
            certificate_id=new_id(),
            type="income",
            issuer="CityMSP",
            issue_date=date(2026, 11, 25),
            document=Document.of_bytes(document, "application/pdf"),
            ledger=trust.ledger,
        )
        for document in documents
    ]
    salts = [new_salt() for _ in statements]
    leaves = [
        merkle.leaf_hash(merkle.certificate_leaf(one.certificate_id, one.commitment(salt)))
        for one, salt in zip(statements, salts, strict=True)
    ]
    nodes, batch_id = tree_levels(leaves), new_id()
    profile = ConnectionProfile.load(target.connection)
    identity = profile.identity(target.organisation, target.user)
    signer = profile.signer(target.organisation, target.user)
    async with AsyncGateway.from_profile(profile, target.organisation, target.user) as gateway:
        network = gateway.get_network(CHANNEL)
        transaction = (
            await network.get_contract(CHAINCODE)
            .new_proposal("AnchorBatch", batch_id, nodes[-1][0].hex(), str(SIZE))
            .endorse()
        )
        await (await transaction.submit()).require_valid()
        client = AsyncRegistryClient(network, trust)
        attested = await client.attest_batch(batch_id)
        subject = Subject(BATCH, batch_id)
        status_list = make(subject, await client.attest_statuses(subject), trust, identity, signer)
    receipts = [
        Receipt(
            statement=one,
            salt=salt,
            transaction_id=transaction.transaction_id,
            attestation=attested,
            inclusion=Inclusion(batch_id, number, SIZE, tuple(path_in(nodes, number))),
        ).to_bytes()
        for number, (one, salt) in enumerate(zip(statements, salts, strict=True))
    ]
    return list(zip(documents, receipts, strict=True)), status_list
