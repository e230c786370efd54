"""The registry's functions, refusals and events, run over the chaincode stream."""

import json
from collections.abc import AsyncIterator

import pytest

from chaincode.contract import ContractChaincode
from chaincode.registry.contract import Registry
from chaincode.registry.model import merkle
from chaincode.testing import Client, MemoryLedger, Refused, TestOrganisation

CITY = TestOrganisation("CityMSP")
CENTRE = TestOrganisation("NishitetsuMSP")

ID = "0123456789abcdef0123456789abcdef"
OTHER_ID = "fedcba9876543210fedcba9876543210"
COMMITMENT = "a1" * 32
OTHER_COMMITMENT = "b2" * 32


def role(name: str) -> dict[str, str]:
    return {"certledger.role": name}


ISSUER = CITY.creator("issuer-01", attributes=role("issuer"))
AUDITOR = CITY.creator("auditor-01", attributes=role("auditor"))
VERIFIER = CENTRE.creator("verifier-01", attributes=role("verifier"))
FOREIGN_ISSUER = CENTRE.creator("issuer-01", attributes=role("issuer"))
ADMIN = CITY.creator("admin", unit="admin")
NOBODY = CITY.creator("nobody")


@pytest.fixture
async def ledger() -> AsyncIterator[MemoryLedger]:
    registry = Registry(frozenset({"CityMSP"}))
    async with MemoryLedger(ContractChaincode(registry), name="registry") as ledger:
        yield ledger


@pytest.fixture
def issuer(ledger: MemoryLedger) -> Client:
    return ledger.client(ISSUER)


async def record(client: Client, certificate_id: str = ID) -> dict[str, str]:
    found: dict[str, str] = json.loads(await client.evaluate("ReadCertificate", certificate_id))
    return found


async def test_an_issued_certificate_can_be_read(ledger: MemoryLedger, issuer: Client) -> None:
    result = await issuer.submit("IssueCertificate", ID, COMMITMENT)

    found = await record(ledger.client(VERIFIER))
    assert found["commitment"] == COMMITMENT
    assert found["status"] == "active"
    assert found["issuerMsp"] == "CityMSP"
    assert found["transactionId"] == result.tx_id
    assert found["issuedAt"].endswith("Z")
    assert ledger.events == [
        ("CertificateIssued", json.dumps({"certificateId": ID, "status": "active"}, separators=(",", ":")).encode())
    ]


async def test_a_repeat_answers_with_the_first_record_and_writes_nothing(ledger: MemoryLedger, issuer: Client) -> None:
    first = await issuer.submit("IssueCertificate", ID, COMMITMENT)
    again = await issuer.submit("IssueCertificate", ID, COMMITMENT)

    assert again.payload == first.payload
    assert not again.simulation.sets["registry"].writes
    assert len(ledger.events) == 1


async def test_an_id_belongs_to_one_commitment(issuer: Client) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    with pytest.raises(Refused, match=rf"^ALREADY_EXISTS: .* \[certificateId={ID}\]$"):
        await issuer.submit("IssueCertificate", ID, OTHER_COMMITMENT)


@pytest.mark.parametrize("creator", [AUDITOR, VERIFIER, ADMIN, NOBODY, FOREIGN_ISSUER])
@pytest.mark.parametrize(
    "call",
    [
        ("IssueCertificate", OTHER_ID, COMMITMENT),
        ("RevokeCertificate", ID, "unspecified"),
        ("SuspendCertificate", ID, "certificateHold"),
        ("ReinstateCertificate", ID),
        ("SupersedeCertificate", ID, OTHER_ID, OTHER_COMMITMENT),
        ("AnchorBatch", ID, COMMITMENT, "1"),
    ],
    ids=lambda call: call[0],
)
async def test_only_issuers_of_issuing_organisations_write(
    ledger: MemoryLedger, issuer: Client, creator: bytes, call: tuple[str, ...]
) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    with pytest.raises(Refused, match="^NOT_AUTHORISED: "):
        await ledger.client(creator).submit(*call)


async def test_an_organisation_changes_only_what_it_issued() -> None:
    registry = Registry(frozenset({"CityMSP", "NishitetsuMSP"}))
    async with MemoryLedger(ContractChaincode(registry), name="registry") as ledger:
        await ledger.client(ISSUER).submit("IssueCertificate", ID, COMMITMENT)
        with pytest.raises(Refused, match="^NOT_ISSUER: "):
            await ledger.client(FOREIGN_ISSUER).submit("RevokeCertificate", ID, "unspecified")


