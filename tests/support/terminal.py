"""A program on a terminal: a pseudo-terminal, and what a person would see on it.

The screen knows what the program may use: line ends, carriage returns, erasing a line, going up.
Anything else is kept as it is, and so is found by a test that looks for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.daemon_process import PATIENCE_S, PROGRAM

_STEP = re.compile(r"\r\n|\r|\n|\x1b\[2K|\x1b\[1A|[^\r\n\x1b]+|\x1b")
_READ_BYTES = 65_536
_LOOK_AGAIN_S = 0.05


def screen_of(text: str) -> list[str]:
    """The lines that stand on an endless terminal after all this was written to it."""
    rows = [""]
    row = column = 0
    for step in _STEP.findall(text):
        if step in ("\r\n", "\n"):
            row += 1
            column = 0
            rows += [""] * (row + 1 - len(rows))
        elif step == "\r":
            column = 0
        elif step == "\x1b[2K":
            rows[row] = ""
        elif step == "\x1b[1A":
            row = max(row - 1, 0)
        else:
            rows[row] = rows[row][:column].ljust(column) + step + rows[row][column + len(step) :]
            column += len(step)
    return rows


class TerminalProcess:
    """`symphony` with its standard streams on a terminal of its own, which it does not control: a
    terminal that is closed is no signal."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        columns: int = 100,
        lines: int = 30,
    ) -> None:
        self._ours, theirs = pty.openpty()
        self._output = bytearray()
        self.resize(columns, lines)
        try:
            self._child = subprocess.Popen(
                (PROGRAM, *arguments),
                cwd=directory,
                env={"TERM": "xterm", **environment},
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        finally:
            os.close(theirs)

    @property
    def runs(self) -> bool:
        return self._child.poll() is None

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal."""
        os.close(self._ours)
        self._ours = -1

    def text(self) -> str:
        """Everything that was written so far."""
        self._read()
        return self._output.decode("utf-8", "replace")

    def screen(self) -> list[str]:
        """What stands on the screen, scrolled lines included."""
        return screen_of(self.text())

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until it holds, and take what is written meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {PATIENCE_S} s: {what}\n{self.text()[-1_500:]!r}")
            self._read(_LOOK_AGAIN_S)

    def wait_for_text(self, words: str) -> None:
        """Wait until these words were written."""
        self.wait_for(lambda: words in self.text(), words)

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._ours, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        self._child.send_signal(number)

    def wait_for_exit(self) -> int:
        """The exit code, once there is one."""
        self.wait_for(lambda: not self.runs, "the program ends")
        self._read()
        return self._child.wait()

    def close(self) -> None:
        """End it, whatever happened before."""
        if self.runs:
            self._child.kill()
        self._child.wait()
        if self._ours >= 0:
            self.hang_up()

    def _read(self, seconds: float = 0.0) -> None:
        if self._ours < 0:
            # Nobody can see it any more; the wait is for something else.
            select.select([], [], [], seconds)
            return
        while select.select([self._ours], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                data = os.read(self._ours, _READ_BYTES)
                self._output += data
                if data:
                    seconds = 0.0
                    continue
            # The other end is closed: the program has ended.
            return
