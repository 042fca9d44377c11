"""The daemon as an operator has it: a child process with a log, signals and an exit code.

Nothing here looks inside. A condition that other processes make true is looked at again and again
until a generous deadline, or until the daemon has ended.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

PATIENCE_S: Final = 30.0
"""Until a condition that does not come true fails the test; machines may be loaded."""
_LOOK_AGAIN_S: Final = 0.02
_PAIR: Final = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')

PROGRAM: Final = str(Path(sys.executable).with_name("symphony"))


class RunCommand(Protocol):
    """Runs the program with these arguments in a test's directory."""

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]: ...


def run_command(
    *arguments: str, directory: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of the program to its end, without a terminal."""
    return subprocess.run(
        (PROGRAM, *arguments),
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


LogRecord = Mapping[str, str]


def never() -> None:
    """No reason to give up early."""


def wait_until(
    condition: Callable[[], object],
    what: str,
    *,
    seconds: float = PATIENCE_S,
    give_up: Callable[[], str | None] = never,
) -> None:
    """Return once the condition holds; `give_up` names a reason why it never will."""
    deadline = time.monotonic() + seconds
    while not condition():
        if (reason := give_up()) is not None and not condition():
            raise AssertionError(f"waited for: {what}; but {reason}")
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(_LOOK_AGAIN_S)


class DaemonProcess:
    """One life of a daemon; everything that it says goes into the file `log`, which may be given
    to one life after the other."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        log: Path,
        shell: str | None = None,
    ) -> None:
        """`shell` is a script that starts the program as `"$@"`, for unusual descriptors."""
        command = (PROGRAM, *arguments)
        self._log = log
        self._offset = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command if shell is None else ("bash", "-c", shell, "bash", *command),
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # An interrupt of the test run must not look like one of the daemon.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def runs(self) -> bool:
        return self._child.poll() is None

    # What it says.

    def log_text(self) -> str:
        """Everything that this life of the daemon has said so far."""
        data = self._log.read_bytes()[self._offset :]
        return data.decode("utf-8", "replace")

    def lines(self) -> Sequence[str]:
        """The complete lines of it."""
        return self.log_text().rpartition("\n")[0].splitlines()

    def log(self, **wanted: str) -> Sequence[LogRecord]:
        """The log lines, as far as they have all these values."""
        records = map(read_record, self.lines())
        return [each for each in records if all(each.get(k) == v for k, v in wanted.items())]

    def events(self, *names: str) -> Sequence[str]:
        """Which of these events were logged, in order."""
        return [each["event"] for each in self.log() if each.get("event") in names]

    def wait_for_log(self, *, count: int = 1, **wanted: str) -> LogRecord:
        """Wait until that many lines have these values; the last of them."""
        self.wait_for(lambda: len(self.log(**wanted)) >= count, f"{count} log lines with {wanted}")
        return self.log(**wanted)[count - 1]

    def wait_for_reload(self) -> None:
        """Wait until an edit is in force, whether or not a reading failed while it was made."""
        names = ("workflow_reloaded", "workflow_recovered")
        self.wait_for(lambda: self.events(*names), "the workflow is reloaded")

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """`wait_until`, as long as the daemon lives."""
        wait_until(condition, what, give_up=self._has_ended)

    # Its end.

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the daemon alone."""
        os.kill(self._child.pid, number)

    def wait_for_exit(self) -> int:
        """The exit code, once there is one."""
        try:
            return self._child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon still runs after {PATIENCE_S} s") from None

    def stop(self) -> int:
        """An orderly stop; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_for_exit()

    def kill(self) -> None:
        """End it by SIGKILL, if it still runs."""
        if self.runs:
            self._child.kill()
        self._child.wait()

    def _has_ended(self) -> str | None:
        code = self._child.poll()
        return None if code is None else f"the daemon exited with {code}"


def read_record(line: str) -> LogRecord:
    """A line of either format as a mapping of texts."""
    if line.startswith("{"):
        members: dict[str, object] = json.loads(line)
        return {name: str(value) for name, value in members.items()}
    return {name: _plain(value) for name, value in _PAIR.findall(line)}


def _plain(value: str) -> str:
    return str(json.loads(value)) if value.startswith('"') else value
