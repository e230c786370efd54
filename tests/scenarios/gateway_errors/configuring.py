"""Updates of the channel's configuration that an orderer must refuse."""

from collections.abc import Callable, Iterator
from functools import partial

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2

from network.topology import CHANNEL
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.proposal import new_nonce
from tests.scenarios.gateway_errors.case import Case
from tests.scenarios.gateway_errors.drafts import GARBAGE, Person
from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.scene import Scene

Group = configtx_pb2.ConfigGroup
Edit = Callable[[Group], None]
Fault = Callable[[configtx_pb2.ConfigUpdate], None]
EVERYBODY = (("City", "admin"), ("Nishitetsu", "admin"), ("TriValley", "admin"))


def _timeout(text: str) -> Edit:
    def edit(channel: Group) -> None:
        value = orderer_pb2.BatchTimeout(timeout=text).SerializeToString()
        channel.groups["Orderer"].values["BatchTimeout"].value = value

    return edit


def _batch(**fields: int) -> Edit:
    def edit(channel: Group) -> None:
        value = channel.groups["Orderer"].values["BatchSize"]
        batch = orderer_pb2.BatchSize.FromString(value.value)
        for name, number in fields.items():
            setattr(batch, name, number)
        value.value = batch.SerializeToString()

    return edit


def _raft(change: Callable[[etcdraft_pb2.ConfigMetadata], None]) -> Edit:
    def edit(channel: Group) -> None:
        value = channel.groups["Orderer"].values["ConsensusType"]
        consensus = orderer_pb2.ConsensusType.FromString(value.value)
        metadata = etcdraft_pb2.ConfigMetadata.FromString(consensus.metadata)
        change(metadata)
        consensus.metadata = metadata.SerializeToString()
        value.value = consensus.SerializeToString()

    return edit


def _consensus(**fields: object) -> Edit:
    def edit(channel: Group) -> None:
        value = channel.groups["Orderer"].values["ConsensusType"]
        consensus = orderer_pb2.ConsensusType.FromString(value.value)
        for name, content in fields.items():
            setattr(consensus, name, content)
        value.value = consensus.SerializeToString()

    return edit


def _both(*edits: Edit) -> Edit:
    def edit(channel: Group) -> None:
        for one in edits:
            one(channel)

    return edit


def _msp(groups: tuple[str, ...], change: Callable[[msp_config_pb2.FabricMSPConfig], None]) -> Edit:
    """A change of TriValley's MSP, in these groups."""

    def edit(channel: Group) -> None:
        for group in groups:
            value = channel.groups[group].groups["TriValley"].values["MSP"]
            wrapped = msp_config_pb2.MSPConfig.FromString(value.value)
            definition = msp_config_pb2.FabricMSPConfig.FromString(wrapped.config)
            change(definition)
            wrapped.config = definition.SerializeToString()
            value.value = wrapped.SerializeToString()

    return edit


def _other_name(definition: msp_config_pb2.FabricMSPConfig) -> None:
    definition.name = "OtherMSP"


def _value(group: tuple[str, ...], name: str, data: bytes, mod_policy: str = "Admins") -> Edit:
    def edit(channel: Group) -> None:
        for one in group:
            channel = channel.groups[one]
        channel.values[name].CopyFrom(configtx_pb2.ConfigValue(value=data, mod_policy=mod_policy))

    return edit


def _policy(policy: policies_pb2.Policy, mod_policy: str = "Admins") -> Edit:
    def edit(channel: Group) -> None:
        new = configtx_pb2.ConfigPolicy(policy=policy, mod_policy=mod_policy)
        channel.groups["Application"].policies["Auditors"].CopyFrom(new)

    return edit


def _capability(*group: str) -> Edit:
    capabilities = configuration_pb2.Capabilities(capabilities={"V9_9": configuration_pb2.Capability()})
    return _value(group, "Capabilities", capabilities.SerializeToString())


def _without_orderers(channel: Group) -> None:
    del channel.groups["Orderer"]


