"""A channel's configuration, read from blocks of real Fabric and of configtxgen, and from bytes that are none."""

from contextlib import suppress
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, policies_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.peer import policy_pb2
from hypothesis import given
from hypothesis import strategies as st

from node_client.identity import Identity
from node_client.protocol.block import new_block, parse_block
from node_client.protocol.config import BatchSize, ChannelConfig
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member
from node_client.protocol.policy import layouts
from node_client.protocol.policy_dsl import parse_policy
from tests.authorities import Ca, msp_config

VECTORS = Path(__file__).parents[3] / "vectors"
Policy = policies_pb2.Policy
ORGANISATIONS = ("City", "Town", "Village")
CAS = {name: Ca.root(f"ca.{name}") for name in ORGANISATIONS}


def recorded(name: str) -> ChannelConfig:
    return ChannelConfig.from_bytes((VECTORS / "configtxgen" / f"{name}.block").read_bytes())


def signature(text: str) -> configtx_pb2.ConfigPolicy:
    return configtx_pb2.ConfigPolicy(policy=Policy(type=Policy.SIGNATURE, value=parse_policy(text)))


def meta(rule: str, name: str) -> configtx_pb2.ConfigPolicy:
    value = policies_pb2.ImplicitMetaPolicy(sub_policy=name, rule=policies_pb2.ImplicitMetaPolicy.Rule.Value(rule))
    return configtx_pb2.ConfigPolicy(policy=Policy(type=Policy.IMPLICIT_META, value=value.SerializeToString()))


def group() -> configtx_pb2.ConfigGroup:
    """A channel of three organisations; the village has no policy Endorsement."""
    channel = configtx_pb2.ConfigGroup()
    channel.groups["Orderer"].SetInParent()
    application = channel.groups["Application"]
    for name, ca in CAS.items():
        one = application.groups[name]
        one.values["MSP"].value = bytes([0x12]) + _with_length(msp_config(f"{name}MSP", [ca]))
        one.policies["Readers"].CopyFrom(signature(f"OR('{name}MSP.member')"))
        if name != "Village":
            one.policies["Endorsement"].CopyFrom(signature(f"OR('{name}MSP.peer')"))
    for rule in ("ANY", "ALL", "MAJORITY"):
        application.policies[f"{rule} Endorsement"].CopyFrom(meta(rule, "Endorsement"))
        application.policies[f"{rule} Readers"].CopyFrom(meta(rule, "Readers"))
    channel.policies["Readers"].CopyFrom(meta("ALL", "ANY Readers"))
    return channel


def _with_length(data: bytes) -> bytes:
    length = len(data)
    return bytes([length & 0x7F | 0x80, length >> 7]) + data


def config_of(channel: configtx_pb2.ConfigGroup, kind: int = common_pb2.CONFIG) -> ChannelConfig:
    header = common_pb2.ChannelHeader(type=kind, channel_id="certificates")
    envelope = configtx_pb2.ConfigEnvelope(config=configtx_pb2.Config(sequence=3, channel_group=channel))
    payload = common_pb2.Payload(
        header=common_pb2.Header(channel_header=header.SerializeToString()), data=envelope.SerializeToString()
    )
    envelope_bytes = common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString()
    return ChannelConfig(new_block(0, b"", [envelope_bytes]))


def peers(config: ChannelConfig, *names: str) -> list[Member]:
    return [config.msp_manager.member(CAS[name].issue("peer0", "peer").serialized(f"{name}MSP")) for name in names]


def test_what_configtxgen_wrote_is_read() -> None:
    config = recorded("assorted")
    assert config.channel == "certificates"
    assert config.sequence == 0
    assert config.batch_size == BatchSize(10, 99 * 1024, 1024**3)
    assert config.batch_timeout == 1.0
    assert config.capabilities == {"Channel": {"V3_0"}, "Orderer": {"V2_0"}, "Application": {"V2_5", "V2_0", "V1_4_2"}}
    assert config.organisations["Rural-Town.1"] == "Rural.Town-1"
    assert config.orderer_addresses["City"] == ("localhost:7050",)
    assert set(config.msp_manager.msps) == {"CityMSP", "NishitetsuMSP", "TriValleyMSP", "Rural.Town-1"}


def test_acls_are_the_stated_ones_and_fabrics_defaults() -> None:
    acls = recorded("assorted").acls
    assert acls["qscc/GetChainInfo"] == "/Channel/Application/Readers"
    assert acls["event/Block"] == "/Channel/X"
    assert acls["gateway/CommitStatus"] == "/Channel/Application/Readers"
    assert recorded("consortium").acls["event/Block"] == "/Channel/Application/Readers"


def test_blocks_of_bft_orderers_need_a_quorum_of_them() -> None:
    config = recorded("bft")
    identities = [
        (VECTORS / "configtxgen" / name / "orderer" / "msp" / "signcerts" / "cert.pem").read_bytes()
        for name in ("City", "Nishitetsu", "TriValley")
    ]
    members = [
        config.msp_manager.valid_member(Identity(f"{name}MSP", pem).serialized)
        for name, pem in zip(("City", "Nishitetsu", "TriValley"), identities, strict=True)
    ]
    # The vector has the city twice among four consenters: three of them are a quorum.
    policy = config.policy("/Channel/Orderer/BlockValidation")
    assert policy.satisfied_by(members)
    assert not policy.satisfied_by(members[:2])


