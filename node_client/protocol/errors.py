"""What is not as Fabric's formats and rules want it."""


class ProtocolError(ValueError):
    """Bytes that are not what they should be, or break a rule. The text says what and where."""
