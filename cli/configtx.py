"""The consortium's configtx.yaml, as commands are told where it is."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from network.topology import Topology

FILE = click.Path(path_type=Path, dir_okay=False)
CONFIGTX = click.option(
    "--configtx", metavar="FILE", type=FILE, help="The consortium's configtx.yaml (default: certledger's own)."
)


def topology_of(configtx: Path | None, profile: str) -> "Topology":
    """A profile of the file that was named, or of certledger's own. Raises ConfigurationError."""
    from network.errors import ConfigurationError
    from network.topology import default_configtx, read_topology

    try:
        text = configtx.read_text(encoding="utf-8") if configtx else default_configtx()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{configtx} cannot be read: {error}") from error
    return read_topology(text, profile)
