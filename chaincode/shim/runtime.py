"""Running a chaincode as a process.

The environment decides the mode, with the variables that peers and external builders set for Go and Node chaincode
(fabric-chaincode-go `shim/shim.go`, fabric-chaincode-node `lib/cmds`):

- `CHAINCODE_SERVER_ADDRESS` and `CHAINCODE_ID`: as a service. TLS unless `CHAINCODE_TLS_DISABLED` is true, from
  `CHAINCODE_TLS_KEY`, `CHAINCODE_TLS_CERT` and, to admit only clients under it, `CHAINCODE_CLIENT_CA_CERT`.
- otherwise `CORE_PEER_ADDRESS` (or `--peer.address`) and `CORE_CHAINCODE_ID_NAME`: launched by the peer. TLS when
  `CORE_PEER_TLS_ENABLED` is true, from `CORE_PEER_TLS_ROOTCERT_FILE`, `CORE_TLS_CLIENT_KEY_FILE` and
  `CORE_TLS_CLIENT_CERT_FILE`.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from chaincode.shim.chaincode import Chaincode
from chaincode.shim.client import ClientTls, connect
from chaincode.shim.errors import ChaincodeError, SettingsError
from chaincode.shim.server import ChaincodeServer, ServerTls
from chaincode.shim.watchdog import Watchdog


def main(chaincode: Chaincode) -> None:
    """Run the chaincode until it is told to end (SIGTERM, SIGINT) or its peer goes. Ends the process, hung or not."""
    logging.basicConfig(
        level=os.environ.get("CORE_CHAINCODE_LOGGING_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    try:
        asyncio.run(_until_signal(chaincode))
    except (ChaincodeError, OSError) as error:
        sys.exit(f"chaincode: {error}")


async def _until_signal(chaincode: Chaincode) -> None:
    running = asyncio.ensure_future(run(chaincode, os.environ, sys.argv[1:]))
    loop = asyncio.get_running_loop()
    watchdog = Watchdog(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no handlers on the loop: there KeyboardInterrupt ends the process.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        pass
    finally:
        watchdog.end()


async def run(chaincode: Chaincode, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
    """Run the chaincode in the mode that the environment and the arguments name.

    Raises:
        SettingsError: they name none, or a file that cannot be read.
        StreamLost: launched by the peer, and the peer is gone.
    """
    chaincode_id = environment.get("CHAINCODE_ID") or environment.get("CORE_CHAINCODE_ID_NAME", "")
    service = environment.get("CHAINCODE_SERVER_ADDRESS", "")
    peer = environment.get("CORE_PEER_ADDRESS", "") or _option(arguments, "peer.address")
    if not chaincode_id:
        raise SettingsError("CHAINCODE_ID or CORE_CHAINCODE_ID_NAME must name the chaincode's package id")
    if service:
        async with ChaincodeServer(chaincode, chaincode_id, service, tls=_server_tls(environment)) as server:
            await server.wait()
    elif peer:
        await connect(chaincode, chaincode_id, peer, tls=_client_tls(environment))
    else:
        raise SettingsError("set CHAINCODE_SERVER_ADDRESS to serve, or CORE_PEER_ADDRESS to dial the peer")


def _option(arguments: Sequence[str], name: str) -> str:
    for position, argument in enumerate(arguments):
        option, _, value = argument.lstrip("-").partition("=")
        if option == name:
            return value or (arguments[position + 1] if position + 1 < len(arguments) else "")
    return ""


def _server_tls(environment: Mapping[str, str]) -> ServerTls | None:
    if environment.get("CHAINCODE_TLS_DISABLED", "false").lower() == "true":
        return None
    roots = environment.get("CHAINCODE_CLIENT_CA_CERT")
    return ServerTls(
        key=_file(environment, "CHAINCODE_TLS_KEY"),
        certificate=_file(environment, "CHAINCODE_TLS_CERT"),
        client_roots=_file(environment, "CHAINCODE_CLIENT_CA_CERT") if roots else None,
    )


def _client_tls(environment: Mapping[str, str]) -> ClientTls | None:
    if environment.get("CORE_PEER_TLS_ENABLED", "false").lower() != "true":
        return None
    mutual = environment.get("CORE_TLS_CLIENT_KEY_FILE")
    return ClientTls(
        root=_file(environment, "CORE_PEER_TLS_ROOTCERT_FILE"),
        key=_file(environment, "CORE_TLS_CLIENT_KEY_FILE") if mutual else None,
        certificate=_file(environment, "CORE_TLS_CLIENT_CERT_FILE") if mutual else None,
    )


def _file(environment: Mapping[str, str], name: str) -> bytes:
    path = environment.get(name)
    if not path:
        raise SettingsError(f"{name} must name a PEM file")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{name}: {error.strerror}: {path}") from error
