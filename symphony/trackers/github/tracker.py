"""The GitHub tracker: the issues of one repository (docs/trackers/github.md).

By states: REST lists, or a walk over the board where the states come from one. By ids: one GraphQL
query for fifty. Reads are whole or fail, and end in bounded time. The daemon itself changes nothing
at GitHub: only the tools do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import anyio

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue, state_key
from symphony.domain.json import JsonValue
from symphony.domain.tools import ToolContext, ToolResult, ToolSpec
from symphony.scheduler.ordering import in_dispatch_order
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.access import Access, read_access
from symphony.trackers.github.boards import read_board
from symphony.trackers.github.by_number import IssuesByNumber, is_ours, number_called, number_of
from symphony.trackers.github.client import DEFAULT_LIMITS, GitHubClient, Limits, Traffic
from symphony.trackers.github.dependencies import Dependencies
from symphony.trackers.github.graphql import GraphQL
from symphony.trackers.github.left_out import malformed_notice, unknown_state_notice
from symphony.trackers.github.linked import LinkedPullRequests
from symphony.trackers.github.listing import Listed, Listing
from symphony.trackers.github.normalize import Blocker, identifier, issue_of
from symphony.trackers.github.records import MalformedRecordError, Record
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.github.states import CLOSED, OPEN, active_states, is_on_board, state_of
from symphony.trackers.github.tools import Tools
from symphony.trackers.notices import RecordLog

READ_SECONDS = 110.0
"""One read with all its pages. Somewhat less than the daemon waits for any tracker, so that the
failure can be told in words of GitHub."""


class GitHubTracker:
    """Implements `symphony.trackers.port.Tracker`."""

    def __init__(self, settings: GitHubSettings, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._settings = settings
        self._client = GitHubClient(settings.addresses, settings.token, limits=limits)
        self._graphql = GraphQL(self._client, settings.repository)
        self._listing = Listing(self._client, settings)
        self._by_number = IssuesByNumber(self._graphql, settings)
        self._dependencies = Dependencies(self._client, settings)
        self._linked = LinkedPullRequests(self._graphql)
        self._tools = Tools(settings, self._client, limits=limits)
        self._logs: dict[frozenset[str], RecordLog] = {}
        self._identifier_log = RecordLog("github")

    @property
    def traffic(self) -> Traffic:
        """What the reads have asked of GitHub so far, tools not counted if they have a token of
        their own."""
        return self._client.traffic

    @property
    def requests_sent(self) -> int:
        """Requests of the daemon and of the tools so far."""
        return self._client.traffic.requests + self._tools.requests_sent

    async def fetch_issues_by_states(self, states: Collection[str]) -> Sequence[Issue]:
        """The issues in these states. Raises `TrackerError`."""
        wanted = frozenset(map(state_key, states))
        if not wanted:
            return ()
        try:
            with anyio.fail_after(READ_SECONDS):
                return await self._in_states(wanted)
        except TimeoutError:
            raise _too_slow() from None

    async def fetch_issues_by_ids(self, ids: Collection[IssueId]) -> Sequence[Issue]:
        """The issues with these ids. Raises `TrackerError`."""
        numbers = sorted({n for each in ids if (n := number_of(each)) is not None})
        if not numbers:
            return ()
        try:
            with anyio.fail_after(READ_SECONDS):
                return await self._with_numbers(numbers)
        except TimeoutError:
            raise _too_slow() from None

    async def fetch_issues_by_identifiers(
        self, identifiers: Collection[IssueIdentifier]
    ) -> Sequence[Issue]:
        """The issues called `GH-7` and the like. Raises `TrackerError`."""
        numbers = sorted({n for each in identifiers if (n := number_called(each)) is not None})
        if not numbers:
            return ()
        malformed: list[MalformedRecordError] = []
        try:
            with anyio.fail_after(READ_SECONDS):
                issues = await self._with_numbers(numbers, malformed)
        except TimeoutError:
            raise _too_slow() from None
        self._identifier_log.tell(malformed_notice(each) for each in malformed)
        return issues

    async def rights(self) -> Sequence[str]:
        """What each token may do, as far as GitHub tells. Raises `TrackerError`."""
        return [each.sentence() for each in await self.access()]

    async def access(self) -> Sequence[Access]:
        """The rights of each credential, as far as GitHub tells them. Raises `TrackerError`."""
        own = await read_access(self._client, self._settings)
        tools = await self._tools.access()
        return (own,) if tools is None else (own, tools)

    def tool_specs(self) -> Sequence[ToolSpec]:
        """`github_api`, and `github_project_status` where the states come from a project."""
        return self._tools.specs

    async def execute_tool(
        self, name: str, arguments: JsonValue, context: ToolContext
    ) -> ToolResult:
        """Run a tool for the session."""
        return await self._tools.execute(name, arguments, context)

    def secret_environment_names(self) -> frozenset[str]:
        """`GITHUB_TOKEN`, and the variables that the settings name for tokens."""
        return self._settings.secret_names

    def secret_values(self) -> frozenset[str]:
        """The tokens, for redaction only."""
        return frozenset({self._settings.token, self._settings.tool_token})

    async def aclose(self) -> None:
        """Close the connections. Idempotent."""
        await self._client.aclose()
        await self._tools.aclose()

    async def _in_states(self, wanted: frozenset[str]) -> list[Issue]:
        listed = await self._listed(wanted)
        malformed = list(listed.malformed)
        chosen: dict[int, tuple[Record, str]] = {}
        for record in listed.records:
            try:
                state = state_of(record, self._settings)
            except MalformedRecordError as error:
                malformed.append(error)
                continue
            if state is not None and state_key(state) in wanted:
                chosen[record.number] = (record, state)
        everything = {record.number: record for record in listed.records}
        issues = await self._issues(list(chosen.values()), everything)
        self._tell(wanted, malformed, listed.unknown_states)
        return issues

    async def _listed(self, wanted: frozenset[str]) -> Listed:
        board = self._settings.board
        if board is None:
            listed = await self._listing.read(wanted)
            self._dependencies.note_list(listed.records)
            return listed
        items = await read_board(self._graphql, board)
        named = {state_key(name) for name in items.head.options}
        return Listed(
            records=[record for record in items.records if is_ours(record, self._settings)],
            malformed=items.malformed,
            unknown_states=sorted(wanted - named - {CLOSED}),
        )

    async def _with_numbers(
        self, numbers: Sequence[int], malformed: list[MalformedRecordError] | None = None
    ) -> list[Issue]:
        """Raises `TrackerError` for what is malformed, unless there is a list that it can go to."""
        records = await self._by_number.read(numbers, malformed)
        chosen: list[tuple[Record, str]] = []
        for record in records:
            if not is_on_board(record, self._settings):
                continue
            try:
                state = state_of(record, self._settings)
            except MalformedRecordError as error:
                if malformed is not None:
                    malformed.append(error)
                    continue
                raise TrackerError("tracker_response", error.detail) from None
            if state is not None:
                chosen.append((record, state))
        return await self._issues(chosen, {record.number: record for record in records})

    async def _issues(
        self, chosen: Sequence[tuple[Record, str]], known: Mapping[int, Record]
    ) -> list[Issue]:
        """The chosen records as issues; `known` are all that were read with them."""
        records = [record for record, _ in chosen]
        active = active_states(self._settings)
        # Of others nothing is decided by their blockers, and each would cost a request.
        may_start = [record for record, state in chosen if state_key(state) in active]
        blockers = await self._blockers(may_start, known)
        issues = {
            record.number: issue_of(record, state, self._settings, blockers.get(record.number, ()))
            for record, state in chosen
        }
        linked = await self._with_pull_requests(records, issues.values())
        for record, state in chosen:
            found = linked.get(record.number)
            if found is not None:
                more = replace(record, pull_requests=found.pull_requests)
                issues[record.number] = issue_of(
                    more, state, self._settings, blockers.get(record.number, ())
                )
        return list(issues.values())

    async def _with_pull_requests(
        self, records: Sequence[Record], issues: Iterable[Issue]
    ) -> Mapping[int, Record]:
        """Those records that lacked their pull requests and now have them."""
        self._linked.note(records)
        lacking = {each.number: each for each in records if each.pull_requests is None}
        soon = [
            issue
            for issue in issues
            if issue.dispatchable and state_key(issue.state) not in self._settings.terminal
        ]
        ordered = [lacking[n] for n in map(_number, in_dispatch_order(soon)) if n in lacking]
        try:
            found = await self._linked.of(ordered)
        except TrackerError:
            # They are only an ornament of the prompt: a read does not fail for them.
            return {}
        return {
            number: replace(lacking[number], pull_requests=each) for number, each in found.items()
        }

    async def _blockers(
        self, records: Sequence[Record], known: Mapping[int, Record]
    ) -> Mapping[int, tuple[Blocker, ...]]:
        found = await self._dependencies.of(records)
        if self._settings.board is not None:
            known = {**known, **await self._elsewhere_on_board(found, known)}
        return {
            number: tuple(self._blocker(each, known) for each in blockers)
            for number, blockers in found.items()
        }

    async def _elsewhere_on_board(
        self, blockers: Mapping[int, Sequence[Record]], known: Mapping[int, Record]
    ) -> Mapping[int, Record]:
        """Open blockers of this repository whose place on the board is not known yet."""
        wanted = {
            each.number
            for records in blockers.values()
            for each in records
            if each.is_open and is_ours(each, self._settings) and each.number not in known
        }
        found = await self._by_number.read(sorted(wanted)) if wanted else []
        return {record.number: record for record in found}

    def _blocker(self, record: Record, known: Mapping[int, Record]) -> Blocker:
        openness = OPEN if record.is_open else CLOSED
        if not is_ours(record, self._settings):
            name = f"{record.repository}#{record.number}"
            return Blocker(number=None, identifier=name, state=openness, is_open=record.is_open)
        if self._settings.board is not None:
            record = replace(known.get(record.number, record), is_open=record.is_open)
        state: str | None
        try:
            state = state_of(record, self._settings) or openness
        except MalformedRecordError:
            state = None
        return Blocker(
            number=record.number,
            identifier=identifier(record.number),
            state=state,
            is_open=record.is_open,
        )

    def _tell(
        self,
        wanted: frozenset[str],
        malformed: Iterable[MalformedRecordError],
        unknown_states: Iterable[str],
    ) -> None:
        log = self._logs.setdefault(wanted, RecordLog("github"))
        notices = [malformed_notice(each) for each in malformed]
        notices += [unknown_state_notice(each, self._settings) for each in unknown_states]
        log.tell(notices)


def _number(issue: Issue) -> int:
    return int(issue.id)


def _too_slow() -> TrackerError:
    return TrackerError("tracker_request", f"GitHub was not read within {READ_SECONDS:g} s")
