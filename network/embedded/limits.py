"""What a peer lets chaincode do, by the settings of Fabric's core.yaml and under their names as variables."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from node_client.protocol.duration import SECOND, parse_duration
from node_client.protocol.errors import ProtocolError

EXECUTE_TIMEOUT, TOTAL_QUERY_LIMIT = "CORE_CHAINCODE_EXECUTETIMEOUT", "CORE_LEDGER_STATE_TOTALQUERYLIMIT"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A peer's limits.

    Attributes:
        execute_timeout: seconds that a chaincode has to answer, `chaincode.executetimeout`; at least one.
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
        text = environment.get(EXECUTE_TIMEOUT, "30s")
        try:
            timeout = parse_duration(text)
        except ProtocolError as error:
            raise ValueError(f"{EXECUTE_TIMEOUT} is no duration such as 30s: {text}") from error
        if timeout < SECOND:  # Fabric's peers would take their default instead, and tell nobody
            raise ValueError(f"{EXECUTE_TIMEOUT} is less than a second: {text}")
        limit = environment.get(TOTAL_QUERY_LIMIT, "100000")
        if not re.fullmatch("[0-9]{1,9}", limit):
            raise ValueError(f"{TOTAL_QUERY_LIMIT} is no such number: {limit}")
        return cls(execute_timeout=timeout / SECOND, total_query_limit=int(limit))
