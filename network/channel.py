"""The channel that organisations make of their bundles: at every site the same first block, to the last byte."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509

from network.bundle import Bundle
from network.bundle_checks import check, fitting
from network.bundle_files import unpack
from network.channel_config import first_block
from network.rendering import rendered
from network.topology import CHANNEL, Topology, read_topology

NONCE_SIZE = 24  # bytes, as Fabric's `common/crypto/random.go` has it
_NONCE_DOMAIN = b"certledger/v1/first-block\x00"


@dataclass(frozen=True)
class Channel:
    """What follows from the bundles.

    Attributes:
        bundles: in the order of configtx.yaml's organisations.
        configtx: the text of configtx.yaml as it is in force.
        block: the first block.
    """

    bundles: tuple[Bundle, ...]
    configtx: str
    block: bytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the first block's file, in hex: what people compare."""
        return sha256(self.block).hexdigest()


def channel_of(topology: Topology, bundles: Sequence[Bundle], now: datetime | None = None) -> Channel:
    """Make the channel of the organisations that configtx.yaml names.

    The nonce and the timestamp, which make blocks of the same content differ, follow from the bundles: from their
    digests, and from the latest beginning of a certificate's validity.

    Args:
        topology: of the consortium's configtx.yaml; its addresses are replaced by the bundles'.
        now: when it is made, for certificates that have expired; the present by default. Nothing in it depends on it.

    Raises:
        BundleError: the bundles do not fit each other or configtx.yaml, or a certificate in one cannot be used.
        ConfigurationError: configtx.yaml cannot be used.
    """
    found = fitting(topology, bundles)
    text = rendered(topology, [bundle.place for bundle in found])
    with TemporaryDirectory(prefix="certledger-") as place:
        folder = Path(place)
        for bundle in found:
            unpack(bundle, folder / bundle.organisation)
            check(bundle, folder / bundle.organisation, now)
        profile = read_topology(text, topology.name).profile
        block = first_block(profile, CHANNEL, folder, nonce=_nonce(found), timestamp=_timestamp(found))
    return Channel(found, text, block)


def _nonce(bundles: Sequence[Bundle]) -> bytes:
    digests = b"".join(bytes.fromhex(bundle.digest) for bundle in bundles)
    return sha256(_NONCE_DOMAIN + digests).digest()[:NONCE_SIZE]


def _timestamp(bundles: Sequence[Bundle]) -> datetime:
    certificates = [x509.load_pem_x509_certificate(pem.encode()) for one in bundles for pem in one.certificates]
    return max((one.not_valid_before_utc for one in certificates), default=datetime.fromtimestamp(0, UTC))
