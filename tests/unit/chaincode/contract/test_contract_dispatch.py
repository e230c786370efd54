"""Contracts' functions by their names on the wire, their refusals, and their metadata."""

import asyncio
import json
import logging
from typing import Any, ClassVar

import pytest

from chaincode.contract import Context, Contract, ContractChaincode, ContractError, evaluate, submit
from chaincode.shim import ChaincodeStub, PeerError, Response
from tests.unit.chaincode.contract.forms import Forms
from tests.unit.chaincode.scripted_peer import StubPeer, transaction


async def no_request(kind: object, payload: bytes) -> bytes:
    raise AssertionError("nothing is asked")


async def call(chaincode: ContractChaincode, *args: str | bytes) -> Response:
    values = [arg.encode() if isinstance(arg, str) else arg for arg in args]
    return await chaincode.invoke(ChaincodeStub(transaction("tx", *values), no_request))


class Shop(Contract):
    """Does a little of everything."""

    name: ClassVar[str] = "shop"

    @property
    def secret(self) -> str:
        raise AssertionError("contracts' properties are not looked at")

    @evaluate
    async def list(self, context: Context, first: int, numbers: "list[int]") -> "list[int]":
        """Shadows a builtin, whose name its own annotations use."""
        return [first, *numbers]

    @submit
    async def print_on_2_lines(self, context: Context, some_text: str, twice: bool = False) -> str:
        return f"{some_text}\n{some_text if twice else ''}"

    @submit
    async def refuse(self, context: Context, code: str, argument: str) -> None:
        raise ContractError(code, "it may not be", argument, "7" if argument else "")

    @submit
    async def break_down(self, context: Context, secret: str) -> None:
        raise LookupError(secret)

    @evaluate
    async def ask(self, context: Context) -> str:
        return (await context.stub.get_state("a") or b"").decode()

    @evaluate
    async def bad_result(self, context: Context) -> Any:
        return {1, 2}

    @evaluate
    async def about(self, context: Context) -> dict[str, str]:
        return {"tx": context.tx_id, "at": context.timestamp.isoformat(), "function": context.stub.function}

    async def not_a_transaction(self, context: Context) -> str:
        raise AssertionError("only decorated methods are transactions")


SHOP = ContractChaincode(Shop(), title="A shop", version="1.2")


@pytest.mark.parametrize("name", ["List", "shop:List"])
async def test_functions_are_called_by_their_names_in_capitals(name: str) -> None:
    assert await call(SHOP, name, "1", "[2,3]") == Response(payload=b"[1,2,3]")


async def test_every_word_of_a_name_is_a_capital() -> None:
    assert await call(SHOP, "PrintOn2Lines", "a", "true") == Response(payload=b"a\na")


async def test_the_context_tells_of_the_transaction() -> None:
    found = json.loads((await call(SHOP, "shop:About")).payload)
    assert found == {"tx": "tx", "at": "1970-01-01T00:00:00+00:00", "function": "shop:About"}


UNKNOWN = ["", "list", "LIST", "shop:list", "Shop:List", "other:List", ":List", "shop:", "List\0", "飯塚"]
UNKNOWN += ["NotATransaction", "not_a_transaction", "Secret", "__init__"]


@pytest.mark.parametrize("name", UNKNOWN)
async def test_other_names_are_unknown_and_not_repeated(name: str) -> None:
    assert await call(SHOP, name) == Response(500, "UNKNOWN_FUNCTION: the contract has no such function")


