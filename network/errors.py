"""What can go wrong when a network is made or run.

NetworkError
├── FolderError          the folder is not a network's, or of another version
├── ConfigurationError   configtx.yaml cannot be used
├── BundleError          an organisation's public bundle cannot be used
├── BinariesError        Fabric's programs are not here, or of another version
├── DownloadError        Fabric's release archive cannot be had
├── NotConfirmed         nobody says that the release archive is the right one
├── NotRunning           nothing runs in this folder
├── NotAgreed            too few organisations have approved a chaincode's definition
├── ApprovalLost         a peer has lost what its organisation approved, and takes no other approval
└── StartError           the network did not come up
"""


class NetworkError(Exception):
    """Base of the network's errors.

    Args:
        message: what happened, a sentence.
        next_step: what to do about it.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class FolderError(NetworkError):
    """The folder cannot be used as a network's folder."""


class ConfigurationError(NetworkError):
    """configtx.yaml does not say what is needed, or says it wrongly."""


class BundleError(NetworkError):
    """What an organisation tells the others of itself is damaged, or does not fit."""


class BinariesError(NetworkError):
    """Fabric's own programs cannot be used."""


class DownloadError(NetworkError):
    """A release archive cannot be had."""


class NotConfirmed(NetworkError):
    """A release archive has a digest of which nobody says that it is the right one."""


class NotRunning(NetworkError):
    """The network does not run."""


class NotAgreed(NetworkError):
    """Too few organisations have approved a chaincode's definition, or too few of their peers endorse it."""


class ApprovalLost(NetworkError):
    """A peer that has fetched the ledger from others has lost what its organisation approved for a sequence."""


class StartError(NetworkError):
    """The network did not come up."""
