"""Every message has its Japanese, and nothing is translated that nobody says."""

import ast
import string
from pathlib import Path

import cli
from cli import japanese
from cli.commands import verify
from cli.exit_codes import ExitCode
from cli.problems import _CODES
from network.migration import MigrationStep
from network.progress import Step

SOURCES = sorted(Path(cli.__file__).parent.rglob("*.py"))
# Said through variables.
OTHERS = {
    *verify.VERDICTS.values(),
    *verify.CHECKS.values(),
    *verify.FAILED.values(),
    *filter(None, verify.NEXT_STEPS.values()),
    "active",
    "suspended",
    "revoked",
    "superseded",
    *Step,
    *MigrationStep,
}


def said() -> set[str]:
    found = set(OTHERS)
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id == "tr" and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def test_every_message_has_its_japanese() -> None:
    assert said() == set(japanese.TEXTS)


def test_translations_have_the_same_values() -> None:
    for english, translated in japanese.TEXTS.items():
        names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, translated)]
        assert names[0] == names[1], english


def test_every_problem_has_its_japanese() -> None:
    codes = {code for _, _, code in _CODES} | {"refused", "unreachable", "internal", "usage"}
    assert codes == set(japanese.PROBLEMS)


def test_verdicts_have_exit_codes_words_and_next_steps() -> None:
    from node_client.certificates.verification import CheckName, Verdict

    verdicts = {str(verdict) for verdict in Verdict}
    assert set(verify.EXIT_CODES) == set(verify.VERDICTS) == set(verify.NEXT_STEPS) == verdicts
    assert set(verify.CHECKS) == set(verify.FAILED) == {str(name) for name in CheckName}
    assert [verdict for verdict, status in verify.EXIT_CODES.items() if status == ExitCode.DONE] == ["genuine"]
