"""What chaincode gets that an organisation's peer launches: a key pair, the peer's address, what was built of it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from network.authority import Authority
from network.embedded.chaincode_processes import Launch
from network.embedded.chaincode_support import ChaincodeSupport
from network.embedded.node_keys import reading
from network.embedded.package_builds import BUILDER, PackageBuilds
from network.embedded.system.packages import Package
from network.topology import Organisation

KEY, CERTIFICATE, ROOT = "client.key", "client.crt", "root.crt"


class Launches:
    """The launched chaincode of one organisation.

    Args:
        folder: the network's folder.
        support: admits what is launched.

    Attributes:
        peer_address: where chaincode dials the peer; known when the peer serves.
    """

    def __init__(self, folder: Path, organisation: Organisation, support: ChaincodeSupport) -> None:
        self._home = folder / "embedded"
        self._authority = folder / organisation.name / "tlsca"
        self._organisation = organisation
        self._support = support
        self._builds = PackageBuilds(self._home / "builds" / organisation.name)
        self.peer_address = ""

    async def build(self, package: Package) -> None:
        """Build a package, unless it is built. Raises Refused."""
        await self._builds.build(package)

    async def prepare(self, package: Package) -> Launch:
        """Make what a package's process needs; it is built first, if it is not. Raises Refused, OSError."""
        output = await self._builds.build(package)
        name = f"{package.label}-{package.id.rpartition(':')[2][:12]}"
        launch = self.launch(package.id, name, ())
        # As Fabric's peers hand it to a builder (`runConfig` in `core/container/externalbuilder/externalbuilder.go`).
        told = {
            "chaincode_id": package.id,
            "peer_address": launch.peer_address,
            "mspid": launch.msp_id,
            "client_cert": (launch.folder / CERTIFICATE).read_text(encoding="utf-8"),
            "client_key": (launch.folder / KEY).read_text(encoding="utf-8"),
            "root_cert": (launch.folder / ROOT).read_text(encoding="utf-8"),
        }
        path = launch.folder / "chaincode.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(told), encoding="utf-8")
        return replace(launch, arguments=(*BUILDER[1:], "run", str(output), str(launch.folder)))

    def launch(self, package_id: str, name: str, arguments: Sequence[str]) -> Launch:
        """How to start a chaincode, with a key pair of its own; the peer admits it from now on.

        Args:
            name: its name in the network's folder.
            arguments: after the interpreter.
        """
        home = self._home / "chaincode" / f"{name}-{self._organisation.name}"
        with reading(self._authority):
            authority = Authority.load(self._authority / "tlsca.key", self._authority / "tlsca.crt")
        client = f"chaincode-{sha256(package_id.encode()).hexdigest()[:32]}"
        for kind in (KEY, CERTIFICATE, ROOT):
            (home / kind).unlink(missing_ok=True)
        authority.issue_tls(client).write(home / KEY, home / CERTIFICATE)
        (home / ROOT).write_bytes((self._authority / "tlsca.crt").read_bytes())
        self._support.expect(package_id, client)
        return Launch(
            package_id=package_id,
            msp_id=self._organisation.msp_id,
            peer_address=self.peer_address,
            arguments=arguments,
            folder=home,
            log=self._home / f"chaincode-{name}-{self._organisation.name}.log",
        )
