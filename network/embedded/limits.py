"""What a peer lets chaincode do, by the settings of Fabric's core.yaml and under their names as variables."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A peer's limits.

    Attributes:
        execute_timeout: seconds that a chaincode has to answer, `chaincode.executetimeout`.
        total_query_limit: rows that a query gives in all, `ledger.state.totalQueryLimit`.
    """

    execute_timeout: float = 30.0
    total_query_limit: int = 100_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Limits":
        """The limits, as `CORE_CHAINCODE_EXECUTETIMEOUT` and `CORE_LEDGER_STATE_TOTALQUERYLIMIT` set them.

        Raises:
            ValueError: one of them is not what it must be.
        """
        timeout = environment.get("CORE_CHAINCODE_EXECUTETIMEOUT", "30s")
        duration = _DURATION.fullmatch(timeout)
        if not duration:
            raise ValueError(f"CORE_CHAINCODE_EXECUTETIMEOUT is no duration such as 30s: {timeout}")
        limit = environment.get("CORE_LEDGER_STATE_TOTALQUERYLIMIT", "100000")
        if not re.fullmatch("[0-9]{1,9}", limit):
            raise ValueError(f"CORE_LEDGER_STATE_TOTALQUERYLIMIT is no such number: {limit}")
        return cls(
            execute_timeout=float(duration[1]) * _SECONDS[duration[2]],
            total_query_limit=int(limit),
        )
