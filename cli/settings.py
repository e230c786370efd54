"""The options that commands share, and what they stand for: a network's folder, an identity, a form of output."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.output import Output

if TYPE_CHECKING:
    from network.folder import Folder
    from network.profiles import UserProfile
    from node_client.certificates._async.client import AsyncRegistryClient
    from node_client.certificates._sync.client import RegistryClient
    from node_client.certificates.target import Target
    from node_client.certificates.trust import Trust
    from node_client.gateway._async.gateway import AsyncGateway
    from node_client.gateway._sync.network import Network

CONSENSUS = click.Choice(["raft", "bft"])

Command = Callable[..., Any]


@dataclass(frozen=True)
class Settings:
    """What a command was told by the shared options."""

    directory: Path
    profile_name: str
    output: Output

    @property
    def folder(self) -> "Folder":
        """The network's folder, whatever is there."""
        from network.folder import Folder

        return Folder.at(self.directory)

    def profile(self) -> "UserProfile":
        """Who the command acts as. Raises NetworkError."""
        from network.profiles import load_profile

        return load_profile(self.folder, self.profile_name)

    def target(self, name: str) -> "Target":
        """The certificate that is named by its id, by the caller's reference, or by its receipt's file.

        Raises:
            NotInRegister: it is no id, and the register knows no such reference.
            ReceiptError: the file is not a receipt.
        """
        with self.targets() as find:
            return find(name)

    @contextmanager
    def targets(self) -> "Iterator[Callable[[str], Target]]":
        """As `target`, for many names."""
        from chaincode.registry.model.ids import is_id
        from node_client.anchoring.holding import find_target
        from node_client.certificates.errors import NotInRegister
        from node_client.certificates.receipt_file import SUFFIX, read_receipt
        from node_client.certificates.register import Register
        from node_client.certificates.target import Target

        profile = self.profile()

        def find(name: str) -> Target:
            if name.endswith(SUFFIX) and Path(name).exists():
                return Target.of_receipt(read_receipt(Path(name)))
            found = find_target(register, name) if register else None
            if found is not None:
                return found
            if is_id(name):
                return Target(name)
            raise NotInRegister(
                f"{name} is no certificate id, and the register of {profile.organisation} has no such reference",
                "list the certificates with: certledger list",
            )

        with Register(profile.register) if profile.register.exists() else nullcontext() as register:
            yield find

    def certificate_id(self, name: str) -> str:
        """The id of a certificate. Raises as `target`."""
        return self.target(name).certificate_id

    @contextmanager
    def registry(self, trust: "Trust | None" = None) -> "Iterator[RegistryClient]":
        """The registry, as the profile's user reaches it.

        Args:
            trust: whose word counts; by default what the profile's trust file says.
        """
        from node_client.certificates._sync.client import RegistryClient

        trust = trust or read_trust(self.profile().trust)
        with self.network(trust.ledger.channel) as network:
            yield RegistryClient(network, trust)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["tuple[AsyncGateway, AsyncRegistryClient]"]:
        """The profile's own peer for asyncio, and the registry over it, by what the profile's trust file says."""
        from node_client import AsyncGateway, ConnectionProfile
        from node_client.certificates._async.client import AsyncRegistryClient

        profile = self.profile()
        trust = read_trust(profile.trust)
        connection = ConnectionProfile.load(profile.connection)
        async with AsyncGateway.from_profile(connection, profile.organisation, profile.user) as gateway:
            yield gateway, AsyncRegistryClient(gateway.get_network(trust.ledger.channel), trust)

    @contextmanager
    def network(self, channel: str) -> "Iterator[Network]":
        """A channel, over the profile's own peer."""
        from node_client import ConnectionProfile, Gateway

        profile = self.profile()
        connection = ConnectionProfile.load(profile.connection)
        with Gateway.from_profile(connection, profile.organisation, profile.user) as gateway:
            yield gateway.get_network(channel)


def read_trust(path: Path) -> "Trust":
    """Read a trust file. Raises TrustError."""
    from node_client.certificates.errors import TrustError
    from node_client.certificates.trust import Trust

    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrustError(f"the trust file {path} cannot be read: {error.strerror}") from error
    return Trust.from_bytes(data)


def folder_options(command: Command) -> Command:
    """Give a command `--dir` and `--json`, and its settings as the first argument."""
    return _with_settings(command)


def identity_options(command: Command) -> Command:
    """Give a command `--dir`, `--profile` and `--json`, and its settings as the first argument."""
    named = click.option("--profile", "profile", default="", metavar="NAME", help="Who acts.")
    return named(_with_settings(command))


def _with_settings(command: Command) -> Command:
    @functools.wraps(command)
    def wrapped(directory: Path, as_json: bool, profile: str = "", **arguments: object) -> object:
        return command(Settings(directory, profile, Output(as_json)), **arguments)

    chosen = click.option(
        "--dir",
        "directory",
        envvar="CERTLEDGER_DIR",
        default=".certledger",
        show_default=True,
        type=click.Path(path_type=Path),
        help="The network's folder.",
    )
    return chosen(click.option("--json", "as_json", is_flag=True, help="Print results as JSON Lines.")(wrapped))
