"""Contracts written with the official Node and Java shims, run as services and called by our own client."""

from collections.abc import Iterator
from hashlib import sha256
from secrets import token_hex

import pytest

from node_client import CommitError, EndorseError, EvaluateError
from tests.conftest import Commands
from tests.interop.services import COLLECTION, SERVICES, Store, gateway, on_the_channel, wait_until_it_runs
from tests.scenarios.deploying import Service

IMPLICIT = "_implicit_org_CityMSP"
MSP_IDS = ["CityMSP", "NishitetsuMSP", "TriValleyMSP"]


def running(request: pytest.FixtureRequest, office: Commands, language: str) -> Iterator[Service]:
    """The contract in a language, on the channel and running."""
    service = on_the_channel(request, office, f"{language}-store")
    with SERVICES[language](service, office.home / f"{language}-shim.log"):
        wait_until_it_runs(service)
        yield service


@pytest.fixture(scope="module")
def node_store(request: pytest.FixtureRequest, office: Commands) -> Iterator[Service]:
    yield from running(request, office, "node")


@pytest.fixture(scope="module")
def java_store(request: pytest.FixtureRequest, office: Commands) -> Iterator[Service]:
    yield from running(request, office, "java")


@pytest.fixture(params=SERVICES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    service = request.getfixturevalue(f"{request.param}_store")
    with gateway(service) as connected:
        yield Store(request.param, service, connected.get_network("certificates").get_contract(service.name))


def name() -> str:
    return token_hex(6)


def test_state(store: Store) -> None:
    key = name()
    assert store.evaluate("get", key) == {"value": None}
    assert store.submit("put", key, "一") == {"previous": None}
    assert store.submit("put", key, "二") == {"previous": "一"}
    assert store.evaluate("get", key) == {"value": "二"}
    assert store.submit("remove", key) is None
    assert store.evaluate("store:get", key) == {"value": None}


def test_ranges(store: Store) -> None:
    stem = name()
    keys = [f"{stem}{part}" for part in ("1", "10", "2", "é", "漢")]
    for key in keys:
        store.submit("put", key, "x")
    assert store.evaluate("names", stem, stem + "\U0010ffff") == sorted(keys, key=str.encode)
    assert store.evaluate("names", keys[0], keys[2]) == keys[:2]


def test_a_range_of_more_than_one_answer(store: Store) -> None:
    """The peer sends 100 at a time; the shims ask for the next ones."""
    stem = name()
    store.submit("fill", stem, "120")
    assert store.evaluate("names", stem, stem + "~") == [f"{stem}{place}" for place in range(1000, 1120)]


def test_pages(store: Store) -> None:
    stem = name()
    for part in "abcde":
        store.submit("put", stem + part, part)
    seen, bookmark = [], ""
    for count in (2, 2, 1):
        page = store.evaluate("page", stem, stem + "~", "2", bookmark)
        assert page["count"] == count
        bookmark = page["bookmark"]
        seen += page["names"]
    assert seen == [stem + part for part in "abcde"]


def test_history(store: Store) -> None:
    key = name()
    store.submit("put", key, "one")
    store.submit("put", key, "two")
    store.submit("remove", key)
    found = store.evaluate("history", key)
    assert [one["value"] for one in found] == [None, "two", "one"]
    assert [one["isDelete"] for one in found] == [True, False, False]
    assert len({one["txId"] for one in found}) == 3
    assert all(one["dated"] for one in found)


def test_composite_keys(store: Store) -> None:
    kind = name()
    for first, second in (("a", "1"), ("a", "2"), ("b", "1")):
        store.submit("pair", kind, first, second)
    assert store.evaluate("pairs", kind, "a") == [[kind, "a", "1"], [kind, "a", "2"]]


def test_events(store: Store) -> None:
    key = name()
    with gateway(store.service, "TriValley", "auditor") as connected:
        network = connected.get_network("certificates")
        start = network.height()
        store.submit("put", key, "値")
        with network.chaincode_events(store.service.name, start_block=start) as events:
            event = next(iter(events))
    assert event.event_name == "put"
    assert event.payload.decode() in (f'{{"key":"{key}","value":"値"}}', f'{{"value":"値","key":"{key}"}}')


def test_transient_data(store: Store) -> None:
    assert store.evaluate("transient", transient={"a": "秘".encode(), "b": b"2"}) == {"a": "秘", "b": "2"}


def test_an_organisations_own_private_data(store: Store) -> None:
    key = name()
    city = {"organizations": ["CityMSP"]}
    store.submit("putPrivate", IMPLICIT, key, transient={"value": b"private"}, **city)
    assert store.evaluate("getPrivate", IMPLICIT, key) == {"value": "private"}
    for msp_id in MSP_IDS:  # everyone has the hash
        found = store.evaluate("privateHash", IMPLICIT, key, organizations=[msp_id])
        assert found == {"hash": sha256(b"private").hexdigest()}
    with pytest.raises(EvaluateError):
        store.evaluate("getPrivate", IMPLICIT, key, organizations=["TriValleyMSP"])
    store.submit("removePrivate", IMPLICIT, key, **city)
    assert store.evaluate("getPrivate", IMPLICIT, key) == {"value": None}


def test_private_data_of_two_organisations(store: Store) -> None:
    key = name()
    members = {"organizations": ["CityMSP", "TriValleyMSP"]}
    store.submit("putPrivate", COLLECTION, key, transient={"value": b"shared"}, **members)
    assert store.evaluate("getPrivate", COLLECTION, key) == {"value": "shared"}
    assert store.evaluate("privateNames", COLLECTION, key, key + "~") == [key]
    with gateway(store.service, "TriValley") as connected:
        contract = connected.get_network("certificates").get_contract(store.service.name)
        found = Store(store.language, store.service, contract).evaluate("getPrivate", COLLECTION, key)
        assert found == {"value": "shared"}
    with gateway(store.service, "Nishitetsu") as connected:
        contract = connected.get_network("certificates").get_contract(store.service.name)
        for msp_id in ("NishitetsuMSP", "CityMSP"):  # which has none, and which gives it to members only
            with pytest.raises(EvaluateError):
                contract.evaluate("getPrivate", COLLECTION, key, organizations=[msp_id])


def test_the_clients_identity(store: Store) -> None:
    found = store.evaluate("who")
    assert found["id"].startswith("x509::")
    assert (found["mspId"], found["role"], found["isIssuer"]) == ("CityMSP", "issuer", True)
    with gateway(store.service, "Nishitetsu", "auditor") as connected:
        contract = connected.get_network("certificates").get_contract(store.service.name)
        found = Store(store.language, store.service, contract).evaluate("who")
    assert (found["mspId"], found["role"], found["isIssuer"]) == ("NishitetsuMSP", "auditor", False)


def test_what_a_transaction_knows_of_itself(store: Store) -> None:
    proposal = store.contract.new_proposal("transaction")
    transaction = proposal.endorse()
    found = store.evaluate("transaction")
    assert found["channel"] == "certificates"
    assert found["function"] == "transaction"
    assert found["binding"] == sha256().digest_size
    assert found["seconds"] > 1_700_000_000
    assert proposal.transaction_id.encode() in transaction.result
    assert found["txId"] != proposal.transaction_id


def test_a_refusal(store: Store) -> None:
    with pytest.raises(EndorseError) as caught:
        store.submit("fail", "no reason")
    assert "refused: no reason" in str(caught.value)
    assert store.evaluate("get", "failed") == {"value": None}
    with pytest.raises(EvaluateError):
        store.evaluate("noSuchFunction")


def test_a_key_of_its_own_policy(store: Store) -> None:
    key = name()
    store.submit("put", key, "x")
    store.submit("restrict", key, "TriValleyMSP")
    assert store.evaluate("restriction", key) == ["TriValleyMSP"]
    with pytest.raises(CommitError) as caught:
        store.submit("put", key, "y", organizations=["CityMSP", "NishitetsuMSP"])
    assert caught.value.code == "ENDORSEMENT_POLICY_FAILURE"
    store.submit("put", key, "z", organizations=["TriValleyMSP"])
    store.submit("put", key, "planned")  # by the gateway's own plan
    assert store.evaluate("get", key) == {"value": "planned"}


def test_another_chaincode_is_called(store: Store, contract: Service) -> None:
    """In the same transaction: its write is one of this transaction's."""
    key = name()
    found = store.submit("call", contract.name, "", "Put", key, "through another")
    assert (found["status"], found["payload"]) == (200, "through another")
    with gateway(contract) as connected:
        other = connected.get_network("certificates").get_contract(contract.name)
        assert other.evaluate("Get", key) == b"through another"


def test_our_contract_calls_theirs(store: Store, contract: Service) -> None:
    key = name()
    store.submit("put", key, "theirs")
    with gateway(contract) as connected:
        other = connected.get_network("certificates").get_contract(contract.name)
        assert other.evaluate("Call", store.service.name, "get", key) == b'{"value":"theirs"}'


def test_a_rich_query_is_refused_as_leveldb_refuses_it(store: Store) -> None:
    with pytest.raises(EvaluateError) as caught:
        store.evaluate("query", '{"selector":{}}')
    # The Java shim keeps the peer's words to itself.
    words = {"node": "ExecuteQuery not supported for leveldb", "java": "Unsuccessful response received."}
    assert words[store.language] in str(caught.value)


def test_metadata(store: Store) -> None:
    found = store.evaluate("org.hyperledger.fabric:GetMetadata")
    functions = {one["name"] for one in found["contracts"]["store"]["transactions"]}
    assert {"put", "get", "history", "restrict"} <= functions
