"""Worlds for the contract suite: a tracker, and the board behind it that a test can change.

The suite knows boards only through `TrackerWorld`. An adapter joins it by a world of its own in
`WORLDS`; what its provider cannot express is said in `cannot`, with the reason, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from conformance.fakes.linear.chaos import Chaos
from conformance.fakes.linear.server import LinearFake
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.settings import TrackerSettings
from symphony.trackers.errors import TrackerError
from symphony.trackers.files.folder import Bounds
from symphony.trackers.files.settings import read_settings
from symphony.trackers.files.tracker import FilesTracker
from symphony.trackers.linear.tracker import LinearTracker
from symphony.trackers.memory import MemoryTracker
from symphony.trackers.port import Tracker
from tests.support.github_worlds import LIKELY_CHAOS, GitHubWorld, github_fake
from tests.support.linear import linear_fake, linear_settings, put_issue

ACTIVE = ("Todo", "In Progress")
TERMINAL = ("Done", "Cancelled")

Capability: TypeAlias = Literal["issue_update"]

WAIT_LITTLE = Bounds(settle_seconds=0.1, quiet_seconds=0.002)
"""The files tracker as it is, but less patient with what a test broke on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An issue as a test wants it on the board. `key` names it in `blocked_by` of others."""

    key: str
    title: str = "A title"
    state: str = "Todo"
    description: str = "What is to be done."
    labels: Sequence[str] = ()
    priority: int | None = None
    blocked_by: Sequence[str] = ()
    created_at: str | None = None


class TrackerWorld(Protocol):
    """One board and the tracker that reads it; the board holds `ACTIVE` and `TERMINAL` states."""

    @property
    def tracker(self) -> Tracker: ...

    @property
    def cannot(self) -> Mapping[Capability, str]:
        """What this provider does not offer, each with the reason."""
        ...

    @property
    def requests(self) -> int:
        """How often the provider was asked."""
        ...

    def put(self, wanted: Wanted) -> IssueId:
        """Add the issue, or replace the one with the same key."""
        ...

    def remove(self, issue_id: IssueId) -> None: ...

    def break_record(self, issue_id: IssueId) -> None:
        """Make the record one that no issue can be made of."""
        ...

    def unreachable(self) -> AbstractContextManager[None]:
        """While it lasts every read fails."""
        ...


class MemoryWorld:
    """The twin."""

    cannot: Mapping[Capability, str] = {}

    def __init__(self) -> None:
        self.tracker = MemoryTracker(active_states=ACTIVE, terminal_states=TERMINAL)

    @property
    def requests(self) -> int:
        return len(self.tracker.requests)

    def put(self, wanted: Wanted) -> IssueId:
        created = wanted.created_at
        issue = Issue(
            id=IssueId(wanted.key),
            identifier=IssueIdentifier(wanted.key),
            title=wanted.title,
            state=wanted.state,
            description=wanted.description,
            priority=wanted.priority,
            blocked_by=tuple(BlockerRef(identifier=key) for key in wanted.blocked_by),
            created_at=None if created is None else datetime.fromisoformat(created),
            dispatchable=True,
        )
        self.tracker.put(issue)
        self.tracker.set_labels(issue.id, wanted.labels)
        return issue.id

    def remove(self, issue_id: IssueId) -> None:
        self.tracker.remove(issue_id)

    def break_record(self, issue_id: IssueId) -> None:
        self.tracker.break_record(issue_id)

    @contextmanager
    def unreachable(self) -> Generator[None]:
        self.tracker.fail_next(TrackerError("tracker_request", "out of reach"), times=100)
        yield
        self.tracker.recover()


class FilesWorld:
    """A directory of Markdown files."""

    cannot: Mapping[Capability, str] = {}

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        settings = TrackerSettings(
            kind="files",
            provider={"path": str(directory)},
            active_states=ACTIVE,
            terminal_states=TERMINAL,
        )
        self.tracker = FilesTracker(read_settings(settings, {}, "/"), bounds=WAIT_LITTLE)

    @property
    def requests(self) -> int:
        return self.tracker.folder.scans

    def put(self, wanted: Wanted) -> IssueId:
        fields: dict[str, object] = {
            "title": wanted.title,
            "state": wanted.state,
            "labels": list(wanted.labels),
            "priority": wanted.priority,
            "blocked_by": list(wanted.blocked_by),
            "created_at": wanted.created_at,
        }
        lines = [f"{key}: {json.dumps(value)}" for key, value in fields.items()]
        text = "\n".join(["---", *lines, "---", "", wanted.description, ""])
        self._path(wanted.key).write_text(text, encoding="utf-8")
        return IssueId(wanted.key)

    def remove(self, issue_id: IssueId) -> None:
        self._path(issue_id).unlink()

    def break_record(self, issue_id: IssueId) -> None:
        self._path(issue_id).write_text("---\ntitle: [\n---\n", encoding="utf-8")

    @contextmanager
    def unreachable(self) -> Generator[None]:
        elsewhere = self._directory.rename(self._directory.with_name("moved-away"))
        yield
        elsewhere.rename(self._directory)

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}.md"


class LinearWorld:
    """A fake Linear on loopback, behind its own HTTP and GraphQL."""

    cannot: Mapping[Capability, str] = {
        "issue_update": "the tool of Linear is linear_graphql, which has tests of its own"
    }

    def __init__(self, fake: LinearFake) -> None:
        self.fake = fake
        self.tracker = LinearTracker(linear_settings(fake, active=ACTIVE, terminal=TERMINAL))

    @property
    def requests(self) -> int:
        return len(self.fake.requests)

    def put(self, wanted: Wanted) -> IssueId:
        issue = put_issue(
            self.fake,
            wanted.key,
            title=wanted.title,
            state=wanted.state,
            description=wanted.description,
            labels=wanted.labels,
            priority=wanted.priority or 0,
            blocked_by=wanted.blocked_by,
            created_at=wanted.created_at,
        )
        return IssueId(issue.id)

    def remove(self, issue_id: IssueId) -> None:
        self.fake.world.remove(self.fake.world.existing(issue_id))

    def break_record(self, issue_id: IssueId) -> None:
        self.fake.world.existing(issue_id).title = " "

    @contextmanager
    def unreachable(self) -> Generator[None]:
        with self.fake.unreachable():
            yield


@asynccontextmanager
async def _memory(directory: Path) -> AsyncGenerator[TrackerWorld]:
    del directory
    yield MemoryWorld()


@asynccontextmanager
async def _files(directory: Path) -> AsyncGenerator[TrackerWorld]:
    issues = directory / "issues"
    issues.mkdir()
    yield FilesWorld(issues)


@asynccontextmanager
async def _linear(directory: Path) -> AsyncGenerator[TrackerWorld]:
    del directory
    with linear_fake() as fake:
        yield LinearWorld(fake)


@asynccontextmanager
async def _linear_in_chaos(directory: Path) -> AsyncGenerator[TrackerWorld]:
    """The same with everything that a provider may do: pages of two, also within an issue."""
    del directory
    chaos = Chaos(seed=7, page_size=2, nested_page_size=1, shuffle=True, extras=True, nulls=True)
    with linear_fake(chaos) as fake:
        yield LinearWorld(fake)


@asynccontextmanager
async def _github_labels(directory: Path) -> AsyncGenerator[TrackerWorld]:
    del directory
    with github_fake(chaos=LIKELY_CHAOS) as fake:
        yield GitHubWorld(fake, ACTIVE, TERMINAL, by_board=False)


@asynccontextmanager
async def _github_project(directory: Path) -> AsyncGenerator[TrackerWorld]:
    del directory
    with github_fake(chaos=LIKELY_CHAOS) as fake:
        yield GitHubWorld(fake, ACTIVE, TERMINAL, by_board=True)


WORLDS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[TrackerWorld]]] = {
    "memory": _memory,
    "files": _files,
    "github-labels": _github_labels,
    "github-project": _github_project,
    "linear": _linear,
    "linear in chaos": _linear_in_chaos,
}


def with_state(wanted: Wanted, state: str) -> Wanted:
    """The same issue in another state."""
    return replace(wanted, state=state)
