"""The same cases for both clients: what a call gives is awaited where it has to be."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


async def settle(value: Any) -> Any:
    """The outcome of a call, of either client."""
    return await value if inspect.isawaitable(value) else value


@asynccontextmanager
async def entered(manager: Any) -> AsyncIterator[Any]:
    """`async with` or `with`."""
    if hasattr(manager, "__aenter__"):
        async with manager as value:
            yield value
    else:
        with manager as value:
            yield value


async def take(stream: Any, count: int) -> list[Any]:
    """The first events of a stream."""
    found: list[Any] = []
    while len(found) < count:
        found.append(await following(stream))
    return found


async def following(stream: Any) -> Any:
    """The next event of a stream; None at its end."""
    try:
        return await stream.__anext__() if hasattr(stream, "__anext__") else next(stream)
    except (StopIteration, StopAsyncIteration):
        return None
