"""Private data: who gets it, who may read and write it, how it ends. The same on real Fabric."""

import asyncio
import json
from hashlib import sha256

import pytest

from node_client import CommitError, EndorseError, EvaluateError
from tests.scenarios.deploying import Service, define
from tests.scenarios.vaults import MSP_IDS, PAIR, Vault, collections, endorsers, eventually, sets_of

MEMBERS = ("City", "TriValley")


@pytest.mark.parametrize("collection", ["pair", "quiet"])
async def test_members_get_values_and_everyone_gets_hashes(vault: Vault, collection: str) -> None:
    await vault.put(collection, "given", "for two")
    for organisation in MEMBERS:
        await eventually(
            lambda one=organisation: vault.read(one, "GetPrivate", collection, "given"), lambda told: told == "for two"
        )
    digest = sha256(b"for two").hexdigest()
    for organisation in MSP_IDS:
        await eventually(
            lambda one=organisation: vault.read(one, "GetHash", collection, "given"), lambda told: told == digest
        )
    with pytest.raises(EvaluateError) as caught:
        await vault.read("Nishitetsu", "GetPrivate", collection, "given")
    assert "private data matching public hash version is not available. Public hash version = {BlockNum: " in str(
        caught.value
    )
    assert "Private data version = <nil>" in str(caught.value)
    assert await vault.read("Nishitetsu", "GetPrivates", collection, '["given"]') == '["-"]'


async def test_a_private_value_is_in_no_block(vault: Vault) -> None:
    transient = {"value": b"not for blocks"}
    proposal = vault.at("City").new_proposal(
        "PutPrivate", "pair", "hidden key", transient=transient, organizations=["CityMSP"]
    )
    transaction = await proposal.endorse()
    assert (await (await transaction.submit()).status()).successful
    block = await vault.block(transaction.transaction_id)
    assert transaction.transaction_id.encode() in block
    assert b"not for blocks" not in block
    collection = sets_of(transaction)[vault.name].collections["pair"]
    (write,) = collection.writes.values()
    assert write.key_hash == sha256(b"hidden key").digest()
    assert write.value_hash == sha256(b"not for blocks").digest()
    assert write.key_hash in block


async def test_the_definition_is_part_of_what_private_data_read(vault: Vault) -> None:
    """A transaction is void when its collections' definition has changed by the time it is committed."""
    names = {f"namespaces/fields/{vault.name}/{one}" for one in ("EndorsementInfo", "ValidationInfo", "Collections")}
    metadata, sequence = f"namespaces/metadata/{vault.name}", f"namespaces/fields/{vault.name}/Sequence"
    own = "_implicit_org_CityMSP"
    for call, expected in (
        (("PutPrivate", "pair", "read for it"), {sequence, metadata, *names}),
        (("PutPrivate", own, "read for it"), {sequence, metadata, *names}),
        (("DeletePrivate", "pair", "read for it"), {sequence, metadata, *names}),
        (("Reveal", "pair", "read for it"), {sequence, metadata, *names}),
        (("Put", "read for it", "1"), {sequence}),
    ):
        proposal = vault.at("City").new_proposal(*call, transient={"value": b"v"}, organizations=["CityMSP"])
        found = sets_of(await proposal.endorse())
        assert set(found) == {"_lifecycle", vault.name}
        assert set(found["_lifecycle"].reads) == expected


async def test_only_members_clients_may_read_a_closed_collection_and_write_a_sealed_one(vault: Vault) -> None:
    await vault.put("closed", "k", "v")
    await vault.put("sealed", "k", "v")
    assert await vault.read("City", "GetPrivate", "closed", "k") == "v"
    with pytest.raises(EvaluateError) as caught:
        await vault.at("Nishitetsu").evaluate("GetPrivate", "closed", "k", organizations=["CityMSP"])
    assert (
        f"tx creator does not have read access permission on privatedata in chaincodeName:{vault.name} "
        "collectionName: closed" in str(caught.value)
    )
    with pytest.raises(EndorseError) as refused:
        await vault.at("Nishitetsu").submit(
            "PutPrivate", "sealed", "k", transient={"value": b"w"}, organizations=["CityMSP"]
        )
    assert "tx creator does not have write access permission on privatedata" in str(refused.value)
    assert await vault.at("Nishitetsu").evaluate("GetPrivate", "sealed", "k", organizations=["CityMSP"]) == b"v"
    assert len(await vault.at("Nishitetsu").evaluate("GetHash", "closed", "k", organizations=["CityMSP"])) == 64


async def test_collections_that_are_not_there(vault: Vault) -> None:
    with pytest.raises(EvaluateError, match=f"collection certificates/{vault.name}/none could not be found"):
        await vault.read("City", "GetPrivate", "none", "k")
    with pytest.raises(
        EvaluateError,
        match=rf"collection \[none\] not defined in the collection config for chaincode \[{vault.name}\]",
    ):
        await vault.read("City", "GetHash", "none", "k")
    with pytest.raises(EvaluateError, match=r"collection \[_implicit_org_NowhereMSP\] not defined"):
        await vault.read("City", "GetPrivate", "_implicit_org_NowhereMSP", "k")


