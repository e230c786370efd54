"""Principals: what a policy asks of an identity. Source: Fabric's `msp/mspimpl.go` (`SatisfiesPrincipal`)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fabric_protos.msp import msp_principal_pb2

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError

if TYPE_CHECKING:
    from node_client.protocol.msp import Member, MspManager

Principal = msp_principal_pb2.MSPPrincipal
Requirement = Callable[["Member"], bool]


def requirement(principal: Principal, manager: "MspManager") -> Requirement:
    """What tells whether an identity is what a principal asks for; nobody is what cannot be read."""
    try:
        tests = [_requirement(one, manager) for one in _parts(principal)]
    except ProtocolError:
        return _nobody
    return tests[0] if len(tests) == 1 else lambda member: all(test(member) for test in tests)


def _requirement(principal: Principal, manager: "MspManager") -> Requirement:
    if principal.principal_classification == Principal.ROLE:
        return _role(parse(msp_principal_pb2.MSPRole, principal.principal, "role"), manager)
    if principal.principal_classification == Principal.ORGANIZATION_UNIT:
        unit = parse(msp_principal_pb2.OrganizationUnit, principal.principal, "organisational unit")
        return _unit(unit, manager)
    if principal.principal_classification == Principal.IDENTITY:
        key = manager.valid_member(principal.principal).key
        return lambda member: member.key == key
    if principal.principal_classification == Principal.ANONYMITY:
        anonymity = parse(msp_principal_pb2.MSPIdentityAnonymity, principal.principal, "anonymity")
        if anonymity.anonymity_type == msp_principal_pb2.MSPIdentityAnonymity.NOMINAL:
            return _anybody
    return _nobody


def _role(role: msp_principal_pb2.MSPRole, manager: "MspManager") -> Requirement:
    msp = manager.msps.get(role.msp_identifier)
    known = msp_principal_pb2.MSPRole.MSPRoleType
    if msp is None or role.role not in known.values():
        return _nobody
    name = known.Name(role.role).lower()
    return lambda member: member.msp_id == msp.name and msp.has_role(member, name)


def _unit(unit: msp_principal_pb2.OrganizationUnit, manager: "MspManager") -> Requirement:
    msp = manager.msps.get(unit.msp_identifier)
    if msp is None:
        return _nobody
    name, certifiers = unit.organizational_unit_identifier, unit.certifiers_identifier
    return lambda member: member.msp_id == msp.name and msp.satisfies_unit(member, name, certifiers)


def _anybody(member: "Member") -> bool:
    return True


def _nobody(member: "Member") -> bool:
    return False


def _parts(principal: Principal) -> list[Principal]:
    """The principals that a combined one asks for at once (`collectPrincipals`); any other one is its only part."""
    found, open_ones = [], [principal]
    while open_ones:
        one = open_ones.pop()
        if one.principal_classification != Principal.COMBINED:
            found.append(one)
            continue
        combined = parse(msp_principal_pb2.CombinedPrincipal, one.principal, "combined principal")
        if not combined.principals:
            raise ProtocolError("a combined principal without principals")
        open_ones.extend(combined.principals)
    return found
