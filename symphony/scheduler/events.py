"""What can happen to the scheduler.

An answer carries the request it belongs to, and a report carries the id of its run, so that what
comes late is recognised and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from symphony.domain.ids import IssueId, RunId
from symphony.domain.issue import Issue
from symphony.domain.run import RunOutcome, RunUpdate
from symphony.domain.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStarted:
    """The settings are valid and the workspace root is held: begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickDue:
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDue:
    issue_id: IssueId
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefillDue:
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRequested:
    """Somebody asks for a poll now, without waiting for the next tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAnswered:
    """An operator answers the question of a blocked issue. `question` is its number, so that an
    answer that comes late is not given to another question."""

    issue_id: IssueId
    question: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorStopped:
    """An operator wants no run of this issue until it changes, or until it is answered."""

    issue_id: IssueId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownRequested:
    """Stop every run and start nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowAccepted:
    """WORKFLOW.md changed and is valid; these settings hold from now on."""

    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRejected:
    """WORKFLOW.md cannot be used as it is now; the last good settings stay."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChecked:
    """The defensive re-read of one tick is done; its finding, if any, was sent before."""

    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFailure:
    """A tracker read that failed as a whole."""

    category: str
    message: str
    retry_after_ms: int | None = None

    def __str__(self) -> str:
        return f"{self.category}: {self.message}"


Answer: TypeAlias = "tuple[Issue, ...] | ReadFailure"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForReconciliation:
    """The runs that were current when the tick asked. A run started later is not judged by it."""

    tick: int
    runs: tuple[tuple[IssueId, RunId], ...]
    parked: tuple[IssueId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForRefill:
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForRetry:
    issue_id: IssueId
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForParking:
    """The text of an issue as the agent left it when it asked its question."""

    issue_id: IssueId
    epoch: int


ReadPurpose: TypeAlias = ForReconciliation | ForRefill | ForRetry | ForParking


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuesRead:
    """The answer to `ReadIssues`; `ids` are those that were asked for."""

    purpose: ReadPurpose
    ids: tuple[IssueId, ...]
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesRead:
    tick: int
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalRead:
    """Issues in terminal states that still have a workspace on disk."""

    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReported:
    run_id: RunId
    update: RunUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The run is over and every process of it is gone."""

    run_id: RunId
    outcome: RunOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRemoved:
    """A removal ended; `problem` says why something is left, if so. `kept`: it never began."""

    issue_id: IssueId
    problem: str | None = field(default=None)
    kept: bool = False


Event: TypeAlias = (
    DaemonStarted
    | TickDue
    | RetryDue
    | RefillDue
    | PollRequested
    | OperatorAnswered
    | OperatorStopped
    | ShutdownRequested
    | WorkflowAccepted
    | WorkflowRejected
    | WorkflowChecked
    | IssuesRead
    | CandidatesRead
    | TerminalRead
    | RunReported
    | RunEnded
    | WorkspaceRemoved
)
