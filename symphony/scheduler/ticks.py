"""The tick: stall check, reconcile, check WORKFLOW.md, read candidates, dispatch (`tick.*`).

Ticks keep their cadence whatever the tracker does. The stall check happens on each; the rest is one
chain of questions and answers, and while it is under way a new tick asks nothing again.
"""

from __future__ import annotations

from symphony.scheduler.commands import (
    Announce,
    ArmTimer,
    CheckWorkflow,
    Command,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    TickTimer,
)
from symphony.scheduler.dispatch import dispatch_candidates
from symphony.scheduler.events import (
    CandidatesRead,
    ForReconciliation,
    IssuesRead,
    ReadFailure,
    TerminalRead,
    TickDue,
    WorkflowChecked,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.reads import hold_reads, reads_are_held
from symphony.scheduler.reconcile import reconcile, stop_stalled, terminal_found, watched_ids
from symphony.scheduler.retries import wake_for_slot
from symphony.scheduler.state import LastPoll, SchedulerState, Tick


def daemon_started(state: SchedulerState) -> list[Command]:
    """Clean up first; the first tick follows when that is done (`startup.order.sequence`)."""
    state.starting = True
    return _ask_for_terminal(state)


def _ask_for_terminal(state: SchedulerState) -> list[Command]:
    state.started_with = state.settings
    return [ReadTerminal(settings=state.settings)]


def terminal_read(state: SchedulerState, event: TerminalRead, now: Moment) -> list[Command]:
    if isinstance(event.answer, ReadFailure):
        hold_reads(state, event.answer, now, state.started_with)
    if state.started_with is not state.settings:
        # Of another tracker perhaps, and for another root: it removes nothing.
        return _ask_for_terminal(state)
    commands: list[Command] = []
    if isinstance(event.answer, ReadFailure):
        reason = {"reason": str(event.answer)}
        commands.append(Announce(name="startup_cleanup_failed", level="warning", fields=reason))
    else:
        commands += terminal_found(state, event.answer, now)
    return commands + begin_when_clean(state, now)


def begin_when_clean(state: SchedulerState, now: Moment) -> list[Command]:
    """The first tick, once the clean-up of the start is over."""
    if not state.starting or state.cleaning:
        return []
    state.starting = False
    return poll_now(state, now)


def poll_now(state: SchedulerState, now: Moment) -> list[Command]:
    """A tick at once; the cadence counts from it. Requests during a tick make one more."""
    if state.starting or state.draining:
        return []
    if state.tick is not None:
        state.poll_again = True
        return []
    return _arm(state, now.monotonic_ms)


def _arm(state: SchedulerState, due_ms: int) -> list[Command]:
    state.tick_epoch = state.next_epoch()
    return [ArmTimer(timer=TickTimer(epoch=state.tick_epoch), due_ms=due_ms)]


def tick_due(state: SchedulerState, event: TickDue, now: Moment) -> list[Command]:
    if event.epoch != state.tick_epoch:
        return []
    state.last_tick_ms = now.monotonic_ms
    commands = _arm(state, now.monotonic_ms + state.settings.polling.interval_ms)
    commands += stop_stalled(state, now)
    if state.tick is None and not reads_are_held(state, now):
        commands += _begin(state)
    return commands


def _begin(state: SchedulerState) -> list[Command]:
    tick = Tick(epoch=state.next_epoch(), phase="reconciling")
    state.tick = tick
    runs = tuple(
        (issue_id, entry.run_id)
        for issue_id, entry in state.running.items()
        if entry.stopping is None
    )
    tick.settings = state.settings
    purpose = ForReconciliation(tick=tick.epoch, runs=runs, parked=tuple(state.parked))
    ids = watched_ids(purpose)
    if not ids:
        return _check(tick)
    return [ReadIssues(purpose=purpose, ids=ids, settings=state.settings)]


def _check(tick: Tick) -> list[Command]:
    tick.phase = "checking"
    return [CheckWorkflow(tick=tick.epoch)]


def reconciliation_read(
    state: SchedulerState, purpose: ForReconciliation, event: IssuesRead, now: Moment
) -> list[Command]:
    tick = state.tick
    if tick is None or tick.epoch != purpose.tick or tick.phase != "reconciling":
        return []
    if isinstance(event.answer, ReadFailure):
        hold_reads(state, event.answer, now, tick.settings)
    judged = reconcile(state, purpose, event, now)
    # A run that now counts under another state freed a slot of the old one.
    return [*judged, *wake_for_slot(state, now), *_check(tick)]


def workflow_checked(state: SchedulerState, event: WorkflowChecked, now: Moment) -> list[Command]:
    tick = state.tick
    if tick is None or tick.epoch != event.tick or tick.phase != "checking":
        return []
    if state.workflow_problem is not None or reads_are_held(state, now):
        return _end(state, now)
    tick.phase = "fetching"
    tick.asked = state.next_epoch()
    tick.settings = state.settings
    return [ReadCandidates(tick=tick.epoch, settings=state.settings)]


def candidates_read(state: SchedulerState, event: CandidatesRead, now: Moment) -> list[Command]:
    tick = state.tick
    if tick is None or tick.epoch != event.tick or tick.phase != "fetching":
        return []
    answer = event.answer
    if isinstance(answer, ReadFailure):
        hold_reads(state, answer, now, tick.settings)
    if tick.settings is not state.settings:
        return _end(state, now)  # The reload asked for one more tick.
    if isinstance(answer, ReadFailure):
        state.last_poll = LastPoll(at=now.utc, candidates=0, problem=str(answer))
        fields = {"reason": str(answer), "outcome": "dispatch skipped for this tick"}
        failed = Announce(name="candidate_read_failed", level="error", fields=fields)
        return [failed, *_end(state, now)]
    state.last_poll = LastPoll(at=now.utc, candidates=len(answer))
    return [*dispatch_candidates(state, answer, tick.asked, now), *_end(state, now)]


def _end(state: SchedulerState, now: Moment) -> list[Command]:
    state.tick = None
    if not state.poll_again:
        return []
    state.poll_again = False
    return poll_now(state, now)
