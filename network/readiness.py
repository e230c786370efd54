"""What a process that runs a network tells the command that started it: one JSON line on a descriptor.

`{"ok": true}` when it serves, or `{"ok": false, "message": …, "nextStep": …}`. `network.background` reads it.
"""

import contextlib
import json
import logging
import os

logger = logging.getLogger(__name__)


def tell_ready(descriptor: int | None) -> None:
    """Tell that the network serves; nobody when there is no descriptor."""
    _tell(descriptor, {"ok": True})


def tell_failure(descriptor: int | None, message: str, next_step: str = "") -> int:
    """Tell, and log, why the network does not serve.

    Returns:
        The exit status of a process that ends for it.
    """
    logger.error("%s", message)
    _tell(descriptor, {"ok": False, "message": message, "nextStep": next_step})
    return 1


def _tell(descriptor: int | None, record: dict[str, object]) -> None:
    if descriptor is None:
        return
    with contextlib.suppress(OSError), os.fdopen(descriptor, "w", encoding="utf-8") as pipe:
        pipe.write(json.dumps(record) + "\n")
