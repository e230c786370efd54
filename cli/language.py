"""Messages in the user's language: English is the source, Japanese comes from the catalogue in `japanese`."""

import os
from functools import cache


@cache
def japanese() -> bool:
    """Whether messages are in Japanese: CERTLEDGER_LANG, else the locale as POSIX orders its variables."""
    for name in ("CERTLEDGER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return value.lower().startswith("ja")
    return False


def tr(message: str, /, **values: object) -> str:
    """The message in the user's language, with `{name}` replaced by the value of that name.

    A message that the catalogue lacks stays English.
    """
    if japanese():
        from cli.japanese import TEXTS

        message = TEXTS.get(message, message)
    return message.format(**values) if values else message
