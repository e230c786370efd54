"""What the orderers of other organisations have, as far as they answer soon: a site goes on without them as well."""

from collections.abc import Callable
from functools import partial

from network.folder import Folder
from network.topology import CHANNEL, Organisation
from network.waiting import each
from node_client import ConnectionProfile
from node_client.admin._sync.configuration import fetch_block
from node_client.admin._sync.transport import Orderer
from node_client.errors import AdminError
from node_client.protocol.block import Block, last_config
from node_client.protocol.errors import ProtocolError

SOON = 5.0  # seconds that an orderer may take

Fetch = Callable[..., Block]
"""`fetch_block` from one orderer: of a number, or the newest without one."""


def height(folder: Folder, own: Organisation) -> int:
    """How many blocks others have; 0 when none of them answers."""
    return max((block.number + 1 for block in _blocks(folder, own, lambda fetch: fetch())), default=0)


def configuration(folder: Folder, own: Organisation) -> bytes | None:
    """The newest configuration block that others have; None when none answers, or the channel is not there yet.

    By this block an orderer joins that has nothing of the channel: by the first one it would not come to know that the
    orderers have agreed in another way since.
    """
    found = _blocks(folder, own, lambda fetch: fetch(last_config(fetch())))
    return max(found, key=lambda block: block.number).encode() if found else None


def _blocks(folder: Folder, own: Organisation, choose: Callable[[Fetch], Block]) -> list[Block]:
    profile = ConnectionProfile.load(folder.organisation(own.name) / "connection.json")
    identity, signer = profile.identity(own.name, "admin"), profile.signer(own.name, "admin")

    def ask(other: Organisation) -> Block | None:
        orderer = Orderer(profile.orderer(other.name))
        fetch = partial(fetch_block, orderer, CHANNEL, identity, signer, timeout=SOON)
        try:
            return choose(fetch)
        except (AdminError, ProtocolError):
            return None

    others = [one for one in folder.topology().organisations if one.name != own.name]
    return [block for block in each(others, ask) if block]