async def test_deleting_and_purging(vault: Vault) -> None:
    for key in ("deleted", "purged"):
        await vault.put("pair", key, "v")
    await vault.at("City").submit("DeletePrivate", "pair", "deleted", organizations=["CityMSP"])
    await vault.at("City").submit("PurgePrivate", "pair", "purged", organizations=["CityMSP"])
    for key in ("deleted", "purged"):
        for organisation in MEMBERS:
            await eventually(
                lambda one=organisation, key=key: vault.read(one, "GetPrivate", "pair", key), lambda told: told == "-"
            )
        assert await vault.read("City", "GetHash", "pair", key) == ""
    await vault.put("pair", "purged", "again")
    assert await vault.read("City", "GetPrivate", "pair", "purged") == "again"


async def test_an_endorser_that_reaches_too_few_members_does_not_endorse(vault: Vault) -> None:
    with pytest.raises(EndorseError) as caught:
        await vault.put("demanding", "k", "v")
    assert (
        f"could not build private data dissemination plan for chaincode {vault.name} and collection demanding: "
        "required to disseminate to at least 2 peers, but know of only 1 eligible peers" in str(caught.value)
    )
    await vault.put("demanding", "k", "v", organizations=["NishitetsuMSP"])  # which is no member, and reaches two
    for organisation in MEMBERS:
        await eventually(
            lambda one=organisation: vault.read(one, "GetPrivate", "demanding", "k"), lambda told: told == "v"
        )


async def test_a_value_ends_with_the_blocks_that_it_has_to_live(vault: Vault) -> None:
    await vault.put("short", "k", "v")
    await vault.pass_blocks(2)
    assert await vault.read("City", "GetPrivate", "short", "k") == "v"
    await vault.pass_blocks(1)
    for function in ("GetPrivate", "GetHash"):
        for organisation in MEMBERS:
            await eventually(
                lambda one=organisation, function=function: vault.read(one, function, "short", "k"),
                lambda told: told in ("-", ""),
            )


async def test_a_value_that_is_written_again_lives_again(vault: Vault) -> None:
    await vault.put("short", "renewed", "v")
    await vault.pass_blocks(2)
    await vault.put("short", "renewed", "w")
    await vault.pass_blocks(2)
    assert await vault.read("City", "GetPrivate", "short", "renewed") == "w"


async def test_private_ranges_and_rich_queries(vault: Vault) -> None:
    for key in ("r-1", "r-2", "r-3"):
        await vault.put("pair", key, key)
    listed = json.loads(await vault.read("City", "ListPrivate", "pair", "r-1", "r-3"))
    assert listed == {"r-1": "r-1", "r-2": "r-2"}
    assert json.loads(await vault.read("Nishitetsu", "ListPrivate", "pair", "r-", "r-~")) == {}
    with pytest.raises(EvaluateError, match="GET_QUERY_RESULT failed: .*ExecuteQuery not supported for leveldb"):
        await vault.read("City", "QueryPrivate", "pair", "{}")
    with pytest.raises(EndorseError) as caught:
        await vault.at("City").submit("ListAndPut", "pair", "k", organizations=["CityMSP"])
    assert "Transaction has already performed queries on pvt data. Writes are not allowed" in str(caught.value)


async def test_of_two_writes_that_read_the_same_private_value_one_is_valid(vault: Vault) -> None:
    await vault.put("pair", "doubled", "ab")
    proposals = [vault.at("City").new_proposal("Double", "pair", "doubled", organizations=["CityMSP"]) for _ in "ab"]
    transactions = [await proposal.endorse() for proposal in proposals]
    commits = await asyncio.gather(*(transaction.submit() for transaction in transactions))
    statuses = await asyncio.gather(*(commit.status() for commit in commits))
    assert sorted(status.name for status in statuses) == ["MVCC_READ_CONFLICT", "VALID"]
    assert await vault.read("City", "GetPrivate", "pair", "doubled") == "abab"


async def test_a_hash_that_was_read_is_checked_at_commit(vault: Vault) -> None:
    await vault.put("pair", "published", "v")
    transaction = await vault.at("City").new_proposal("Publish", "pair", "published").endorse()
    await vault.put("pair", "published", "w")
    status = await (await transaction.submit()).status()
    assert status.name == "MVCC_READ_CONFLICT"


async def test_an_organisations_implicit_collection_is_its_own(vault: Vault) -> None:
    collection = "_implicit_org_TriValleyMSP"
    proposal = vault.at("TriValley").new_proposal("PutPrivate", collection, "own", transient={"value": b"mine"})
    transaction = await proposal.endorse()
    assert endorsers(transaction) == {"TriValleyMSP"}
    assert (await (await transaction.submit()).status()).successful
    assert await vault.read("TriValley", "GetPrivate", collection, "own") == "mine"
    for organisation in ("City", "Nishitetsu"):
        await eventually(
            lambda one=organisation: vault.read(one, "GetHash", collection, "own"), lambda told: told != ""
        )
        with pytest.raises(EvaluateError, match="private data matching public hash version is not available"):
            await vault.read(organisation, "GetPrivate", collection, "own")


