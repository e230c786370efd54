"""The text form of signature policies: `AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer'))`.

Source: Fabric's `common/policydsl/policyparser.go`. `OutOf(n, …)` asks for n of its arguments; AND and OR are all and
one of theirs. Fabric has an evaluator of expressions read the text, which would take arithmetic and comments as well;
here a policy is gates, numbers and principals alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError

_TOKEN = re.compile(r"""\s*(?:(?P<word>[A-Za-z]+)|(?P<number>[0-9]+)|(?P<mark>[(),])|(?P<text>'[^']*'|"[^"]*"))""")
_PRINCIPAL = re.compile(r"([A-Za-z0-9.-]+)\.(admin|member|client|peer|orderer)")
_GATES = {"And": "and", "AND": "and", "Or": "or", "OR": "or", "OutOf": "outof", "outof": "outof", "OUTOF": "outof"}
MAX_DEPTH = 40  # a message nested deeper than that is not read everywhere
_ROLES = {
    "member": msp_principal_pb2.MSPRole.MEMBER,
    "admin": msp_principal_pb2.MSPRole.ADMIN,
    "client": msp_principal_pb2.MSPRole.CLIENT,
    "peer": msp_principal_pb2.MSPRole.PEER,
    "orderer": msp_principal_pb2.MSPRole.ORDERER,
}


def parse_policy(text: str) -> bytes:
    """The policy as `common.SignaturePolicyEnvelope`, with principals numbered as Fabric's parser does it.

    Raises:
        ProtocolError: the text is no policy; says where.
    """
    parser = _Parser(text)
    tree = parser.gate()
    parser.end()
    principals: list[msp_principal_pb2.MSPPrincipal] = []
    rule = _encode(tree, principals)
    return policies_pb2.SignaturePolicyEnvelope(version=0, rule=rule, identities=principals).SerializeToString(
        deterministic=True
    )


def policy_text(policy: bytes) -> str:
    """The text form of a `common.SignaturePolicyEnvelope`. Raises ProtocolError when it has none."""
    envelope = parse(policies_pb2.SignaturePolicyEnvelope, policy, "a signature policy")
    principals = [_principal_text(one) for one in envelope.identities]
    return _rule_text(envelope.rule, principals)


def _rule_text(rule: policies_pb2.SignaturePolicy, principals: Sequence[str]) -> str:
    if rule.WhichOneof("Type") != "n_out_of":
        if rule.signed_by not in range(len(principals)):
            raise ProtocolError("a signature policy names a principal that it does not have")
        return principals[rule.signed_by]
    gate = rule.n_out_of
    rules = ", ".join(_rule_text(one, principals) for one in gate.rules)
    if gate.n == len(gate.rules):
        return f"AND({rules})"
    return f"OR({rules})" if gate.n == 1 else f"OutOf({gate.n}, {rules})"


def _principal_text(principal: msp_principal_pb2.MSPPrincipal) -> str:
    if principal.principal_classification != msp_principal_pb2.MSPPrincipal.ROLE:
        raise ProtocolError("a signature policy names principals that are no roles")
    role = parse(msp_principal_pb2.MSPRole, principal.principal, "a principal")
    for name, number in _ROLES.items():
        if number == role.role:
            return f"'{role.msp_identifier}.{name}'"
    raise ProtocolError("a signature policy names a role that is not known")


@dataclass(frozen=True)
class _Gate:
    needed: int
    rules: tuple["_Gate | msp_principal_pb2.MSPPrincipal", ...]


def _encode(
    tree: _Gate | msp_principal_pb2.MSPPrincipal, principals: list[msp_principal_pb2.MSPPrincipal]
) -> policies_pb2.SignaturePolicy:
    if isinstance(tree, msp_principal_pb2.MSPPrincipal):
        principals.append(tree)
        return policies_pb2.SignaturePolicy(signed_by=len(principals) - 1)
    # Fabric evaluates a gate's inner gates before its own principals, and numbers principals as it meets them.
    inner = {place: _encode(rule, principals) for place, rule in enumerate(tree.rules) if isinstance(rule, _Gate)}
    rules = [inner.get(place) or _encode(rule, principals) for place, rule in enumerate(tree.rules)]
    return policies_pb2.SignaturePolicy(n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=tree.needed, rules=rules))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def gate(self, depth: int = 1) -> _Gate:
        kind, value = self._take()
        gate = _GATES.get(value)
        if kind != "word" or gate is None:
            raise self._error("AND, OR or OutOf is expected")
        if depth > MAX_DEPTH:
            raise self._error("it is nested too deeply")
        self._expect("(")
        needed = None
        if gate == "outof":
            needed = self._number()
            self._expect(",")
        rules = [self._rule(depth)]
        while self._next() == ("mark", ","):
            self._take()
            rules.append(self._rule(depth))
        self._expect(")")
        if needed is None:
            needed = len(rules) if gate == "and" else 1
        # One more than there are is admitted, and satisfied by nobody.
        if needed > len(rules) + 1:
            raise self._error(f"{needed} of {len(rules)} cannot be had")
        return _Gate(needed, tuple(rules))

    def end(self) -> None:
        if self._text[self._position :].strip():
            raise self._error("the policy ends before this")

    def _rule(self, depth: int) -> _Gate | msp_principal_pb2.MSPPrincipal:
        kind, value = self._next()
        if kind == "text":
            self._take()
            return self._principal(value[1:-1])
        return self.gate(depth + 1)

    def _number(self) -> int:
        kind, value = self._take()
        digits = value[1:-1].strip() if kind == "text" else value
        if not re.fullmatch("[0-9]{1,9}", digits):
            raise self._error("OutOf begins with a number")
        return int(digits)

    def _principal(self, name: str) -> msp_principal_pb2.MSPPrincipal:
        match = _PRINCIPAL.fullmatch(name)
        if not match:
            raise self._error("a principal is an MSP id, a dot, and member, admin, client, peer or orderer")
        role = msp_principal_pb2.MSPRole(msp_identifier=match[1], role=_ROLES[match[2]])
        return msp_principal_pb2.MSPPrincipal(
            principal_classification=msp_principal_pb2.MSPPrincipal.ROLE, principal=role.SerializeToString()
        )

    def _match(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._position)
        if not match:
            raise self._error("the policy is incomplete or has a character that does not belong")
        return match

    def _next(self) -> tuple[str, str]:
        match = self._match()
        kind = match.lastgroup or ""
        return kind, match[kind]

    def _take(self) -> tuple[str, str]:
        token = self._next()
        self._position = self._match().end()
        return token

    def _expect(self, mark: str) -> None:
        if self._take() != ("mark", mark):
            raise self._error(f"{mark} is expected")

    def _error(self, text: str) -> ProtocolError:
        return ProtocolError(f"policy, character {self._position + 1}: {text}")
