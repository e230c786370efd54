"""The embedded network of a folder, seen from outside: one process, started and stopped as a whole."""

from pathlib import Path

from network import background
from network.errors import NetworkError
from network.folder import Folder
from network.lock import holder
from network.progress import Progress
from network.status import NetworkStatus, OrganisationStatus, ordering_trouble, peer_height

STOP_PATIENCE = 15.0  # seconds that the network has to end before it is killed


class EmbeddedProcess:
    """The process that runs a folder's embedded network."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def start(self, progress: Progress) -> None:
        background.start(self._folder, ["-m", "network.embedded", str(self._folder.path)], self._log)

    def stop(self) -> bool:
        return background.stop(self._folder, STOP_PATIENCE)

    def status(self) -> NetworkStatus:
        pid = holder(self._folder.lock)
        organisations = self._folder.topology().organisations
        return NetworkStatus(
            engine=self._folder.engine,
            running=pid is not None,
            pid=pid,
            organisations=tuple(
                OrganisationStatus(
                    name=one.name,
                    msp_id=one.msp_id,
                    peer=one.peer,
                    mutual_tls_peer=one.mutual_tls_peer,
                    orderer=one.orderer,
                    height=peer_height(self._folder, one) if pid is not None else None,
                )
                for one in organisations
            ),
            trouble=ordering_trouble(self._folder, organisations[0]) if pid is not None else "",
        )

    def logs(self) -> dict[str, Path]:
        return {
            path.stem: path for path in (self._log, *sorted(self._folder.home.glob("chaincode-*.log"))) if path.exists()
        }

    def restart(self, node: str, progress: Progress) -> None:
        raise NetworkError(
            "the embedded network is one process, whose nodes cannot be restarted one by one",
            "restart all of it with: certledger network down, then certledger network up",
        )

    @property
    def _log(self) -> Path:
        return self._folder.home / "embedded.log"
