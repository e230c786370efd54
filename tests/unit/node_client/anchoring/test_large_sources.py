"""Sources of a size that a city has in a year."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from node_client.anchoring.manifest import Manifest
from node_client.anchoring.options import Options
from node_client.certificates.errors import RowsRefused
from tests.unit.node_client.anchoring.registers import HEADER, read

pytestmark = pytest.mark.slow

ROWS = 1_000_000
BAD = {  # by line: the header is line 1
    2: ("no digest,1,first", "sha256 is not 64 hex digits"),
    500_001: ("a row,with four,cells,of text", "4 cells instead of 3"),
    1_000_001: (f"{7:064x},-1,last", "size is not a whole number"),
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "manifest.csv"
    with path.open("w") as file:
        file.write(f"{HEADER}\n")
        for line in range(2, ROWS + 2):
            file.write(f"{BAD[line][0] if line in BAD else f'{line:064x},1,R{line}'}\n")
    return path


@pytest.mark.parametrize("jobs", [1, 2])
def test_three_bad_rows_of_a_million_are_named_and_nothing_is_kept(tmp_path: Path, manifest: Path, jobs: int) -> None:
    register = tmp_path / "register.db"
    with Manifest(manifest) as source, pytest.raises(RowsRefused) as refused:
        read(register, source, Options(jobs=jobs))
    assert refused.value.count == 3
    assert [line for line, _ in refused.value.problems] == list(BAD)
    for (_, told), (_, (_, expected)) in zip(refused.value.problems, BAD.items(), strict=True):
        assert told.startswith(expected), told
    with closing(sqlite3.connect(register)) as db:
        for table in ("runs", "segments", "members", "by_reference", "batches"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    with Manifest(manifest) as source:
        run, tally = read(register, source, Options(jobs=jobs, skip_invalid=True))
    assert (run.members, run.left_out) == (ROWS - 3, 3)
    assert [line for line, _ in tally.problems] == list(BAD)
