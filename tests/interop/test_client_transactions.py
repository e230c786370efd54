"""The official clients evaluate and submit."""

import json
from secrets import token_hex

import pytest

from tests.interop.conftest import Client
from tests.interop.programs import Failure

MSP_IDS = ["CityMSP", "NishitetsuMSP", "TriValleyMSP"]
VALID, MVCC_READ_CONFLICT = 0, 11


def test_a_submitted_value_is_evaluated(client: Client) -> None:
    key = token_hex(8)
    assert client("submit", "Put", key, "何か") == "何か"
    assert client("evaluate", "Get", key) == "何か"
    assert client("evaluateTransaction", "Get", key) == "何か"
    assert client("submitTransaction", "Put", key, "a value") == "a value"
    assert client("evaluateTransaction", "Repeat", "", "7") == ""


@pytest.mark.parametrize("organisation", ["City", "Nishitetsu", "TriValley"])
def test_every_organisations_gateway_serves_its_clients(client: Client, organisation: str) -> None:
    key, who = token_hex(8), {"organisation": organisation, "user": "auditor"}
    client("submit", "Put", key, organisation, **{"as": who})
    assert client("evaluate", "Get", key, **{"as": who}) == organisation
    found = json.loads(str(client("evaluate", "Who", **{"as": who})))
    assert found == {"mspId": f"{organisation}MSP", "role": "auditor"}


def test_a_function_is_called_by_its_contracts_name(client: Client) -> None:
    assert client("evaluate", "Repeat", "ab", "3", contract="interop") == "ababab"
    with pytest.raises(Failure):
        client("evaluate", "Repeat", "ab", "3", contract="other")


def test_the_result_is_there_before_the_commit_and_its_status_after(client: Client) -> None:
    key = token_hex(8)
    first, second = (client("submitAsync", "Count", key) for _ in range(2))
    assert [first["result"], second["result"]] == ["1", "2"]
    assert first["transactionId"] != second["transactionId"]
    assert first["status"]["blockNumber"] < second["status"]["blockNumber"]
    for one in (first, second):
        assert one["status"]["transactionId"] == one["transactionId"]
        assert one["status"]["code"] == VALID
        assert one["status"]["successful"] is True


def test_step_by_step(client: Client) -> None:
    done = client("endorseAndSubmit", "Count", token_hex(8))
    assert len(set(done["transactionIds"])) == 1
    assert done["results"] == ["1", "1"]
    assert done["status"]["successful"] is True


def test_a_transaction_that_another_overtook_has_the_status_of_it(client: Client) -> None:
    key = token_hex(8)
    done = client("endorseAndSubmit", "Count", key, conflict=True)
    assert done["status"]["code"] == MVCC_READ_CONFLICT
    assert done["status"]["successful"] is False
    assert client("evaluate", "Get", key) == "1"


@pytest.mark.parametrize("msp_id", MSP_IDS)
def test_an_evaluation_goes_to_the_named_organisation(client: Client, msp_id: str) -> None:
    assert client("evaluate", "Repeat", "x", "1", organisations=[msp_id]) == "x"


def test_the_named_organisations_endorse(client: Client) -> None:
    key = token_hex(8)
    assert client("submit", "Put", key, "all", organisations=MSP_IDS) == "all"
    assert client("submit", "Put", key, "two", organisations=["CityMSP", "TriValleyMSP"]) == "two"
    assert client("evaluate", "Get", key) == "two"


def test_transient_data_reach_the_contract(client: Client) -> None:
    transient = {"a": "秘密", "b": ""}
    assert json.loads(str(client("evaluate", "Transient", transient=transient))) == transient


def test_private_data_are_written_from_transient_data(client: Client) -> None:
    key, collection = token_hex(8), "_implicit_org_CityMSP"
    client("submit", "PutPrivate", collection, key, transient={"value": "private"}, organisations=["CityMSP"])
    assert client("evaluate", "GetPrivate", collection, key) == "private"


def test_many_transactions_at_a_time_all_commit(client: Client) -> None:
    keys = [token_hex(8) for _ in range(40)]
    assert client("submitAll", "Put", calls=[[key, str(place)] for place, key in enumerate(keys)]) == [
        str(place) for place in range(40)
    ]
    assert [client("evaluate", "Get", key) for key in keys] == [str(place) for place in range(40)]


def test_values_of_megabytes(client: Client) -> None:
    key, value = token_hex(8), "0123456789abcdef" * 48_000  # argument, write, event and result: 3 MB of the client's 4
    assert client("submit", "Put", key, value) == value
    assert client("evaluate", "Get", key) == value
    assert client("evaluate", "Repeat", "漢字", str(400_000)) == "漢字" * 400_000
