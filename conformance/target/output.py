"""What a target prints: onto the timeline line by line, and as a whole into a file.

Guarantees: reading never stops before the end, so that a target is never held up by a full pipe;
of a flood only the beginning is kept, and the timeline says so. Must not: interpret a line.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from conformance.lab.timeline import Timeline

LINES_SHOWN: Final = 5_000
"""Of all lives together; the timeline has to hold more than output."""
LONGEST_LINE: Final = 2_000
"""Characters of a line that the timeline shows."""
LARGEST_FILE: Final = 32 * 1024 * 1024
"""Bytes that are kept in the file."""
_LONGEST_WAIT: Final = 1024 * 1024
"""Bytes without a line's end after which they are taken for a line."""


class Output:
    """The output of all lives of one target. Safe from several threads."""

    def __init__(self, timeline: Timeline, path: Path) -> None:
        self.path = path
        self._timeline = timeline
        self._lock = threading.Lock()
        self._kept = 0
        self._shown = 0
        self._life_began = 0

    def begin_life(self) -> None:
        """What comes from now on is another life's."""
        with self._lock:
            self._life_began = self._kept

    def stream(self, name: str) -> OutputStream:
        """Takes the bytes of one stream; `name` is the kind of its events."""
        return OutputStream(self, name)

    def text(self, *, life_only: bool = False) -> str:
        """Everything so far, or only what the last life printed; both streams as they came."""
        with self._lock:
            data = self.path.read_bytes() if self.path.exists() else b""
        begin = self._life_began if life_only else 0
        return data[begin:].decode("utf-8", "replace")

    def keep(self, data: bytes) -> None:
        """Add to the file, up to its bound."""
        with self._lock:
            part = data[: LARGEST_FILE - self._kept]
            if part:
                self._kept += len(part)
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("ab") as file:
                    file.write(part)

    def show(self, stream: str, line: bytes) -> None:
        """Add a line to the timeline, up to the bound."""
        with self._lock:
            self._shown += 1
            shown = self._shown
        if shown < LINES_SHOWN:
            text = line.decode("utf-8", "replace").rstrip("\r")[:LONGEST_LINE]
            self._timeline.add("output", stream, text)
        elif shown == LINES_SHOWN:
            self._timeline.add("output", "cut", f"(more output is only in {self.path.name})")


class OutputStream:
    """Cuts the bytes of one stream into lines."""

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """The next bytes; empty ones are the end."""
        self._output.keep(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > _LONGEST_WAIT):
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._output.show(self._name, line)
