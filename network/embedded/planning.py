"""Which organisations must endorse: the layouts that satisfy every policy a transaction touches.

Source: Fabric's `discovery/endorsement`. A layout says how many signatures of each organisation are needed.
"""

from collections.abc import Iterable

from fabric_protos.msp import msp_principal_pb2

from network.embedded.definitions import LIFECYCLE, read_definition
from network.embedded.ledger import Ledger
from network.embedded.validation import LIFECYCLE_POLICY
from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import MAX_LAYOUTS, Layout, layouts, smallest


class NoPlan(Exception):
    """No set of organisations can be asked."""


def endorsement_layouts(ledger: Ledger, chaincodes: Iterable[str]) -> list[Layout]:
    """The smallest sets of organisations that satisfy the policies of all these chaincodes.

    Raises:
        NoPlan: a chaincode is not defined, or peers cannot satisfy its policy.
    """
    combined: list[Layout] = [{}]
    for name in dict.fromkeys(chaincodes):
        options = _of_chaincode(ledger, name)
        combined = smallest([_merged(one, other) for one in combined for other in options])[:MAX_LAYOUTS]
    if not combined:
        raise NoPlan("no combination of peers can be derived which satisfy the endorsement policy")
    return combined


def _of_chaincode(ledger: Ledger, name: str) -> list[Layout]:
    config = ledger.config
    try:
        if name == LIFECYCLE:
            envelope = config.signature_policy(LIFECYCLE_POLICY)
        else:
            definition = read_definition(ledger.state(""), name)
            if definition is None:
                raise NoPlan(f"chaincode {name} is not defined on the channel")
            _, envelope = config.application_policy(definition.policy)
        return layouts(envelope, _is_peer)
    except ProtocolError as error:
        raise NoPlan(str(error)) from error


def _is_peer(principal: msp_principal_pb2.MSPPrincipal) -> bool:
    """Whether peers can be this principal: they have no other role than their own."""
    if principal.principal_classification != msp_principal_pb2.MSPPrincipal.ROLE:
        return True
    role = parse(msp_principal_pb2.MSPRole, principal.principal, "role").role
    return role in (msp_principal_pb2.MSPRole.MEMBER, msp_principal_pb2.MSPRole.PEER)


def _merged(one: Layout, other: Layout) -> Layout:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in dict.fromkeys((*one, *other))}
