"""Orderers' signatures of a block: Raft's carry who signed, BFT's a number that the configuration resolves."""

from dataclasses import dataclass
from typing import cast

import pytest
from fabric_protos.common import common_pb2

from node_client.audit.replay import is_signed
from node_client.protocol.block import SIGNATURES, Block, new_block, signature_header, signature_message
from node_client.protocol.config import ChannelConfig
from node_client.protocol.msp import Msp, MspManager
from node_client.protocol.policy import SignaturePolicy
from node_client.protocol.policy_dsl import parse_policy
from tests.authorities import Ca, Holder, msp_config

MSPS = ("CityMSP", "NishitetsuMSP", "TriValleyMSP")
QUORUM = "OutOf(2, 'CityMSP.orderer', 'NishitetsuMSP.orderer', 'TriValleyMSP.orderer')"
VALUE = b"what orderers say of the block"


@dataclass
class Ordering:
    """As much of a channel's configuration as signatures of blocks need."""

    msp_manager: MspManager
    consenters: dict[int, bytes]

    def policy(self, path: str) -> SignaturePolicy:
        assert path == "/Channel/Orderer/BlockValidation"
        return SignaturePolicy(parse_policy(QUORUM), self.msp_manager)


AUTHORITIES = {msp: Ca.root(f"ca.{msp}") for msp in MSPS}
ORDERERS = {msp: ca.issue("orderer0", "orderer") for msp, ca in AUTHORITIES.items()}
CONFIG = cast(
    ChannelConfig,
    Ordering(
        MspManager(Msp(msp_config(msp, [ca])) for msp, ca in AUTHORITIES.items()),
        {number: ORDERERS[msp].serialized(msp) for number, msp in enumerate(MSPS, start=1)},
    ),
)
BLOCK = new_block(7, b"\x11" * 32, [b"a transaction"])


def by_number(number: int, holder: Holder, block: Block = BLOCK) -> common_pb2.MetadataSignature:
    header = common_pb2.IdentifierHeader(identifier=number, nonce=b"nonce").SerializeToString()
    signature = holder.sign(signature_message(VALUE, header, block.header_bytes))
    return common_pb2.MetadataSignature(identifier_header=header, signature=signature)


def by_name(msp: str, holder: Holder) -> common_pb2.MetadataSignature:
    header = signature_header(holder.serialized(msp), b"nonce")
    signature = holder.sign(signature_message(VALUE, header, BLOCK.header_bytes))
    return common_pb2.MetadataSignature(signature_header=header, signature=signature)


def signed(*signatures: common_pb2.MetadataSignature) -> bool:
    metadata = common_pb2.Metadata(value=VALUE, signatures=signatures).SerializeToString()
    return is_signed(BLOCK.with_metadata(SIGNATURES, metadata), CONFIG)


def test_both_kinds_count() -> None:
    city, centre = ORDERERS["CityMSP"], ORDERERS["NishitetsuMSP"]
    assert signed(by_number(1, city), by_number(2, centre))
    assert signed(by_name("CityMSP", city), by_name("NishitetsuMSP", centre))
    assert signed(by_name("CityMSP", city), by_number(2, centre))


@pytest.mark.parametrize(
    "signatures",
    [
        (),
        (by_number(1, ORDERERS["CityMSP"]),),
        (by_number(1, ORDERERS["CityMSP"]), by_number(1, ORDERERS["CityMSP"])),
        (by_number(1, ORDERERS["CityMSP"]), by_number(2, ORDERERS["CityMSP"])),
        (by_number(1, ORDERERS["CityMSP"]), by_number(9, ORDERERS["NishitetsuMSP"])),
        (by_number(1, ORDERERS["CityMSP"]), by_number(2, AUTHORITIES["NishitetsuMSP"].issue("peer0", "peer"))),
        (by_name("CityMSP", ORDERERS["CityMSP"]), by_name("CityMSP", ORDERERS["NishitetsuMSP"])),
        (
            by_number(1, ORDERERS["CityMSP"], new_block(8, b"", [])),
            by_number(2, ORDERERS["NishitetsuMSP"], new_block(8, b"", [])),
        ),
    ],
    ids=["none", "one", "one twice", "another's number", "no such number", "no orderer", "another's", "another block"],
)
def test_not_enough_orderers(signatures: tuple[common_pb2.MetadataSignature, ...]) -> None:
    assert not signed(*signatures)
