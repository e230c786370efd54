"""The registry's deployment: what every organisation installs, approves and runs."""

import json

from node_client.protocol.chaincode_package import chaincode_package

REGISTRY = "registry"
LABEL = "registry_1"
VERSION = "1"
POLICY = "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer'))"
COMMAND = ("-m", "chaincode.registry")


def registry_package() -> bytes:
    """The registry's package: it holds no code, for the registry is part of this installation."""
    return chaincode_package(LABEL, "python", {"launch.json": json.dumps({"module": "chaincode.registry"}).encode()})
