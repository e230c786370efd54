"""Checkpointers: what they remember, and what a crash leaves."""

import json
import os
from pathlib import Path

import pytest

from node_client import ChaincodeEvent, FileCheckpointer, MemoryCheckpointer

EVENT = ChaincodeEvent(5, "b", "registry", "Happened", b"")


@pytest.fixture(params=["memory", "file"])
def checkpointer(request, tmp_path):
    return MemoryCheckpointer() if request.param == "memory" else FileCheckpointer(tmp_path / "checkpoint")


def place(checkpointer):
    return checkpointer.block_number, checkpointer.transaction_id


def test_nothing_is_remembered_at_first(checkpointer):
    assert place(checkpointer) == (None, "")


def test_events_transactions_and_blocks_are_remembered(checkpointer):
    checkpointer.checkpoint(EVENT)
    assert place(checkpointer) == (5, "b")
    checkpointer.checkpoint_transaction(6, "c")
    assert place(checkpointer) == (6, "c")
    checkpointer.checkpoint_block(6)
    assert place(checkpointer) == (7, "")


def test_a_file_is_read_by_the_next_process(tmp_path):
    FileCheckpointer(tmp_path / "c").checkpoint(EVENT)
    assert place(FileCheckpointer(tmp_path / "c")) == (5, "b")
    FileCheckpointer(tmp_path / "c").checkpoint_block(5)
    assert place(FileCheckpointer(tmp_path / "c")) == (6, "")


def test_a_file_of_the_official_node_client_is_read(tmp_path):
    (tmp_path / "c").write_text('{"blockNumber":"12","transactionId":"abc"}')
    assert place(FileCheckpointer(tmp_path / "c")) == (12, "abc")
    (tmp_path / "c").write_text('{"blockNumber":"13"}')
    assert place(FileCheckpointer(tmp_path / "c")) == (13, "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"transactionId":"a"}',
        b'{"blockNumber":"x"}',
        b'{"blockNumber":-1}',
        b'{"blockNumber":1,"transactionId":2}',
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(ValueError, match="not a checkpoint"):
        FileCheckpointer(tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == content


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "c").mkdir()
    with pytest.raises(OSError):
        FileCheckpointer(tmp_path / "c")


def test_the_file_is_synced_before_it_gets_its_name_and_its_folder_after(tmp_path, monkeypatch):
    done = []
    names = {}
    sync, replace, open_ = os.fsync, Path.replace, os.open
    path = tmp_path / "c"
    checkpointer = FileCheckpointer(path)

    def record_sync(descriptor):
        done.append(("sync", "folder" if descriptor in names else "file"))
        sync(descriptor)

    def record_replace(self, target):
        done.append(("replace", target.name))
        assert json.loads(self.read_text()) == {"blockNumber": "5", "transactionId": "b"}
        return replace(self, target)

    def record_open(path, *arguments, **named):
        descriptor = open_(path, *arguments, **named)
        if Path(path) == tmp_path:
            names[descriptor] = path
        return descriptor

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "open", record_open)
    monkeypatch.setattr(Path, "replace", record_replace)
    checkpointer.checkpoint(EVENT)
    assert done == [("sync", "file"), ("replace", "c"), ("sync", "folder")]


def test_a_write_that_fails_leaves_the_old_place(tmp_path, monkeypatch):
    checkpointer = FileCheckpointer(tmp_path / "c")
    checkpointer.checkpoint(EVENT)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpointer.checkpoint_block(9)
    assert place(checkpointer) == (5, "b")
    assert place(FileCheckpointer(tmp_path / "c")) == (5, "b")
