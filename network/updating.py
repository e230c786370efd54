"""An update of the channel's configuration on its way into force.

The orderers may lose their leader while they have it, and somebody else's update may be faster. An update holds for
one configuration alone, so that submitting it again is harmless.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from fabric_protos.common import common_pb2

from network.errors import NetworkError
from network.topology import CHANNEL
from network.waiting import POLL
from node_client.admin._sync.configuration import fetch_block, fetch_configuration
from node_client.admin._sync.transport import Orderer
from node_client.errors import AdminError
from node_client.identity.identity import Identity
from node_client.identity.signer import Signer
from node_client.protocol.block import last_config
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_authority import last_update
from node_client.protocol.config_update import ConfigUpdate

ELECTION = 10.0  # seconds; orderers of ours choose a leader in one or two

T = TypeVar("T")


def in_force(orderer: Orderer, identity: Identity, signer: Signer) -> ChannelConfig:
    """The configuration in force, as an orderer knows it.

    An orderer gives no block while it knows no leader (`Errored` in `orderer/consensus/etcdraft/chain.go`), which
    passes with an election: it is asked again for some seconds.

    Raises:
        AdminError: it refused, or could not be reached.
    """
    return _through_election(lambda: fetch_configuration(orderer, CHANNEL, identity, signer))


def put_in_force(submit: Callable[[], None], read: Callable[[], ChannelConfig], config: ChannelConfig) -> None:
    """Submit an update, for some seconds as often as it takes in an election.

    An orderer whose leader is gone does not know what became of what it handed on (`forwarding` in
    `orderer/consensus/etcdraft/chain.go`): when another configuration is in force then, the update is not submitted
    again, for it holds no more.

    Args:
        submit: submits it once.
        read: reads the configuration in force, from an orderer.
        config: the one that the update is of.

    Raises:
        AdminError: the orderer refused, or could not be reached.
    """
    handed_on = False

    def once() -> None:
        nonlocal handed_on
        try:
            submit()
        except AdminError as error:
            handed_on = handed_on or _passes(error)
            if not handed_on or read().sequence <= config.sequence:
                raise

    _through_election(once)


def check_own(
    update: ConfigUpdate, found: ChannelConfig, config: ChannelConfig, orderer: Orderer, who: tuple[Identity, Signer]
) -> None:
    """Check that it is this update that followed the configuration that it is of: what is ordered too late is dropped.

    Args:
        found: what is in force now.
        config: what was.
        orderer: gives the configurations between them to `who`.

    Raises:
        NetworkError: somebody else's update came first.
        AdminError: the orderer refused, or could not be reached.
    """
    while found.sequence > config.sequence + 1:
        before = fetch_block(orderer, CHANNEL, *who, found.block.number - 1)
        found = ChannelConfig(fetch_block(orderer, CHANNEL, *who, last_config(before)))
    if ConfigUpdate.from_envelope(last_update(found.block.envelopes[0])).data != update.data:
        raise NetworkError(
            "somebody else has changed the configuration just before, and this update does not hold any more",
            "make the change again, of the configuration that is in force now",
        )


def _through_election(ask: Callable[[], T]) -> T:
    """Ask an orderer, for some seconds again and again while it knows no leader. Raises AdminError."""
    deadline = time.monotonic() + ELECTION
    while True:
        try:
            return ask()
        except AdminError as error:
            if not _passes(error) or time.monotonic() > deadline:
                raise
        time.sleep(POLL)


def _passes(error: AdminError) -> bool:
    return error.status == common_pb2.SERVICE_UNAVAILABLE
