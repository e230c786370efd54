"""One organisation's chaincode hangs, dies, floods its peer or answers otherwise: the others go on."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack

import pytest

from network import control
from network.fabric import nodes
from network.folder import Engine, Folder
from network.topology import CHANNEL
from node_client import AsyncGateway, ConnectionProfile, EndorseError, EvaluateError
from node_client.gateway._async.contract import AsyncContract
from tests.conftest import engine
from tests.scenarios.deploying import define_apart, served, unused_name
from tests.scenarios.vaults import MSP_IDS, endorsers, eventually

OK = ("respond", "200", "fine")


@pytest.fixture(scope="module")
def impatient_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A network whose peers give chaincode one second, or on real Fabric, which needs more to begin, three."""
    folder = Folder.at(tmp_path_factory.mktemp("impatient") / "net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORE_CHAINCODE_EXECUTETIMEOUT", "1s")
        control.up(folder, ports="auto", engine=engine())
    try:
        if engine() is Engine.FABRIC:
            for organisation in folder.topology().organisations:
                make_impatient(folder, nodes.peer(organisation))
        yield folder
    finally:
        control.down(folder)


def make_impatient(folder: Folder, peer: nodes.Node) -> None:
    """Have a peer of Fabric give chaincode three seconds: it reads its configuration when it starts."""
    file, patient = peer.home(folder) / "core.yaml", "executetimeout: 30s"
    text = file.read_text(encoding="utf-8")
    assert patient in text
    file.write_text(text.replace(patient, "executetimeout: 3s"), encoding="utf-8")
    control.restart(folder, peer.name)


class Mixed:
    """A chaincode on the channel that is rude at one organisation. Use it in `async with`."""

    def __init__(self, folder: Folder, rude: Mapping[str, str]) -> None:
        self._folder = folder
        self._rude = rude
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncContract:
        name = unused_name("mixed")
        services = await asyncio.to_thread(define_apart, self._folder, name)
        for organisation, service in services.items():
            variables = {"RUDE": self._rude.get(organisation, "")}
            self._stack.enter_context(served(service, "tests.scenarios.rude", variables))
        profile = ConnectionProfile.load(self._folder.organisation("City") / "connection.json")
        gateway = await self._stack.enter_async_context(AsyncGateway.from_profile(profile, "City", "issuer"))
        contract = gateway.get_network(CHANNEL).get_contract(name)
        for organisation in services:
            if organisation not in self._rude:
                msp_ids = [MSP_IDS[organisation]]
                await eventually(lambda msp_ids=msp_ids: contract.evaluate(*OK, organizations=msp_ids))
        return contract

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


@pytest.mark.parametrize(
    ("rude", "told"),
    [
        ("hang", "error sending: timeout expired while executing transaction"),
        ("end", "error sending: chaincode stream terminated"),
        ("differ", "ProposalResponsePayloads do not match"),
        ("error", "transaction returned with failure: 200"),
    ],
)
async def test_another_organisation_is_asked_instead(impatient_network: Folder, rude: str, told: str) -> None:
    async with Mixed(impatient_network, {"Nishitetsu": rude}) as contract:

        async def refusal() -> str:
            with pytest.raises(EndorseError) as caught:
                await contract.new_proposal(*OK, organizations=["CityMSP", "NishitetsuMSP"]).endorse()
            return str(caught.value)

        await eventually(refusal, lambda found: told in found)
        for _ in range(4):
            transaction = await contract.new_proposal(*OK).endorse()
            assert endorsers(transaction) == {"CityMSP", "TriValleyMSP"}
            assert (await (await transaction.submit()).status()).successful


async def test_what_asks_after_its_time_gets_nothing(impatient_network: Folder) -> None:
    async with Mixed(impatient_network, {}) as contract:
        proposal = contract.new_proposal("hang", organizations=["CityMSP"])
        with pytest.raises(EvaluateError, match="timeout expired while executing transaction"):
            await proposal.evaluate()
        answer = await contract.evaluate("ask", proposal.transaction_id, organizations=["CityMSP"])
        assert answer.decode() == f"GET_STATE failed: transaction ID: {proposal.transaction_id}: no ledger context"


async def test_a_flood_at_one_peer_leaves_the_others_alone(impatient_network: Folder) -> None:
    async with Mixed(impatient_network, {}) as contract:
        flood = asyncio.create_task(contract.evaluate("flood", organizations=["NishitetsuMSP"]))
        while not flood.done():
            assert await contract.evaluate(*OK, organizations=["CityMSP"]) == b""
        with pytest.raises(EvaluateError, match="timeout expired while executing transaction"):
            await flood
        for _ in range(2):
            transaction = await contract.new_proposal(*OK, organizations=["CityMSP", "TriValleyMSP"]).endorse()
            assert (await (await transaction.submit()).status()).successful
        # When it has done with that, all is as before.
        await eventually(lambda: contract.evaluate(*OK, organizations=["NishitetsuMSP"]))
