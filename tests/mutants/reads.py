"""Mutants of reading a tracker: pages, scope, failures, patience, and where the key goes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace as changed
from typing import Any

import httpx

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue
from symphony.scheduler import reads
from symphony.scheduler.events import ReadFailure
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.answers import json_of
from symphony.trackers.github.client import GitHubClient
from symphony.trackers.github.normalize import issue_of
from symphony.trackers.github.records import record_of_rest
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.github.states import state_of
from symphony.trackers.github.tracker import GitHubTracker
from symphony.trackers.linear import failures, normalize, pages, settings
from symphony.trackers.linear.client import LinearClient
from symphony.trackers.linear.pages import FetchPage, next_cursor, nodes_of
from symphony.trackers.linear.queries import Queries
from symphony.trackers.linear.tracker import LinearTracker
from symphony.trackers.linear.transport import GuardedClient
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant

FEW_PAGES = 8
OK = 200


def _paging(*, most: int = 10_000, loops: bool = True, fails: bool = True) -> None:
    """Follow the cursors of lists of issues with some mistake."""
    original = pages.further_nodes

    async def further_nodes(
        first: JsonValue, fetch: FetchPage, *, what: str, limit: int
    ) -> list[JsonValue]:
        if what != "issues":
            return await original(first, fetch, what=what, limit=limit)
        nodes: list[JsonValue] = []
        seen: set[str] = set()
        cursor = next_cursor(first, what)
        while cursor is not None and len(seen) < most:
            if cursor in seen:
                if loops:
                    raise TrackerError("tracker_pagination", "the cursor repeats itself")
                break
            seen.add(cursor)
            try:
                page = await fetch(cursor, len(nodes))
            except TrackerError:
                if fails:
                    raise
                break
            nodes += nodes_of(page, what)
            cursor = next_cursor(page, what)
        return nodes

    replace(pages, "further_nodes", further_nodes)


@mutant(
    "pages_end_early",
    kills=("tracker.states.pages",),
    about="After nine pages a list counts as complete.",
)
def _() -> None:
    _paging(most=FEW_PAGES)


@mutant(
    "repeated_cursor_is_the_end",
    kills=("tracker.pages.integrity",),
    about="A cursor that comes again ends the list, as if it were complete.",
)
def _() -> None:
    _paging(loops=False)


@mutant(
    "failed_page_is_the_end",
    kills=("tracker.reads.atomic",),
    about="A page that cannot be read ends the list, as if it were complete.",
)
def _() -> None:
    _paging(fails=False)


@mutant(
    "no_states_are_asked_for",
    kills=("tracker.reads.empty",),
    about="A read for no states is sent to the tracker like any other.",
)
def _() -> None:
    original = LinearTracker.fetch_issues_by_states

    async def fetch(self: LinearTracker, states: Collection[str]) -> Sequence[Issue]:
        if not states:
            await private(self, "_reader").by_states([])
        return await original(self, states)

    replace(LinearTracker, "fetch_issues_by_states", fetch)


@mutant(
    "errors_in_answers_are_ignored",
    kills=("tracker.error.application",),
    about="An answer with GraphQL errors and a gap counts as one without issues.",
)
def _() -> None:
    original = pages.nodes_of
    cursor = pages.next_cursor

    def is_complete(errors: object, data: object) -> bool:
        del errors, data
        return True

    def nodes(connection: JsonValue, what: str) -> Sequence[JsonValue]:
        return () if connection is None else original(connection, what)

    def following(connection: JsonValue, what: str) -> str | None:
        return None if connection is None else cursor(connection, what)

    replace(failures, "is_complete", is_complete)
    replace(pages, "nodes_of", nodes)
    replace(pages, "next_cursor", following)


def _without_scope(name: str) -> None:
    """Ask for issues of any project and team in one of the reads, and take what comes."""
    original: Any = private(Queries, name)

    def filters(self: Queries, wanted: Collection[str]) -> JsonObject:
        found: JsonObject = original(self, wanted)
        return {key: value for key, value in found.items() if key not in ("project", "team")}

    def anything(node: JsonObject, scope: object) -> bool:
        del node, scope
        return True

    replace(Queries, name, filters)
    replace(normalize, "is_visible", anything)


@mutant(
    "states_of_every_project",
    kills=("tracker.states.scope",),
    about="Candidates are taken from every project that the key may see.",
)
def _() -> None:
    _without_scope("in_states")


@mutant(
    "moved_issue_is_still_there",
    kills=("tracker.ids.invisible", "tracker.ids.foreign"),
    about="An issue that left the scope, or was archived, is still found by its id.",
)
def _() -> None:
    _without_scope("with_ids")


@mutant(
    "transferred_issue_is_ours",
    kills=("tracker.ids.foreign", "tracker.ids.invisible"),
    about="An issue that was transferred is followed into its new repository.",
    dialect="github",
)
def _() -> None:
    original = GitHubTracker.fetch_issues_by_ids

    async def fetch(self: GitHubTracker, ids: Collection[IssueId]) -> Sequence[Issue]:
        found = list(await original(self, ids))
        client: GitHubClient = private(self, "_client")
        own: GitHubSettings = private(self, "_settings")
        for lost in sorted(set(ids) - {each.id for each in found}):
            url = f"{client.addresses.rest}/repos/{own.repository}/issues/{lost}"
            answer = await client.request("GET", url)
            if answer.status == OK:
                record = changed(record_of_rest(json_of(answer)), number=int(lost))
                found.append(issue_of(record, state_of(record, own) or "", own))
        return found

    replace(GitHubTracker, "fetch_issues_by_ids", fetch)


@mutant(
    "patience_is_not_heard",
    kills=("tracker.limit.bounded",),
    about="A provider that asks for patience is asked again at the next tick.",
)
def _() -> None:
    def hold(*_: object) -> None:
        return

    def respect_quiet(self: LinearClient) -> None:
        del self

    replace(reads, "hold_reads", hold)
    replace(LinearClient, "_respect_quiet", respect_quiet)


@mutant(
    "plain_http_anywhere",
    kills=("tracker.transport.encrypted",),
    about="The key is sent without encryption to any host.",
)
def _() -> None:
    def is_loopback(host: str) -> bool:
        del host
        return True

    replace(settings, "is_loopback", is_loopback)


@mutant(
    "key_follows_redirects",
    kills=("tracker.redirect.secret",),
    about="A redirect to another origin gets the key.",
)
def _() -> None:
    def redirected(
        self: GuardedClient, request: httpx.Request, response: httpx.Response
    ) -> httpx.Request:
        target = request.url.join(response.headers["Location"])
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        return self.build_request(request.method, target, headers=headers, content=request.content)

    replace(GuardedClient, "_redirected", redirected)


@mutant(
    "failures_without_category",
    kills=("tracker.error.categories",),
    about="A tracker error is told without its category.",
)
def _() -> None:
    def message(self: ReadFailure) -> str:
        return self.message

    replace(ReadFailure, "__str__", message)


_COMMENT = """mutation SymphonySays($issue: String!) {
  commentCreate(input: {issueId: $issue, body: "Symphony works on it."}) { success }
}"""


@mutant(
    "service_comments_on_issues",
    kills=("tracker.writes.none",),
    about="The service itself writes a comment on each issue that it follows.",
)
def _() -> None:
    original = LinearTracker.fetch_issues_by_ids
    told: set[str] = set()

    async def fetch(self: LinearTracker, ids: Collection[IssueId]) -> Sequence[Issue]:
        found = await original(self, ids)
        for issue in found:
            if issue.id not in told:
                told.add(issue.id)
                await private(self, "_client").read(_COMMENT, {"issue": issue.id})
        return found

    replace(LinearTracker, "fetch_issues_by_ids", fetch)
