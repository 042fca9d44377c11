"""Providers whose answers are wrong in any way: an issue or a typed error, and nothing else.

The long profile repeats each board as often as `SYMPHONY_FUZZ_ROUNDS` says.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import anyio
import pytest

from conformance.fakes.github.server import GitHubFake
from symphony.agents.tool_result import render_tool_result
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.tools import ToolContext
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.addresses import joined, same_origin
from symphony.trackers.github.records import placement_of
from symphony.trackers.github.tracker import GitHubTracker
from symphony.trackers.linear.normalize import Rules, to_issue
from symphony.trackers.linear.tracker import LinearTracker
from symphony.trackers.port import Tracker
from tests.reliability.hostile_issues import use
from tests.reliability.hostile_mutations import Mutator
from tests.reliability.hostile_provider import HostileProvider
from tests.support.counting_boards import GitHubBoard
from tests.support.github_worlds import REPOSITORY, github_fake, github_settings
from tests.support.linear import linear_fake, linear_settings, put_issue
from tests.support.tracker_worlds import ACTIVE, TERMINAL
from tests.support.workflows import BARE_ISSUE

ROUNDS = int(os.environ.get("SYMPHONY_FUZZ_ROUNDS", "16"))
HANG_S: Final = 120.0
"""After so long one read counts as hanging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Issues behind a hostile relay. `open` gives a new tracker over them."""

    provider: HostileProvider
    open: Callable[[], Tracker]
    active: tuple[str, ...]


@asynccontextmanager
async def linear(seed: int) -> AsyncGenerator[Board]:
    with linear_fake() as fake:
        put_issue(fake, "ENG-1", description="Text.", labels=("ui",), created_at="2026-03-01")
        put_issue(fake, "ENG-2", blocked_by=("ENG-1",), priority=2)
        put_issue(fake, "ENG-3", state="Done")
        with HostileProvider(fake.url, seed).running() as provider:
            settings = linear_settings(fake, {"endpoint": provider.url})
            yield Board(provider=provider, open=lambda: LinearTracker(settings), active=ACTIVE)


def github(source: str) -> Callable[[int], AbstractAsyncContextManager[Board]]:
    @asynccontextmanager
    async def opened(seed: int) -> AsyncGenerator[Board]:
        with github_fake() as fake, HostileProvider(fake.url, seed).running() as provider:
            yield _github_board(fake, source, provider)

    return opened


def _github_board(fake: GitHubFake, source: str, provider: HostileProvider) -> Board:
    board = GitHubBoard(fake, source)
    repository = fake.hub.repository(REPOSITORY)
    assert repository is not None
    blocked = board.issues[1].number
    fake.hub.put_issue(repository, blocked, blocked_by=[(repository.key, board.issues[0].number)])
    more: dict[str, JsonValue] = {"api_url": provider.url, "state_source": source}
    if source == "project":
        more["project_number"] = 1
    terminal = ("closed",) if source == "issue" else (*TERMINAL, "closed")
    settings = github_settings(fake, board.active, terminal, **more)
    return Board(
        provider=provider, open=lambda: GitHubTracker(settings), active=tuple(board.active)
    )


BOARDS: Final = {
    "linear": linear,
    "github, issue": github("issue"),
    "github, label": github("label"),
    "github, project": github("project"),
}


async def read(tracker: Tracker, board: Board, tally: Counter[str]) -> None:
    """All reads, one after the other, with what the ones before found."""
    ids: list[IssueId] = [IssueId("1"), IssueId("no such issue")]
    names: list[IssueIdentifier] = [IssueIdentifier("ENG-1"), IssueIdentifier("GH-1")]

    async def by_states() -> Sequence[Issue]:
        found = await tracker.fetch_issues_by_states(board.active)
        ids.extend(each.id for each in found)
        names.extend(each.identifier for each in found)
        return found

    reads = (
        by_states,
        lambda: tracker.fetch_issues_by_ids(ids),
        lambda: tracker.fetch_issues_by_identifiers(names),
    )
    for each in reads:
        try:
            with anyio.fail_after(HANG_S):
                found = await each()
        except TrackerError as error:
            tally[error.category] += 1
        else:
            tally["answers"] += 1
            use(found)


@pytest.mark.anyio
@pytest.mark.proves("tracker.error.categories", "issue.optional.fallback")
@pytest.mark.parametrize("name", BOARDS)
async def test_wrong_answers_are_issues_or_typed_errors(name: str) -> None:
    tally: Counter[str] = Counter()
    async with BOARDS[name](1) as board:
        for number in range(ROUNDS):
            # A tracker asks for no more once it has been told to be patient.
            tracker = board.open()
            # What it keeps of true answers is compared with what comes then.
            board.provider.calm = number % 4 == 0
            await read(tracker, board, tally)
            board.provider.calm = False
            await read(tracker, board, tally)
            await tracker.aclose()
    print(name, dict(tally), board.provider.answered)
    assert tally["answers"] > ROUNDS / 2
    assert tally["tracker_response"] > 0


@pytest.mark.anyio
@pytest.mark.parametrize("name", BOARDS)
async def test_whatever_a_tool_is_given_and_answered_its_result_can_be_told(name: str) -> None:
    async with BOARDS[name](2) as board:
        tracker = board.open()
        issue = replace(BARE_ISSUE, id=IssueId("1"), identifier=IssueIdentifier("GH-1"))
        random = Random(2)  # noqa: S311
        for number in range(ROUNDS):
            board.provider.calm = number % 2 == 0
            spec = random.choice(tracker.tool_specs())
            arguments = wrong_arguments(random, spec.name)
            with anyio.fail_after(HANG_S):
                result = await tracker.execute_tool(spec.name, arguments, ToolContext(issue=issue))
            assert render_tool_result(result, max_bytes=10_000)
        await tracker.aclose()


GOOD_ARGUMENTS: Final[dict[str, tuple[JsonValue, ...]]] = {
    "linear_graphql": (
        {"query": "query { viewer { id } }", "variables": {}},
        {"query": 'mutation($i: String!) { issueUpdate(id: $i, input: {title: "x"}) {success} }'},
    ),
    "github_api": (
        {"method": "GET", "path": "/repos/acme/widgets/issues/1"},
        {"method": "POST", "path": "/repos/acme/widgets/issues/1/comments", "body": {"body": "x"}},
    ),
    "github_project_status": ({"status": "Done"},),
}


def wrong_arguments(random: Random, tool: str) -> JsonValue:
    """Good ones of this tool, made wrong as far as they stay JSON."""
    line = json.dumps(random.choice(GOOD_ARGUMENTS[tool])).encode()
    for _ in range(100):
        try:
            value: JsonValue = json.loads(Mutator(random, (line,)).mutate(line))
        except (ValueError, RecursionError):
            continue
        return value
    raise AssertionError("nothing that came out was JSON")


# What came out of this.


def test_an_instant_that_no_clock_in_utc_shows_is_none() -> None:
    record: JsonObject = {
        "id": "a1",
        "identifier": "ENG-1",
        "title": "A title",
        "state": {"id": "s1", "name": "Todo", "type": "unstarted"},
        "inverseRelations": {"nodes": []},
        "createdAt": "0001-01-01T00:00:00+14:00",
        "updatedAt": "9999-12-31T23:59:59-14:00",
    }
    rules = Rules(assignee_id=None, unstarted=frozenset(), terminal=frozenset())
    issue = to_issue(record, rules)
    assert (issue.created_at, issue.updated_at) == (None, None)
    use([issue])


def test_a_priority_beyond_all_floats_hides_no_issue() -> None:
    for number in (10**400, 1e308, float("inf"), float("nan"), True):
        item: JsonObject = {"id": "item", "priority": {"number": number}}
        placement = placement_of(item)
        assert placement is not None
        assert placement.priority is None or placement.priority > 1_000


@pytest.mark.parametrize(
    "written", ["http://[", "http://h:port/", "http://h\x00/", "//[", "/" * 70_000]
)
def test_what_is_no_address_is_not_followed(written: str) -> None:
    rest = "https://api.example/api/v3"
    assert joined(f"{rest}/issues", written) == ""
    assert not same_origin("", rest)
    assert joined(f"{rest}/issues", "?page=2") == f"{rest}/issues?page=2"
