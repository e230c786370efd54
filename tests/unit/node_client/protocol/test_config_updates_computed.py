"""Updates of a configuration: what they are computed to, who must sign them, and what comes of them.

What real Fabric answers to wrong ones is among the recorded error answers.
"""

from collections.abc import Callable

import pytest
from fabric_protos.common import configtx_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from hypothesis import given
from hypothesis import strategies as st

from node_client.admin.config_signing import sign_update, submission
from node_client.identity import Identity
from node_client.protocol.config import Configuration
from node_client.protocol.config_authority import NotAuthorised, authorised, missing_policies, needed_policies
from node_client.protocol.config_edits import revocation_lists, with_revocation_lists
from node_client.protocol.config_elements import channel_group, check_name, elements
from node_client.protocol.config_update import ConfigUpdate, NoDifference
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy_dsl import parse_policy
from tests.authorities import Ca, msp_config

CHANNEL = "certificates"
ORGANISATIONS = ("City", "Town")
CAS = {name: Ca.root(f"ca.{name}") for name in ORGANISATIONS}
ADMINS = {name: ca.issue("admin", "admin") for name, ca in CAS.items()}
Group = configtx_pb2.ConfigGroup
Edit = Callable[[Group], None]


def policy(text: str) -> configtx_pb2.ConfigPolicy:
    signature = policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE, value=parse_policy(text))
    return configtx_pb2.ConfigPolicy(policy=signature, mod_policy="Admins", version=2)


def channel() -> Group:
    """Both admins change the channel, each admin the own organisation."""
    root = Group(mod_policy="Admins", version=1)
    root.policies["Admins"].CopyFrom(policy("AND('CityMSP.admin', 'TownMSP.admin')"))
    for part in ("Application", "Orderer"):
        group = root.groups[part]
        group.mod_policy = "/Channel/Admins"
        for name in ORGANISATIONS:
            one = group.groups[name]
            one.mod_policy = "Admins"
            one.policies["Admins"].CopyFrom(policy(f"OR('{name}MSP.admin')"))
            definition = msp_config_pb2.MSPConfig(config=msp_config(f"{name}MSP", [CAS[name]]))
            one.values["MSP"].CopyFrom(
                configtx_pb2.ConfigValue(value=definition.SerializeToString(), mod_policy="Admins", version=7)
            )
    for name in ("Colour", "Shape"):
        root.values[name].CopyFrom(configtx_pb2.ConfigValue(value=b"old", mod_policy="Admins", version=3))
    return root


BEFORE = configtx_pb2.Config(sequence=4, channel_group=channel()).SerializeToString()
IN_FORCE = Configuration(CHANNEL, BEFORE)


def computed(edit: Edit) -> ConfigUpdate:
    after = configtx_pb2.Config(channel_group=channel())
    edit(after.channel_group)
    return ConfigUpdate.compute(CHANNEL, BEFORE, after.SerializeToString())


def sets(update: ConfigUpdate) -> tuple[Group, Group]:
    message = configtx_pb2.ConfigUpdate.FromString(update.data)
    assert message.channel_id == CHANNEL
    return message.read_set, message.write_set


def signed(update: ConfigUpdate, *names: str) -> ConfigUpdate:
    for name in names:
        update = sign_update(update, Identity(f"{name}MSP", ADMINS[name].pem), ADMINS[name].signer)
    return update


def result(update: ConfigUpdate) -> Group:
    config = configtx_pb2.Config.FromString(authorised(IN_FORCE, update))
    assert config.sequence == 5
    return config.channel_group


def paint(group: Group) -> None:
    group.values["Colour"].value = b"new"


def enlarge(group: Group) -> None:
    group.groups["Application"].groups["Town"].values["Size"].CopyFrom(
        configtx_pb2.ConfigValue(value=b"large", mod_policy="Admins", version=9)
    )


def test_a_changed_value_alone_is_in_the_write_set() -> None:
    read, write = sets(computed(paint))
    assert read == Group(version=1)
    expected = Group(version=1)
    expected.values["Colour"].CopyFrom(configtx_pb2.ConfigValue(value=b"new", mod_policy="Admins", version=4))
    assert write == expected


def test_a_group_that_gets_a_member_names_those_that_stay() -> None:
    read, write = sets(computed(enlarge))
    town = read.groups["Application"].groups["Town"]
    assert (set(town.values), set(town.policies), town.version) == ({"MSP"}, {"Admins"}, 0)
    assert (town.values["MSP"].version, town.values["MSP"].value) == (7, b"")
    written = write.groups["Application"].groups["Town"]
    assert (set(written.values), written.version, written.mod_policy) == ({"MSP", "Size"}, 1, "Admins")
    assert written.values["Size"].version == 0
    assert set(write.groups["Application"].groups) == {"Town"}


def test_a_removed_group_is_missing_from_the_write_set() -> None:
    def edit(group: Group) -> None:
        del group.groups["Application"].groups["Town"]

    update = computed(edit)
    _, write = sets(update)
    assert set(write.groups["Application"].groups) == {"City"}
    assert write.groups["Application"].version == 1
    assert set(result(signed(update, "City", "Town")).groups["Application"].groups) == {"City"}