@pytest.mark.parametrize("creator", [ISSUER, AUDITOR, VERIFIER, ADMIN])
async def test_readers_read(ledger: MemoryLedger, issuer: Client, creator: bytes) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    assert (await record(ledger.client(creator)))["certificateId"] == ID


async def test_someone_without_a_role_does_not_read(ledger: MemoryLedger) -> None:
    with pytest.raises(Refused, match="^NOT_AUTHORISED: "):
        await ledger.client(NOBODY).evaluate("ReadCertificate", ID)


@pytest.mark.parametrize(
    "call",
    [
        ("IssueCertificate", "not-an-id", COMMITMENT),
        ("IssueCertificate", ID.upper(), COMMITMENT),
        ("IssueCertificate", ID, "飯塚"),
        ("IssueCertificate", ID),
        ("IssueCertificate", ID, COMMITMENT, "more"),
        ("RevokeCertificate", ID, "because"),
        ("ListCertificates", "many", ""),
        ("ListCertificates", "0", ""),
        ("AnchorBatch", ID, COMMITMENT, "0"),
        ("AnchorBatch", ID, COMMITMENT, "true"),
        ("RevokeMember", ID, COMMITMENT, "not json", "unspecified"),
        ("RevokeMember", ID, COMMITMENT, "[]", "unspecified"),
        ("RevokeMember", ID, COMMITMENT, '{"index": 0}', "unspecified"),
        ("RevokeMember", ID, COMMITMENT, '{"index": 0, "path": [], "more": 1}', "unspecified"),
        ("RevokeMember", ID, COMMITMENT, '{"index": true, "path": []}', "unspecified"),
        ("RevokeMember", ID, COMMITMENT, '{"index": -1, "path": []}', "unspecified"),
        ("RevokeMember", ID, COMMITMENT, '{"index": 0, "path": "a1"}', "unspecified"),
        ("RevokeMember", ID, COMMITMENT, '{"index": 0, "path": ["a1"]}', "unspecified"),
        # A number whose digits are those of a hash is not one.
        ("RevokeMember", ID, COMMITMENT, '{"index": 0, "path": [%s]}' % ("1" * 64), "unspecified"),
        ("RevokeMember", ID, COMMITMENT, json.dumps({"index": 0, "path": ["a1" * 32] * 41}), "unspecified"),
        ("RevokeMember", ID, COMMITMENT, "[" * 100_000, "unspecified"),
    ],
    ids=lambda call: "-".join(call)[:100],
)
async def test_bad_arguments_are_refused_and_not_repeated(issuer: Client, call: tuple[str, ...]) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    await issuer.submit("AnchorBatch", ID, COMMITMENT, "1")
    with pytest.raises(Refused, match="^BAD_ARGUMENT: ") as refused:
        await issuer.submit(*call)
    assert "飯塚" not in str(refused.value)
    assert "because" not in str(refused.value)


async def test_unknown_functions_are_refused(issuer: Client) -> None:
    with pytest.raises(Refused, match="^UNKNOWN_FUNCTION: "):
        await issuer.submit("DropEverything")


async def test_unknown_certificates_are_not_found(issuer: Client) -> None:
    for call in (("ReadCertificate", ID), ("GetCertificateHistory", ID), ("RevokeCertificate", ID, "unspecified")):
        with pytest.raises(Refused, match="^NOT_FOUND: "):
            await issuer.submit(*call)
    with pytest.raises(Refused, match="^NOT_FOUND: "):
        await issuer.evaluate("ReadBatch", ID)


async def test_suspension_can_be_undone_and_revocation_cannot(ledger: MemoryLedger, issuer: Client) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    await issuer.submit("SuspendCertificate", ID, "certificateHold")
    assert (await record(issuer))["status"] == "suspended"
    await issuer.submit("ReinstateCertificate", ID)
    assert (await record(issuer))["status"] == "active"
    await issuer.submit("RevokeCertificate", ID, "keyCompromise")
    revoked = await record(issuer)
    assert (revoked["status"], revoked["reason"]) == ("revoked", "keyCompromise")
    for call in (("SuspendCertificate", ID, "certificateHold"), ("ReinstateCertificate", ID)):
        with pytest.raises(Refused, match="^FINAL_STATUS: "):
            await issuer.submit(*call)
    assert [name for name, _ in ledger.events] == [
        "CertificateIssued",
        "CertificateSuspended",
        "CertificateReinstated",
        "CertificateRevoked",
    ]


