"""Changing the channel's configuration, for the organisations whose admins' keys are in this folder.

Who must sign is what the configuration itself says, element by element: a value of an organisation needs that
organisation's own admins, one of the channel's or of the orderers' needs the channel's or the orderers'.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from network.crypto import user_names
from network.errors import NetworkError, NotRunning
from network.folder import Folder
from network.lock import holder
from network.topology import CHANNEL, Organisation
from network.waiting import NotYet, Waiter, answered
from node_client import ConnectionProfile, Gateway
from node_client.admin._sync.configuration import ChannelConfiguration, submit_update
from node_client.admin._sync.transport import Orderer
from node_client.admin.config_signing import sign_update
from node_client.errors import FabricError, GatewayError
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from node_client.protocol.certificates import load_certificate, subject_units
from node_client.protocol.config import ChannelConfig, Configuration
from node_client.protocol.config_authority import missing_policies
from node_client.protocol.config_update import ConfigUpdate

Edit = Callable[[bytes], bytes]


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
        NetworkError: the network does not run, or the keys here are not enough.
        FabricError: a node refused, or could not be reached.
    """
    if holder(folder.lock) is None:
        raise NotRunning("the network does not run", "start it with: certledger network up")
    view = _View(folder, organisation)
    config = view.read()
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
    view.submit(update)
    return _wait(folder, config.sequence + 1, Configuration(CHANNEL, edited).organisations.values())


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
            pem = (msp / "signcerts" / "cert.pem").read_bytes()
            signer = KeySigner.from_pem((msp / "keystore" / "key.pem").read_bytes())
            is_admin = "admin" in subject_units(load_certificate(pem))
        except (OSError, ValueError) as error:
            raise NetworkError(f"the keys of {name} cannot be read: {error}") from error
        found.append((name, _User(Identity(organisation.msp_id, pem), signer, is_admin)))
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
        failure: Exception = NetworkError(f"{self._name} has no user whose key is here")
        for user in list(self._users):
            try:
                with Gateway(self._profile.endpoint(self._name), user.identity, user.signer) as gateway:
                    return ChannelConfiguration(gateway, CHANNEL).read()
            except FabricError as error:
                failure = error
                if isinstance(error, GatewayError) and error.unreachable:
                    break
            self._users.remove(user)  # who has been revoked, say
            self._users.append(user)
        raise failure

    def submit(self, update: ConfigUpdate) -> None:
        """Submit an update to the organisation's orderer. Raises AdminError."""
        user = self._users[0]
        submit_update(Orderer(self._profile.orderer(self._name)), update, user.identity, user.signer)


def _wait(folder: Folder, sequence: int, msp_ids: Collection[str]) -> ChannelConfig:
    """Wait until this folder's peers of these organisations have a configuration of this sequence."""
    here = folder.residents(folder.topology())
    views = [_View(folder, one) for one in here if one.msp_id in msp_ids]

    def known() -> ChannelConfig:
        found = [view.read() for view in views]
        if any(one.sequence < sequence for one in found):
            raise NotYet
        return found[0]

    return Waiter().until("every peer has the new configuration", answered(known))
