"""What `certledger network status` prints of nodes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.commands.network import SOON, show_status
from cli.language import japanese
from cli.output import Output
from cli.settings import Settings
from network import control
from network.folder import Engine, Folder
from network.status import NetworkStatus, NodeStatus

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (SOON - HOUR, "  ! its certificates expire on {day}"),
        (-HOUR, "  ! its certificates expire on {day}"),
        (SOON + HOUR, "  certificates until {day}"),
    ],
    ids=["soon", "past", "later"],
)
def test_certificates_that_expire_soon_are_warned_of(
    left: timedelta,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CERTLEDGER_LANG", "en")
    japanese.cache_clear()
    expires = datetime.now(UTC) + left
    node = NodeStatus(
        name="peer0.city", kind="peer", organisation="City", address="localhost:7051", pid=7, expires=expires
    )
    found = NetworkStatus(engine=Engine.FABRIC, running=True, pid=1, organisations=(), nodes=(node,))

    def status(folder: Folder) -> NetworkStatus:
        return found

    monkeypatch.setattr(control, "status", status)
    assert show_status(Settings(tmp_path, "", Output(as_json=False)))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "peer0.city" in line]
    assert line.endswith(text.format(day=f"{expires:%Y-%m-%d}"))
