"""`python -m chaincode.builder detect|build|release|run FOLDER…`, as a peer calls it; or `install DIR`."""

import sys
from pathlib import Path

from chaincode.builder import programs
from chaincode.builder.errors import PackageError
from chaincode.builder.installing import install

USAGE = "usage: python -m chaincode.builder install DIR, or detect|build|release|run FOLDER… as a peer calls it"


def main(arguments: list[str]) -> None:
    """Run a program. Ends the process: with status 1 when the package cannot be used."""
    name, *folders = arguments or [""]
    try:
        if name == "install" and len(folders) == 1:
            install(Path(folders[0]))
        elif name in programs.NAMES:
            programs.call(name, folders)
        else:
            sys.exit(USAGE)
    except (PackageError, OSError) as error:
        sys.exit(f"{name}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
