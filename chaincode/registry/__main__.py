"""Runs the registry as a process: `python -P -m chaincode.registry`, see `chaincode.shim.runtime`."""

import os

from chaincode.contract import ContractChaincode
from chaincode.registry.contract import Registry
from chaincode.shim import main

DEFAULT_ISSUER_MSPS = "CityMSP"

if __name__ == "__main__":
    msps = os.environ.get("CERTLEDGER_ISSUER_MSPS", DEFAULT_ISSUER_MSPS).split(",")
    main(ContractChaincode(Registry(frozenset(msp.strip() for msp in msps if msp.strip()))))
