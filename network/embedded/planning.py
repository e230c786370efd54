"""Which organisations must endorse: the layouts that satisfy every policy a transaction touches.

Source: Fabric's `discovery/endorsement`. A layout says how many signatures of each organisation are needed.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from network.embedded.definitions import LIFECYCLE, read_definition
from network.embedded.ledger import Ledger
from network.embedded.validation import LIFECYCLE_POLICY
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import layouts

Layout = Mapping[str, int]


class NoPlan(Exception):
    """No set of organisations can be asked."""


def endorsement_layouts(ledger: Ledger, chaincodes: Iterable[str]) -> list[Layout]:
    """The smallest sets of organisations that satisfy the policies of all these chaincodes.

    Raises:
        NoPlan: a chaincode is not defined, or its policy names no set of organisations.
    """
    combined: list[Layout] = [{}]
    for name in dict.fromkeys(chaincodes):
        options = _of_chaincode(ledger, name)
        combined = [_merged(one, other) for one in combined for other in options]
    if not combined:
        raise NoPlan("no combination of peers can be derived which satisfy the endorsement policy")
    return _smallest(combined)


def _of_chaincode(ledger: Ledger, name: str) -> Sequence[Layout]:
    config = ledger.config
    if name == LIFECYCLE:
        envelope = config.signature_policy(LIFECYCLE_POLICY)
    else:
        definition = read_definition(ledger.state(""), name)
        if definition is None:
            raise NoPlan(f"chaincode {name} is not defined on the channel")
        try:
            _, envelope = config.application_policy(definition.policy)
        except ProtocolError as error:
            raise NoPlan(str(error)) from error
    if envelope is None:
        # An implicit meta policy asks for the organisations' own Endorsement: MAJORITY of them by default.
        return _majority(list(config.organisations.values()))
    return layouts(envelope)


def _majority(msp_ids: Sequence[str]) -> list[Layout]:
    return [dict.fromkeys(chosen, 1) for chosen in combinations(msp_ids, len(msp_ids) // 2 + 1)]


def _merged(one: Layout, other: Layout) -> Layout:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in (*one, *(set(other) - set(one)))}


def _smallest(options: Sequence[Layout]) -> list[Layout]:
    found: list[Layout] = []
    for option in options:
        if option not in found:
            found.append(option)
    return [
        one
        for one in found
        if not any(other != one and all(one.get(name, 0) >= n for name, n in other.items()) for other in found)
    ]
