"""Chaincode that is launched when somebody calls it, and again when it has ended and is called again.

So do Fabric's peers (`core/chaincode/runtime_launcher.go`), whose words these are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from network.embedded.chaincode_processes import Launch, run_once

logger = logging.getLogger(__name__)

Prepare = Callable[[], Awaitable[Launch]]


class OnDemand:
    """One package's chaincode.

    Args:
        prepare: makes what its process needs; raises Refused, OSError.
    """

    def __init__(self, package_id: str, prepare: Prepare) -> None:
        self._package_id = package_id
        self._prepare = prepare
        self._running: asyncio.Task[str] | None = None

    async def wait_for(self, registered: Callable[[], Awaitable[None]], timeout: float) -> str:
        """Launch it unless it runs, and wait until it has registered.

        Args:
            registered: waits until it has.

        Returns:
            Why it has not; empty when it has.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        arrival = asyncio.ensure_future(registered())
        try:
            await asyncio.wait([arrival, self._running], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if arrival.done():
                return ""
            if self._running.done():
                return f"chaincode registration failed: {self._running.result()}"
            return f"timeout expired while starting chaincode {self._package_id} for transaction"
        finally:
            arrival.cancel()

    async def close(self) -> None:
        """End its process."""
        if self._running:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> str:
        """Run it until it ends. Returns how it ended."""
        try:
            status = await run_once(await self._prepare())
        except Exception as error:  # noqa: BLE001 - whatever keeps it from running, the caller hears of it
            logger.warning("chaincode %s could not be launched: %s", self._package_id, error)
            return f"error starting container: {error}"
        logger.info("the process of chaincode %s has ended with %s", self._package_id, status)
        if status:
            return f"failed to wait on container exit: builder 'certledger' run failed: exit status {status}"
        return "container exited with 0"
