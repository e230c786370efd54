"""Cases: a name, what is done, and the call."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.scenarios.gateway_errors.outcome import Outcome
from tests.scenarios.gateway_errors.scene import Scene


@dataclass(frozen=True)
class Case:
    """Something that a network must answer as real Fabric does.

    Attributes:
        name: `group/case`; the group is the vectors' file.
        provoked: what is done, for readers of the vectors.
        run: does it.
        slow: whether it waits for a deadline of Fabric's.
    """

    name: str
    provoked: str
    run: Callable[[Scene], Outcome]
    slow: bool = False
