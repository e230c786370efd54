"""Who may change what in a channel's configuration, and what comes of it.

Every element that an update changes must be changed by those whom the element's own policy names, as it stands now, and
from the version that it has now. Source: Fabric's `common/configtx/update.go` and `validator.go`; the texts are its.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from fabric_protos.common import common_pb2, configtx_pb2
from google.protobuf.message import DecodeError

from node_client.protocol.codec import parse
from node_client.protocol.config import Configuration
from node_client.protocol.config_elements import Element, channel_group, check_name, elements
from node_client.protocol.config_rules import UNREADABLE, check_config, check_successor
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member
from node_client.protocol.policy import signers, unsatisfied


class NotAuthorised(ProtocolError):
    """An update that is not signed by all who must agree, or is not made from the configuration in force."""


@contextmanager
def _about(text: str) -> Iterator[None]:
    """Say what an error is about."""
    try:
        yield
    except ProtocolError as error:
        raise NotAuthorised(f"{text}: {error}") from error


def changed_elements(config: Configuration, update: ConfigUpdate) -> dict[str, Element]:
    """What an update changes, by key: each as it is to become.

    Raises:
        NotAuthorised: it is for another channel, or relies on versions that are not those in force.
    """
    message = _parsed(update)
    if message.channel_id != config.channel:
        raise NotAuthorised(
            f"ConfigUpdate for channel '{message.channel_id}' but envelope for channel '{config.channel}'"
        )
    with _about("error mapping ReadSet"):
        read = elements(message.read_set) if message.HasField("read_set") else {}
    with _about("error validating ReadSet"):
        _check_read_set(read, config.elements)
    with _about("error mapping WriteSet"):
        write = elements(message.write_set) if message.HasField("write_set") else {}
    return {key: one for key, one in write.items() if key not in read or read[key].version != one.version}


def _parsed(update: ConfigUpdate) -> configtx_pb2.ConfigUpdate:
    try:
        return configtx_pb2.ConfigUpdate.FromString(update.data)
    except DecodeError as error:
        raise NotAuthorised(UNREADABLE) from error


def authorised(config: Configuration, update: ConfigUpdate) -> bytes:
    """The configuration that an update makes, `common.Config`, when everybody who must agree has signed.

    Raises:
        NotAuthorised: they have not, or it does not fit the configuration in force.
    """
    changed = changed_elements(config, update)
    members = signers(config.msp_manager, update.signed_data)
    with _about("error validating DeltaSet"):
        _check_changes(changed, config, members)
    result = {**config.elements, **changed}
    message = _parsed(update)
    for key in elements(message.write_set) if message.HasField("write_set") else ():
        if key not in result:
            raise NotAuthorised(
                f"full config did not verify: writeset contained key {key} which did not appear in proposed config"
            )
    with _about("could not turn configMap back to channelGroup"):
        group = channel_group(result)
    return configtx_pb2.Config(sequence=config.sequence + 1, channel_group=group).SerializeToString(deterministic=True)


def last_update(envelope_bytes: bytes) -> bytes:
    """The update that an ordered configuration came of. Raises ProtocolError."""
    payload = parse(common_pb2.Payload, parse(common_pb2.Envelope, envelope_bytes, "envelope").payload, "payload")
    return parse(configtx_pb2.ConfigEnvelope, payload.data, "configuration").last_update.SerializeToString()


def check_applicable(new: Configuration, envelope_bytes: bytes, config: Configuration) -> None:
    """Check, as peers do (`core/peer/channel.go`), that a configuration that was ordered follows from the one in force.

    Raises:
        ProtocolError: it does not.
    """
    if new.channel != config.channel:
        raise ProtocolError(f"a configuration of the channel {new.channel}")
    if new.sequence != config.sequence + 1:
        raise ProtocolError(
            f"config currently at sequence {config.sequence}, cannot validate config at sequence {new.sequence}"
        )
    result = Configuration(config.channel, authorised(config, ConfigUpdate.from_envelope(last_update(envelope_bytes))))
    if result.channel_group != new.channel_group:
        raise ProtocolError("ConfigEnvelope LastUpdate did not produce the supplied config result")
    check_config(new)
    check_successor(config, new)


def needed_policies(config: Configuration, update: ConfigUpdate) -> tuple[str, ...]:
    """The paths of the policies that an update's signatures must satisfy.

    Raises:
        NotAuthorised: it does not fit the configuration in force, whoever signs.
    """
    paths = set()
    for key, one in changed_elements(config, update).items():
        existing = config.elements.get(key)
        _check_version(one, existing)
        if existing is not None:
            paths.add(existing.mod_policy_path)
    return tuple(sorted(paths))


def missing_policies(config: Configuration, update: ConfigUpdate) -> tuple[str, ...]:
    """Those of them that the signatures do not satisfy yet. Raises NotAuthorised."""
    members = signers(config.msp_manager, update.signed_data)
    return tuple(path for path in needed_policies(config, update) if config.unsatisfied(path, members))


def _check_read_set(read: Mapping[str, Element], existing: Mapping[str, Element]) -> None:
    for key, one in read.items():
        if key not in existing:
            raise NotAuthorised(f"existing config does not contain element for {key} but was in the read set")
        if existing[key].version != one.version:
            raise NotAuthorised(
                f"proposed update requires that key {key} be at version {one.version}, but it is currently at version "
                f"{existing[key].version}"
            )


def _check_changes(changed: Mapping[str, Element], config: Configuration, members: Sequence[Member]) -> None:
    if not changed:
        raise NotAuthorised("delta set was empty -- update would have no effect")
    for key, one in changed.items():
        with _about(f"invalid mod_policy for element {key}"):
            _check_mod_policy(one.mod_policy)
        existing = config.elements.get(key)
        _check_version(one, existing)
        if existing is None:
            continue
        try:
            policy = config.policy(existing.mod_policy_path)
        except ProtocolError as error:
            raise NotAuthorised(f"unexpected missing policy {existing.mod_policy} for item {key}") from error
        if text := unsatisfied(policy, members):
            raise NotAuthorised(f"policy for {key} not satisfied: {text}")


def _check_version(one: Element, existing: Element | None) -> None:
    if existing is None:
        if one.version:
            raise NotAuthorised(f"attempted to set key {one.key} to version {one.version}, but key does not exist")
    elif one.version != existing.version + 1:
        raise NotAuthorised(
            f"attempt to set key {one.key} to version {one.version}, but key is at version {existing.version}"
        )


def _check_mod_policy(path: str) -> None:
    if not path:
        raise NotAuthorised("mod_policy not set")
    for place, name in enumerate(path.removeprefix("/").split("/")):
        with _about(f"path element at {place} is invalid"):
            check_name(name)
