"""The `certledger` command.

It knows neither gRPC nor protobuf: everything it does is a call to the layers below.
"""

__version__ = "0.1.0"
