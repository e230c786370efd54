"""Changing the channel's configuration by files that go from one organisation to the next.

The configuration is fetched as JSON and edited. What the edit comes to is an update, which everybody signs who must,
each with the own key at the own site; then anybody submits it. The updates are Fabric's: its command `peer channel`
signs and submits them, too.
"""

from dataclasses import dataclass
from pathlib import Path

from network.errors import NetworkError
from network.given_files import read_given
from network.msp_folder import signing_identity
from network.profiles import UserProfile
from network.topology import CHANNEL
from network.updating import check_own, in_force, put_in_force
from network.waiting import NotYet, Waiter, answered
from node_client import ConnectionProfile, Gateway
from node_client.admin._sync.configuration import ChannelConfiguration, submit_update
from node_client.admin._sync.transport import Orderer
from node_client.admin.config_signing import sign_update
from node_client.durable import replace_file
from node_client.identity.identity import Identity
from node_client.identity.signer import Signer
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_authority import changed_elements, missing_policies
from node_client.protocol.config_json import config_from_json, config_to_json
from node_client.protocol.config_update import ConfigUpdate, NoDifference
from node_client.protocol.errors import ProtocolError


@dataclass(frozen=True)
class UpdateState:
    """How far an update is.

    Attributes:
        changes: what it changes, such as `[Value]  /Channel/Orderer/BatchTimeout`.
        signatures: how many it has.
        missing: the policies that they do not satisfy yet.
    """

    changes: tuple[str, ...]
    signatures: int
    missing: tuple[str, ...]


class ConfigDesk:
    """The channel's configuration as one user works on it.

    Args:
        profile: who.
    """

    def __init__(self, profile: UserProfile) -> None:
        connection = ConnectionProfile.load(profile.connection)
        self._identity = connection.identity(profile.organisation, profile.user)
        self._signer = connection.signer(profile.organisation, profile.user)
        self._orderer = Orderer(connection.orderer(profile.organisation))
        self._peer = connection.endpoint(profile.organisation)
        self._home = profile.connection.parent

    def fetch(self, path: Path) -> ChannelConfig:
        """Write the configuration in force as JSON. Raises NetworkError, FabricError."""
        config = self.config()
        _write(path, f"{config_to_json(config.encoded)}\n".encode())
        return config

    def propose(self, path: Path, config: ChannelConfig, wanted: bytes) -> UpdateState:
        """Write the update that leads from the configuration in force to the wanted one; nobody has signed it yet.

        Args:
            config: the configuration in force.
            wanted: the wanted one, `common.Config`.

        Raises:
            NetworkError: nothing is changed, or the file cannot be written.
        """
        try:
            update = ConfigUpdate.compute(CHANNEL, config.encoded, wanted)
        except NoDifference as error:
            raise NetworkError("it says what the configuration in force says", "there is nothing to propose") from error
        except ProtocolError as error:
            raise NetworkError(f"it cannot be proposed: {error}") from error
        _write(path, update.file())
        return _state(config, update)

    def sign(self, path: Path) -> UpdateState:
        """Sign an update, once. Raises NetworkError, FabricError."""
        config, update = self.config(), _read_update(path)
        if all(one.identity != self._identity.serialized for one in update.signed_data):
            update = sign_update(update, self._identity, self._signer)
        state = _state(config, update)
        _write(path, update.file())
        return state

    def submit(self, path: Path) -> ChannelConfig:
        """Submit an update, and wait until the own organisation's peer has what comes of it.

        In maintenance mode orderers take nothing but what an orderer submits: the own one does then, with its
        key in the site's folder.

        Returns:
            The configuration in force then.

        Raises:
            NetworkError: the file is no update, signatures are missing, or somebody else's update came first.
            FabricError: the orderer refused, or could not be reached.
        """
        config, update = self.config(), _read_update(path)
        if missing := _state(config, update).missing:
            raise NetworkError(
                f"signatures are missing that satisfy {', '.join(missing)}",
                "have the organisations' admins sign it: certledger network config sign FILE",
            )
        who = self._node() if config.in_maintenance else (self._identity, self._signer)
        put_in_force(lambda: submit_update(self._orderer, update, *who), self.config, config)

        def known() -> ChannelConfig:
            with Gateway(self._peer, self._identity, self._signer) as gateway:
                found = ChannelConfiguration(gateway, CHANNEL).read()
            if found.sequence <= config.sequence:
                raise NotYet
            return found

        found = Waiter().until("the peer has the new configuration", answered(known))
        check_own(update, found, config, self._orderer, (self._identity, self._signer))
        return found

    def _node(self) -> tuple[Identity, Signer]:
        """The organisation's first orderer."""
        try:
            return signing_identity(self._home / "orderer" / "msp", self._identity.msp_id)
        except (OSError, ValueError) as error:
            raise NetworkError(
                f"in maintenance mode an orderer must submit, and its key cannot be read: {error}",
                "submit at the site of one of the orderers",
            ) from error

    def config(self) -> ChannelConfig:
        """The configuration in force, as the organisation's orderer knows it. Raises FabricError."""
        return in_force(self._orderer, self._identity, self._signer)


def edited(path: Path, config: ChannelConfig) -> bytes:
    """The configuration, `common.Config`, in a file of edited JSON. Raises NetworkError.

    Args:
        config: the configuration in force.
    """
    try:
        return config_from_json(read_given(path).decode(), config.encoded)
    except (ProtocolError, UnicodeDecodeError) as error:
        raise NetworkError(f"{path} cannot be used: {error}", "fetch it again, and change what you must") from error


def _state(config: ChannelConfig, update: ConfigUpdate) -> UpdateState:
    try:
        changes = tuple(sorted(changed_elements(config, update)))
        return UpdateState(changes, len(update.signatures), missing_policies(config, update))
    except ProtocolError as error:
        raise NetworkError(
            f"the update does not fit the configuration in force: {error}",
            "somebody has changed it meanwhile: fetch it again, and propose the change anew",
        ) from error


def _read_update(path: Path) -> ConfigUpdate:
    try:
        return ConfigUpdate.from_envelope(read_given(path))
    except ProtocolError as error:
        raise NetworkError(f"{path} is no update of a configuration: {error}") from error


def _write(path: Path, data: bytes) -> None:
    try:
        replace_file(path, data)
    except OSError as error:
        raise NetworkError(f"{path} cannot be written: {error.strerror}") from error