def test_an_implicit_policy_counts_groups_that_lack_the_policy() -> None:
    config = config_of(group())
    two, all_three = peers(config, "City", "Town"), peers(config, *ORGANISATIONS)
    assert config.policy("/Channel/Application/ANY Endorsement").satisfied_by(two[:1])
    assert config.policy("/Channel/Application/MAJORITY Endorsement").satisfied_by(two)
    assert not config.policy("/Channel/Application/MAJORITY Endorsement").satisfied_by(two[:1])
    assert not config.policy("/Channel/Application/ALL Endorsement").satisfied_by(all_three)
    assert config.policy("/Channel/Application/ALL Readers").satisfied_by(all_three)
    assert not config.policy("/Channel/Application/ALL Readers").satisfied_by(two)


def test_an_implicit_policy_is_put_as_a_signature_policy() -> None:
    config = config_of(group())
    pair = [{"CityMSP": 1, "TownMSP": 1}]
    assert layouts(config.signature_policy("/Channel/Application/ANY Endorsement")) == [{"CityMSP": 1}, {"TownMSP": 1}]
    assert layouts(config.signature_policy("/Channel/Application/MAJORITY Endorsement")) == pair
    assert layouts(config.signature_policy("/Channel/Application/ALL Endorsement")) == []
    assert len(layouts(config.signature_policy("/Channel/Application/MAJORITY Readers"))) == 3


def test_a_chaincodes_policy_is_stated_or_referred_to() -> None:
    config = config_of(group())
    city = peers(config, "City")
    stated = policy_pb2.ApplicationPolicy()
    stated.signature_policy.ParseFromString(parse_policy("OR('CityMSP.peer')"))
    for reference in (stated, policy_pb2.ApplicationPolicy(channel_config_policy_reference="ANY Endorsement")):
        policy, envelope = config.application_policy(reference.SerializeToString())
        assert policy.satisfied_by(city)
        assert {"CityMSP": 1} in layouts(envelope)


@pytest.mark.parametrize(
    "path",
    [
        "/Channel/Application/Nothing",
        "/Channel/Nothing/Readers",
        "/Nothing/Application/Readers",
        "/Channel/Application/Village/Endorsement",
        "/Channel/Readers",
        "Readers",
        "/",
        "",
    ],
)
def test_a_policy_that_is_not_there_is_refused_and_changes_nothing(path: str) -> None:
    config = config_of(group())
    before = config.encoded
    if path == "/Channel/Readers":  # it is there, and asks for one that is not in every group
        assert not config.policy(path).satisfied_by(peers(config, *ORGANISATIONS))
        return
    for ask in (config.policy, config.signature_policy):
        with pytest.raises(ProtocolError):
            ask(path)
    assert config.encoded == before


@pytest.mark.parametrize("kind", [Policy.MSP, Policy.UNKNOWN, 77])
def test_a_policy_of_another_kind_is_refused(kind: int) -> None:
    channel = group()
    channel.policies["Odd"].policy.type = kind
    channel.policies["Worse"].CopyFrom(meta("ANY", "Readers"))
    channel.policies["Worse"].policy.value = b"\x10\x63"
    config = config_of(channel)
    for name in ("Odd", "Worse"):
        with pytest.raises(ProtocolError):
            config.policy(f"/Channel/{name}")
        with pytest.raises(ProtocolError):
            config.signature_policy(f"/Channel/{name}")


def test_a_batch_timeout_that_is_none_is_refused() -> None:
    channel = group()
    channel.groups["Orderer"].values["BatchTimeout"].value = orderer_pb2.BatchTimeout(
        timeout="1..5s"
    ).SerializeToString()
    with pytest.raises(ProtocolError, match="not a duration"):
        _ = config_of(channel).batch_timeout


def test_a_block_that_configures_nothing_is_refused() -> None:
    blocks = VECTORS / "fabric"
    with pytest.raises(ProtocolError):
        ChannelConfig(parse_block((blocks / "block1.pb").read_bytes()))
    with pytest.raises(ProtocolError):
        ChannelConfig(new_block(0, b"", []))
    with pytest.raises(ProtocolError):
        config_of(group(), kind=common_pb2.ENDORSER_TRANSACTION)


@given(st.binary(max_size=100))
def test_bytes_are_a_configuration_or_refused(data: bytes) -> None:
    for block in (data, new_block(0, b"", [data]).encode()):
        with pytest.raises(ProtocolError):
            ChannelConfig.from_bytes(block)
    channel = configtx_pb2.ConfigGroup()
    for name in ("BatchSize", "BatchTimeout", "Endpoints", "Capabilities", "ACLs", "MSP"):
        channel.groups["Orderer"].values[name].value = data
        channel.groups["Application"].values[name].value = data
        channel.groups["Application"].groups["City"].values[name].value = data
    channel.policies["Readers"].policy.CopyFrom(Policy(type=Policy.IMPLICIT_META, value=data))
    config = config_of(channel)
    for read in ("batch_size", "batch_timeout", "orderer_addresses", "capabilities", "acls", "organisations"):
        with suppress(ProtocolError):
            getattr(config, read)
    with suppress(ProtocolError):
        config.policy("/Channel/Readers")
