"""Contracts and their transaction functions."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, get_type_hints

from chaincode.contract import conversion
from chaincode.contract.context import Context
from chaincode.contract.errors import BAD_ARGUMENT, ContractError

Function = TypeVar("Function", bound=Callable[..., Awaitable[Any]])
_MARK = "_transaction"


@dataclass(frozen=True)
class Mark:
    """What a decorator leaves on a function."""

    name: str
    submits: bool


def _mark(function: Callable[..., Any], name: str, *, submits: bool) -> None:
    wire = name or "".join(word.capitalize() for word in function.__name__.split("_"))
    setattr(function, _MARK, Mark(wire, submits))


def submit(function: Function) -> Function:
    """Make a method a transaction that writes. On the wire `issue_certificate` is `IssueCertificate`."""
    _mark(function, "", submits=True)
    return function


def evaluate(function: Function) -> Function:
    """Make a method a transaction that only reads."""
    _mark(function, "", submits=False)
    return function


@dataclass(frozen=True)
class Transaction:
    """One callable function of a contract."""

    name: str
    submits: bool
    parameters: tuple[tuple[str, Any], ...]
    returns: Any
    function: Callable[..., Awaitable[Any]]

    async def call(self, context: Context, texts: tuple[str, ...]) -> bytes:
        """Convert the arguments, run the function, convert its result.

        Raises:
            ContractError: the arguments are not those of the function, or the function refuses.
        """
        if len(texts) != len(self.parameters):
            expected = ", ".join(name for name, _ in self.parameters) or "none"
            raise ContractError(
                BAD_ARGUMENT,
                f"{self.name} takes {len(self.parameters)} arguments ({expected}), {len(texts)} were given",
            )
        values = []
        for text, (name, kind) in zip(texts, self.parameters, strict=True):
            try:
                values.append(conversion.argument(text, kind))
            except ValueError as error:
                raise ContractError(BAD_ARGUMENT, f"the argument is {error}", name) from error
        return conversion.result(await self.function(context, *values))


class Contract:
    """Base of contracts. Methods decorated with `submit` or `evaluate` take a `Context` and typed arguments.

    Attributes:
        name: the contract's name on the wire; a function is called as `Function` or `name:Function`.
    """

    name: ClassVar[str] = ""

    def transactions(self) -> dict[str, Transaction]:
        """The contract's functions by their names on the wire."""
        found = {}
        for _, method in inspect.getmembers(self, inspect.ismethod):
            mark = getattr(method, _MARK, None)
            if not isinstance(mark, Mark):
                continue
            hints = get_type_hints(method)
            names = list(inspect.signature(method).parameters)[1:]
            found[mark.name] = Transaction(
                name=mark.name,
                submits=mark.submits,
                parameters=tuple((camel_case(name), hints[name]) for name in names),
                returns=hints.get("return"),
                function=method,
            )
        return found


def camel_case(name: str) -> str:
    """A Python name as it is written on the wire."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
