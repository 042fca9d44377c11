"""Simulated runs: they succeed, fail, hang, ask, flood, lie, and speak after their end."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from symphony.domain.ids import IssueId, RunId, ThreadId, TurnId
from symphony.domain.issue import Issue
from symphony.domain.run import (
    AgentActivity,
    AgentProcessStarted,
    Failed,
    IssueRefreshed,
    NeedsPerson,
    PhaseEntered,
    RateLimitsReported,
    RunOutcome,
    RunPhase,
    RunUpdate,
    Stopped,
    StopReason,
    Succeeded,
    TokenUsage,
    TurnStarted,
    UsageReported,
)
from symphony.domain.settings import Settings
from tests.support.scheduling import issue as an_issue
from tests.support.simulation.faults import Faults

LONGEST_RUN_MS = 40_000
LONGEST_STOP_MS = 5_000
LONGEST_HOOK_MS = 60_000
FLOOD = 60
FOREIGN = an_issue("F-1", labels=("agent",))


@dataclass(slots=True, kw_only=True)
class SimulatedRun:
    """A run that was started and whose end was not delivered yet. `seen` holds the highest total
    that it told of each thread."""

    run_id: RunId
    issue_id: IssueId
    identifier: str
    attempt: int | None
    settings: Settings
    stop: StopReason | None = None
    path: str | None = None
    is_finishing: bool = False
    heard_ms: int
    spent: int = field(default=0)
    seen: dict[ThreadId, TokenUsage] = field(default_factory=dict[ThreadId, TokenUsage])


def an_outcome(rng: random.Random, faults: Faults, met: Counter[str]) -> RunOutcome | None:
    """How a run ends by itself; None: it does not."""
    if rng.random() < faults.hook_fails:
        met["hook: failed"] += 1
        return Failed(category="hook_failed", message="before_run: exit 1")
    if rng.random() < faults.run_hangs:
        met["agent: went silent"] += 1
        return None
    if rng.random() < faults.run_fails:
        return _a_failure(rng, faults, met)
    if rng.random() < faults.run_asks:
        met["agent: asked"] += 1
        return NeedsPerson(request="user_input", question="Which?")
    return Succeeded()


def _a_failure(rng: random.Random, faults: Faults, met: Counter[str]) -> Failed:
    category = rng.choice(("port_exit", "turn_failed", "tracker_status"))
    met["agent: crashed" if category == "port_exit" else "agent: failed"] += 1
    rest = None
    if category == "tracker_status" and rng.random() < faults.asks_for_rest:
        met["agent: wants the tracker to rest"] += 1
        rest = rng.randrange(1, 30_000)
    return Failed(category=category, message="no", retry_after_ms=rest)


def end_of_stop(rng: random.Random, reason: StopReason, met: Counter[str]) -> RunOutcome:
    """A run that is asked to stop may still end by itself."""
    outcomes: tuple[RunOutcome, ...] = (
        Stopped(reason=reason),
        Stopped(reason=reason),
        Failed(category="port_exit", message="gone"),
        Succeeded(),
        NeedsPerson(request="approval", question="May I?"),
    )
    chosen = rng.choice(outcomes)
    met["agent: ended otherwise than it was told"] += not isinstance(chosen, Stopped)
    return chosen


def an_update(
    rng: random.Random,
    run: SimulatedRun,
    issue: Issue | None,
    faults: Faults,
    met: Counter[str],
) -> RunUpdate:
    """Something a run reports."""
    run.spent += rng.randrange(100)
    if rng.random() < faults.run_lies:
        return _a_lie(rng, run, met)
    kind = rng.randrange(8)
    match kind:
        case 0:
            return PhaseEntered(phase=RunPhase.STREAMING_TURN)
        case 1:
            return AgentProcessStarted(pid=rng.randrange(1, 30_000))
        case 2:
            return TurnStarted(thread_id=ThreadId("t"), turn_id=TurnId(f"{run.spent}"), number=1)
        case 3:
            return RateLimitsReported(limits={"primary": {"usedPercent": rng.choice((None, 5))}})
        case 4 | 5:
            return _usage(ThreadId(rng.choice("ts")), run.spent, is_baseline=rng.random() < 0.1)
        case 6 if issue is not None:
            return IssueRefreshed(issue=issue)
        case _:
            return AgentActivity(event="notification", is_progress=rng.random() < 0.8)


def _a_lie(rng: random.Random, run: SimulatedRun, met: Counter[str]) -> RunUpdate:
    match rng.randrange(5):
        case 0 | 4:
            thread = next(iter(run.seen), ThreadId("t"))
            known = run.seen.get(thread, TokenUsage()).total_tokens
            met["agent: total shrank"] += known > 1
            return _usage(thread, known // 2 or run.spent)
        case 1:
            met["agent: spoke of a foreign thread"] += 1
            thread = ThreadId(f"foreign-{rng.randrange(50)}")
            return _usage(thread, rng.randrange(1_000_000), is_baseline=rng.random() < 0.5)
        case 2:
            met["agent: spoke of a foreign thread"] += 1
            return TurnStarted(thread_id=ThreadId("foreign"), turn_id=TurnId("0"), number=0)
        case _:
            met["agent: spoke of a foreign issue"] += 1
            return IssueRefreshed(issue=FOREIGN)


def _usage(thread: ThreadId, total: int, *, is_baseline: bool = False) -> UsageReported:
    """Absolute totals, whose parts do not have to add up."""
    used = TokenUsage(input_tokens=total, output_tokens=total // 2, total_tokens=total)
    return UsageReported(thread_id=thread, total=used, is_baseline=is_baseline)
