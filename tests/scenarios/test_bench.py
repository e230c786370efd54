"""The benchmarks run as the documentation says, against a network that is there, and report what they promise."""

import json
import subprocess
import sys
from pathlib import Path

from network import control
from network.folder import Folder

RUN = Path(__file__).parents[2] / "bench" / "run.py"


def test_issue_and_verify_are_measured_on_a_running_network(network: Folder, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, str(RUN), "issue", "--network", f"here={network.path}", "--json", str(report)]
    ran = subprocess.run(
        [*command, "--concurrency", "1,3", "--seconds", "0.2"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    [found] = json.loads(report.read_text())["issue"]
    assert found["target"] == "here"
    assert sorted(found["rows"]) == ["issue", "verify"]
    status = control.status(network)
    names = {node.name for node in status.nodes} or {"network"}
    for rows in found["rows"].values():
        assert [row["concurrency"] for row in rows] == [1, 3]
        for row in rows:
            assert row["operations"] > 0
            assert row["errors"] == {}
            assert row["perSecond"] > 0
            assert 0 < row["p50Ms"] <= row["p99Ms"]
            measured = row["cpuMsOfProcesses"]
            assert {"client", *names} <= {name.partition(": ")[2] for name in measured}
            kinds = row["cpuMsPerOperation"]
            for kind, spent in kinds.items():
                parts = [one for name, one in measured.items() if name.partition(": ")[0] == kind]
                assert abs(sum(parts) - spent) < 0.01 * len(parts)  # both are rounded
    for name in names:
        assert name in ran.stdout
