"""The process that runs a folder's network: it outlives the command that starts it, and holds the folder's lock."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from network.errors import NetworkError, StartError
from network.folder import Folder
from network.lock import holder
from network.process_end import Ended, Process
from node_client.durable import make_folder


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
        make_folder(log.parent)
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
    """End the process, killing it when it does not end in time; nothing of it is left when this returns.

    Args:
        patience: seconds.

    Returns:
        Whether it was running.

    Raises:
        NetworkError: it is running, and does not say which process it is.
    """
    pid = holder(folder.lock)
    if pid is None:
        return False
    if not pid:
        raise NetworkError("a process runs the network and does not say which one it is", "run the command again")
    try:
        with Process(pid) as process:
            if holder(folder.lock) != pid:
                return True  # it ended meanwhile, and its id may be another's
            process.send(signal.SIGTERM)
            if not process.wait(patience):
                process.send(signal.SIGKILL)
                process.wait(patience)
    except Ended:
        pass
    return True
