"""Chaincode packages from what lies in files: a service's address and certificates, or a folder with a contract."""

import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chaincode.builder import launched
from chaincode.builder.errors import PackageError
from network.errors import ConfigurationError
from network.given_files import read_given
from node_client.durable import replace_file
from node_client.protocol.certificates import load_certificate
from node_client.protocol.chaincode_package import (
    DIAL_TIMEOUT,
    LAUNCHED,
    MAX_SIZE,
    PackageInfo,
    ServiceTls,
    chaincode_package,
    package_info,
    service_package,
)
from node_client.protocol.errors import ProtocolError

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9._-]+):([0-9]{1,5})")
# A builder fills in what stands for a value of the peer's own (`chaincode.builder.service`).
_TEMPLATE = re.compile(r"\{\{\s*\.\w+\s*\}\}")
_LEFT_OUT = re.compile(r"\..*|__pycache__|.*\.pyc|.*\.egg-info")


@dataclass(frozen=True, kw_only=True)
class ServiceSource:
    """A chaincode that runs as a service.

    Attributes:
        address: `host:port`, which peers dial.
        root: a PEM file with the CA certificate under which its TLS certificate is; without it peers dial in plain
            text.
        client_key, client_certificate: PEM files with which peers dial it, both or none.
        dial_timeout: how long a peer waits for the connection.
    """

    address: str
    root: Path | None = None
    client_key: Path | None = None
    client_certificate: Path | None = None
    dial_timeout: str = DIAL_TIMEOUT

    def record(self) -> dict[str, str]:
        """What it is, for scripts."""
        return {"address": self.address}

    def package(self, label: str) -> bytes:
        """The package. Raises ConfigurationError."""
        found = _ADDRESS.fullmatch(_TEMPLATE.sub("1", self.address))
        if not found or not 0 < int(found[2]) < 65536:
            raise ConfigurationError(f"{self.address} is no address", "write it as host:port")
        try:
            return service_package(label, self.address, self._tls(), self.dial_timeout)
        except ProtocolError as error:
            raise ConfigurationError(str(error)) from error

    def _tls(self) -> ServiceTls | None:
        if self.root is None:
            if self.client_key or self.client_certificate:
                raise ConfigurationError(
                    "a client certificate is shown over TLS only",
                    "name the service's CA certificate with --tls-root as well",
                )
            return None
        if bool(self.client_key) != bool(self.client_certificate):
            raise ConfigurationError(
                "a client's key and its certificate belong together", "give both --tls-client-key and --tls-client-cert"
            )
        root = _certificate(self.root)
        if self.client_key is None or self.client_certificate is None:
            return ServiceTls(root)
        certificate, key = _certificate(self.client_certificate), read_given(self.client_key, ConfigurationError)
        try:
            public = load_pem_private_key(key, None).public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigurationError(f"{self.client_key} is no private key in PEM: {error}") from error
        if public != load_certificate(certificate).public_key():
            raise ConfigurationError(f"{self.client_key} is not the key of {self.client_certificate}")
        return ServiceTls(root, key, certificate)


@dataclass(frozen=True)
class FolderSource:
    """A chaincode in Python that peers launch.

    Attributes:
        folder: has its modules, a `launch.json` that names one, and what it requires (`docs/chaincode.md`).
    """

    folder: Path

    def record(self) -> dict[str, str]:
        """What it is, for scripts."""
        return {"source": str(self.folder)}

    def package(self, label: str) -> bytes:
        """The package: every file but hidden ones and what Python makes of them. Raises ConfigurationError."""
        files = _files(self.folder)
        try:
            launched.module(files.get(launched.LAUNCH, b""))
            return chaincode_package(label, LAUNCHED, files)
        except (PackageError, ProtocolError) as error:
            raise ConfigurationError(f"{self.folder}: {error}") from error


def read_package(path: Path) -> tuple[PackageInfo, bytes]:
    """A package's file, and what it says of itself. Raises ConfigurationError."""
    data = read_given(path, ConfigurationError)
    try:
        return package_info(data), data
    except ProtocolError as error:
        raise ConfigurationError(f"{path} is no chaincode package: {error}") from error


def write_package(path: Path, data: bytes) -> PackageInfo:
    """Write a package where only its owner reads it, for there may be a key in it. Raises ConfigurationError."""
    try:
        replace_file(path, data, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    return package_info(data)


def _files(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    size = 0
    waiting = [folder]
    try:
        while waiting:
            for path in sorted(waiting.pop().iterdir()):
                name = path.relative_to(folder).as_posix()
                if _LEFT_OUT.fullmatch(path.name):
                    continue
                if path.is_symlink():
                    raise ConfigurationError(f"{path} is a link: a package has files only")
                if path.is_dir():
                    waiting.append(path)
                    continue
                if not path.is_file():
                    raise ConfigurationError(f"{path} is no file: a package has files only")
                size += path.stat().st_size
                if size > MAX_SIZE:
                    raise ConfigurationError(f"{folder} is too large for a package: {MAX_SIZE} bytes at most")
                found[name] = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{error.filename or folder} cannot be read: {error.strerror}") from error
    return found


def _certificate(path: Path) -> bytes:
    pem = read_given(path, ConfigurationError)
    try:
        load_certificate(pem)
    except ProtocolError as error:
        raise ConfigurationError(f"{path} is no certificate: {error}") from error
    return pem
