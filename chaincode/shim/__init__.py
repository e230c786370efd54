"""The chaincode's end of the peer ↔ chaincode protocol."""

from chaincode.shim.chaincode import Chaincode, Response
from chaincode.shim.errors import ChaincodeError, PeerError, StreamLost
from chaincode.shim.identity import ClientIdentity
from chaincode.shim.iterators import KeyModification, KeyValue, Page
from chaincode.shim.runtime import main
from chaincode.shim.stub import ChaincodeStub

__all__ = [
    "Chaincode",
    "ChaincodeError",
    "ChaincodeStub",
    "ClientIdentity",
    "KeyModification",
    "KeyValue",
    "Page",
    "PeerError",
    "Response",
    "StreamLost",
    "main",
]
