"""A mistake in somebody's input, told so that the reader can mend it.

Every refusal of the program that a person can act on is a `Problem`: a stable code, where it is
(file, line, key), what is wrong, and what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. `line` counts from 1; `key` is dotted, such as `tracker.provider.path`."""

    code: str
    message: str
    remedy: str = ""
    path: str | None = None
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        """`FILE:LINE: KEY: message (code). Remedy`."""
        place = self.path or ""
        if place and self.line is not None:
            place = f"{place}:{self.line}"
        head = ": ".join(part for part in (place, self.key) if part)
        sentence = f"{self.message} ({self.code})."
        if self.remedy:
            sentence = f"{sentence} {self.remedy}"
        return f"{head}: {sentence}" if head else sentence


class ProblemError(Exception):
    """Raised where input cannot be used; carries every problem that was found, first one first."""

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("a ProblemError needs at least one problem")
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @property
    def code(self) -> str:
        """The code of the first problem."""
        return self.problems[0].code
