"""The channel's configuration is changed while the network runs, and holds at once, everywhere, and after a restart."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import common_pb2

from network import configuration, control
from network.errors import NetworkError
from network.folder import Folder
from network.topology import CHANNEL, Organisation
from network.updating import check_own
from node_client import Gateway
from node_client.admin._sync.configuration import ChannelConfiguration, submit_update
from node_client.admin._sync.transport import Orderer
from node_client.admin.config_signing import sign_update
from node_client.errors import AdminError, SubmitError
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from node_client.protocol.block import Block, is_config_block, last_config, parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_authority import check_applicable, missing_policies, needed_policies
from node_client.protocol.config_edits import with_batch_timeout
from node_client.protocol.config_json import config_from_json, config_to_json
from node_client.protocol.config_update import ConfigUpdate, NoDifference
from tests.chain import check_chain
from tests.conftest import Commands, running_network
from tests.scenarios.deploying import patiently
from tests.scenarios.seeking import OLDEST, Ask, Person, Source, at, block_in, height, profile_of, told, write_something

MILLISECOND = 10**6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A network whose configuration these tests change."""
    with running_network(tmp_path_factory.mktemp("configuration") / "net") as folder:
        yield folder


@pytest.fixture
def city(folder: Folder) -> Organisation:
    return folder.topology().organisation("City")


def read(folder: Folder, organisation: str = "City", user: str = "auditor") -> ChannelConfig:
    with Gateway.from_profile(profile_of(folder, organisation), organisation, user) as gateway:
        return ChannelConfiguration(gateway, CHANNEL).read()


def signed(folder: Folder, update: ConfigUpdate, *organisations: str) -> ConfigUpdate:
    for one in organisations:
        admin = Person.of(folder, one, "admin")
        update = sign_update(update, admin.identity, admin.signer)
    return update


def submit(folder: Folder, update: ConfigUpdate, organisation: str = "City") -> None:
    submitter = Person.of(folder, organisation, "issuer")
    orderer = Orderer(profile_of(folder, organisation).orderer(organisation))
    submit_update(orderer, update, submitter.identity, submitter.signer)


def test_a_changed_batch_timeout_holds_at_every_peer_and_after_a_restart(folder: Folder, city: Organisation) -> None:
    before = read(folder)
    timeout = (before.batch_timeout * 1000 + 7) * MILLISECOND
    after = configuration.change(folder, city, lambda config: with_batch_timeout(config, int(timeout)))
    assert after.batch_timeout == pytest.approx(timeout / 10**9)
    assert after.sequence == before.sequence + 1
    for name in ("City", "Nishitetsu", "TriValley"):
        assert read(folder, name).encoded == after.encoded
    control.down(folder)
    control.up(folder)
    assert read(folder, "TriValley").encoded == after.encoded
    assert write_something(folder)


def test_an_update_passes_from_one_organisation_to_the_next_as_a_file(folder: Folder, tmp_path: Path) -> None:
    config = read(folder)
    wanted = with_batch_timeout(config.encoded, int(config.batch_timeout * 10**9) + MILLISECOND)
    update = ConfigUpdate.compute(CHANNEL, config.encoded, wanted)
    assert needed_policies(config, update) == ("/Channel/Orderer/Admins",)
    file = tmp_path / "update.pb"
    file.write_bytes(signed(folder, update, "City").file())

    passed_on = ConfigUpdate.from_envelope(file.read_bytes())
    assert missing_policies(config, passed_on) == ("/Channel/Orderer/Admins",)
    with pytest.raises(AdminError, match="policy for .* not satisfied"):
        submit(folder, passed_on)
    complete = signed(folder, passed_on, "TriValley")
    assert missing_policies(config, complete) == ()
    submit(folder, complete, "TriValley")
    while read(folder).sequence == config.sequence:
        pass
    with pytest.raises(AdminError, match="but key is at version"):
        submit(folder, complete)


