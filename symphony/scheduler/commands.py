"""What the scheduler asks of the outside world. Every command answers with an event, or never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from symphony.domain.ids import IssueId, IssueIdentifier, RunId
from symphony.domain.issue import Issue
from symphony.domain.run import RunRequest, StopReason
from symphony.domain.settings import Settings
from symphony.scheduler.events import ReadPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class TickTimer:
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTimer:
    issue_id: IssueId
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefillTimer:
    epoch: int


Timer: TypeAlias = TickTimer | RetryTimer | RefillTimer


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTimer:
    """Send the timer event at `due_ms`. A later timer of its kind (and issue) replaces it."""

    timer: Timer
    due_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWorkflow:
    """Look whether WORKFLOW.md changed without anybody noticing, then answer `WorkflowChecked`."""

    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIssues:
    """Read these issues by id, answer `IssuesRead`."""

    purpose: ReadPurpose
    ids: tuple[IssueId, ...]
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCandidates:
    """Read the issues in the active states, answer `CandidatesRead`."""

    tick: int
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTerminal:
    """Read the issues in terminal states that have a workspace, answer `TerminalRead`."""

    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Start a run with these settings and no later ones, answer `RunReported` and `RunEnded`."""

    request: RunRequest
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRun:
    """End the run and all its processes; `RunEnded` follows when they are gone."""

    run_id: RunId
    reason: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveWorkspace:
    """Remove the workspace, answer `WorkspaceRemoved`.

    `path` is the one that the run recorded (`reconcile.cleanup.recorded_path`); None means that no
    run of this daemon used it, and the path follows from the identifier and the settings.
    """

    issue: Issue
    path: str | None
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepWorkspaces:
    """Begin no removal any more; those that wait for their turn answer `WorkspaceRemoved` with
    `kept`. One that has begun is carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropWorkflow:
    """Nothing will be asked or started with these settings again. What was, keeps them."""

    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """A decision worth a log line. `fields` holds no large text."""

    name: str
    level: Literal["debug", "info", "warning", "error"] = "info"
    issue_id: IssueId | None = None
    identifier: IssueIdentifier | None = None
    fields: Mapping[str, str | int | float | bool | None] = field(
        default_factory=dict[str, str | int | float | bool | None]
    )


Command: TypeAlias = (
    ArmTimer
    | CheckWorkflow
    | ReadIssues
    | ReadCandidates
    | ReadTerminal
    | StartRun
    | StopRun
    | RemoveWorkspace
    | KeepWorkspaces
    | DropWorkflow
    | Announce
)
