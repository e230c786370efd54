"""`python -m chaincode.builder detect|build|release|run FOLDER…`, as a peer calls it; or `install DIR`."""

import sys
from pathlib import Path
from typing import NoReturn

from chaincode.builder import programs
from chaincode.builder.errors import Failure, PackageError
from chaincode.builder.installing import install

USAGE = "usage: python -m chaincode.builder install DIR, or detect|build|release|run FOLDER… as a peer calls it"


def main(arguments: list[str]) -> None:
    """Run a program. Ends the process: with a status of `Failure` when the package cannot be used."""
    name, *folders = arguments or [""]
    try:
        if name == "install" and len(folders) == 1:
            install(Path(folders[0]))
        elif name in programs.NAMES:
            programs.call(name, folders)
        else:
            sys.exit(USAGE)
    except PackageError as error:
        _fail(name, error, error.failure)
    except OSError as error:
        _fail(name, error, Failure.SYSTEM)


def _fail(name: str, error: Exception, status: Failure) -> NoReturn:
    sys.stderr.write(f"{name}: {error}\n")
    sys.exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