async def test_revoking_twice_is_one_revocation(ledger: MemoryLedger, issuer: Client) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    first = await issuer.submit("RevokeCertificate", ID, "unspecified")
    again = await issuer.submit("RevokeCertificate", ID, "unspecified")
    assert first.payload == again.payload
    with pytest.raises(Refused, match="^FINAL_STATUS: "):
        await issuer.submit("RevokeCertificate", ID, "keyCompromise")


async def test_a_certificate_is_superseded_by_a_new_one(ledger: MemoryLedger, issuer: Client) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    await issuer.submit("SupersedeCertificate", ID, OTHER_ID, OTHER_COMMITMENT)

    old, new = await record(issuer), await record(issuer, OTHER_ID)
    assert (old["status"], old["supersededBy"]) == ("superseded", OTHER_ID)
    assert (new["status"], new["supersedes"], new["commitment"]) == ("active", ID, OTHER_COMMITMENT)
    again = await issuer.submit("SupersedeCertificate", ID, OTHER_ID, OTHER_COMMITMENT)
    assert json.loads(again.payload) == new
    with pytest.raises(Refused, match="^FINAL_STATUS: "):
        await issuer.submit("SupersedeCertificate", ID, "00" * 16, OTHER_COMMITMENT)


async def test_verify_compares_commitments(ledger: MemoryLedger, issuer: Client) -> None:
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    verifier = ledger.client(VERIFIER)
    same = json.loads(await verifier.evaluate("VerifyCertificate", ID, COMMITMENT))
    other = json.loads(await verifier.evaluate("VerifyCertificate", ID, OTHER_COMMITMENT))
    assert same == {"certificateId": ID, "matches": True, "status": "active"}
    assert other["matches"] is False


async def test_history_is_newest_first(issuer: Client) -> None:
    issued = await issuer.submit("IssueCertificate", ID, COMMITMENT)
    revoked = await issuer.submit("RevokeCertificate", ID, "unspecified")
    history = json.loads(await issuer.evaluate("GetCertificateHistory", ID))
    assert [entry["transactionId"] for entry in history] == [revoked.tx_id, issued.tx_id]
    assert [entry["record"]["status"] for entry in history] == ["revoked", "active"]


async def test_lists_come_in_pages(issuer: Client) -> None:
    ids = [f"{number:032x}" for number in range(7)]
    for certificate_id in ids:
        await issuer.submit("IssueCertificate", certificate_id, COMMITMENT)
    await issuer.submit("AnchorBatch", ID, COMMITMENT, "1")
    found, bookmark, pages = [], "", 0
    while True:
        page = json.loads(await issuer.evaluate("ListCertificates", "3", bookmark))
        found += [entry["certificateId"] for entry in page["records"]]
        pages += 1
        bookmark = page["bookmark"]
        if not bookmark:
            break
    assert found == ids
    assert pages == 3


def tree() -> tuple[list[bytes], bytes]:
    leaves = [merkle.leaf_hash(merkle.certificate_leaf(f"{n:032x}", COMMITMENT)) for n in range(3)]
    return leaves, merkle.node_hash(merkle.node_hash(leaves[0], leaves[1]), leaves[2])


async def test_members_of_a_batch_change_with_a_valid_proof_only(ledger: MemoryLedger, issuer: Client) -> None:
    leaves, root = tree()
    await issuer.submit("AnchorBatch", ID, root.hex(), "3")
    proof = json.dumps({"index": 1, "path": [leaves[0].hex(), leaves[2].hex()]})
    member = leaves[1].hex()
    assert json.loads(await issuer.evaluate("ReadMember", ID, member))["status"] is None

    with pytest.raises(Refused, match="^BAD_PROOF: "):
        await issuer.submit("RevokeMember", ID, leaves[0].hex(), proof, "unspecified")
    await issuer.submit("SuspendMember", ID, member, proof, "certificateHold")
    await issuer.submit("ReinstateMember", ID, member, proof)
    await issuer.submit("RevokeMember", ID, member, proof, "unspecified")

    status = json.loads(await ledger.client(VERIFIER).evaluate("ReadMember", ID, member))["status"]
    assert (status["status"], status["reason"]) == ("revoked", "unspecified")
    with pytest.raises(Refused, match="^FINAL_STATUS: "):
        await issuer.submit("SupersedeMember", ID, member, proof, OTHER_ID, OTHER_COMMITMENT)


