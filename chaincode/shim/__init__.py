"""The chaincode's end of the peer ↔ chaincode protocol."""

from chaincode.shim.chaincode import Chaincode, Response
from chaincode.shim.errors import AddressError, ChaincodeError, PeerError, SettingsError, StreamLost
from chaincode.shim.identity import ClientIdentity
from chaincode.shim.iterators import KeyModification, KeyValue, Page
from chaincode.shim.runtime import main
from chaincode.shim.stub import ChaincodeStub

__all__ = [
    "AddressError",
    "Chaincode",
    "ChaincodeError",
    "ChaincodeStub",
    "ClientIdentity",
    "KeyModification",
    "KeyValue",
    "Page",
    "PeerError",
    "Response",
    "SettingsError",
    "StreamLost",
    "main",
]
