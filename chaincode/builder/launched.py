"""Packages of type `python`: a module that the peer launches. `launch.json` names it.

`{"module": "my_contract"}`: the module is in the package, or where its Python finds it: in the virtual environment that
was made for the package (`chaincode.builder.requirements`), or in the builder's own. The package's code comes last on
the path, so that it cannot take the place of a module of the standard library or of the shim.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from chaincode.builder import requirements
from chaincode.builder.errors import PackageError

LAUNCH = "launch.json"

_START = (
    "import runpy, sys; code, name = sys.argv[1:]; sys.path.append(code); sys.argv = [name]; "
    "runpy.run_module(name, run_name='__main__', alter_sys=True)"
)
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


def run(code: Path, environment: Path, metadata: Path) -> NoReturn:
    """Be the chaincode: become the process that runs the package's module as `__main__`.

    Args:
        code: the package's code, with its `launch.json`.
        environment: the virtual environment that was made for it, where it asked for one.
        metadata: the folder in which the peer left `chaincode.json`; the key pair is put beside it.

    Raises:
        PackageError: one of them is not what it should be.
    """
    name = module((code / LAUNCH).read_bytes())
    variables = {**os.environ, **_environment(metadata)}
    for setting in requirements.INDEX_SETTINGS:
        variables.pop(setting, None)
    python = sys.executable
    if environment.exists():
        python = str(requirements.interpreter(environment))
        for variable in ("PYTHONPATH", "PYTHONHOME"):  # these would come before what the package requires
            variables.pop(variable, None)
    os.execve(python, [python, "-P", "-c", _START, str(code), name], variables)  # noqa: S606 - no shell is wanted


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