def _without_endpoints(channel: Group) -> None:
    del channel.groups["Orderer"].groups["TriValley"].values["Endpoints"]


def _nested(channel: Group) -> None:
    channel.groups["Application"].groups["TriValley"].groups["Section"].mod_policy = "Admins"


def _no_consenters(metadata: etcdraft_pb2.ConfigMetadata) -> None:
    del metadata.consenters[:]


def _one_consenter(metadata: etcdraft_pb2.ConfigMetadata) -> None:
    del metadata.consenters[1:]


def _hasty(metadata: etcdraft_pb2.ConfigMetadata) -> None:
    metadata.options.election_tick = 1


def _idle(metadata: etcdraft_pb2.ConfigMetadata) -> None:
    metadata.options.heartbeat_tick = 0


def _timeless(metadata: etcdraft_pb2.ConfigMetadata) -> None:
    metadata.options.tick_interval = "soon"


MAINTENANCE = orderer_pb2.ConsensusType.STATE_MAINTENANCE
SIGNED_BY_NOBODY = policies_pb2.SignaturePolicyEnvelope(rule=policies_pb2.SignaturePolicy(signed_by=3))
# name → what is asked for, and how the configuration is edited; signed by everybody who must.
EDITS: dict[str, tuple[str, Edit]] = {
    "no-timeout": ("a BatchTimeout that is none", _timeout("soon")),
    "negative-timeout": ("a BatchTimeout below zero", _timeout("-1s")),
    "no-messages": ("blocks of no messages", _batch(max_message_count=0)),
    "no-bytes": ("blocks of no bytes", _batch(absolute_max_bytes=0)),
    "no-preferred-bytes": ("blocks of preferably no bytes", _batch(preferred_max_bytes=0)),
    "preferred-too-large": ("blocks that are preferably larger than allowed", _batch(preferred_max_bytes=2**30)),
    "garbage-value": ("a value that is none", _value(("Orderer",), "BatchSize", GARBAGE)),
    "unknown-value": ("a value that nobody knows", _value(("Orderer",), "Coffee", b"")),
    "unknown-value-of-organisation": (
        "a value of an organisation that nobody knows",
        _value(("Application", "TriValley"), "Coffee", b""),
    ),
    "no-mod-policy": ("a new value without a policy for its changes", _value((), "Consortium", b"", "")),
    "bad-mod-policy": ("a new value with a policy that cannot be one", _value((), "Consortium", b"", "Ad mins")),
    "bad-name": ("a new value with a name that none may have", _value((), "Con sortium", b"")),
    "msp-renamed": ("an organisation's MSP under another name", _msp(("Application", "Orderer"), _other_name)),
    "no-orderers": ("a channel without orderers", _without_orderers),
    "no-endpoints": ("an ordering organisation without endpoints", _without_endpoints),
    "global-addresses": (
        "orderers' addresses for the whole channel",
        _value((), "OrdererAddresses", configuration_pb2.OrdererAddresses(addresses=["h:1"]).SerializeToString()),
    ),
    "nested-organisation": ("a group within an organisation", _nested),
    "hashing": (
        "another hashing algorithm",
        _value((), "HashingAlgorithm", configuration_pb2.HashingAlgorithm(name="MD5").SerializeToString()),
    ),
    "width": (
        "a hash tree of blocks",
        _value(
            (), "BlockDataHashingStructure", configuration_pb2.BlockDataHashingStructure(width=2).SerializeToString()
        ),
    ),
    "channel-capability": ("a capability of the channel that nobody has", _capability()),
    "orderer-capability": ("a capability of orderers that nobody has", _capability("Orderer")),
    "empty-policy": ("a policy that is nothing", _policy(policies_pb2.Policy())),
    "msp-policy": ("a policy of the type MSP", _policy(policies_pb2.Policy(type=policies_pb2.Policy.MSP))),
    "policy-out-of-range": (
        "a policy that refers to a principal that it does not have",
        _policy(policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE, value=SIGNED_BY_NOBODY.SerializeToString())),
    ),
    "garbage-signature-policy": (
        "a signature policy that is none",
        _policy(policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE, value=GARBAGE)),
    ),
    "garbage-implicit-policy": (
        "an implicit policy that is none",
        _policy(policies_pb2.Policy(type=policies_pb2.Policy.IMPLICIT_META, value=GARBAGE)),
    ),
    "policy-without-rule": (
        "a signature policy without a rule",
        _policy(policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE)),
    ),
    "no-consenters": ("no consenters", _raft(_no_consenters)),
    "two-consenters-less": ("two consenters less at once", _raft(_one_consenter)),
    "election-tick": ("an election tick that is not longer than the heartbeat", _raft(_hasty)),
    "no-heartbeat": ("no heartbeat", _raft(_idle)),
    "tick-interval": ("a tick interval that is none", _raft(_timeless)),
    "bft-without-maintenance": ("BFT at once", _consensus(type="BFT")),
    "maintenance-and-more": (
        "maintenance and another BatchTimeout",
        _both(_consensus(state=MAINTENANCE), _timeout("9s")),
    ),
    "maintenance-and-bft": ("maintenance and BFT at once", _consensus(state=MAINTENANCE, type="BFT")),
}


