"""Transactions with malformed contents, signed by their creator and ordered: the code that peers give each of them.

The same table on the embedded network and on real Fabric. With `--engine fabric --record` the blocks become the vectors
that unit tests judge (`tests/vectors/fabric_malformed`).
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import transaction_pb2

from network.folder import Engine, Folder
from network.topology import CHANNEL
from node_client import ConnectionProfile, Gateway
from node_client.gateway._sync.network import Network
from node_client.protocol.block import Block
from tests.chain import check_chain
from tests.conftest import Commands, engine, running_network
from tests.malformed import Change, Draft, Signer, draft
from tests.malformed_cases import CASES, chaincode, fields, garbage
from tests.scenarios.deploying import define, free_address, unused_name
from tests.scenarios.seeking import Ask, Person, Source, at, told
from tests.scenarios.vaults import PAIR
from tests.scenarios.wire import ORDERER, User, Wire

POLICY = "AND('CityMSP.peer','TriValleyMSP.peer')"
COLLECTIONS = json.dumps([{"name": "pair", "policy": PAIR}])
VECTORS = Path(__file__).parents[1] / "vectors" / "fabric_malformed" / "blocks.pb.gz"


@dataclass(frozen=True)
class Scene:
    """A network with a chaincode that two organisations endorse. It need not run, for the endorsers' keys are here."""

    folder: Folder
    chaincode: str
    creator: Signer
    peers: tuple[Signer, ...]
    wire: Wire
    network: Network

    def draft(self, **changes: Change) -> Draft:
        return draft(CHANNEL, self.chaincode, self.creator, self.peers, **changes)

    def code(self, draft: Draft) -> str:
        """The code that a transaction gets in the block that it is ordered into."""
        envelope = draft.envelope()
        with self.network.block_events(start_block=self.network.height()) as blocks:
            (answer,) = self.wire.stream(self.wire.orderer, ORDERER[0], [envelope])
            response = ab_pb2.BroadcastResponse.FromString(answer)
            assert response.status == common_pb2.SUCCESS, response
            block = next(block for block in blocks if envelope in block.envelopes)
        code = block.validation_codes[block.envelopes.index(envelope)]
        return transaction_pb2.TxValidationCode.Name(transaction_pb2.TxValidationCode.ValueType(code))

    def blocks(self, start: int) -> list[Block]:
        """The blocks from a number on."""
        height = self.network.height()
        with self.network.block_events(start_block=start) as events:
            return [next(events) for _ in range(start, height)]


def signer(user: User) -> Signer:
    return Signer(user.identity.serialized, user.sign)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A network of its own: there will be blocks in it that cannot be filtered."""
    with ExitStack() as stack:
        folder = stack.enter_context(running_network(tmp_path_factory.mktemp("malformed") / "net"))
        service = define(folder, unused_name("malformed"), free_address(), policy=POLICY, collections=COLLECTIONS)
        profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
        gateway = stack.enter_context(Gateway.from_profile(profile, "City", "auditor"))
        yield Scene(
            folder=folder,
            chaincode=service.name,
            creator=signer(User.of(folder, "City", "issuer")),
            peers=tuple(signer(User.of_peer(folder, one)) for one in ("City", "TriValley")),
            wire=stack.enter_context(Wire(folder, "City")),
            network=gateway.get_network(CHANNEL),
        )


@pytest.mark.parametrize("name", CASES)
def test_every_malformed_content_has_fabrics_code(scene: Scene, name: str) -> None:
    code, changes = CASES[name]
    assert scene.code(scene.draft(**changes)) == code


def test_an_id_is_used_up_by_whoever_states_it(scene: Scene) -> None:
    one = scene.draft()
    assert scene.code(scene.draft(channel_header=fields(tx_id=one.tx_id))) == "BAD_PROPOSAL_TXID"
    assert scene.code(one) == "DUPLICATE_TXID"


def test_who_states_no_id_uses_up_his_own(scene: Scene) -> None:
    one = scene.draft(channel_header=fields(tx_id=""))
    assert scene.code(one) == "BAD_PROPOSAL_TXID"
    assert scene.code(one.changed()) == "DUPLICATE_TXID"


def test_an_id_is_looked_up_after_the_form_and_before_what_was_run(scene: Scene) -> None:
    one = scene.draft()
    assert scene.code(one) == "VALID"
    assert scene.code(one.changed(extension=garbage)) == "DUPLICATE_TXID"
    assert scene.code(one.changed(action=chaincode(version=""))) == "DUPLICATE_TXID"
    assert scene.code(one.changed(response=garbage)) == "INVALID_ENDORSER_TRANSACTION"


def test_events_are_read_past_whatever_else_is_malformed(scene: Scene) -> None:
    start = scene.network.height()
    odd, good = scene.draft(proposal=garbage), scene.draft()
    for one, code in (
        (scene.draft(event=garbage), "INVALID_OTHER_REASON"),
        (scene.draft(transaction=garbage), "INVALID_ENDORSER_TRANSACTION"),
        (scene.draft(action=garbage), "BAD_RESPONSE_PAYLOAD"),
        (odd, "VALID"),
        (good, "VALID"),
    ):
        assert scene.code(one) == code
    with scene.network.chaincode_events(scene.chaincode, start_block=start) as events:
        assert [next(events).transaction_id for _ in range(2)] == [odd.tx_id, good.tx_id]


def test_blocks_that_cannot_be_filtered_are_answered_with_a_status_and_others_follow(scene: Scene) -> None:
    start = scene.network.height()
    for part in ("action", "extension", "payload_of_action", "event", "proposal"):
        scene.code(scene.draft(**{part: garbage}))
    source, auditor = Source("DeliverFiltered"), Person.of(scene.folder, "City", "auditor")
    with source.connect(scene.folder, "City") as channel:
        answers = list(source.stream(channel, [Ask(at(start), at(start + 4)).signed_by(auditor)]))
    assert [told(one) for one in answers] == [
        "BAD_REQUEST",
        start + 1,
        "BAD_REQUEST",
        "BAD_REQUEST",
        start + 4,
        "SUCCESS",
    ]


def test_audits_come_to_the_same(scene: Scene, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The blocks so far, judged anew from the first one: codes, and commit hashes of all that was written."""
    scene.code(scene.draft(extension=garbage))
    scene.code(scene.draft(proposal=garbage))
    blocks = scene.blocks(0)
    check_chain(blocks)
    (report,) = Commands(scene.folder, tmp_path).ok("audit")
    assert report["findings"] == []
    if request.config.getoption("--record"):
        assert engine() is Engine.FABRIC
        data = common_pb2.BlockData(data=[block.encode() for block in blocks]).SerializeToString()
        VECTORS.write_bytes(gzip.compress(data, mtime=0))
