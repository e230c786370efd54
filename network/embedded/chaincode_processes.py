"""Chaincode that an organisation's peer launches: one process, restarted when it ends.

The process gets a TLS key pair of its own and the peer's address, and dials the peer. It ends by itself when its stream
to the peer does, and so never outlives the network.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before a chaincode that ended is started again
PATIENCE = 5.0  # seconds that a chaincode has to end before it is killed


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start a chaincode.

    Attributes:
        arguments: after the interpreter.
        folder: where its key pair is: `client.key`, `client.crt`, and `root.crt`, the peer's TLS root.
    """

    package_id: str
    msp_id: str
    peer_address: str
    arguments: Sequence[str]
    folder: Path
    log: Path

    def environment(self) -> dict[str, str]:
        """The variables that Fabric's peers set for a chaincode that they launch."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "PYTHONPATH") if name in os.environ}
        settings = {name: value for name, value in os.environ.items() if name.startswith("CERTLEDGER_ISSUER_")}
        return {
            **kept,
            **settings,
            "CORE_CHAINCODE_ID_NAME": self.package_id,
            "CORE_PEER_ADDRESS": self.peer_address,
            "CORE_PEER_LOCALMSPID": self.msp_id,
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_ROOTCERT_FILE": str(self.folder / "root.crt"),
            "CORE_TLS_CLIENT_KEY_FILE": str(self.folder / "client.key"),
            "CORE_TLS_CLIENT_CERT_FILE": str(self.folder / "client.crt"),
        }


async def keep_running(launch: Launch) -> None:
    """Run the chaincode until cancelled, starting it again when it ends."""
    pause = FIRST_PAUSE
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            code = await run_once(launch)
            logger.warning("the chaincode of %s ended with %s, starting it again", launch.msp_id, code)
        except OSError as error:  # a full disk, no more processes: it may be otherwise the next time
            logger.warning("the chaincode of %s could not be started, trying again: %s", launch.msp_id, error)
        pause = FIRST_PAUSE if loop.time() - started > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
        await asyncio.sleep(pause)


async def run_once(launch: Launch) -> int:
    """Run the chaincode once, until it ends; when cancelled, end it. Raises OSError when it cannot be started.

    Returns:
        Its exit status.
    """
    with launch.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            *launch.arguments,
            env=launch.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(process.wait())
    except TimeoutError:
        process.kill()
        await process.wait()
