"""What is wrong with a manifest, said so that its author can mend it."""

from __future__ import annotations

from pathlib import Path


class ManifestError(Exception):
    """A manifest cannot be used.

    `path` is None for a bare command. `key` is the dotted name of what is wrong, empty where it is
    the file as a whole; `line` counts from 1, None where it cannot be told.
    """

    def __init__(
        self,
        *,
        path: Path | None,
        problem: str,
        remedy: str,
        key: str = "",
        line: int | None = None,
    ) -> None:
        place = "the command" if path is None else str(path)
        place += f":{line}" if line is not None else ""
        about = f"{key}: " if key else ""
        super().__init__(f"{place}: {about}{problem}; {remedy}")
        self.path = path
        self.key = key
        self.line = line
        self.problem = problem
        self.remedy = remedy
