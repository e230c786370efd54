"""The auditor's rules and the contract, run side by side: thousands of calls, right and wrong ones."""

import json
import random

import pytest

from chaincode.contract import ContractChaincode
from chaincode.ledger.read_write_set import decode
from chaincode.registry.contract import Registry
from chaincode.registry.model import merkle
from chaincode.testing import MemoryLedger, Refused, TestOrganisation
from node_client.audit import registry_rules
from node_client.audit.registry_rules import READS, Call, Effect, RegistryRules

MSPS = frozenset({"CityMSP", "OtherMSP"})
CITY, OTHER, CENTRE = TestOrganisation("CityMSP"), TestOrganisation("OtherMSP"), TestOrganisation("NishitetsuMSP")
CALLERS = [
    (organisation.msp_id, role, organisation.creator("someone", attributes={"certledger.role": role}))
    for organisation in (CITY, OTHER, CENTRE)
    for role in ("issuer", "auditor")
]
IDS = [f"{number:032x}" for number in range(5)]
COMMITMENTS = [f"{number:064x}" for number in range(3)]
LEAVES = [merkle.leaf_hash(merkle.certificate_leaf(one, COMMITMENTS[0])) for one in IDS[:3]]
ROOT = merkle.node_hash(merkle.node_hash(LEAVES[0], LEAVES[1]), LEAVES[2])
PROOFS = [
    {"index": 0, "path": [LEAVES[1].hex(), LEAVES[2].hex()]},
    {"index": 1, "path": [LEAVES[0].hex(), LEAVES[2].hex()]},
    {"index": 2, "path": [merkle.node_hash(LEAVES[0], LEAVES[1]).hex()]},
]
REASONS = ["unspecified", "superseded", "certificateHold", "because"]


def a_call(dice: random.Random) -> tuple[str, ...]:
    one, other, place = dice.choice(IDS), dice.choice(IDS), dice.randrange(3)
    leaf, proof, reason = LEAVES[place].hex(), json.dumps(PROOFS[place]), dice.choice(REASONS)
    if dice.random() < 0.1:
        proof = json.dumps(PROOFS[(place + 1) % 3]) if dice.random() < 0.5 else "{}"
    commitment = dice.choice([*COMMITMENTS, "no commitment"])
    calls = [
        ("IssueCertificate", one, commitment),
        ("RevokeCertificate", one, reason),
        ("SuspendCertificate", one, reason),
        ("ReinstateCertificate", one),
        ("SupersedeCertificate", one, other, commitment),
        ("AnchorBatch", dice.choice(IDS[:2]), ROOT.hex(), dice.choice(["3", "3", "3", "4", "0", "three"])),
        ("RevokeMember", dice.choice(IDS[:2]), leaf, proof, reason),
        ("SuspendMember", dice.choice(IDS[:2]), leaf, proof, reason),
        ("ReinstateMember", dice.choice(IDS[:2]), leaf, proof),
        ("SupersedeMember", dice.choice(IDS[:2]), leaf, proof, other, commitment),
    ]
    call = dice.choice(calls)
    return call[:-1] if dice.random() < 0.02 else call


@pytest.mark.parametrize("seed", range(12))
async def test_contract_and_auditor_agree(seed: int) -> None:
    dice, state, agreed = random.Random(seed), dict[str, bytes](), {"done": 0, "refused": 0}
    rules = RegistryRules(MSPS)
    async with MemoryLedger(ContractChaincode(Registry(MSPS)), name="registry") as ledger:
        for _ in range(250):
            caller = dice.choices(CALLERS, [30, 1, 4, 1, 1, 1])[0]
            call = a_call(dice)
            try:
                done = await ledger.simulate(caller[2], call)
            except Refused:
                with pytest.raises(registry_rules.Refused):
                    rules.effect(Call(call[0], call[1:], caller[0], caller[1], "", 0, 0), state.get)
                agreed["refused"] += 1
                continue
            moment = done.timestamp
            seconds, nanos = int(moment.replace(microsecond=0).timestamp()), moment.microsecond * 1000
            effect = rules.effect(Call(call[0], call[1:], caller[0], caller[1], done.tx_id, seconds, nanos), state.get)
            own = decode(done.simulation.public)["registry"]
            written = {key: write.value for key, write in own.writes.items()}
            assert effect == Effect(set(own.reads), written, done.payload, done.event)
            ledger.commit(done)
            state |= written
            agreed["done"] += 1
    assert min(agreed.values()) > 30


async def test_every_function_of_the_contract_is_known() -> None:
    async with MemoryLedger(ContractChaincode(Registry(MSPS)), name="registry") as ledger:
        metadata = json.loads(await ledger.client(CALLERS[0][2]).evaluate("org.hyperledger.fabric:GetMetadata"))
    rules, reads = RegistryRules(MSPS), set()
    for one in metadata["contracts"]["registry"]["transactions"]:
        if one["tag"] == ["evaluateTx"]:
            reads.add(one["name"])
            continue
        with pytest.raises(registry_rules.Refused, match="takes"):
            rules.effect(Call(one["name"], (), "CityMSP", "issuer", "", 0, 0), {}.get)
    assert reads == READS - {"org.hyperledger.fabric:GetMetadata"}


@pytest.mark.parametrize("seconds", [2**60, -(2**60), 2**40])
def test_a_time_that_is_none_is_refused(seconds: int) -> None:
    """Peers do not look at it."""
    call = Call("IssueCertificate", (IDS[0], COMMITMENTS[0]), "CityMSP", "issuer", "", seconds, 0)
    with pytest.raises(registry_rules.Refused, match="its time is none"):
        RegistryRules(MSPS).effect(call, {}.get)
