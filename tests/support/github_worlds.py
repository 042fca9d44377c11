"""Boards on a fake GitHub: by labels and by a project; and what tests of the adapter begin with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from conformance.fakes.github.chaos import CALM, Chaos
from conformance.fakes.github.entities import Reference, Token
from conformance.fakes.github.hub import Hub
from conformance.fakes.github.server import GitHubFake
from symphony.domain.ids import IssueId
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.settings import TrackerSettings
from symphony.trackers.github.client import Limits
from symphony.trackers.github.settings import GitHubSettings, read_settings
from symphony.trackers.github.tracker import GitHubTracker

if TYPE_CHECKING:
    from tests.support.tracker_worlds import Capability, Wanted

REPOSITORY = "acme/widgets"
TOKEN = "ghs_the-token-of-the-daemon"
Open: TypeAlias = Callable[..., GitHubTracker]
"""Opens a tracker over the fake of the test."""

SHORT = Limits(connect_seconds=5.0, silence_seconds=5.0, request_seconds=10.0)

LIKELY_CHAOS = Chaos(seed=7, page_size=50, shuffle=True, extras=True, nulls=True)


def hub_with_repository() -> Hub:
    """A hub with one empty repository."""
    hub = Hub()
    hub.add_repository(REPOSITORY)
    return hub


@contextmanager
def github_fake(
    hub: Hub | None = None,
    *,
    chaos: Chaos = CALM,
    token: Token | None = None,
    unknown_fields: Sequence[tuple[str, str]] = (),
) -> Generator[GitHubFake]:
    """A fake that runs, with one credential that may do everything if `token` is left out."""
    tokens = {TOKEN: token or Token(login=None)}
    fake = GitHubFake(
        hub or hub_with_repository(), tokens=tokens, chaos=chaos, unknown_fields=unknown_fields
    )
    with fake:
        yield fake


def github_settings(
    fake: GitHubFake,
    active: Sequence[str] = ("open",),
    terminal: Sequence[str] = ("closed",),
    **provider: JsonValue,
) -> GitHubSettings:
    """Settings that lead to the fake's repository."""
    given: JsonObject = {"repo": REPOSITORY, "token": TOKEN, "api_url": fake.url, **provider}
    tracker = TrackerSettings(
        kind="github",
        provider=given,
        active_states=tuple(active),
        terminal_states=tuple(terminal),
    )
    return read_settings(tracker, {})


class GitHubWorld:
    """One repository, with the states in labels or on a board."""

    cannot: Mapping[Capability, str] = {
        "issue_update": "the tool of GitHub is github_api, which has tests of its own"
    }

    def __init__(
        self, fake: GitHubFake, active: Sequence[str], terminal: Sequence[str], *, by_board: bool
    ) -> None:
        self.fake = fake
        repository = fake.hub.repository(REPOSITORY)
        assert repository is not None
        self._repository = repository
        self._numbers: dict[str, int] = {}
        self._project = None
        if by_board:
            states = (*active, *terminal)
            self._project = fake.hub.add_project(repository.owner, options=states)
            fake.hub.add_field(self._project, "Priority", "NUMBER")
        source: JsonObject = (
            {"state_source": "label"}
            if self._project is None
            else {"state_source": "project", "project_number": self._project.number}
        )
        self.tracker = GitHubTracker(github_settings(fake, active, terminal, **source))

    @property
    def requests(self) -> int:
        return len(self.fake.requests)

    def put(self, wanted: Wanted) -> IssueId:
        labels = list(wanted.labels)
        if self._project is None:
            labels.append(f"status:{wanted.state}")
            if wanted.priority is not None:
                labels.append(f"priority:{wanted.priority}")
        issue = self.fake.hub.put_issue(
            self._repository,
            self._numbers.get(wanted.key),
            title=wanted.title,
            body=wanted.description,
            labels=labels,
            blocked_by=[self._reference(self._numbers[key]) for key in wanted.blocked_by],
            created_at=wanted.created_at,
        )
        self._numbers[wanted.key] = issue.number
        if self._project is not None:
            self.fake.hub.place(
                self._project,
                self._reference(issue.number),
                status=wanted.state,
                priority=wanted.priority,
            )
        return IssueId(str(issue.number))

    def remove(self, issue_id: IssueId) -> None:
        self.fake.hub.delete_issue(self._repository, int(issue_id))

    def break_record(self, issue_id: IssueId) -> None:
        self.fake.hub.put_issue(self._repository, int(issue_id), title=" ")

    def unreachable(self) -> AbstractContextManager[None]:
        return self.fake.unreachable()

    def _reference(self, number: int) -> Reference:
        return (self._repository.key, number)
