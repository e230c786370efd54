import json
import subprocess
import sys

import click
import pytest

from cli import __version__
from cli.main import COMMANDS, certledger, run


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    from cli.language import japanese

    monkeypatch.setenv("CERTLEDGER_LANG", "en")
    japanese.cache_clear()


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["network", "up"], ["chaincode", "deploy"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    assert "Usage: certledger" in capsys.readouterr().out


def test_unexpected_error_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the unexpected")

    monkeypatch.setattr(certledger, "main", broken)
    monkeypatch.delenv("CERTLEDGER_DEBUG", raising=False)
    assert run(["list", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "internal"
    assert "Traceback" not in out + err
    monkeypatch.setenv("CERTLEDGER_DEBUG", "1")
    with pytest.raises(RuntimeError):
        run(["list"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, click.Abort])
def test_interrupted(error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(certledger, "main", interrupted)
    assert run(["list"]) == 130


def test_version_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom cli.main import run\nrun(['--version'])\n"
        "heavy = {'grpc', 'google.protobuf', 'cryptography', 'yaml', 'sqlite3', 'asyncio', 'node_client', 'network'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"certledger, version {__version__}"), done.stderr


def test_reader_that_goes_away() -> None:
    program = "import sys; from cli.main import main; sys.argv = ['certledger', '--help']; main()"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as messages:
        assert messages.read() == b""
    assert process.wait() in (0, 1)