async def test_no_arguments_at_all_are_an_unknown_function() -> None:
    assert (await call(SHOP)).message.startswith("UNKNOWN_FUNCTION: ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("List", "1"), "BAD_ARGUMENT: List takes 2 arguments (first, numbers), 1 were given"),
        (("List", "1", "[]", "3"), "BAD_ARGUMENT: List takes 2 arguments (first, numbers), 3 were given"),
        (("About", ""), "BAD_ARGUMENT: About takes 0 arguments (none), 1 were given"),
        (("PrintOn2Lines", "a"), "BAD_ARGUMENT: PrintOn2Lines takes 2 arguments (someText, twice), 1 were given"),
        (("List", "a secret", "[]"), "BAD_ARGUMENT: the argument is not a whole number [first=]"),
        (("List", "1", '["a secret"]'), "BAD_ARGUMENT: the argument is not JSON of the expected form [numbers=]"),
        (("PrintOn2Lines", "a", "yes"), "BAD_ARGUMENT: the argument is not true or false [twice=]"),
        (("List", b"\xff", "[]"), "BAD_ARGUMENT: arguments must be UTF-8 text"),
        ((b"\xff",), "BAD_ARGUMENT: arguments must be UTF-8 text"),
    ],
)
async def test_wrong_arguments_are_refused_and_not_repeated(args: tuple[str | bytes, ...], message: str) -> None:
    assert await call(SHOP, *args) == Response(500, message)


async def test_a_refusal_is_its_code_sentence_and_argument() -> None:
    assert await call(SHOP, "Refuse", "NO", "") == Response(500, "NO: it may not be")
    assert await call(SHOP, "Refuse", "NO", "id") == Response(500, "NO: it may not be [id=7]")


async def test_a_defect_is_answered_without_its_text_and_logged_with_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    assert await call(SHOP, "BreakDown", "a secret value") == Response(500, "INTERNAL: the contract failed")
    assert "LookupError at " in caplog.text
    assert "test_contract_dispatch.py" in caplog.text
    assert "secret" not in caplog.text
    assert await call(SHOP, "BadResult") == Response(500, "INTERNAL: the contract failed")


async def test_what_the_peer_refuses_is_the_shims_to_answer() -> None:
    peer = StubPeer(PeerError("GET_STATE failed"))
    stub = ChaincodeStub(transaction("tx", b"Ask"), peer.request)
    with pytest.raises(PeerError, match="GET_STATE failed"):
        await SHOP.invoke(stub)


async def test_a_cancelled_function_stays_cancelled() -> None:
    class Cancelled(Contract):
        @submit
        async def go(self, context: Context) -> None:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await call(ContractChaincode(Cancelled()), "Go")


async def test_init_does_what_it_is_asked_or_nothing() -> None:
    assert await SHOP.init(ChaincodeStub(transaction("tx"), no_request)) == Response()
    stub = ChaincodeStub(transaction("tx", b"List", b"1", b"[]"), no_request)
    assert await SHOP.init(stub) == Response(payload=b"[1]")


async def test_dataclasses_whose_annotations_are_strings_are_arguments_and_results() -> None:
    forms = ContractChaincode(Forms())
    text = '{"former":[{"code":null,"town":"b"}],"notes":{"n":"値"},"place":{"code":820,"town":"飯塚"}}'
    assert await call(forms, "Echo", text) == Response(payload=text.encode())
    assert (await call(forms, "Echo", text.replace("820", '"820"'))).message.startswith("BAD_ARGUMENT: ")
    tree = {"label": "a", "children": [{"label": "b", "children": []}]}
    assert await call(forms, "Count", json.dumps(tree)) == Response(payload=b"2")


# Several contracts


class Other(Contract):
    name: ClassVar[str] = "other"

    @evaluate
    async def list(self, context: Context) -> str:
        return "the other's"

    @evaluate
    async def only_here(self, context: Context) -> str:
        return "only here"


async def test_the_first_contracts_functions_need_no_contract_and_the_others_do() -> None:
    both = ContractChaincode(Shop(), Other())
    assert await call(both, "List", "1", "[]") == Response(payload=b"[1]")
    assert await call(both, "other:List") == Response(payload=b"the other's")
    assert await call(both, "other:OnlyHere") == Response(payload=b"only here")
    assert (await call(both, "OnlyHere")).message.startswith("UNKNOWN_FUNCTION: ")
    assert (await call(both, "shop:OnlyHere")).message.startswith("UNKNOWN_FUNCTION: ")