async def test_a_member_is_superseded_by_a_certificate(issuer: Client) -> None:
    leaves, root = tree()
    await issuer.submit("AnchorBatch", ID, root.hex(), "3")
    proof = json.dumps({"index": 2, "path": [merkle.node_hash(leaves[0], leaves[1]).hex()]})
    call = ("SupersedeMember", ID, leaves[2].hex(), proof, OTHER_ID, OTHER_COMMITMENT)
    first = await issuer.submit(*call)
    again = await issuer.submit(*call)
    assert first.payload == again.payload
    assert (await record(issuer, OTHER_ID))["supersedes"] == f"{ID}/{leaves[2].hex()}"


async def test_a_status_list_has_the_members_that_changed_with_their_places(
    ledger: MemoryLedger, issuer: Client
) -> None:
    leaves, root = tree()
    await issuer.submit("AnchorBatch", ID, root.hex(), "3")
    await issuer.submit("AnchorBatch", OTHER_ID, root.hex(), "3")
    first = json.dumps({"index": 0, "path": [leaves[1].hex(), leaves[2].hex()]})
    last = json.dumps({"index": 2, "path": [merkle.node_hash(leaves[0], leaves[1]).hex()]})
    await issuer.submit("RevokeMember", ID, leaves[2].hex(), last, "unspecified")
    await issuer.submit("SuspendMember", ID, leaves[0].hex(), first, "certificateHold")
    await issuer.submit("SuspendMember", OTHER_ID, leaves[0].hex(), first, "certificateHold")

    found = json.loads(await ledger.client(VERIFIER).evaluate("ReadStatusList", ID))

    assert found["batch"]["batchId"] == ID
    assert {one["index"]: (one["leaf"], one["status"]) for one in found["statuses"]} == {
        0: (leaves[0].hex(), "suspended"),
        2: (leaves[2].hex(), "revoked"),
    }
    with pytest.raises(Refused, match="^NOT_FOUND: "):
        await issuer.evaluate("ReadStatusList", "ab" * 16)
    with pytest.raises(Refused, match="^NOT_AUTHORISED: "):
        await ledger.client(NOBODY).evaluate("ReadStatusList", ID)


async def test_batches_are_listed_in_pages(issuer: Client) -> None:
    ids = [f"{number:032x}" for number in range(3)]
    for batch_id in ids:
        await issuer.submit("AnchorBatch", batch_id, COMMITMENT, "5")
    await issuer.submit("IssueCertificate", ID, COMMITMENT)
    first = json.loads(await issuer.evaluate("ListBatches", "2", ""))
    second = json.loads(await issuer.evaluate("ListBatches", "2", first["bookmark"]))
    assert [one["batchId"] for one in first["records"] + second["records"]] == ids
    assert second["bookmark"] == ""


async def test_a_batch_is_anchored_once(ledger: MemoryLedger, issuer: Client) -> None:
    first = await issuer.submit("AnchorBatch", ID, COMMITMENT, "5")
    again = await issuer.submit("AnchorBatch", ID, COMMITMENT, "5")
    assert first.payload == again.payload
    with pytest.raises(Refused, match="^ALREADY_EXISTS: "):
        await issuer.submit("AnchorBatch", ID, COMMITMENT, "6")


async def test_two_simulations_of_one_id_conflict(ledger: MemoryLedger) -> None:
    first = await ledger.simulate(ISSUER, ("IssueCertificate", ID, COMMITMENT))
    second = await ledger.simulate(ISSUER, ("IssueCertificate", ID, OTHER_COMMITMENT))
    assert ledger.commit(first).conflict is None
    assert ledger.commit(second).conflict is not None


async def test_metadata_names_the_functions(issuer: Client) -> None:
    metadata = json.loads(await issuer.evaluate("org.hyperledger.fabric:GetMetadata"))
    names = {one["name"] for one in metadata["contracts"]["registry"]["transactions"]}
    assert {"IssueCertificate", "ReadCertificate", "AnchorBatch", "ListCertificates"} <= names
