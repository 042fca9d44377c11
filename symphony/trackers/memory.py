"""A tracker that lives in memory: the twin of the real ones, for tests, simulations and embedding.

It keeps the promises of `symphony.trackers.port.Tracker`, and beyond that does what no provider
does on request: it counts what it is asked, fails when told to, and answers late while `gate` is
closed. It reads no clock of its own and does no I/O, so it may run under virtual time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import anyio
import anyio.lowlevel

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue, state_key, state_keys
from symphony.domain.json import JsonValue
from symphony.domain.tools import ToolContext, ToolResult, ToolSpec
from symphony.trackers.blockers import must_wait, unstarted_states
from symphony.trackers.errors import TrackerError
from symphony.trackers.issue_update import (
    IssueUpdate,
    RefusedError,
    known_state,
    read_arguments,
    succeeded,
    tool_spec,
)
from symphony.trackers.notices import SKIPPED, Notice, RecordLog

Operation: TypeAlias = Literal["states", "ids", "identifiers", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call that reached the board. `names` are the states, ids or identifiers,
    or the tool's name."""

    operation: Operation
    names: tuple[str, ...]


def _beginning_of_time() -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC)


class MemoryTracker:
    """A mutable board. Everything that changes it from outside is synchronous and at once.

    `now` is the time that comments show. While `gate` is an event that is not set, reads and tools
    that came in wait for it.
    """

    def __init__(
        self,
        issues: Iterable[Issue] = (),
        *,
        active_states: Sequence[str] = ("Todo", "In Progress"),
        terminal_states: Sequence[str] = ("Done", "Cancelled"),
        now: Callable[[], datetime] = _beginning_of_time,
    ) -> None:
        self.requests: list[Request] = []
        self.gate: anyio.Event | None = None
        self._issues = {issue.id: issue for issue in issues}
        self._broken: set[IssueId] = set()
        self._failures: deque[TrackerError] = deque()
        self._named_states = (*active_states, *terminal_states)
        self._unstarted = unstarted_states(active_states)
        self._terminal = state_keys(tuple(terminal_states))
        self._now = now
        self._log = RecordLog("memory")

    # What a test or a simulation does to the board.

    def put(self, *issues: Issue) -> None:
        """Add the issues, or replace those with the same id; they are readable again."""
        for issue in issues:
            self._issues[issue.id] = issue
            self._broken.discard(issue.id)

    def remove(self, issue_id: IssueId) -> None:
        """Take the issue off the board."""
        del self._issues[issue_id]
        self._broken.discard(issue_id)

    def set_state(self, issue_id: IssueId, state: str) -> None:
        """Move the issue, without any check."""
        self._issues[issue_id] = replace(self._issues[issue_id], state=state)

    def set_labels(self, issue_id: IssueId, labels: Iterable[str]) -> None:
        """Replace the labels, in their normalised form."""
        normalised = (label.strip().lower() for label in labels)
        kept = tuple(dict.fromkeys(label for label in normalised if label))
        self._issues[issue_id] = replace(self._issues[issue_id], labels=kept)

    def break_record(self, issue_id: IssueId) -> None:
        """Make the record malformed until it is put again."""
        self._broken.add(issue_id)

    def fail_next(self, error: TrackerError, *, times: int = 1) -> None:
        """Let the next reads fail as a whole."""
        self._failures.extend([error] * times)

    def recover(self) -> None:
        """Forget the failures that no read has met yet."""
        self._failures.clear()

    def current(self, issue_id: IssueId) -> Issue:
        """The issue as a read would give it now. Raises `KeyError`."""
        issue = self._issues[issue_id]
        if not issue.blocked_by:
            return issue
        blockers = tuple(self._blocker(each) for each in issue.blocked_by)
        waits = must_wait(issue.state, blockers, unstarted=self._unstarted, terminal=self._terminal)
        return replace(issue, blocked_by=blockers, dispatchable=issue.dispatchable and not waits)

    # What the daemon does.

    async def fetch_issues_by_states(self, states: Collection[str]) -> Sequence[Issue]:
        """The issues in these states. Raises `TrackerError` where `fail_next` asked for it."""
        if not states:
            return ()
        await self._receive("states", states)
        wanted = frozenset(map(state_key, states))
        readable = [self.current(each) for each in self._issues if each not in self._broken]
        return [issue for issue in readable if state_key(issue.state) in wanted]

    async def fetch_issues_by_ids(self, ids: Collection[IssueId]) -> Sequence[Issue]:
        """The issues with these ids. Raises `TrackerError` for a broken one among them."""
        if not ids:
            return ()
        await self._receive("ids", ids)
        wanted = set(ids)
        if broken := wanted & self._broken:
            raise TrackerError("tracker_response", f"cannot be read: {', '.join(sorted(broken))}")
        return [self.current(each) for each in self._issues if each in wanted]

    async def fetch_issues_by_identifiers(
        self, identifiers: Collection[IssueIdentifier]
    ) -> Sequence[Issue]:
        """The issues with these identifiers. Raises `TrackerError` where `fail_next` asked."""
        if not identifiers:
            return ()
        await self._receive("identifiers", identifiers)
        wanted = frozenset(identifiers)
        readable = [self.current(each) for each in self._issues if each not in self._broken]
        return [issue for issue in readable if issue.identifier in wanted]

    def tool_specs(self) -> Sequence[ToolSpec]:
        """`issue_update`, as the files tracker offers it."""
        return (tool_spec(self._named_states),)

    async def execute_tool(
        self, name: str, arguments: JsonValue, context: ToolContext
    ) -> ToolResult:
        """Change the issue of the session as the arguments say."""
        self.requests.append(Request(operation="tool", names=(name,)))
        await self._pass_gate()
        try:
            return self._update(read_arguments(name, arguments), context.issue.id)
        except RefusedError as refusal:
            return refusal.result()

    def secret_environment_names(self) -> frozenset[str]:
        """None: there is no credential."""
        return frozenset()

    def secret_values(self) -> frozenset[str]:
        """None: there is no credential."""
        return frozenset()

    async def aclose(self) -> None:
        """Nothing is held; the board stays usable."""

    async def _receive(self, operation: Operation, names: Collection[str]) -> None:
        self.requests.append(Request(operation=operation, names=tuple(names)))
        await self._pass_gate()
        if self._failures:
            raise self._failures.popleft()
        self._log.tell(_broken_notice(self._issues[each]) for each in self._broken)

    async def _pass_gate(self) -> None:
        # Every real tracker gives way here, and can be cancelled.
        await anyio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()

    def _blocker(self, blocker: BlockerRef) -> BlockerRef:
        """The blocker with the state that it has now, if it is on this board."""
        issue = self._issues.get(IssueId(blocker.id or ""))
        if issue is None and blocker.id is None:
            named = (blocker.identifier or "").lower()
            issue = next((i for i in self._issues.values() if i.identifier.lower() == named), None)
        if issue is None:
            return blocker
        return BlockerRef(id=issue.id, identifier=issue.identifier, state=issue.state)

    def _update(self, update: IssueUpdate, issue_id: IssueId) -> ToolResult:
        issue = self._issues.get(issue_id)
        if issue is None or issue_id in self._broken:
            raise RefusedError("issue_not_found", f"the issue {issue_id} is not on the board")
        changed: dict[str, JsonValue] = {}
        if update.state is not None:
            in_use = (each.state for each in self._issues.values())
            state = known_state(update.state, (*in_use, *self._named_states))
            if state_key(state) != state_key(issue.state):
                self.set_state(issue_id, state)
                changed["state"] = {"from": issue.state, "to": state}
        if update.labels is not None:
            labels = [label.lower() for label in update.labels]
            if set(labels) != set(issue.labels):
                self.set_labels(issue_id, labels)
                changed["labels"] = {"from": list(issue.labels), "to": labels}
        if update.comment is not None:
            self._add_comment(issue_id, update.comment)
            changed["comment"] = "added"
        return succeeded(issue.identifier, changed)

    def _add_comment(self, issue_id: IssueId, comment: str) -> None:
        issue = self._issues[issue_id]
        entry = f"### {self._now():%Y-%m-%d %H:%M:%S} UTC\n\n{comment}"
        parts = [part for part in (issue.description, entry) if part]
        self._issues[issue_id] = replace(issue, description="\n\n".join(parts))


def _broken_notice(issue: Issue) -> Notice:
    return Notice(
        event=SKIPPED,
        record=issue.id,
        reason="broken",
        detail="a test broke this record",
        issue_id=issue.id,
        issue_identifier=issue.identifier,
    )
