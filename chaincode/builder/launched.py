"""Packages of type `python`: a module that the peer launches. `launch.json` names it.

`{"module": "my_contract"}`: the module is in the package, or where this Python finds it. The package's code comes last
on the path, so that it cannot take the place of a module of the standard library or of the shim.
"""

import json
import os
import re
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

from chaincode.builder.errors import PackageError

LAUNCH = "launch.json"

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_FILES = {
    "client_key": ("client.key", "CORE_TLS_CLIENT_KEY_FILE"),
    "client_cert": ("client.crt", "CORE_TLS_CLIENT_CERT_FILE"),
    "root_cert": ("root.crt", "CORE_PEER_TLS_ROOTCERT_FILE"),
}


def module(data: bytes) -> str:
    """The module that a `launch.json` names. Raises PackageError."""
    try:
        name = json.loads(data)["module"]
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(f'{LAUNCH} must be {{"module": NAME}}: {error}') from error
    if not isinstance(name, str) or not _MODULE.fullmatch(name):
        raise PackageError(f"{LAUNCH}: {name!r} is no name of a module")
    return name


def run(code: Path, metadata: Path) -> None:
    """Be the chaincode: run the package's module as `__main__`, with the variables that shims read.

    Args:
        code: the package's code, with its `launch.json`.
        metadata: the folder in which the peer left `chaincode.json`; the key pair is put beside it.

    Raises:
        PackageError: either is not what it should be.
    """
    name = module((code / LAUNCH).read_bytes())
    os.environ.update(_environment(metadata))
    sys.path.append(str(code))
    sys.argv = [name]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _environment(metadata: Path) -> dict[str, str]:
    """The variables, from what the peer says (`runConfig` in `core/container/externalbuilder/externalbuilder.go`)."""
    try:
        told: Mapping[str, str] = json.loads((metadata / "chaincode.json").read_bytes())
        variables = {
            "CORE_CHAINCODE_ID_NAME": told["chaincode_id"],
            "CORE_PEER_ADDRESS": told["peer_address"],
            "CORE_PEER_LOCALMSPID": told["mspid"],
            "CORE_PEER_TLS_ENABLED": "true" if told["root_cert"] else "false",
        }
        for field, (name, variable) in _FILES.items():
            if told[field]:
                path = metadata / name
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(told[field])
                variables[variable] = str(path)
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(f"the peer's chaincode.json lacks {error}") from error
    return variables