def test_contracts_of_one_name_and_no_contracts_are_refused() -> None:
    for contracts in ((), (Shop(), Shop()), (Contract(), Contract())):
        with pytest.raises(ValueError, match="names of their own"):
            ContractChaincode(*contracts)


# What cannot be a transaction


def contract_with(function: Any) -> Contract:
    return type("Made", (Contract,), {function.__name__: evaluate(function)})()


def test_a_function_that_no_text_can_call_is_refused_when_the_chaincode_is_made() -> None:
    async def untyped(self: Any, context: Context, value) -> None: ...  # type: ignore[no-untyped-def]

    async def impossible(self: Any, context: Context, value: bytes) -> None: ...

    async def many(self: Any, context: Context, *values: str) -> None: ...

    async def named(self: Any, context: Context, *, value: str) -> None: ...

    for function, problem in (
        (untyped, "Untyped: value must be an ordinary parameter with a type"),
        (impossible, "Impossible: value: <class 'bytes'> cannot be an argument"),
        (many, "Many: .*values.* must be an ordinary parameter"),
        (named, "Named: value.* must be an ordinary parameter"),
    ):
        with pytest.raises(TypeError, match=problem):
            ContractChaincode(contract_with(function))


def test_two_functions_of_one_name_on_the_wire_are_refused() -> None:
    class Twice(Contract):
        @evaluate
        async def read_it(self, context: Context) -> None: ...

        @evaluate
        async def read__it(self, context: Context) -> None: ...

    with pytest.raises(TypeError, match="two functions that are ReadIt"):
        ContractChaincode(Twice())


def test_a_function_that_cannot_wait_is_refused() -> None:
    def plain(self: Any, context: Context) -> None: ...

    for decorate in (evaluate, submit):
        with pytest.raises(TypeError, match="plain must be an async function"):
            decorate(plain)


async def test_a_contract_inherits_functions_and_may_replace_them() -> None:
    class Base(Contract):
        @evaluate
        async def kept(self, context: Context) -> str:
            return "kept"

        @evaluate
        async def replaced(self, context: Context) -> str:
            return "old"

    class Derived(Base):
        @submit
        async def replaced(self, context: Context) -> str:
            return "new"

    derived = ContractChaincode(Derived())
    assert (await call(derived, "Kept")).payload == b"kept"
    assert (await call(derived, "Replaced")).payload == b"new"


# Metadata


async def test_metadata_describe_contracts_functions_and_types() -> None:
    response = await call(ContractChaincode(Shop(), Other(), title="A shop", version="1.2"), METADATA)
    found = json.loads(response.payload)
    assert found["info"] == {"title": "A shop", "version": "1.2"}
    assert list(found["contracts"]) == ["shop", "other"]
    shop = {one["name"]: one for one in found["contracts"]["shop"]["transactions"]}
    assert list(shop) == sorted(shop)
    assert shop["List"] == {
        "name": "List",
        "tag": ["evaluateTx"],
        "parameters": [
            {"name": "first", "schema": {"type": "integer"}},
            {"name": "numbers", "schema": {"type": "array", "items": {"type": "integer"}}},
        ],
        "returns": {"type": "array", "items": {"type": "integer"}},
    }
    assert shop["Refuse"]["tag"] == ["submitTx"]
    assert "returns" not in shop["Refuse"]
    assert (await call(ContractChaincode(Shop(), Other(), title="A shop", version="1.2"), METADATA)) == response


METADATA = "org.hyperledger.fabric:GetMetadata"


def test_a_refusal_keeps_its_parts() -> None:
    error = ContractError("NO", "it may not be", "id", "7")
    assert (error.code, error.message, error.argument, error.value) == ("NO", "it may not be", "id", "7")
    assert str(error) == "NO: it may not be [id=7]"
