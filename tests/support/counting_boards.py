"""Boards of three issues over the fakes, which count what a tracker asks of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from conformance.fakes.github.entities import Issue as GitHubIssue
from conformance.fakes.github.entities import Project, Repository
from conformance.fakes.github.server import GitHubFake
from conformance.fakes.linear.server import LinearFake
from symphony.domain.ids import IssueId
from symphony.domain.json import JsonValue
from symphony.domain.settings import TrackerSettings
from symphony.trackers.files.folder import Bounds
from symphony.trackers.files.settings import read_settings
from symphony.trackers.files.tracker import FilesTracker
from symphony.trackers.github.tracker import GitHubTracker
from symphony.trackers.linear.tracker import LinearTracker
from symphony.trackers.port import Tracker
from tests.support.github_worlds import REPOSITORY, github_fake, github_settings
from tests.support.linear import linear_fake, linear_settings, put_issue
from tests.support.tracker_worlds import ACTIVE, TERMINAL, FilesWorld, Wanted

NOT_MODIFIED = 304
LONG_AGO = timedelta(hours=1)
ISSUES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """`free` are those of the requests that a provider takes nothing of its limit for."""

    requests: int
    free: int

    def __sub__(self, earlier: Spent) -> Spent:
        return Spent(requests=self.requests - earlier.requests, free=self.free - earlier.free)


class CountingBoard(Protocol):
    """Three issues that wait to be worked on, last changed long ago, and the tracker over them.

    `active` are its active states.
    """

    @property
    def tracker(self) -> Tracker: ...

    @property
    def active(self) -> Sequence[str]: ...

    @property
    def ids(self) -> Sequence[IssueId]: ...

    def spent(self) -> Spent: ...

    def work(self, *, is_done: bool) -> None:
        """What an agent does in a turn: it changes the first issue, and in the end finishes it."""
        ...


class LinearBoard:
    active = ACTIVE

    def __init__(self, fake: LinearFake) -> None:
        self._fake = fake
        self.ids = [IssueId(put_issue(fake).id) for _ in range(ISSUES)]
        self.tracker = LinearTracker(linear_settings(fake))

    def spent(self) -> Spent:
        return Spent(requests=len(self._fake.requests), free=0)

    def work(self, *, is_done: bool) -> None:
        name = self._fake.world.existing(self.ids[0]).identifier
        put_issue(self._fake, name, state=TERMINAL[0] if is_done else ACTIVE[1])


class FilesBoard:
    """Its requests are listings of the folder. What was written this very moment is as good as what
    has been there for long: nobody else writes here."""

    active = ACTIVE

    def __init__(self, directory: Path) -> None:
        self._world = FilesWorld(directory)
        self.ids = [
            self._world.put(Wanted(key=f"issue-{number}", state="Todo")) for number in range(ISSUES)
        ]
        settings = TrackerSettings(
            kind="files",
            provider={"path": str(directory)},
            active_states=ACTIVE,
            terminal_states=TERMINAL,
        )
        bounds = Bounds(quiet_seconds=0.0)
        self.tracker = FilesTracker(read_settings(settings, {}, "/"), bounds=bounds)

    def spent(self) -> Spent:
        return Spent(requests=self.tracker.folder.scans, free=0)

    def work(self, *, is_done: bool) -> None:
        state = TERMINAL[0] if is_done else ACTIVE[1]
        self._world.put(Wanted(key=self.ids[0], state=state))


class GitHubBoard:
    """With the states from each of the three sources."""

    def __init__(self, fake: GitHubFake, source: str) -> None:
        self._fake = fake
        self._source = source
        repository = fake.hub.repository(REPOSITORY)
        assert repository is not None
        self._repository: Repository = repository
        self._project: Project | None = None
        provider: dict[str, JsonValue] = {"state_source": source}
        if source == "project":
            self._project = fake.hub.add_project(repository.owner, options=(*ACTIVE, *TERMINAL))
            provider["project_number"] = self._project.number
        self.active = ("open",) if source == "issue" else ACTIVE
        terminal = ("closed",) if source == "issue" else (*TERMINAL, "closed")
        self.issues = [self._new() for _ in range(ISSUES)]
        self.ids = [IssueId(str(each.number)) for each in self.issues]
        if source == "label":
            # A label that nothing has yet is a list all the same.
            fake.hub.put_issue(repository, labels=[f"status:{ACTIVE[1]}"], is_open=False)
        self.tracker = GitHubTracker(github_settings(fake, self.active, terminal, **provider))

    def spent(self) -> Spent:
        answered = [each.status for each in self._fake.requests.all()]
        return Spent(requests=len(answered), free=answered.count(NOT_MODIFIED))

    def work(self, *, is_done: bool) -> None:
        self._fake.hub.comment(self.issues[0], "Some more of it is done.")
        if is_done:
            self._fake.hub.set_open(self.issues[0], False)

    def _new(self) -> GitHubIssue:
        labels = [f"status:{ACTIVE[0]}"] if self._source == "label" else []
        issue = self._fake.hub.put_issue(self._repository, labels=labels)
        if self._project is not None:
            reference = (self._repository.key, issue.number)
            self._fake.hub.place(self._project, reference, status=ACTIVE[0])
        issue.updated_at -= LONG_AGO
        return issue


@asynccontextmanager
async def linear(directory: Path) -> AsyncGenerator[CountingBoard]:
    del directory
    with linear_fake() as fake:
        yield LinearBoard(fake)


@asynccontextmanager
async def files(directory: Path) -> AsyncGenerator[CountingBoard]:
    yield FilesBoard(directory)


def github(source: str) -> Callable[[Path], AbstractAsyncContextManager[CountingBoard]]:
    @asynccontextmanager
    async def opened(directory: Path) -> AsyncGenerator[CountingBoard]:
        del directory
        with github_fake() as fake:
            yield GitHubBoard(fake, source)

    return opened


COUNTING_BOARDS: dict[str, Callable[[Path], AbstractAsyncContextManager[CountingBoard]]] = {
    "linear": linear,
    "files": files,
    "github, issue": github("issue"),
    "github, label": github("label"),
    "github, project": github("project"),
}
