"""Token counts without a model: by the length of what would have been read and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from symphony.domain.json import JsonObject

_CHARACTERS_PER_TOKEN: Final = 4
_INSTRUCTIONS_TOKENS: Final = 900
"""What a model reads before the first word of the prompt."""
_CONTEXT_TOKENS: Final = 100_000


@dataclass(slots=True)
class Tokens:
    """The totals of one thread. `context` is what the next model call would read."""

    context: int = _INSTRUCTIONS_TOKENS
    read: int = 0
    written: int = 0
    last: tuple[int, int] = (0, 0)

    def hear(self, text: str) -> None:
        """Text that came in: a prompt, the output of a program, the answer of a tool."""
        self.context += len(text) // _CHARACTERS_PER_TOKEN

    def speak(self, text: str) -> None:
        """One model call that read everything so far and wrote this text."""
        written = len(text) // _CHARACTERS_PER_TOKEN + 1
        self.last = (self.context, written)
        self.read += self.context
        self.written += written
        self.context += written

    def as_object(self) -> JsonObject:
        """`tokenUsage` of a report."""
        total = _breakdown(self.read, self.written)
        last = _breakdown(*self.last)
        return {"total": total, "last": last, "modelContextWindow": _CONTEXT_TOKENS}


def _breakdown(read: int, written: int) -> JsonObject:
    return {
        "totalTokens": read + written,
        "inputTokens": read,
        "cachedInputTokens": 0,
        "cacheWriteInputTokens": 0,
        "outputTokens": written,
        "reasoningOutputTokens": 0,
    }
