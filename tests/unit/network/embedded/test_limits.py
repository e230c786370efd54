"""What a peer lets chaincode do, as the variables of Fabric's core.yaml set it."""

import pytest

from network.embedded.limits import Limits

TIMEOUT, ROWS = "CORE_CHAINCODE_EXECUTETIMEOUT", "CORE_LEDGER_STATE_TOTALQUERYLIMIT"


def test_the_limits_are_those_of_fabrics_sample() -> None:
    assert Limits.from_environment({}) == Limits(execute_timeout=30.0, total_query_limit=100_000)


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1.0), ("1.5s", 1.5), ("1500ms", 1.5), ("1m30s", 90.0)])
def test_a_time_is_a_duration(text: str, seconds: float) -> None:
    assert Limits.from_environment({TIMEOUT: text}).execute_timeout == seconds


def test_a_number_of_rows() -> None:
    assert Limits.from_environment({ROWS: "10"}).total_query_limit == 10


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((TIMEOUT, one) for one in ("", "30", "s", "-1s", "1h30", "0", "999ms")),
        *((ROWS, one) for one in ("", "-1", "1e3", "ten")),
    ],
)
def test_what_is_none_is_said_by_name(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        Limits.from_environment({name: text})
