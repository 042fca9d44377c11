"""Simulated runs: they succeed, fail, hang, ask, and speak after their end."""

from __future__ import annotations

import random
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
from tests.support.simulation.tracker import Faults

LONGEST_RUN_MS = 40_000
LONGEST_STOP_MS = 5_000


@dataclass(slots=True, kw_only=True)
class SimulatedRun:
    """A run that was started and whose end was not delivered yet."""

    run_id: RunId
    issue_id: IssueId
    identifier: str
    attempt: int | None
    stop: StopReason | None = None
    path: str | None = None
    heard_ms: int
    spent: int = field(default=0)


def an_outcome(rng: random.Random, faults: Faults) -> RunOutcome | None:
    """How a run ends by itself; None: it does not."""
    if rng.random() < faults.run_hangs:
        return None
    if rng.random() < faults.run_fails:
        return Failed(category=rng.choice(("turn_failed", "turn_timeout", "hook")), message="no")
    if rng.random() < faults.run_asks:
        return NeedsPerson(request="user_input", question="Which?")
    return Succeeded()


def end_of_stop(rng: random.Random, reason: StopReason) -> RunOutcome:
    """A run that is asked to stop may still end by itself."""
    outcomes: tuple[RunOutcome, ...] = (
        Stopped(reason=reason),
        Stopped(reason=reason),
        Failed(category="port_exit", message="gone"),
        Succeeded(),
        NeedsPerson(request="approval", question="May I?"),
    )
    return rng.choice(outcomes)


def an_update(rng: random.Random, run: SimulatedRun, issue: Issue | None) -> RunUpdate:
    """Something a run reports."""
    run.spent += rng.randrange(100)
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
            return a_usage_report(rng, run)
        case 6 if issue is not None:
            return IssueRefreshed(issue=issue)
        case _:
            return AgentActivity(event="notification", is_progress=rng.random() < 0.8)


def a_usage_report(rng: random.Random, run: SimulatedRun) -> UsageReported:
    """Absolute totals, at times old or repeated ones."""
    total = max(run.spent - rng.choice((0, 0, 50)), 0)
    return UsageReported(
        thread_id=ThreadId(rng.choice("ts")),
        total=TokenUsage(input_tokens=total, output_tokens=total // 2, total_tokens=total),
        is_baseline=rng.random() < 0.1,
    )
