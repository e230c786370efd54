"""Progress of what takes several steps."""

import time
from typing import TYPE_CHECKING

from cli.language import tr
from cli.settings import Settings

if TYPE_CHECKING:
    from network.progress import Step


class Clock:
    """Tells the user of steps as they are reached, each with the seconds since the command began."""

    def __init__(self, settings: Settings) -> None:
        self._output = settings.output
        self._began = time.monotonic()

    def __call__(self, step: "Step") -> None:
        self._output.message(f"{time.monotonic() - self._began:6.1f} s  {tr(step)}")
