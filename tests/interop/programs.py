"""Test programs in other languages: a request as a JSON line, an answer as a JSON line.

A program is a thin hand on an official client; what it was given back is asserted here, where it can be seen.
"""

import json
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

DEADLINE = 60.0


class Failure(Exception):
    """What the official client raised.

    Attributes:
        kind: the error's name there, such as `EndorseError`; the Java client's `EndorseException` is the same.
        code: the gRPC code, or the validation code of a `CommitError`.
        details: address, mspId and message of every node that the gateway asked.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(json.dumps(error, ensure_ascii=False))
        self.kind: str = error["kind"]
        self.message: str = error["message"]
        self.code: int | None = error.get("code")
        self.details: list[dict[str, str]] = error.get("details", [])
        self.transaction_id: str = error.get("transactionId", "")


class Program:
    """A test program, started when it is first asked for something, and again when it has ended. Use it in `with`.

    Args:
        command: what starts it.
        log: gets what it writes to stderr.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, log: Path) -> None:
        self._command, self._cwd, self._log = command, cwd, log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._end(self._process)

    def __call__(self, operation: str, **arguments: Any) -> Any:
        """Have the program do something, for its result.

        Raises:
            Failure: the official client raised an error.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        line = json.dumps({"operation": operation, **arguments}, ensure_ascii=False) + "\n"
        overdue = threading.Timer(DEADLINE, process.kill)
        overdue.start()
        try:
            process.stdin.write(line.encode())
            process.stdin.flush()
            answered = process.stdout.readline()
        finally:
            overdue.cancel()
        assert answered, f"no answer to {line[:500]}\n{self._log.read_text(errors='replace')[-3000:]}"
        answer = json.loads(answered)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer["result"]

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self._end(self._process)
            self._process = None
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, cwd=self._cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
                )
        return self._process

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """A program ends when its input does; one that does not is killed."""
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
