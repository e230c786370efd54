"""Trust files: what a verifier pins, obtained out of band and named by the file's SHA-256.

The file is RFC 8785 canonical JSON. It names the ledger, and for every range of blocks the organisations' MSP
definitions (`msp.FabricMSPConfig`) and the registry's endorsement policy (`common.SignaturePolicyEnvelope`), both in
base64. `checksum` covers the rest, so that a damaged file is noticed; it proves nothing about where the file is from.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from node_client.certificates import canonical
from node_client.certificates.canonical import Fields
from node_client.certificates.errors import TrustError
from node_client.certificates.statement import Ledger
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, Msp, MspManager
from node_client.protocol.policy import SignaturePolicy

SCHEMA = "certledger/v1/trust"


@dataclass(frozen=True)
class TrustRange:
    """What holds from a block on, until the next range.

    Attributes:
        from_block: the first block.
        msps: the organisations' MSP definitions.
        policy: the registry's endorsement policy.

    Raises:
        TrustError: the definitions or the policy cannot be used.
    """

    from_block: int
    msps: tuple[bytes, ...]
    policy: bytes

    def __post_init__(self) -> None:
        try:
            if not self.manager.msps or len(self.manager.msps) != len(self.msps):
                raise TrustError("trust file: every organisation is needed exactly once")
            _ = self.endorsement
        except ProtocolError as error:
            raise TrustError(f"trust file: {error}") from error

    @cached_property
    def manager(self) -> MspManager:
        """The organisations."""
        return MspManager(Msp(config) for config in self.msps)

    @cached_property
    def endorsement(self) -> SignaturePolicy:
        """Whose endorsements are needed."""
        return SignaturePolicy(self.policy, self.manager)

    def same_rules(self, other: "TrustRange") -> bool:
        """Whether another range has the same organisations and the same policy."""
        return (set(self.msps), self.policy) == (set(other.msps), other.policy)

    def to_values(self) -> dict[str, Any]:
        """The values that its JSON has."""
        return {
            "fromBlock": self.from_block,
            "msps": [base64.b64encode(config).decode() for config in self.msps],
            "policy": base64.b64encode(self.policy).decode(),
        }


@dataclass(frozen=True)
class Trust:
    """What a verifier pins.

    Attributes:
        ledger: the ledger.
        ranges: what holds over time, in the order of the blocks; the last one holds now.
    """

    ledger: Ledger
    ranges: tuple[TrustRange, ...]

    def __post_init__(self) -> None:
        starts = [one.from_block for one in self.ranges]
        if not starts or starts[0] != 0 or sorted(set(starts)) != starts:
            raise TrustError("trust file: the ranges must begin with block 0 and follow each other")

    @classmethod
    def create(cls, ledger: Ledger, msps: Iterable[bytes], policy: bytes) -> "Trust":
        """Trust in organisations and a policy that have held from the first block on.

        Raises:
            TrustError: the definitions or the policy cannot be used.
        """
        return cls(ledger, (TrustRange(0, tuple(msps), policy),))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, in hex: the name by which people compare trust files."""
        return sha256(self.to_bytes()).hexdigest()

    def is_revoked(self, member: Member) -> bool:
        """Whether any range revokes a member's certificate: a key that was lost later could have signed anything
        earlier."""
        msps = (one.manager.msps.get(member.msp_id) for one in self.ranges)
        return any(msp.is_revoked(member.certificate) for msp in msps if msp)

    def since(self, block: int) -> Sequence[TrustRange]:
        """What has held at some time since this block, newest first."""
        ended = [later.from_block <= block for later in self.ranges[1:]]
        return [one for one, over in zip(self.ranges, [*ended, False], strict=True) if not over][::-1]

    def to_bytes(self) -> bytes:
        """Its one encoding."""
        values = {
            "schema": SCHEMA,
            "ledger": self.ledger.to_values(),
            "ranges": [one.to_values() for one in self.ranges],
        }
        return canonical.encode({**values, "checksum": sha256(canonical.encode(values)).hexdigest()})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Trust":
        """Read a trust file.

        Raises:
            TrustError: the bytes are not exactly what `to_bytes` gives.
        """
        fields = Fields.read(data, TrustError, "trust file")
        fields.expect("schema", SCHEMA)
        fields.text("checksum")
        trust = cls(Ledger.from_fields(fields.fields("ledger")), tuple(map(_range, fields.objects("ranges"))))
        fields.end()
        if trust.to_bytes() != data:
            raise TrustError("trust file: damaged, its checksum does not agree", "get it again from where it came")
        return trust


def _range(fields: Fields) -> TrustRange:
    from_block, policy = fields.number("fromBlock"), fields.text("policy")
    msps = fields.texts("msps")
    fields.end()
    try:
        return TrustRange(
            from_block,
            tuple(base64.b64decode(config, validate=True) for config in msps),
            base64.b64decode(policy, validate=True),
        )
    except binascii.Error:
        raise TrustError("trust file: not base64") from None
