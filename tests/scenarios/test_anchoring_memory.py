"""How much memory `anchor` takes does not grow with its source."""

import sys

import pytest

from chaincode.registry.model.ids import new_id
from tests.conftest import Commands, certledger

pytestmark = pytest.mark.slow

# Runs a command, and tells the most memory that it had.
MEASURED = """
import resource, sys
from cli.main import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
UNIT = 1 if sys.platform == "darwin" else 1024
MEGABYTE = 10**6


def peak(commands: Commands, count: int) -> float:
    """Megabytes that anchoring so many certificates in one batch takes at most."""
    mark = new_id()[:8]
    path = commands.home / f"{count}.csv"
    with path.open("w") as file:
        file.write("sha256,size,reference\n")
        file.writelines(f"{number:064x},1,{mark}-{number}\n" for number in range(count))
    done = certledger(
        *("anchor", path.name, "--jobs", "1", "--json"), cwd=commands.home, folder=commands.folder, program=MEASURED
    )
    assert done.status == 0, done
    assert done.records[0]["size"] == count
    return int(done.messages.splitlines()[-1]) * UNIT / MEGABYTE


def test_four_times_the_certificates_take_hardly_more_memory(commands: Commands) -> None:
    small, large = peak(commands, 100_000), peak(commands, 400_000)
    assert large - small < 40, (small, large)  # in the register 300,000 certificates are 64 MB
    assert large < 300
