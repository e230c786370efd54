"""Changing the channel's configuration, for the organisations whose admins' keys are in this folder.

Who must sign is what the configuration itself says, element by element: a value of an organisation needs that
organisation's own admins, one of the channel's or of the orderers' needs the channel's or the orderers'.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from fabric_protos.common import common_pb2

from network.crypto import user_names
from network.errors import NetworkError
from network.folder import Folder
from network.msp_folder import signing_identity
from network.topology import CHANNEL, Organisation
from network.updating import check_own, in_force, put_in_force
from network.waiting import NotYet, Waiter, answered
from node_client import ConnectionProfile, Gateway
from node_client.admin._sync.configuration import ChannelConfiguration, submit_update
from node_client.admin._sync.transport import Orderer
from node_client.admin.config_signing import sign_update
from node_client.errors import AdminError, GatewayError
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from node_client.protocol.certificates import load_certificate, subject_units
from node_client.protocol.config import ChannelConfig, Configuration
from node_client.protocol.config_authority import missing_policies
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.errors import ProtocolError

Edit = Callable[[bytes], bytes]
T = TypeVar("T")


def change(folder: Folder, organisation: Organisation, edit: Edit) -> ChannelConfig:
    """Change the channel's configuration, and wait until every peer of this folder has the change.

    The organisation's own admins sign, and others' as far as they must.

    Args:
        organisation: whose peer is asked and whose orderer gets the update.
        edit: makes the wanted configuration of the one in force, both `common.Config`.

    Returns:
        The configuration in force then.

    Raises:
        NoDifference: the edit changes nothing.
        NetworkError: the keys here are not enough, or somebody else's update came first.
        FabricError: a node refused, or could not be reached.
    """
    view = _View(folder, organisation)
    config = view.fetch()
    edited = edit(config.encoded)
    update = ConfigUpdate.compute(CHANNEL, config.encoded, edited)
    others = [one for one in folder.residents(folder.topology()) if one != organisation]
    for party in (organisation, *others):
        for user in _users(folder, party):
            missing = missing_policies(config, update)
            if missing and user.is_admin:
                signed = sign_update(update, user.identity, user.signer)
                # A signature that helps nothing is left out: the update says for ever who agreed to it.
                if missing_policies(config, signed) != missing or party == organisation:
                    update = signed
    if missing := missing_policies(config, update):
        raise NetworkError(
            f"the admins whose keys are here do not satisfy {', '.join(missing)}",
            "have the other organisations' admins sign the update",
        )
    view.submit(update, config)
    found = _wait(folder, config.sequence + 1, Configuration(CHANNEL, edited))
    view.check_own(update, found, config)
    return found


@dataclass(frozen=True)
class _User:
    identity: Identity
    signer: KeySigner
    is_admin: bool


def _users(folder: Folder, organisation: Organisation) -> Iterator[_User]:
    """An organisation's users whose keys are here, admins first."""
    home = folder.organisation(organisation.name)
    found = []
    for name in user_names(home):
        msp = home / "users" / name / "msp"
        try:
            identity, signer = signing_identity(msp, organisation.msp_id)
            is_admin = "admin" in subject_units(load_certificate(identity.certificate))
        except (OSError, ValueError) as error:
            raise NetworkError(f"the keys of {name} cannot be read: {error}") from error
        found.append((name, _User(identity, signer, is_admin)))
    found.sort(key=lambda one: (not one[1].is_admin, one[0] != "admin", one[0]))
    yield from (user for _, user in found)


class _View:
    """The channel as one organisation reaches it, as the first of its users who may."""

    def __init__(self, folder: Folder, organisation: Organisation) -> None:
        self._profile = ConnectionProfile.load(folder.organisation(organisation.name) / "connection.json")
        self._users = list(_users(folder, organisation))
        self._name = organisation.name

    def read(self) -> ChannelConfig:
        """The configuration in force, by the organisation's peer. Raises FabricError, NetworkError."""

        def ask(user: _User) -> ChannelConfig:
            with Gateway(self._profile.endpoint(self._name), user.identity, user.signer) as gateway:
                return ChannelConfiguration(gateway, CHANNEL).read()

        return self._as_someone(ask)

    def fetch(self) -> ChannelConfig:
        """The configuration in force, by the organisation's orderer. Raises FabricError, NetworkError."""
        return self._as_someone(lambda user: in_force(self._orderer, user.identity, user.signer))

    def submit(self, update: ConfigUpdate, config: ChannelConfig) -> None:
        """Submit an update of a configuration to the organisation's orderer. Raises FabricError, NetworkError."""

        def once() -> None:
            self._as_someone(lambda user: submit_update(self._orderer, update, user.identity, user.signer))

        put_in_force(once, self.fetch, config)

    def check_own(self, update: ConfigUpdate, found: ChannelConfig, config: ChannelConfig) -> None:
        """Check that it is this update that followed a configuration. Raises NetworkError, FabricError."""
        self._as_someone(lambda user: check_own(update, found, config, self._orderer, (user.identity, user.signer)))

    @property
    def _orderer(self) -> Orderer:
        return Orderer(self._profile.orderer(self._name))

    def _as_someone(self, ask: Callable[[_User], T]) -> T:
        """Ask as the first user who is admitted: others may have been revoked."""
        failure: Exception = NetworkError(f"{self._name} has no user whose key is here")
        for user in self._users:
            try:
                return ask(user)
            except (GatewayError, AdminError) as error:
                failure = error
                if not _is_denied(error):
                    break
        raise failure


def _is_denied(error: GatewayError | AdminError) -> bool:
    """Whether it is the caller who was refused, not what was asked."""
    if isinstance(error, AdminError):
        return error.status == common_pb2.FORBIDDEN
    return not error.unreachable


def _wait(folder: Folder, sequence: int, new: Configuration) -> ChannelConfig:
    """Wait until this folder's peers have a configuration of this sequence; those that the new one admits."""
    here = folder.residents(folder.topology())
    views = [_View(folder, one) for one in here if _is_peer(folder, one, new)]

    def known() -> ChannelConfig:
        found = [view.read() for view in views]
        if any(one.sequence < sequence for one in found):
            raise NotYet
        return found[0]

    return Waiter().until("every peer has the new configuration", answered(known))


def _is_peer(folder: Folder, organisation: Organisation, config: Configuration) -> bool:
    """Whether an organisation's peer is one of the channel: orderers give no blocks to others."""
    pem = (folder.organisation(organisation.name) / "peer" / "msp" / "signcerts" / "cert.pem").read_bytes()
    try:
        config.msp_manager.valid_member(Identity(organisation.msp_id, pem).serialized)
    except ProtocolError:
        return False
    return True
