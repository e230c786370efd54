"""Packages of type `ccaas`: chaincode that runs as a service. `connection.json` says where.

The format is that of Fabric's own builder (`ccaas_builder` in its repository), templates included: `{{.name}}` in a
text stands for a value of the JSON object in `CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG`, so that one package can name a
different address at every peer.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from chaincode.builder.errors import PackageError

SETTINGS = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"
TEXTS = ("address", "domain", "dial_timeout", "root_cert", "client_key", "client_cert")
SWITCHES = ("tls_required", "client_auth_required")

_PLACE = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")


def connection(data: bytes, settings: str = "") -> bytes:
    """A package's `connection.json` as the peer gets it.

    Args:
        data: the package's.
        settings: a JSON object, whose values fill the templates.

    Raises:
        PackageError: either is not well formed, or what the connection needs is missing.
    """
    content = _object(data, "connection.json")
    values = _object(settings, SETTINGS) if settings else {}
    result: dict[str, Any] = {}
    for name in TEXTS:
        text = content.get(name, "")
        if not isinstance(text, str):
            raise PackageError(f"connection.json: {name} is not a text")
        if text:
            result[name] = _filled(text, values)
    for name in SWITCHES:
        switch = content.get(name, False)
        if not isinstance(switch, bool):
            raise PackageError(f"connection.json: {name} is neither true nor false")
        result[name] = switch
    for name in _needed(result):
        if not result.get(name):
            raise PackageError(f"connection.json lacks {name}")
    return json.dumps(result).encode()


def _needed(result: Mapping[str, Any]) -> tuple[str, ...]:
    """What the peer asks for (`core/container/externalbuilder/instance.go`)."""
    if not result["tls_required"]:
        return ("address",)
    if not result["client_auth_required"]:
        return ("address", "root_cert")
    return ("address", "root_cert", "client_key", "client_cert")


def _filled(text: str, values: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise PackageError(f"connection.json uses {match[0]}, and {SETTINGS} has no {match[1]}")
        return str(values[match[1]])

    return _PLACE.sub(value, text)


def _object(data: bytes | str, name: str) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except ValueError as error:
        raise PackageError(f"{name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise PackageError(f"{name} is not a JSON object")
    return content