def _version(update: configtx_pb2.ConfigUpdate, change: int) -> None:
    update.write_set.groups["Orderer"].values["BatchTimeout"].version += change


def _read_version(update: configtx_pb2.ConfigUpdate) -> None:
    update.read_set.groups["Orderer"].values["BatchTimeout"].version = 9


def _read_unknown(update: configtx_pb2.ConfigUpdate) -> None:
    update.read_set.groups["Orderer"].values["Coffee"].version = 0


def _unchanged(update: configtx_pb2.ConfigUpdate) -> None:
    update.write_set.CopyFrom(update.read_set)


def _other_channel(update: configtx_pb2.ConfigUpdate) -> None:
    update.channel_id = "nowhere"


def _new_version(update: configtx_pb2.ConfigUpdate) -> None:
    update.write_set.groups["Orderer"].values["Coffee"].CopyFrom(
        configtx_pb2.ConfigValue(version=4, mod_policy="Admins")
    )
    del update.write_set.groups["Orderer"].values["BatchTimeout"]


def _unnamed_change(update: configtx_pb2.ConfigUpdate) -> None:
    """A new value in a group that does not change and so does not name it."""
    _new_version(update)
    update.write_set.groups["Orderer"].values["Coffee"].version = 0


# name → what is wrong with an update of BatchTimeout.
FAULTS: dict[str, tuple[str, Fault]] = {
    "version-behind": ("a value that goes back", lambda update: _version(update, -1)),
    "version-ahead": ("a value that skips a version", lambda update: _version(update, 1)),
    "read-version": ("an update that relies on another version", _read_version),
    "read-unknown": ("an update that relies on something that is not there", _read_unknown),
    "unchanged": ("an update that changes nothing", _unchanged),
    "other-channel": ("an update of another channel, addressed to this one", _other_channel),
    "new-version": ("a new value that has a version", _new_version),
    "unnamed-change": ("a new value in a group that stays as it is", _unnamed_change),
}

# name → who signs an update of BatchTimeout, which the city and a data centre must.
SIGNERS: dict[str, tuple[str, Callable[[Scene], list[Person]]]] = {
    "unsigned": ("signed by nobody", lambda scene: []),
    "city-alone": ("signed by the city's admin alone", lambda scene: [scene.user(name="admin")]),
    "centres-alone": (
        "signed by the data centres' admins alone",
        lambda scene: [scene.user(name, "admin") for name in ("Nishitetsu", "TriValley")],
    ),
    "city-twice": ("signed by the city's admin twice", lambda scene: [scene.user(name="admin")] * 2),
    "no-admin": (
        "signed by the city's issuer and a data centre's admin",
        lambda scene: [scene.user(), scene.user("TriValley", "admin")],
    ),
    "foreign-admin": (
        "signed by somebody whom nobody knows and a data centre's admin",
        lambda scene: [scene.foreigner, scene.user("TriValley", "admin")],
    ),
}


