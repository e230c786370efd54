"""A configuration as the elements that are changed one by one: groups, values and policies, each with a version.

Source: Fabric's `common/configtx/configmap.go` and `validator.go` (`validateConfigID`); the texts are Fabric's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from fabric_protos.common import configtx_pb2

from node_client.protocol.errors import ProtocolError

ROOT = "Channel"
MAX_LENGTH = 249
# In a channel whose orderers have capabilities, what has no policy for its changes gets this one.
FALLBACK_MOD_POLICY = "Admins"
_ORDERER_CAPABILITIES = "[Value]  /Channel/Orderer/Capabilities"
_PREFIXES: dict[type, str] = {
    configtx_pb2.ConfigGroup: "[Group]  ",
    configtx_pb2.ConfigValue: "[Value]  ",
    configtx_pb2.ConfigPolicy: "[Policy] ",
}

Message = configtx_pb2.ConfigGroup | configtx_pb2.ConfigValue | configtx_pb2.ConfigPolicy
M = TypeVar("M", configtx_pb2.ConfigGroup, configtx_pb2.ConfigValue, configtx_pb2.ConfigPolicy)


@dataclass(frozen=True)
class Element:
    """A group, a value or a policy.

    Attributes:
        path: the names of the groups that it is in, and its own.
    """

    path: tuple[str, ...]
    message: Message

    @property
    def key(self) -> str:
        """Its kind and its path, such as `[Value]  /Channel/Orderer/BatchTimeout`."""
        return _PREFIXES[type(self.message)] + "/" + "/".join(self.path)

    @property
    def version(self) -> int:
        """How often it has been changed."""
        return self.message.version

    @property
    def mod_policy(self) -> str:
        """The policy of its changes: a path, or a name in the group that it is in; a group's is within itself."""
        return self.message.mod_policy

    @property
    def mod_policy_path(self) -> str:
        """The path of the policy of its changes."""
        if self.mod_policy.startswith("/"):
            return self.mod_policy
        group = self.path if isinstance(self.message, configtx_pb2.ConfigGroup) else self.path[:-1]
        return "/" + "/".join((*group, self.mod_policy))


def elements(group: configtx_pb2.ConfigGroup) -> dict[str, Element]:
    """The elements of a channel's group by key.

    Raises:
        ProtocolError: one has a name that none may have.
    """
    found: dict[str, Element] = {}
    _collect(found, (ROOT,), group)
    return found


def _collect(found: dict[str, Element], path: tuple[str, ...], group: configtx_pb2.ConfigGroup) -> None:
    _add(found, Element(path, group))
    for name in sorted(group.groups):
        _collect(found, (*path, name), group.groups[name])
    for name in sorted(group.values):
        _add(found, Element((*path, name), group.values[name]))
    for name in sorted(group.policies):
        _add(found, Element((*path, name), group.policies[name]))


def _add(found: dict[str, Element], element: Element) -> None:
    try:
        check_name(element.path[-1])
    except ProtocolError as error:
        kind = _PREFIXES[type(element.message)]
        raise ProtocolError(f"illegal characters in key: {kind}: {error}") from error
    found[element.key] = element


def check_name(name: str) -> None:
    """Check the name of an element. Raises ProtocolError."""
    if not name:
        raise ProtocolError("config ID illegal, cannot be empty")
    if len(name.encode()) > MAX_LENGTH:
        raise ProtocolError(f"config ID illegal, cannot be longer than {MAX_LENGTH}")
    if name in (".", ".."):
        raise ProtocolError(f"name '{name}' for config ID is not allowed")
    if not re.fullmatch(r"[a-zA-Z0-9.-]+", name):
        raise ProtocolError(f"config ID '{name}' contains illegal characters")


def channel_group(found: Mapping[str, Element]) -> configtx_pb2.ConfigGroup:
    """The channel's group again, from its elements.

    Raises:
        ProtocolError: a group names something that is not there.
    """
    return _group(found, "/" + ROOT, mended=_ORDERER_CAPABILITIES in found)


def _group(found: Mapping[str, Element], path: str, *, mended: bool) -> configtx_pb2.ConfigGroup:
    group = configtx_pb2.ConfigGroup()
    group.CopyFrom(_look_up(found, configtx_pb2.ConfigGroup, path, "missing group at path"))
    for name in sorted(group.groups):
        group.groups[name].CopyFrom(_group(found, f"{path}/{name}", mended=mended))
    for name, value in group.values.items():
        value.CopyFrom(_look_up(found, configtx_pb2.ConfigValue, f"{path}/{name}", "missing value at path"))
    for name, policy in group.policies.items():
        policy.CopyFrom(_look_up(found, configtx_pb2.ConfigPolicy, f"{path}/{name}", "missing policy at path"))
    if mended:
        members: list[Message] = [group, *group.values.values(), *group.policies.values()]
        for one in members:
            one.mod_policy = one.mod_policy or FALLBACK_MOD_POLICY
    return group


def _look_up(found: Mapping[str, Element], kind: type[M], path: str, missing: str) -> M:
    key = _PREFIXES[kind] + path
    message = found[key].message if key in found else None
    if not isinstance(message, kind):
        raise ProtocolError(f"{missing}: {key}")
    return message
