"""One round: what a single poll starts is carried to the end of its run, and nothing else begins.

For `symphony run --once`. The daemon does all that it always does for the runs of the round: it
reconciles, stops what stalls, gives a freed slot to the next issue that the poll found waiting for
one, and removes the workspace of an issue that is finished. What it does not do is to look for
issues again, to retry, and to open another session for an issue that ended well.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import anyio

from symphony.domain.ids import IssueId, RunId
from symphony.domain.issue import Issue
from symphony.domain.run import Failed, NeedsPerson, RunOutcome, RunPhase, StopReason
from symphony.scheduler.events import (
    CandidatesRead,
    Event,
    ForRetry,
    IssuesRead,
    ReadFailure,
    RetryDue,
    RunEnded,
    RunReported,
    ShutdownRequested,
    TickDue,
    WorkflowChecked,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.reads import held_ms
from symphony.scheduler.runs import end_phase
from symphony.scheduler.state import LastPoll, Running, SchedulerState, Waiting

_GOOD_STOPS = {
    StopReason.TERMINAL,
    StopReason.NOT_ACTIVE,
    StopReason.NOT_ROUTABLE,
    StopReason.NOT_VISIBLE,
}
"""The issue moved on, mostly by its own agent, before the run noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How the last run of an issue ended. `outcome`: succeeded, failed, timed_out, stalled,
    blocked, interrupted, or why it was stopped. `tokens` is None where the agent told of none."""

    issue: Issue
    ended_well: bool
    outcome: str
    reason: str | None
    turns: int
    seconds: float
    tokens: int | None


class Round:
    """Narrows a daemon to one round, and remembers what came of it; use once."""

    def __init__(self) -> None:
        self.over = anyio.Event()
        """Nothing is left to do: the daemon may stop."""
        self.problem: str | None = None
        """Why the poll, or what it found, could not be carried out."""
        self.interrupted = False
        """The daemon was stopped before the round was over."""
        self.candidates: int | None = None
        """How many issues the poll found; None where there was no answer."""
        self.results: dict[IssueId, RunResult] = {}
        self.left: dict[IssueId, Waiting] = {}
        """What the poll found and was not started."""
        self.states: dict[IssueId, str] = {}
        """The state of each issue that ran, as it was read last."""
        self.to_be_continued: set[IssueId] = set()
        """Ended well, and is still in an active state."""
        self._waits: dict[IssueId, Waiting] = {}
        self._runs: set[RunId] = set()
        self._poll: LastPoll | None = None

    @property
    def went_well(self) -> bool:
        """Whether everything that was to be done was done."""
        ended_well = all(result.ended_well for result in self.results.values())
        return ended_well and self.problem is None and not self.interrupted

    # What the daemon asks.

    def candidates_to_read(self) -> Collection[IssueId] | None:
        """A poll asks for all candidates once, after that for those that wait for a slot."""
        return None if self.candidates is None else tuple(self._waits)

    def admits(self, state: SchedulerState, event: Event, now: Moment) -> bool:
        """No retry becomes due, and no session follows another one. What an operator answers is
        his own wish, and is carried out."""
        match event:
            case RunEnded(run_id=run_id, outcome=outcome):
                self._note_end(state, run_id, outcome, now)
            case RetryDue(issue_id=issue_id):
                retry = state.retrying.get(issue_id)
                return retry is None or retry.kind != "failure"
            case IssuesRead(purpose=ForRetry(issue_id=issue_id)):
                return self._admits_look(state, issue_id, event)
            case _:
                pass
        return True

    def observe(self, state: SchedulerState, event: Event, now: Moment) -> None:
        """Take note of what came of the event."""
        if isinstance(event, RunReported) or self.over.is_set():
            return
        if isinstance(event, ShutdownRequested):
            self.interrupted = True
            self.left |= self._waits
            return
        judged = self._take_poll(state) if isinstance(event, CandidatesRead) else False
        self._take_starts(state)
        self._take_dropped(state)
        hindrance = self._hindrance(state, event, now)
        if hindrance is not None and not state.running:
            self.problem = hindrance
        if self.problem is not None or self._is_over(state, judged, now):
            self.left |= self._waits
            self.over.set()

    # What becomes of runs.

    def _note_end(
        self, state: SchedulerState, run_id: RunId, outcome: RunOutcome, now: Moment
    ) -> None:
        entry = state.running_by_run(run_id)
        if entry is None:
            return
        spent = entry.usage.spent.total_tokens if entry.usage.measured else None
        name, reason = _end_of(entry, outcome)
        self.states[entry.issue.id] = entry.issue.state
        self.results[entry.issue.id] = RunResult(
            issue=entry.issue,
            ended_well=name == RunPhase.SUCCEEDED.value or entry.stopping in _GOOD_STOPS,
            outcome=name,
            reason=reason,
            turns=entry.turn_count,
            seconds=now.seconds_since(entry.started),
            tokens=spent,
        )

    def _admits_look(self, state: SchedulerState, issue_id: IssueId, event: IssuesRead) -> bool:
        """The look at an issue whose run ended well: it may show that the workspace can go."""
        retry = state.retrying.get(issue_id)
        if retry is None or retry.kind == "answer" or isinstance(event.answer, ReadFailure):
            return True
        fresh = next((issue for issue in event.answer if issue.id == issue_id), None)
        if fresh is None:
            return True
        self.states[issue_id] = fresh.state
        if state.is_active(fresh):
            self.to_be_continued.add(issue_id)
            return False
        self.to_be_continued.discard(issue_id)
        return True

    # What becomes of the poll.

    def _take_poll(self, state: SchedulerState) -> bool:
        """Whether the scheduler judged the candidates; an answer of before a reload it does not."""
        poll, before = state.last_poll, self._poll
        self._poll = poll
        if poll is None or poll is before or poll.problem is not None:
            return False
        if self.candidates is None:
            self.candidates = poll.candidates
            known = {issue.id for issue in state.backlog}
            self._waits = {key: row for key, row in state.waiting.items() if key in known}
            self.left = {key: row for key, row in state.waiting.items() if key not in known}
        return True

    def _take_starts(self, state: SchedulerState) -> None:
        for issue_id, entry in state.running.items():
            if entry.run_id not in self._runs:
                self._runs.add(entry.run_id)
                self._waits.pop(issue_id, None)

    def _take_dropped(self, state: SchedulerState) -> None:
        """Those that were read again and are no candidates for a slot any more."""
        known = {issue.id for issue in state.backlog}
        for issue_id in [each for each in self._waits if each not in known]:
            row = self._waits.pop(issue_id)
            gone = Waiting(
                issue=row.issue, code="not_visible", reason="the tracker shows it no more"
            )
            self.left[issue_id] = state.waiting.get(issue_id, gone)

    def _hindrance(self, state: SchedulerState, event: Event, now: Moment) -> str | None:
        """Why the poll, or the one that looks at those that wait, will not come about."""
        if self.candidates is not None and not self._waits:
            return None
        match event:
            case CandidatesRead() if self._poll is not None and self._poll.problem is not None:
                return f"the tracker could not be read: {self._poll.problem}"
            case TickDue() if state.tick is None and held_ms(state, now):
                seconds = held_ms(state, now) / 1000
                return f"the tracker wants no requests for {seconds:.0f} s"
            case WorkflowChecked() if state.workflow_problem is not None:
                return f"WORKFLOW.md cannot be used: {state.workflow_problem}"
            case _:
                return None

    def _is_over(self, state: SchedulerState, judged: bool, now: Moment) -> bool:
        """`judged`: those that wait were judged just now, with every slot free."""
        if self.candidates is None or state.running or state.cleaning:
            return False
        if self._looks_are_due(state) and not held_ms(state, now):
            return False
        return judged or not self._waits

    def _looks_are_due(self, state: SchedulerState) -> bool:
        return any(
            retry.kind != "failure" and issue_id not in self.to_be_continued
            for issue_id, retry in state.retrying.items()
        )


def _end_of(entry: Running, outcome: RunOutcome) -> tuple[str, str | None]:
    if entry.stopping is StopReason.SHUTDOWN:
        return "interrupted", None
    if isinstance(outcome, NeedsPerson) and entry.stopping is None:
        return "blocked", f"{outcome.request}: {outcome.question}"
    phase = end_phase(entry, outcome)
    if phase is RunPhase.CANCELED_BY_RECONCILIATION and entry.stopping is not None:
        return entry.stopping.value, None
    return phase.value, str(outcome) if isinstance(outcome, Failed) else None