def configuration(scene: Scene) -> configtx_pb2.Config:
    """The configuration in force."""
    admin = scene.user(name="admin")
    signed = scene.draft("GetChannelConfig", CHANNEL, chaincode="cscc", person=admin).signed(admin)
    return configtx_pb2.Config.FromString(scene.result(signed))


def computed(scene: Scene, edit: Edit) -> ConfigUpdate:
    """The update that an edit of the configuration in force comes to."""
    before = configuration(scene)
    after = configtx_pb2.Config()
    after.CopyFrom(before)
    edit(after.channel_group)
    return ConfigUpdate.compute(CHANNEL, before.SerializeToString(), after.SerializeToString())


def signed(update: ConfigUpdate, people: list[Person]) -> ConfigUpdate:
    for person in people:
        header = update.header(person.serialized, new_nonce())
        update = update.signed(header, person.sign(update.message(header)))
    return update


def enveloped(update: ConfigUpdate, person: Person) -> common_pb2.Envelope:
    payload = update.payload(person.serialized, new_nonce())
    return common_pb2.Envelope(payload=payload, signature=person.sign(payload))


def _everybody(scene: Scene) -> list[Person]:
    return [scene.user(organisation, name) for organisation, name in EVERYBODY]


def _edited(edit: Edit, scene: Scene) -> Outcome:
    update = signed(computed(scene, edit), _everybody(scene))
    return scene.broadcast(enveloped(update, scene.user(name="admin")))


def _faulty(fault: Fault, scene: Scene) -> Outcome:
    update = computed(scene, _timeout("9s"))
    message = configtx_pb2.ConfigUpdate.FromString(update.data)
    fault(message)
    update = signed(ConfigUpdate(CHANNEL, message.SerializeToString()), _everybody(scene))
    return scene.broadcast(enveloped(update, scene.user(name="admin")))


def _signed_by(choose: Callable[[Scene], list[Person]], scene: Scene) -> Outcome:
    update = signed(computed(scene, _timeout("9s")), choose(scene))
    return scene.broadcast(enveloped(update, scene.user(name="admin")))


def _submitted_by(choose: Callable[[Scene], Person], scene: Scene) -> Outcome:
    update = signed(computed(scene, _timeout("9s")), _everybody(scene))
    return scene.broadcast(enveloped(update, choose(scene)))


def _garbage(scene: Scene) -> Outcome:
    update = signed(ConfigUpdate(CHANNEL, GARBAGE), _everybody(scene))
    return scene.broadcast(enveloped(update, scene.user(name="admin")))


def _misdirected(scene: Scene) -> Outcome:
    update = signed(computed(scene, _timeout("9s")), _everybody(scene))
    return scene.submit(enveloped(ConfigUpdate(CHANNEL, update.data), scene.user(name="admin")))


def cases() -> Iterator[Case]:
    """Every edit, every fault, and everyone whose signature does not do."""
    for name, (what, edit) in EDITS.items():
        yield Case(f"config_update/{name}", f"an update to {what}", partial(_edited, edit))
    for name, (what, fault) in FAULTS.items():
        yield Case(f"config_update/{name}", what, partial(_faulty, fault))
    for name, (what, choose) in SIGNERS.items():
        yield Case(f"config_update/{name}", f"an update {what}", partial(_signed_by, choose))
    for name, what, person in (
        ("submitted-by-foreigner", "submitted by somebody whom nobody knows", lambda scene: scene.foreigner),
        ("submitted-by-expired", "submitted by somebody whose certificate has expired", lambda scene: scene.expired),
    ):
        yield Case(f"config_update/{name}", f"an update {what}", partial(_submitted_by, person))
    yield Case("config_update/garbage", "an update that is none", _garbage)
    yield Case("config_update/through-gateway", "an unsigned update, submitted at the city's gateway", _misdirected)
