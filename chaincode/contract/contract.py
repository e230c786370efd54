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


def _mark(function: Callable[..., Any], *, submits: bool) -> None:
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__qualname__} must be an async function")
    wire = "".join(word.capitalize() for word in function.__name__.split("_"))
    setattr(function, _MARK, Mark(wire, submits))


def submit(function: Function) -> Function:
    """Make an `async` method a transaction that writes. On the wire `issue_certificate` is `IssueCertificate`."""
    _mark(function, submits=True)
    return function


def evaluate(function: Function) -> Function:
    """Make an `async` method a transaction that only reads."""
    _mark(function, submits=False)
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
        """The contract's functions by their names on the wire.

        Raises:
            TypeError: a function cannot be called from the wire: a parameter has no type, or one that no text
                becomes, or two functions have one name there.
        """
        found: dict[str, Transaction] = {}
        for attribute, member in inspect.getmembers_static(type(self)):
            mark = getattr(member, _MARK, None)
            if not isinstance(mark, Mark):
                continue
            if mark.name in found:
                raise TypeError(f"{type(self).__name__} has two functions that are {mark.name} on the wire")
            found[mark.name] = _transaction(mark, getattr(self, attribute))
        return found


def _transaction(mark: Mark, method: Callable[..., Awaitable[Any]]) -> Transaction:
    hints = get_type_hints(method)
    parameters = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        ordinary = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        if not ordinary or parameter.name not in hints:
            raise TypeError(f"{mark.name}: {parameter} must be an ordinary parameter with a type")
        try:
            conversion.check(hints[parameter.name])
        except TypeError as error:
            raise TypeError(f"{mark.name}: {parameter.name}: {error}") from error
        parameters.append((camel_case(parameter.name), hints[parameter.name]))
    return Transaction(
        name=mark.name,
        submits=mark.submits,
        parameters=tuple(parameters),
        returns=hints.get("return"),
        function=method,
    )


def camel_case(name: str) -> str:
    """A Python name as it is written on the wire."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
