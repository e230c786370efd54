"""A configuration as JSON that people can edit, in the form that Fabric's `configtxlator` gives it.

Values and policies are opened: what is bytes within a `common.Config` is shown as the message that it is. Source:
Fabric's `common/tools/protolator` and its `protoext`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fabric_protos.common import configtx_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2, msp_principal_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.orderer.smartbft import configuration_pb2 as smartbft_pb2
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from node_client.protocol.codec import parse
from node_client.protocol.config_elements import ROOT
from node_client.protocol.config_rules import value_kind
from node_client.protocol.errors import ProtocolError

Json = dict[str, Any]
Path = tuple[str, ...]
_METADATA: Mapping[str, type[Message]] = {"etcdraft": etcdraft_pb2.ConfigMetadata, "BFT": smartbft_pb2.Options}
_PRINCIPALS: Mapping[str, type[Message]] = {
    "ROLE": msp_principal_pb2.MSPRole,
    "ORGANIZATION_UNIT": msp_principal_pb2.OrganizationUnit,
}


def config_to_json(config: bytes) -> str:
    """A `common.Config` as JSON. Raises ProtocolError."""
    message = parse(configtx_pb2.Config, config, "configuration")
    content = {"channel_group": _group_to(message.channel_group, (ROOT,)), "sequence": str(message.sequence)}
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)


def config_from_json(text: str, base: bytes) -> bytes:
    """A `common.Config` from JSON.

    Args:
        base: the configuration that the JSON was made from. What still says the same stays the same to the byte.

    Raises:
        ProtocolError: the JSON is none, or does not fit.
    """
    before = parse(configtx_pb2.Config, base, "configuration")
    try:
        content = json.loads(text)
        group = content["channel_group"]
        message = configtx_pb2.Config(sequence=before.sequence)
        _group_from(group, message.channel_group, before.channel_group, (ROOT,))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"this is not a configuration in JSON: {error}") from error
    return message.SerializeToString(deterministic=True)


def _group_to(group: configtx_pb2.ConfigGroup, path: Path) -> Json:
    return {
        "groups": {name: _group_to(one, (*path, name)) for name, one in group.groups.items()},
        "values": {name: _value_to(one, (*path, name)) for name, one in group.values.items()},
        "policies": {name: _policy_to(one) for name, one in group.policies.items()},
        "mod_policy": group.mod_policy,
        "version": str(group.version),
    }


def _group_from(content: Json, group: configtx_pb2.ConfigGroup, before: configtx_pb2.ConfigGroup, path: Path) -> None:
    known = {"groups", "values", "policies", "mod_policy", "version"}
    if unknown := set(content) - known:
        raise ProtocolError(f"the group /{'/'.join(path)} has something that groups have not: {min(unknown)}")
    group.mod_policy, group.version = content.get("mod_policy", ""), int(content.get("version", 0))
    for name, one in content.get("groups", {}).items():
        old_group = before.groups[name] if name in before.groups else configtx_pb2.ConfigGroup()
        _group_from(one, group.groups[name], old_group, (*path, name))
    for name, one in content.get("values", {}).items():
        old_value = before.values.get(name)
        _value_from(one, group.values[name], old_value, (*path, name))
    for name, one in content.get("policies", {}).items():
        old_policy = before.policies.get(name)
        _policy_from(one, group.policies[name], old_policy, (*path, name))


def _value_to(value: configtx_pb2.ConfigValue, path: Path) -> Json:
    return {"mod_policy": value.mod_policy, "version": str(value.version), "value": _open_value(value.value, path)}


def _value_from(
    content: Json, value: configtx_pb2.ConfigValue, before: configtx_pb2.ConfigValue | None, path: Path
) -> None:
    value.mod_policy, value.version = content.get("mod_policy", ""), int(content.get("version", 0))
    if before is not None and _open_value(before.value, path) == content["value"]:
        value.value = before.value
    else:
        value.value = _close_value(content["value"], path)


def _open_value(data: bytes, path: Path) -> Json:
    kind = _kind(path)
    message = parse(kind, data, path[-1])
    content = _to_json(message)
    if isinstance(message, msp_config_pb2.MSPConfig):
        content["config"] = _to_json(parse(msp_config_pb2.FabricMSPConfig, message.config, "MSP definition"))
    if path[-1] == "ConsensusType" and content.get("type") in _METADATA:
        metadata = bytes(getattr(message, "metadata"))  # noqa: B009 - of whatever kind the message is
        content["metadata"] = _to_json(parse(_METADATA[content["type"]], metadata, "metadata"))
    return content


def _close_value(content: Json, path: Path) -> bytes:
    if not isinstance(content, dict):
        raise ProtocolError(f"the value /{'/'.join(path)} is no object")
    content, nested = dict(content), {}
    if path[-1] == "MSP":
        nested["config"] = _from_json(content.pop("config"), msp_config_pb2.FabricMSPConfig())
    if path[-1] == "ConsensusType" and content.get("type") in _METADATA:
        nested["metadata"] = _from_json(content.pop("metadata"), _METADATA[content["type"]]())
    return _closed(content, _kind(path)(), nested)


def _kind(path: Path) -> type[Message]:
    kind = value_kind(path)
    if kind is None:
        raise ProtocolError(f"there is no value /{'/'.join(path)} in a configuration")
    return kind


def _policy_to(one: configtx_pb2.ConfigPolicy) -> Json:
    policy = {"type": one.policy.type, "value": _open_policy(one.policy)}
    return {"mod_policy": one.mod_policy, "version": str(one.version), "policy": policy}


def _policy_from(
    content: Json, one: configtx_pb2.ConfigPolicy, before: configtx_pb2.ConfigPolicy | None, path: Path
) -> None:
    one.mod_policy, one.version = content.get("mod_policy", ""), int(content.get("version", 0))
    policy = content["policy"]
    if before is not None and _policy_to(before)["policy"] == policy:
        one.policy.CopyFrom(before.policy)
        return
    one.policy.type = int(policy["type"])
    closers: Mapping[int, Callable[[Json], bytes]] = {
        policies_pb2.Policy.SIGNATURE: _close_signature_policy,
        policies_pb2.Policy.IMPLICIT_META: lambda value: _from_json(value, policies_pb2.ImplicitMetaPolicy()),
    }
    if one.policy.type not in closers:
        raise ProtocolError(f"the policy /{'/'.join(path)} is of an unknown type")
    one.policy.value = closers[one.policy.type](policy["value"])


def _open_policy(policy: policies_pb2.Policy) -> Json:
    if policy.type == policies_pb2.Policy.IMPLICIT_META:
        return _to_json(parse(policies_pb2.ImplicitMetaPolicy, policy.value, "policy"))
    envelope = parse(policies_pb2.SignaturePolicyEnvelope, policy.value, "policy")
    content = _to_json(envelope)
    for shown, principal in zip(content["identities"], envelope.identities, strict=True):
        if shown["principal_classification"] in _PRINCIPALS:
            kind = _PRINCIPALS[shown["principal_classification"]]
            shown["principal"] = _to_json(parse(kind, principal.principal, "principal"))
    return content


def _close_signature_policy(content: Json) -> bytes:
    identities = []
    for one in content.get("identities", []):
        kind = _PRINCIPALS.get(one["principal_classification"])
        shown = dict(one)
        nested = {"principal": _from_json(shown.pop("principal"), kind())} if kind else {}
        identities.append(_closed(shown, msp_principal_pb2.MSPPrincipal(), nested))
    envelope = policies_pb2.SignaturePolicyEnvelope()
    _from_json({key: value for key, value in content.items() if key != "identities"}, envelope)
    envelope.identities.extend(msp_principal_pb2.MSPPrincipal.FromString(one) for one in identities)
    return envelope.SerializeToString(deterministic=True)


def _to_json(message: Message) -> Json:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _from_json(content: Json, message: Message) -> bytes:
    """Fill a message. Returns its encoding."""
    try:
        ParseDict(content, message)
    except ParseError as error:
        raise ProtocolError(str(error)) from error
    return message.SerializeToString(deterministic=True)


def _closed(content: Json, message: Message, nested: Mapping[str, bytes]) -> bytes:
    """The encoding of a message of which some fields are messages in turn, encoded already."""
    _from_json(content, message)
    for name, data in nested.items():
        setattr(message, name, data)
    return message.SerializeToString(deterministic=True)