def test_the_same_is_no_update() -> None:
    with pytest.raises(NoDifference, match="no differences detected"):
        computed(lambda group: None)
    with pytest.raises(ProtocolError, match="no channel group included for updated config"):
        ConfigUpdate.compute(CHANNEL, BEFORE, b"")


@pytest.mark.parametrize(
    ("edit", "who", "path"),
    [
        (paint, ("City", "Town"), "/Channel/Admins"),
        (enlarge, ("Town",), "/Channel/Application/Town/Admins"),
    ],
)
def test_who_must_sign_is_what_the_changed_element_says(edit: Edit, who: tuple[str, ...], path: str) -> None:
    update = computed(edit)
    assert needed_policies(IN_FORCE, update) == (path,)
    for name in ORGANISATIONS:
        if who != (name,):
            assert missing_policies(IN_FORCE, signed(update, name)) == (path,)
            with pytest.raises(NotAuthorised, match="not satisfied: signature set did not satisfy policy"):
                authorised(IN_FORCE, signed(update, name))
    assert missing_policies(IN_FORCE, signed(update, *who)) == ()
    assert result(signed(update, *who))


def test_a_signature_of_another_update_does_not_count() -> None:
    other = signed(computed(enlarge), "City", "Town")
    update = computed(paint)
    for one in other.signatures:
        update = update.signed(one.header, one.signature)
    with pytest.raises(NotAuthorised, match="not satisfied"):
        authorised(IN_FORCE, update)


def test_an_update_holds_for_the_version_that_it_was_made_of_alone() -> None:
    update = signed(computed(paint), "City", "Town")
    later = Configuration(CHANNEL, authorised(IN_FORCE, update))
    with pytest.raises(NotAuthorised, match="attempt to set key .*Colour to version 4, but key is at version 4"):
        authorised(later, update)


def test_an_update_comes_back_from_its_envelope() -> None:
    update = signed(computed(paint), "City")
    assert ConfigUpdate.from_envelope(update.file()) == update
    sent = submission(update, Identity("CityMSP", ADMINS["City"].pem), ADMINS["City"].signer)
    assert ConfigUpdate.from_envelope(sent) == update
    with pytest.raises(ProtocolError):
        ConfigUpdate.from_envelope(b"\xff")


names = st.sampled_from(["Colour", "Shape", "Weight", "Size"])
contents = st.dictionaries(names, st.binary(max_size=3), max_size=4)


@given(contents, contents, st.booleans())
def test_what_an_update_makes_is_what_was_wanted(
    root: dict[str, bytes], town: dict[str, bytes], without_orderer: bool
) -> None:
    def edit(group: Group) -> None:
        group.values.clear()
        for name, content in root.items():
            group.values[name].CopyFrom(configtx_pb2.ConfigValue(value=content, mod_policy="Admins"))
        for name, content in town.items():
            new = configtx_pb2.ConfigValue(value=content, mod_policy="Admins")
            group.groups["Application"].groups["Town"].values[name].CopyFrom(new)
        if without_orderer:
            del group.groups["Orderer"].groups["City"]

    wanted = channel()
    edit(wanted)
    try:
        update = computed(edit)
    except NoDifference:
        assert (root, town, without_orderer) == ({"Colour": b"old", "Shape": b"old"}, {}, False)
        return
    assert plain(result(signed(update, "City", "Town"))) == plain(wanted)


def plain(group: Group) -> dict[str, bytes | tuple[int, bytes]]:
    """A group's content without versions."""
    found: dict[str, bytes | tuple[int, bytes]] = {}
    for key, one in elements(group).items():
        message = one.message
        if isinstance(message, configtx_pb2.ConfigValue):
            found[key] = message.value
        elif isinstance(message, configtx_pb2.ConfigPolicy):
            found[key] = (message.policy.type, message.policy.value)
        else:
            found[key] = b""
    return found


def test_a_configuration_comes_back_from_its_elements() -> None:
    assert channel_group(elements(channel())) == channel()


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "ä", "x" * 250])
def test_names_that_no_element_may_have(name: str) -> None:
    with pytest.raises(ProtocolError):
        check_name(name)


def test_revocation_lists_are_set_in_both_groups_of_an_organisation() -> None:
    lists = [b"one", b"two"]
    changed = with_revocation_lists(BEFORE, "TownMSP", lists)
    assert revocation_lists(changed, "TownMSP") == tuple(lists)
    assert revocation_lists(changed, "CityMSP") == ()
    update = ConfigUpdate.compute(CHANNEL, BEFORE, changed)
    assert needed_policies(IN_FORCE, update) == ("/Channel/Application/Town/Admins", "/Channel/Orderer/Town/Admins")
    assert missing_policies(IN_FORCE, signed(update, "Town")) == ()
    with pytest.raises(ProtocolError, match="no organisation"):
        with_revocation_lists(BEFORE, "NowhereMSP", lists)