async def test_nobody_else_endorses_writes_to_an_implicit_collection(vault: Vault) -> None:
    transaction = await (
        vault.at("City")
        .new_proposal("DeletePrivate", "_implicit_org_TriValleyMSP", "foreign", organizations=["CityMSP"])
        .endorse()
    )
    with pytest.raises(CommitError) as caught:
        await (await transaction.submit()).require_valid()
    assert caught.value.code == "ENDORSEMENT_POLICY_FAILURE"


async def test_a_collections_own_endorsement_policy_counts(vault: Vault) -> None:
    transient = {"value": b"v"}
    proposal = vault.at("City").new_proposal("PutPrivate", "agreed", "k", transient=transient)
    transaction = await proposal.endorse()
    assert endorsers(transaction) == {"CityMSP", "TriValleyMSP"}
    assert (await (await transaction.submit()).status()).successful
    with pytest.raises(CommitError) as caught:
        await vault.put("agreed", "k", "w", organizations=["CityMSP"])
    assert caught.value.code == "ENDORSEMENT_POLICY_FAILURE"
    assert await vault.read("City", "GetPrivate", "agreed", "k") == "v"


async def test_readers_of_private_values_are_asked_members_only(vault: Vault) -> None:
    await vault.put("pair", "revealed", "v")
    await eventually(lambda: vault.read("TriValley", "GetPrivate", "pair", "revealed"), lambda told: told == "v")
    for organisation in MEMBERS:
        transaction = await vault.at(organisation).new_proposal("Reveal", "pair", "revealed").endorse()
        assert endorsers(transaction) <= {"CityMSP", "TriValleyMSP"}
    with pytest.raises(EndorseError, match="failed to endorse transaction"):
        await vault.at("Nishitetsu").new_proposal("Reveal", "pair", "revealed").endorse()


async def test_transient_data_go_to_members_only_unless_endorsers_are_named(vault: Vault) -> None:
    proposal = vault.at("Nishitetsu").new_proposal("PutPrivate", "pair", "protected", transient={"value": b"v"})
    transaction = await proposal.endorse()
    assert endorsers(transaction) in ({"CityMSP"}, {"TriValleyMSP"})


async def test_a_new_member_gets_what_the_collection_holds(vault: Vault, vault_service: Service) -> None:
    await vault.put("pair", "inherited", "old")
    everyone = PAIR.replace(")", ",'NishitetsuMSP.member')")
    define(
        vault_service.folder,
        vault.name,
        vault_service.address,
        policy="OR('CityMSP.peer','NishitetsuMSP.peer','TriValleyMSP.peer')",
        collections=collections({"pair": {"policy": everyone}}),
    )
    try:
        await eventually(
            lambda: vault.read("Nishitetsu", "GetPrivate", "pair", "inherited"), lambda told: told == "old"
        )
        await vault.put("pair", "inherited", "new")
        await eventually(
            lambda: vault.read("Nishitetsu", "GetPrivate", "pair", "inherited"), lambda told: told == "new"
        )
    finally:
        define(
            vault_service.folder,
            vault.name,
            vault_service.address,
            policy="OR('CityMSP.peer','NishitetsuMSP.peer','TriValleyMSP.peer')",
            collections=collections(),
        )
    await eventually(lambda: vault.put("pair", "inherited", "not for all"))
    with pytest.raises(EvaluateError, match="private data matching public hash version is not available"):
        await vault.read("Nishitetsu", "GetPrivate", "pair", "inherited")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"short": {"policy": PAIR, "blockToLive": 3}},
            r"the BlockToLive in an existing collection \[short\] modified",
        ),
        ({"quiet": None}, r"existing collection \[quiet\] missing in the proposed collection configuration"),
        ({"new": {"policy": "AND('CityMSP.member','TriValleyMSP.member')"}}, "is not an OR concatenation"),
        ({"new": {"policy": "OR('NowhereMSP.member')"}}, "collection member 'NowhereMSP' is not part of the channel"),
        ({"new": {"policy": PAIR, "requiredPeerCount": 2}}, "maximum peer count .1. cannot be less than the required"),
        ({"new": {"policy": PAIR, "requiredPeerCount": -1}}, "requiredPeerCount .-1. cannot be less than zero"),
        ({"_new": {"policy": PAIR}}, "invalid collection name '_new'"),
    ],
)
def test_collections_that_peers_do_not_take(
    vault_service: Service, changes: dict[str, dict[str, object]], told: str
) -> None:
    with pytest.raises(EndorseError, match=told):
        define(vault_service.folder, vault_service.name, vault_service.address, collections=collections(changes))
