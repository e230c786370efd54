"""How a contract refuses."""

UNKNOWN_FUNCTION = "UNKNOWN_FUNCTION"
BAD_ARGUMENT = "BAD_ARGUMENT"
INTERNAL = "INTERNAL"


class ContractError(Exception):
    """A refusal: a stable code, a sentence, and which argument it is about.

    Its text, which becomes the response's message, is `CODE: sentence [argument=value]`.

    Args:
        code: a word in capitals that clients can rely on.
        message: a sentence for people.
        argument: the name of the argument that is refused.
        value: its value, where that may stand in logs; never one that has not been checked.
    """

    def __init__(self, code: str, message: str, argument: str = "", value: str = "") -> None:
        super().__init__(f"{code}: {message}" + (f" [{argument}={value}]" if argument else ""))
        self.code = code
        self.message = message
        self.argument = argument
        self.value = value
