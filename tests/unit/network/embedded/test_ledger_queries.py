"""`qscc` and `cscc`: the ledger and the configuration asked, and Fabric's words where they refuse."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import query_pb2, transaction_pb2

from network.embedded.ledger import Ledger
from network.embedded.system.cscc import Cscc
from network.embedded.system.qscc import Qscc
from node_client.protocol.block import new_block, parse_block
from tests.unit.network.embedded.small_channel import CHANNEL, Sent, config
from tests.unit.network.embedded.system_calls import Network

SENT = Sent(chaincode="nothing")  # which is kept, though it is not valid
ENVELOPE = SENT.envelope()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger of two blocks."""
    ledger = Ledger(tmp_path / "ledger.db", config().block.encode())
    await ledger.commit(new_block(1, ledger.tip[0], [ENVELOPE]))
    yield ledger
    ledger.close()


@pytest.fixture
def qscc(ledger: Ledger, tmp_path: Path) -> Network:
    return Network(tmp_path / "peers", Qscc(), ledger)


@pytest.fixture
def cscc(ledger: Ledger, tmp_path: Path) -> Network:
    return Network(tmp_path / "peers", Cscc(), ledger)


async def ask(network: Network, *arguments: bytes | str) -> bytes:
    answer, _ = await network.call("City", *arguments)
    return answer


async def test_the_ledger_says_how_far_it_is(qscc: Network, ledger: Ledger) -> None:
    info = ledger_pb2.BlockchainInfo.FromString(await ask(qscc, "GetChainInfo", CHANNEL))
    last, first = (parse_block(ledger.block(number) or b"") for number in (1, 0))
    assert (info.height, info.currentBlockHash, info.previousBlockHash) == (2, last.hash, first.hash)


async def test_a_block_is_found_by_number_hash_and_transaction(qscc: Network, ledger: Ledger) -> None:
    first, last = ledger.block(0), ledger.block(1)
    assert await ask(qscc, "GetBlockByNumber", CHANNEL, "0") == first
    assert await ask(qscc, "GetBlockByNumber", CHANNEL, "01") == last
    assert await ask(qscc, "GetBlockByNumber", CHANNEL, str(2**64 - 1)) == last  # the newest
    assert await ask(qscc, "GetBlockByHash", CHANNEL, parse_block(last or b"").hash) == last
    assert await ask(qscc, "GetBlockByTxID", CHANNEL, SENT.tx_id) == last


async def test_a_transaction_is_told_with_its_code(qscc: Network) -> None:
    answer = await ask(qscc, "GetTransactionByID", CHANNEL, SENT.tx_id)
    found = transaction_pb2.ProcessedTransaction.FromString(answer)
    assert found.validationCode == transaction_pb2.INVALID_CHAINCODE
    assert found.transactionEnvelope == common_pb2.Envelope.FromString(ENVELOPE)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Incorrect number of arguments, 0"),
        (["GetChainInfo"], "Incorrect number of arguments, 1"),
        (["GetBlockByNumber", CHANNEL], "missing 3rd argument for GetBlockByNumber"),
        (["GetChainInfo", "another"], "Invalid chain ID, another"),
        (
            ["GetBlockByNumber", CHANNEL, "x"],
            'Failed to parse block number with error strconv.ParseUint: parsing "x": invalid syntax',
        ),
        (
            ["GetBlockByNumber", CHANNEL, ""],
            'Failed to parse block number with error strconv.ParseUint: parsing "": invalid syntax',
        ),
        (
            ["GetBlockByNumber", CHANNEL, "-1"],
            'Failed to parse block number with error strconv.ParseUint: parsing "-1": invalid syntax',
        ),
        (
            ["GetBlockByNumber", CHANNEL, str(2**64)],
            f'Failed to parse block number with error strconv.ParseUint: parsing "{2**64}": value out of range',
        ),
        (["GetBlockByNumber", CHANNEL, "7"], "Failed to get block number 7, error no such block number [7] in index"),
        (
            ["GetBlockByTxID", CHANNEL, "tx"],
            "Failed to get block for txID tx, error no such transaction ID [tx] in index",
        ),
        (
            ["GetTransactionByID", CHANNEL, "tx"],
            "Failed to get transaction with id tx, error no such transaction ID [tx] in index",
        ),
    ],
)
async def test_what_qscc_refuses(qscc: Network, arguments: list[str], words: str) -> None:
    assert str(await qscc.refusal("City", *arguments)) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("9" * 5000, "Failed to parse"),
        (str(2**64), "Failed to parse"),
        ("0" * 5000 + "7", "Failed to get block number 7"),
    ],
)
async def test_a_number_beyond_every_block_is_refused(qscc: Network, number: str, words: str) -> None:
    assert str(await qscc.refusal("City", "GetBlockByNumber", CHANNEL, number)).startswith(words)


async def test_a_hash_that_is_none_is_refused(qscc: Network) -> None:
    for value in (b"", b"\xff" * 32, b"x" * 1000):
        assert "no such block hash" in str(await qscc.refusal("City", "GetBlockByHash", CHANNEL, value))


async def test_who_may_not_ask_is_refused(qscc: Network, cscc: Network) -> None:
    qscc.peers["CityMSP"].access.refused["qscc/GetChainInfo"] = "no"
    assert (
        str(await qscc.refusal("City", "GetChainInfo", CHANNEL)) == f"access denied for [GetChainInfo][{CHANNEL}]: [no]"
    )
    cscc.peers["CityMSP"].access.refused["cscc/GetConfigBlock"] = "no"
    assert str(await cscc.refusal("City", "GetConfigBlock", CHANNEL)) == (
        f"access denied for [GetConfigBlock][{CHANNEL}]: no"
    )


async def test_the_configuration_is_told(cscc: Network, ledger: Ledger) -> None:
    assert await ask(cscc, "GetConfigBlock", CHANNEL) == ledger.block(0)
    assert await ask(cscc, "GetChannelConfig", CHANNEL) == config().encoded
    answer, _ = await cscc.call("City", "GetChannels", channel="")
    assert [one.channel_id for one in query_pb2.ChannelQueryResponse.FromString(answer).channels] == [CHANNEL]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Incorrect number of arguments, 0"),
        (["GetConfigBlock"], "Incorrect number of arguments, 1"),
        (["Nothing", CHANNEL], "Requested function Nothing not found."),
        (["GetChannelConfig", ""], "empty channel name provided"),
        (["JoinChain", b"\xff"], "Failed to reconstruct the genesis block, "),
        (["JoinChain", b""], '"JoinChain" request failed to extract channel id'),
    ],
)
async def test_what_cscc_refuses(cscc: Network, arguments: list[bytes | str], words: str) -> None:
    assert str(await cscc.refusal("City", *arguments)).startswith(words)
