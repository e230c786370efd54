"""What can go wrong between a chaincode and its peer.

ChaincodeError
├── PeerError      the peer answered a request with ERROR
├── StreamLost     the stream to the peer ended while a request was outstanding
├── AddressError   a service cannot be had at its address
└── SettingsError  the environment does not say how to run
"""


class ChaincodeError(Exception):
    """Base of the shim's errors. Raised in a contract it fails the transaction with status 500."""


class PeerError(ChaincodeError):
    """The peer refused a request: the text is the peer's."""


class StreamLost(ChaincodeError):
    """The stream to the peer ended; the transaction cannot be finished."""


class AddressError(ChaincodeError):
    """A service cannot be had at its address."""


class SettingsError(ChaincodeError):
    """The environment does not say how to run."""