def test_what_another_was_faster_with_is_not_taken_for_the_own_update(folder: Folder, city: Organisation) -> None:
    """An orderer may take two updates of one configuration, of which it drops the second without a word."""
    config = read(folder)

    def faster(number: int) -> Callable[[bytes], bytes]:
        timeout = int(config.batch_timeout * 10**9) + number * MILLISECOND
        return lambda encoded: with_batch_timeout(encoded, timeout)

    own, other = (ConfigUpdate.compute(CHANNEL, config.encoded, faster(number)(config.encoded)) for number in (1, 2))
    auditor = Person.of(folder, "City", "auditor")
    place = Orderer(profile_of(folder, "City").orderer("City")), (auditor.identity, auditor.signer)
    for number in (1, 3):
        found = configuration.change(folder, city, faster(number))
        check_own(own, found, config, *place)
        with pytest.raises(NetworkError, match="somebody else has changed the configuration just before"):
            check_own(other, found, config, *place)

    def overtaken(encoded: bytes) -> bytes:
        configuration.change(folder, city, faster(4))
        return faster(5)(encoded)

    with pytest.raises(AdminError, match="but key is at version"):
        configuration.change(folder, city, overtaken)


def test_operators_edit_json_and_pass_the_update_on(folder: Folder, tmp_path: Path) -> None:
    commands = Commands(folder, tmp_path)
    (fetched,) = commands.ok("network", "config", "fetch", "config.json", "--profile", "city-auditor")
    content = json.loads((tmp_path / "config.json").read_text())
    orderer = content["channel_group"]["groups"]["Orderer"]["values"]
    assert orderer["BatchTimeout"]["value"]["timeout"].endswith("ms")
    count = orderer["BatchSize"]["value"]["max_message_count"] + 1
    orderer["BatchSize"]["value"]["max_message_count"] = count
    orderer["BatchTimeout"]["value"]["timeout"] = "55ms"
    (tmp_path / "config.json").write_text(json.dumps(content))

    propose = ("network", "config", "propose", "config.json", "update.pb")
    (proposed,) = commands.ok(*propose, "--profile", "city-issuer")
    assert proposed["changes"] == [f"[Value]  /Channel/Orderer/{name}" for name in ("BatchSize", "BatchTimeout")]
    assert (proposed["signatures"], proposed["missing"]) == (0, ["/Channel/Orderer/Admins"])
    sign = ("network", "config", "sign", "update.pb", "--profile")
    submit = ("network", "config", "submit", "update.pb", "--profile")
    for _ in range(2):  # signing twice is signing once
        (signed,) = commands.ok(*sign, "nishitetsu-admin")
        assert (signed["signatures"], signed["missing"]) == (1, ["/Channel/Orderer/Admins"])
    refused = commands(*submit, "nishitetsu-admin")
    assert (refused.status, "signatures are missing" in refused.messages) == (2, True), refused
    (signed,) = commands.ok(*sign, "city-admin")
    assert (signed["signatures"], signed["missing"]) == (2, [])
    (done,) = commands.ok(*submit, "trivalley-issuer")
    assert done["sequence"] == fetched["sequence"] + 1
    new = read(folder)
    assert (new.batch_timeout, new.batch_size.max_message_count) == (0.055, count)

    late = commands(*submit, "city-admin")
    assert (late.status, "does not fit the configuration in force" in late.messages) == (2, True), late
    same = commands(*propose, "--profile", "city-issuer")
    assert (same.status, "says what the configuration in force says" in same.messages) == (2, True), same


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"channel_group": {"groups": []}}', '{"channel_group": {"x": 1}}']
)
def test_what_is_no_configuration_is_not_proposed(folder: Folder, tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    commands = Commands(folder, tmp_path)
    result = commands("network", "config", "propose", "config.json", "update.pb")
    assert (result.status, "cannot be used" in result.messages) == (2, True), result
    assert not (tmp_path / "update.pb").exists()


def blocks(folder: Folder, source: Source) -> list[Block]:
    """All blocks, as a peer or an orderer of the city gives them."""
    with source.connect(folder, "City") as channel:
        request = Ask(start=OLDEST, stop=at(height(folder) - 1)).signed_by(Person.of(folder, "City", "auditor"))
        answers = [one for one in source.stream(channel, [request]) if one.WhichOneof("Type") != "status"]
    return [parse_block(block_in(one).SerializeToString()) for one in answers]


@pytest.mark.parametrize("source", [Source("Deliver"), Source("Orderer")], ids=str)
def test_a_configuration_has_a_block_of_its_own_which_names_itself(
    folder: Folder, city: Organisation, source: Source
) -> None:
    before = read(folder)
    timeout = int(before.batch_timeout * 10**9) + MILLISECOND
    number = configuration.change(folder, city, lambda config: with_batch_timeout(config, timeout)).block.number
    write_something(folder)
    found = blocks(folder, source)
    assert is_config_block(found[number])
    assert len(found[number].envelopes) == 1
    assert [last_config(one) for one in found[number - 1 :]] == [before.block.number, number, number]
    new = ChannelConfig(found[number])
    check_applicable(new, found[number].envelopes[0], before)
    if source.of_orderer:
        return
    assert found[number].validation_codes == b"\0"
    assert check_chain(found)  # hashes, signatures, codes and commit hashes, under the configuration of the time


def test_a_filtered_block_names_the_configuration(folder: Folder, city: Organisation) -> None:
    timeout = int(read(folder).batch_timeout * 10**9) + MILLISECOND
    number = configuration.change(folder, city, lambda config: with_batch_timeout(config, timeout)).block.number
    source = Source("DeliverFiltered")
    with source.connect(folder, "City") as channel:
        request = Ask(start=at(number), stop=at(number)).signed_by(Person.of(folder, "City", "auditor"))
        block = block_in(next(source.stream(channel, [request])))
    (transaction,) = block.filtered_transactions
    assert (transaction.type, transaction.txid, transaction.tx_validation_code) == (common_pb2.CONFIG, "", 0)


def edited(change: Callable[[dict[str, Any]], None]) -> configuration.Edit:
    """An edit of the JSON's channel group."""

    def edit(config: bytes) -> bytes:
        content = json.loads(config_to_json(config))
        change(content["channel_group"])
        return config_from_json(json.dumps(content), config)

    return edit


def test_an_access_rule_that_changes_ends_streams_in_progress(folder: Folder, city: Organisation) -> None:
    """Whole blocks are for the city and a centre together from now on, which no reader is; filtered ones stay."""

    def close(channel: dict[str, Any]) -> None:
        acls = {"event/Block": {"policy_ref": "/Channel/Application/Admins"}}
        channel["groups"]["Application"]["values"]["ACLs"] = {"mod_policy": "Admins", "value": {"acls": acls}}

    def reopen(channel: dict[str, Any]) -> None:
        del channel["groups"]["Application"]["values"]["ACLs"]

    auditor = Person.of(folder, "City", "auditor")
    whole, filtered = Source("Deliver"), Source("DeliverFiltered")
    begin = height(folder) - 1
    request = Ask(start=at(begin), stop=at(2**64 - 1))
    with whole.connect(folder, "City") as channel:
        streams = [map(told, one.stream(channel, [request.signed_by(auditor)])) for one in (whole, filtered)]
        assert [next(one) for one in streams] == [begin, begin]
        closed = configuration.change(folder, city, edited(close)).block.number
        assert list(streams[0]) == [*range(begin + 1, closed), "FORBIDDEN"]
        assert [next(streams[1]) for _ in range(begin, closed)] == [*range(begin + 1, closed + 1)]
        refused = whole.stream(channel, [Ask().signed_by(auditor)])
        assert list(map(told, refused)) == ["FORBIDDEN"]
        configuration.change(folder, city, edited(reopen))
        assert told(next(whole.stream(channel, [Ask().signed_by(auditor)]))) == 0


def test_orderers_in_maintenance_take_nothing_but_what_ends_it(folder: Folder, city: Organisation) -> None:
    def state(name: str) -> configuration.Edit:
        def change(channel: dict[str, Any]) -> None:
            channel["groups"]["Orderer"]["values"]["ConsensusType"]["value"]["state"] = name

        return edited(change)

    config, orderer = read(folder), Orderer(profile_of(folder, "City").orderer("City"))
    node = folder.organisation("City") / "orderer" / "msp"
    identity = Identity("CityMSP", (node / "signcerts" / "cert.pem").read_bytes())
    signer = KeySigner.from_pem((node / "keystore" / "key.pem").read_bytes())
    configuration.change(folder, city, state("STATE_MAINTENANCE"))
    with pytest.raises(SubmitError, match="no orderers could successfully process transaction"):
        write_something(folder)
    update = ConfigUpdate.compute(CHANNEL, read(folder).encoded, state("STATE_NORMAL")(read(folder).encoded))
    complete = signed(folder, update, "City", "TriValley")
    with pytest.raises(AdminError, match="did not pass initial checks: .*permission denied"):
        submit(folder, complete)
    submit_update(orderer, complete, identity, signer)  # who submits must be an orderer then
    patiently(lambda: write_something(folder))
    assert read(folder).sequence == config.sequence + 2


def test_what_changes_nothing_is_no_update(folder: Folder, city: Organisation) -> None:
    with pytest.raises(NoDifference):
        configuration.change(folder, city, lambda config: config)
