"""The process that runs a folder's network: it outlives the command that starts it, and holds the folder's lock."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from network.errors import StartError
from network.folder import Folder
from network.lock import holder


def start(folder: Folder, arguments: Sequence[str], log: Path) -> None:
    """Start a module of ours with `--ready-fd N`, and wait until it says that it is ready.

    Args:
        arguments: after the interpreter.
        log: where it writes.

    Raises:
        StartError: it cannot be started, or ended, or says why it does not run.
    """
    reader, writer = os.pipe()
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", *arguments, "--ready-fd", str(writer)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(writer,),
                start_new_session=True,
                cwd=folder.path,
            )
    except OSError as error:
        os.close(reader)
        raise StartError(f"the network cannot be started: {error}") from error
    finally:
        os.close(writer)
    # The network outlives this call; should it end before this process does, somebody must have waited for it.
    Thread(target=process.wait, daemon=True).start()
    with os.fdopen(reader, encoding="utf-8") as pipe:
        # The line comes when the network serves; the pipe ends without one when its process does.
        line = pipe.readline()
    if not line:
        code = process.wait()
        raise StartError(f"the network ended while it started (status {code})", f"its log is {log}")
    answer = json.loads(line)
    if not answer["ok"]:
        process.wait()
        raise StartError(answer["message"], answer.get("nextStep", ""))


def stop(folder: Folder, patience: float) -> bool:
    """End the process, killing it when it does not end in time.

    Args:
        patience: seconds.

    Returns:
        Whether it was running.
    """
    pid = holder(folder.lock)
    if not pid:
        return pid is not None
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while holder(folder.lock) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.02)
    return True
