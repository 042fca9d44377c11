"""What really came of it: read from the issues' files and the repository, not from the daemon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table
from rich.text import Text

from symphony.demo.board import ISSUES, DemoIssue
from symphony.demo.git import run_git
from symphony.demo.history import Tally
from symphony.demo.place import Place
from symphony.demo.words import plain
from symphony.demo.workflow import BRANCH
from symphony.domain.problems import ProblemError
from symphony.trackers.files.normalize import UnusableFileError, parse_issue_file

DONE: Final = "Done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One issue at the end. `commit` is the short hash and subject of the last commit that was made
    for it, None where there is none."""

    issue: DemoIssue
    state: str
    commit: str | None

    @property
    def is_done(self) -> bool:
        return self.state == DONE and self.commit is not None

    @property
    def missing(self) -> str:
        """What keeps it from being done, in words."""
        if self.state != DONE:
            return f"it is {self.state}, not {DONE}"
        return "" if self.commit else f"the branch {BRANCH}{self.issue.identifier} has no commit"


def results(place: Place) -> Sequence[Result]:
    """Every issue of the board, as it lies on disk now."""
    return [
        Result(issue=issue, state=_state(place, issue), commit=_commit(place, issue))
        for issue in ISSUES
    ]


def _state(place: Place, issue: DemoIssue) -> str:
    try:
        data = (place.issues / issue.file_name).read_bytes()
        return plain(parse_issue_file(issue.file_name, data).state)
    except (OSError, UnusableFileError):
        return "unreadable"


def _commit(place: Place, issue: DemoIssue) -> str | None:
    """The last commit of its branch that is neither on main nor on the branch it builds on."""
    without = ["^main"]
    if issue.blocked_by is not None:
        without.append(f"^{BRANCH}{issue.blocked_by}")
    branch = f"refs/heads/{BRANCH}{issue.identifier}"
    try:
        line = run_git(place.repository, "log", "-1", "--format=%h %s", branch, *without)
    except ProblemError:
        return None
    return plain(line) or None


def results_table(found: Sequence[Result], tallies: Mapping[str, Tally]) -> Table:
    """Issue, title and commit, state, runs, turns, tokens, seconds."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("issue", no_wrap=True)
    table.add_column("title and commit", overflow="fold")
    table.add_column("state", overflow="fold")
    for heading in ("runs", "turns", "tokens", "sec"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in found:
        tally = tallies.get(result.issue.identifier, Tally())
        tokens = "-" if tally.tokens is None else f"{tally.tokens:,}"
        table.add_row(
            Text(result.issue.identifier, style="bold"),
            Text("\n  ".join([result.issue.title, *([result.commit] if result.commit else [])])),
            Text(result.state),
            str(len(tally.runs)),
            str(tally.turns),
            tokens,
            f"{tally.seconds:.1f}",
        )
    return table
