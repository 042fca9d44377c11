"""The Linear tracker: issues of a project or a team (docs/trackers/linear.md).

Reads are complete or an error, and end in bounded time. The daemon itself changes nothing at
Linear: only the tool does, with the operation that the agent wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import anyio.lowlevel

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue, state_key
from symphony.domain.json import JsonObject, JsonValue, as_object
from symphony.domain.tools import ToolContext, ToolResult, ToolSpec
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.bounds import DEFAULT_BOUNDS, Bounds
from symphony.trackers.linear.client import LinearClient
from symphony.trackers.linear.failures import API_KEY, TOOL_API_KEY
from symphony.trackers.linear.normalize import (
    Rules,
    UnusableRecordError,
    is_in_scope,
    is_visible,
    record_id,
    to_issue,
    whose,
)
from symphony.trackers.linear.queries import VIEWER, is_identifier
from symphony.trackers.linear.reads import Answer, Reader
from symphony.trackers.linear.settings import LinearSettings, Scope
from symphony.trackers.linear.tools import SPEC, LinearTool
from symphony.trackers.notices import SKIPPED, Notice, RecordLog

RECORDS_AT_ONCE = 200
"""Before others have their turn: reading them takes some 5 ms, thousands would be felt."""


class LinearTracker:
    """Implements `symphony.trackers.port.Tracker`. Opens no connection before the first call."""

    def __init__(self, settings: LinearSettings, *, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._settings = settings
        self._client = self._new_client(settings.api_key, API_KEY, bounds)
        self._tool_client = (
            self._client
            if settings.tool_api_key in (None, settings.api_key)
            else self._new_client(settings.tool_api_key or "", TOOL_API_KEY, bounds)
        )
        self._reader = Reader(self._client, settings, bounds)
        self._tool = LinearTool(self._tool_client, settings.secrets)
        self._logs: dict[frozenset[str], RecordLog] = {}
        self._identifier_log = RecordLog("linear")

    @property
    def requests_sent(self) -> int:
        """Requests of the daemon and of the tool so far."""
        clients = {self._client, self._tool_client}
        return sum(client.sent for client in clients)

    async def fetch_issues_by_states(self, states: Collection[str]) -> Sequence[Issue]:
        """The issues in these states. Raises `TrackerError`."""
        wanted = frozenset(map(state_key, states)) - {""}
        if not wanted:
            return ()
        answer = await self._reader.by_states(sorted(wanted))
        records = self._held_to(is_visible, answer)
        issues = await self._readable(records, answer, self._log_for(wanted))
        return [issue for issue in issues if state_key(issue.state) in wanted]

    async def fetch_issues_by_ids(self, ids: Collection[IssueId]) -> Sequence[Issue]:
        """The issues with these ids. Raises `TrackerError`, also for one that cannot be read."""
        wanted: set[str | None] = set(ids)
        if not wanted:
            return ()
        answer = await self._reader.by_ids(sorted(set(ids)))
        # What has no id at all may be one of those that were asked for.
        wanted.add(None)
        records = [each for each in self._held_to(is_visible, answer) if record_id(each) in wanted]
        rules = self._rules(answer)
        try:
            return [to_issue(each, rules) for each in records]
        except UnusableRecordError as error:
            raise TrackerError(
                "tracker_response", f"{error.record} cannot be read as an issue: {error}"
            ) from None

    async def fetch_issues_by_identifiers(
        self, identifiers: Collection[IssueIdentifier]
    ) -> Sequence[Issue]:
        """The issues with these identifiers, also archived ones. Raises `TrackerError`."""
        scope = self._settings.scope
        wanted = {each for each in identifiers if is_identifier(each, scope)}
        if not wanted:
            return ()
        answer = await self._reader.by_identifiers(sorted(wanted))
        records = self._held_to(is_in_scope, answer)
        issues = await self._readable(records, answer, self._identifier_log)
        return [issue for issue in issues if issue.identifier in wanted]

    async def rights(self) -> Sequence[str]:
        """Whose the keys are; one request for each. Raises `TrackerError`."""
        distinct = dict.fromkeys((self._client, self._tool_client))
        return [f"{each.key_name} {whose(await each.read(VIEWER, {}))}" for each in distinct]

    def tool_specs(self) -> Sequence[ToolSpec]:
        """`linear_graphql`."""
        return (SPEC,)

    async def execute_tool(
        self, name: str, arguments: JsonValue, context: ToolContext
    ) -> ToolResult:
        """Run the operation that the arguments hold."""
        del context
        return await self._tool.execute(name, arguments)

    def secret_environment_names(self) -> frozenset[str]:
        """`LINEAR_API_KEY`, and the variables that the settings name."""
        return self._settings.secret_names

    def secret_values(self) -> frozenset[str]:
        """The keys."""
        return self._settings.secrets

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._tool_client.aclose()

    def _new_client(self, key: str, key_name: str, bounds: Bounds) -> LinearClient:
        settings = self._settings
        return LinearClient(
            settings.endpoint, key, key_name=key_name, secrets=settings.secrets, bounds=bounds
        )

    async def _readable(
        self, records: Sequence[JsonValue], answer: Answer, log: RecordLog
    ) -> list[Issue]:
        """The records as issues, without those that cannot be; these are logged."""
        issues: list[Issue] = []
        notices: list[Notice] = []
        rules = self._rules(answer)
        for number, record in enumerate(records):
            if number % RECORDS_AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
            try:
                issues.append(to_issue(record, rules))
            except UnusableRecordError as error:
                notices.append(_notice(record, error))
        log.tell(notices)
        return issues

    def _held_to(
        self, belongs: Callable[[JsonObject, Scope], bool], answer: Answer
    ) -> list[JsonValue]:
        """What belongs here, and what is too broken to tell."""
        scope = self._settings.scope
        found: list[JsonValue] = []
        for node in answer.records:
            record = as_object(node)
            if record is None or belongs(record, scope):
                found.append(node)
        return found

    def _rules(self, answer: Answer) -> Rules:
        return Rules(
            assignee_id=answer.assignee_id,
            unstarted=self._settings.unstarted,
            terminal=self._settings.terminal,
        )

    def _log_for(self, states: frozenset[str]) -> RecordLog:
        """One memory for each set of states: what a read of others does not show has not gone."""
        return self._logs.setdefault(states, RecordLog("linear"))


def _notice(record: JsonValue, error: UnusableRecordError) -> Notice:
    return Notice(
        event=SKIPPED,
        record=error.record,
        reason=error.reason,
        detail=str(error),
        issue_id=record_id(record),
    )
