"""Runs the nodes of a folder: `python -P -m network.fabric DIR --peer FILE --orderer FILE [--ready-fd N]`.

That they have been started is told on the descriptor, see `network.readiness`. SIGTERM and SIGINT end it and the nodes.
What it logs goes to stderr.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from network.errors import NetworkError
from network.fabric.keeper import Keeper, check_addresses, end_leftovers
from network.fabric.launching import prepare
from network.folder import Folder
from network.lock import Held, hold
from network.readiness import tell_failure, tell_ready


def main() -> None:
    """Run until told to end; ends the process with status 1 when the nodes cannot be started."""
    parser = argparse.ArgumentParser(prog="python -m network.fabric", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--orderer", type=Path, required=True)
    parser.add_argument("--ready-fd", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    sys.exit(asyncio.run(serve(Folder.at(arguments.folder), arguments.peer, arguments.orderer, arguments.ready_fd)))


async def serve(folder: Folder, peer: Path, orderer: Path, ready: int | None) -> int:
    """Run the folder's nodes until SIGTERM or SIGINT.

    Args:
        peer, orderer: Fabric's programs.
        ready: the descriptor that is told when the nodes have been started, or why they have not.

    Returns:
        The exit status.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    try:
        with hold(folder.lock):
            end_leftovers(folder)
            launches = prepare(folder, folder.topology(), peer, orderer)
            check_addresses([address for launch in launches for address in launch.node.addresses], folder.listen)
            async with Keeper(folder, launches):
                tell_ready(ready)
                await stop.wait()
    except Held:
        return tell_failure(ready, "the network of this folder runs already")
    except NetworkError as error:
        return tell_failure(ready, str(error), error.next_step)
    except OSError as error:
        return tell_failure(ready, f"the network's folder cannot be used: {error}")
    return 0


if __name__ == "__main__":
    main()
