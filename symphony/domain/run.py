"""One run of one issue: what it reports while it goes on, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from symphony.domain.ids import IssueIdentifier, RunId, ThreadId, TurnId
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject


class RunPhase(Enum):
    """Where a run is. The last five are ends."""

    PREPARING_WORKSPACE = "preparing_workspace"
    BUILDING_PROMPT = "building_prompt"
    LAUNCHING_AGENT_PROCESS = "launching_agent_process"
    INITIALIZING_SESSION = "initializing_session"
    STREAMING_TURN = "streaming_turn"
    FINISHING = "finishing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    CANCELED_BY_RECONCILIATION = "canceled_by_reconciliation"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Absolute token totals of one thread, or a sum of such."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


# What a run reports while it goes on. Each is one small fact; the scheduler keeps the latest.


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEntered:
    phase: RunPhase


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacePrepared:
    """The path that this run uses; clean-up of the run acts on this path and no other."""

    path: str
    created_now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProcessStarted:
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    """`number` counts from 1 within one run."""

    thread_id: ThreadId
    turn_id: TurnId
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentActivity:
    """Something the agent said. `event` is one of the names in the specification (such as
    `notification`, `turn_completed`, `malformed`), `message` one short line for people.

    `is_progress` is False for lines that must not postpone stall detection, such as the agent's
    own announcement that it reconnects again.
    """

    event: str
    message: str = ""
    is_progress: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReported:
    """Absolute totals of one thread. `is_baseline` marks what a resumed thread had used before."""

    thread_id: ThreadId
    total: TokenUsage
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitsReported:
    limits: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRefreshed:
    """The run read its own issue again between turns."""

    issue: Issue


RunUpdate: TypeAlias = (
    PhaseEntered
    | WorkspacePrepared
    | AgentProcessStarted
    | TurnStarted
    | AgentActivity
    | UsageReported
    | RateLimitsReported
    | IssueRefreshed
)


# How a run can end.


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The turns ended well: the issue left the active states, or the turn limit was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """`category` is stable (`turn_timeout`, `hook_failed`, ...), `message` says what happened.
    `retry_after_ms` is set where the tracker asked to be left alone for so long."""

    category: str
    message: str
    retry_after_ms: int | None = None

    def __str__(self) -> str:
        return f"{self.category}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsPerson:
    """The agent asked what only a person can answer. `request` names the kind of question
    (`user_input`, `elicitation`, `approval`), `question` is its text in plain words."""

    request: str
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAnswer:
    """What an operator said to an agent that waited, with the question as the agent asked it.

    `thread_id` is the thread to go on with; where it is None, or is gone, a new one is told both.
    """

    thread_id: ThreadId | None
    request: str
    question: str
    text: str


class StopReason(Enum):
    """Why the scheduler asked for a stop."""

    STALLED = "stalled"
    TERMINAL = "terminal"
    NOT_ACTIVE = "not_active"
    NOT_ROUTABLE = "not_routable"
    NOT_VISIBLE = "not_visible"
    SHUTDOWN = "shutdown"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The run was ended from outside, and its processes are gone."""

    reason: StopReason


RunOutcome: TypeAlias = Succeeded | Failed | NeedsPerson | Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run is started with. `attempt` is None for a first run, else counts from 1. `answer`
    is there where an operator answered the question that the run before ended with. `look_back`: an
    earlier daemon may have been at work on the issue until this one started."""

    run_id: RunId
    issue: Issue
    attempt: int | None
    answer: OperatorAnswer | None = None
    look_back: bool = False

    @property
    def identifier(self) -> IssueIdentifier:
        return self.issue.identifier
