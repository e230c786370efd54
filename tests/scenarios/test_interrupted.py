"""Ctrl-C while many certificates are issued: what was and was not issued is said, and the rest can follow."""

import json
import signal

from tests.conftest import Commands

COUNT = 300


def test_interrupted_issue_tells_what_was_done_and_the_rest_follows(commands: Commands) -> None:
    names = [commands.document(f"d{number}").name for number in range(COUNT)]
    process = commands.start("issue", *names, "--json", "--in-flight", "4")
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, messages = process.communicate(timeout=60)
    records = [json.loads(line) for line in (first + rest).splitlines()]
    issued = {record["file"] for record in records if record["status"] == "issued"}
    left = {record["file"] for record in records if record["status"] == "not-issued"}
    assert process.returncode == 130
    assert issued | left == set(names), [one for one in records if one["status"] not in ("issued", "not-issued")]
    assert not issued & left
    assert issued
    assert left
    assert f"{len(issued)} of {COUNT} issued, {len(left)} not begun" in messages.decode()
    assert b"Traceback" not in messages
    for name in issued:
        assert (commands.home / f"{name}.receipt.json").exists()

    again = commands.ok("issue", *names)
    assert {record["file"] for record in again if record["already"]} == issued
    assert len({record["certificateId"] for record in again}) == COUNT


def test_second_interrupt_leaves_at_once_and_nothing_is_issued_twice(commands: Commands) -> None:
    names = [commands.document(f"e{number}").name for number in range(COUNT)]
    process = commands.start("issue", *names, "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in messages
    again = commands.ok("issue", *names)
    ids = {record["certificateId"] for record in again}
    assert len(ids) == COUNT
    for record in again[:: COUNT // 10]:
        (entry,) = commands.ok("history", record["certificateId"])
        assert entry["transactionId"] == record["transactionId"]


def test_receipts_among_the_files_are_left_out(commands: Commands) -> None:
    names = [commands.document(f"f{number}").name for number in range(3)]
    commands.ok("issue", *names)
    everything = sorted(path.name for path in commands.home.iterdir())
    assert len(everything) == 6
    records = commands.ok("issue", *everything)
    assert sorted(record["file"] for record in records if record["status"] == "left-out") == sorted(
        f"{name}.receipt.json" for name in names
    )
    assert {record["file"] for record in records if record.get("already")} == set(names)
    alone = commands("issue", f"{names[0]}.receipt.json", "--json")
    assert alone.status == 2
    assert alone.records[0]["error"]["code"] == "bad-document"
