"""What is on disk: workspaces under the root, and lines that hooks leave outside of them.

Guarantees: nothing here changes a workspace unless the scenario asks for it; a directory or line
that is seen for the first time, or is gone, is put on the timeline when it is looked at, which
`Lab.until` does every few milliseconds. Must not: follow links out of the root.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.lab.boards import Handle
from conformance.lab.timeline import Timeline


def real(path: str | Path) -> Path:
    """The path with every link in it followed; paths that processes report are compared so."""
    return Path(os.path.realpath(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A file that hooks append to. Text in `hook` is for a shell: `$PWD` and the like work."""

    name: str
    path: Path

    def hook(self, text: str) -> str:
        """A line of shell that appends `text`, within double quotes, as one line."""
        return f'printf "%s\\n" "{text}" >> {shlex.quote(str(self.path))}'

    def lines(self) -> Sequence[str]:
        """The complete lines so far; none where no hook has run."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ()
        return text.rpartition("\n")[0].splitlines() if "\n" in text else ()


class Files:
    """`root` is what the workflow file names as `workspace.root` by default."""

    def __init__(self, directory: Path, timeline: Timeline) -> None:
        self.root = directory / "workspaces"
        self._traces_at = directory / "traces"
        self._traces_at.mkdir()
        self._timeline = timeline
        self._traces: dict[str, tuple[Trace, int]] = {}
        self._known: frozenset[str] = frozenset()

    def trace(self, name: str) -> Trace:
        """The trace of this name, the same at each call."""
        if name not in self._traces:
            self._traces[name] = (Trace(name=name, path=self._traces_at / f"{name}.txt"), 0)
        return self._traces[name][0]

    def names(self) -> Sequence[str]:
        """What lies directly under the root, sorted; names that begin with a dot are not
        workspaces."""
        try:
            found = os.listdir(self.root)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return sorted(each for each in found if not each.startswith("."))

    def workspace(self, issue: Handle) -> Path | None:
        """The workspace of the issue, where there is one."""
        return next((self.root / name for name in self.names() if issue.is_workspace(name)), None)

    def read(self, issue: Handle, path: str) -> str | None:
        """The text of a file in the workspace; None where the file is not there."""
        found = self.workspace(issue)
        try:
            return None if found is None else (found / path).read_text(encoding="utf-8")
        except OSError:
            return None

    def make_workspace(self, name: str, **content: str) -> Path:
        """A workspace that an earlier life of the service left; `content` by the names of files."""
        path = self.root / name
        path.mkdir(parents=True, mode=0o700)
        for each, text in content.items():
            (path / each).write_text(text, encoding="utf-8")
        self._timeline.add("scenario", "files", "a workspace of an earlier life", subject=name)
        self.look()
        return path

    def look(self) -> None:
        """Put what is new on the timeline."""
        now = frozenset(self.names())
        for name in sorted(now - self._known):
            self._timeline.add("files", "appeared", "is there", subject=name)
        for name in sorted(self._known - now):
            self._timeline.add("files", "disappeared", "is gone", subject=name)
        self._known = now
        for name, (trace, seen) in self._traces.items():
            lines = trace.lines()
            for line in lines[seen:]:
                self._timeline.add("files", "trace", f"{name}: {line}", subject=name, line=line)
            self._traces[name] = (trace, len(lines))
