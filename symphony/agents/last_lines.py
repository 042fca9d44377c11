"""The last lines of a diagnostic stream, bounded, for the message of a failure."""

from __future__ import annotations

from collections import deque

from symphony.agents.text import one_line


class LastLines:
    """Takes any amount of bytes and keeps the last few lines of it, cleaned for a log."""

    def __init__(self, *, lines: int, characters: int) -> None:
        self._lines: deque[bytes] = deque(maxlen=lines)
        self._characters = characters
        self._partial = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that were completed, as they came but cut to a bounded length."""
        *complete, rest = data.split(b"\n")
        lines: list[bytes] = []
        for piece in complete:
            self._extend(piece)
            line = bytes(self._partial)
            self._partial.clear()
            lines.append(line)
            # Cleaned only when asked for: a flood passes through here.
            if line.strip():
                self._lines.append(line)
        self._extend(rest)
        return lines

    def text(self) -> str:
        """The kept lines, oldest first, joined by ` | `; empty where there are none."""
        lines = [self._clean(line) for line in (*self._lines, bytes(self._partial))]
        return " | ".join(line for line in lines if line)

    def _extend(self, piece: bytes) -> None:
        room = 4 * self._characters - len(self._partial)
        self._partial += piece[: max(room, 0)]

    def _clean(self, line: bytes) -> str:
        return one_line(line.decode(errors="replace"), self._characters)
