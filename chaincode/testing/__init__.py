"""Testing a contract without a network: `MemoryLedger` runs it over the real chaincode stream."""

from chaincode.testing.identities import TestOrganisation
from chaincode.testing.memory_ledger import Client, MemoryLedger, Refused, Result

__all__ = ["Client", "MemoryLedger", "Refused", "Result", "TestOrganisation"]
