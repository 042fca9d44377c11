"""The vocabulary of the log: every event that the daemon reports.

`docs/operations.md` shows this table, and a test holds code, table and page together. An action's
line states its outcome (`log.outcome.stated`): where a caller gives none, the table's is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

EventLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One kind of log line. `outcome` is what the line says where its fields say nothing else."""

    name: str
    levels: tuple[EventLevel, ...]
    outcome: str
    meaning: str


def _event(name: str, levels: Sequence[EventLevel], outcome: str, meaning: str) -> LogEvent:
    return LogEvent(name=name, levels=tuple(levels), outcome=outcome, meaning=meaning)


_INFO: tuple[EventLevel, ...] = ("info",)
_WARNING: tuple[EventLevel, ...] = ("warning",)
_ERROR: tuple[EventLevel, ...] = ("error",)

_TABLE = (
    # The life of the daemon.
    _event("daemon_started", _INFO, "started", "The settings are valid and the root is held."),
    _event(
        "startup_failed",
        _ERROR,
        "failed",
        "The daemon cannot start; one line for each mistake, with `path`, `line`, `key` and "
        "`remedy`. The exit code is 1.",
    ),
    _event(
        "daemon_failed",
        _ERROR,
        "failed",
        "A defect ended the daemon; the warden ends what it leaves. The exit code is 1.",
    ),
    _event("stop_requested", _INFO, "stopping", "The first signal came: an orderly stop begins."),
    _event(
        "stopping_at_once", _WARNING, "killed", "A second signal came; the warden ends the rest."
    ),
    _event("daemon_stopped", _INFO, "completed", "Every run has ended; the exit code is 0."),
    _event("http_listening", _INFO, "started", "The HTTP interface is at `url`, on `port`."),
    _event(
        "http_address_not_written",
        _WARNING,
        "failed",
        "`symphony status` and others will not find the interface by themselves; use `--url`.",
    ),
    _event(
        "http_request_defect",
        _ERROR,
        "failed",
        "A defect failed a request of the HTTP interface; told once for each kind.",
    ),
    _event(
        "http_stopped",
        _ERROR,
        "failed",
        "A defect ended the HTTP interface. The daemon works on; a restart brings it back.",
    ),
    _event(
        "leftover_process_ended",
        _WARNING,
        "completed",
        "A daemon of this root had died and left this process; it was ended at start.",
    ),
    _event(
        "leftover_processes_survived",
        _ERROR,
        "failed",
        "Such processes could not be ended: `pids`. Look at them.",
    ),
    _event(
        "workspace_root_replaced",
        _WARNING,
        "recovered",
        "Another directory stands at the root's path; the daemon holds that one now.",
    ),
    # The workflow file.
    _event("workflow_reloaded", _INFO, "completed", "An edit is in force for what starts now."),
    _event(
        "workflow_rejected",
        _ERROR,
        "rejected",
        "An edit cannot be used. Nothing new is dispatched, the last good settings stay; told once "
        "for each distinct mistake.",
    ),
    _event("workflow_recovered", _INFO, "recovered", "The file is valid again and in force."),
    _event("workflow_warning", _WARNING, "ignored", "Something in the valid file has no effect."),
    _event("workflow_check_defect", _ERROR, "failed", "A defect: looking at the file went wrong."),
    # The decisions of the scheduler.
    _event("dispatched", _INFO, "started", "A slot was taken and a run begins."),
    _event("run_stopping", _INFO, "stopping", "A run is being ended from outside; `reason` why."),
    _event(
        "run_ended",
        (*_INFO, *_WARNING),
        "ended",
        "A run is over and its processes are gone. `outcome` is `succeeded`, `failed`, "
        "`timed_out`, `stalled` or `canceled_by_reconciliation`.",
    ),
    _event(
        "retry_scheduled",
        _INFO,
        "retrying",
        "The issue is claimed and waits `delay_ms`. `kind` is `continuation` after a good end, "
        "`answer` where an operator answered, else `failure`.",
    ),
    _event("claim_released", _INFO, "released", "The issue is no longer this daemon's business."),
    _event(
        "issue_held",
        _INFO,
        "held",
        "An operator stopped the issue. It starts again when it changes or is answered.",
    ),
    _event(
        "question_answered",
        _INFO,
        "answered",
        "An operator answered; the next run goes on with it when a slot is free.",
    ),
    _event(
        "answer_unused",
        _WARNING,
        "dropped",
        "An operator's answer came when its question was not open any more.",
    ),
    _event(
        "issue_blocked",
        _WARNING,
        "blocked",
        "The agent asked what only a person can answer: `question`. Not retried until the issue "
        "changes or is answered.",
    ),
    _event(
        "candidate_read_failed",
        _ERROR,
        "skipped",
        "The tracker did not tell the active issues. Nothing is dispatched in this tick.",
    ),
    _event(
        "reconcile_read_failed",
        _WARNING,
        "kept",
        "The tracker did not tell how the running issues are. Their runs go on.",
    ),
    _event(
        "refill_read_failed",
        _WARNING,
        "postponed",
        "A freed slot stays empty until the next tick, because its candidates could not be read.",
    ),
    _event(
        "startup_cleanup_failed",
        _WARNING,
        "skipped",
        "Terminal issues could not be read at start; their workspaces stay for now.",
    ),
    _event(
        "terminal_workspace_found",
        _INFO,
        "removing",
        "At start, a workspace of an issue that ended meanwhile.",
    ),
    _event(
        "workspace_kept",
        _INFO,
        "kept",
        "The daemon stops before the removal of this workspace has begun; the next start does it.",
    ),
    _event("workspace_removed", _INFO, "completed", "The workspace of a finished issue is gone."),
    _event(
        "workspace_removal_failed", _WARNING, "failed", "Something of a workspace is left behind."
    ),
    # Runs and sessions.
    _event(
        "thread_resumed",
        _INFO,
        "started",
        "The session goes on with `thread_id`, which has a history.",
    ),
    _event(
        "session_started",
        _INFO,
        "started",
        "Thread and first turn are known: `session_id` from here on.",
    ),
    _event(
        "agent_line_malformed",
        _WARNING,
        "skipped",
        "The agent's output holds a line that is no message: `reason`. Told once for each session.",
    ),
    _event("turn_started", _INFO, "started", "A later turn of the same session: `turn`."),
    _event(
        "tool_executed",
        _INFO,
        "completed",
        "The agent called `tool`; `outcome` is `completed` or `failed`. A failure has a `code`, "
        "and a `status` where the provider answered with one.",
    ),
    _event(
        "agent_processes_survived",
        _ERROR,
        "failed",
        "Processes of a run could not be ended: `pids`. Look at them.",
    ),
    _event("run_defect", _ERROR, "failed", "A defect of the daemon failed this run."),
    _event("workspace_removal_defect", _ERROR, "failed", "A defect: a removal went wrong."),
    # Hooks; `hook` is its name, `output` the end of what it wrote.
    _event("hook_started", _INFO, "started", "A hook begins in its workspace."),
    _event("hook_completed", _INFO, "completed", "It ended with exit code 0."),
    _event("hook_failed", _WARNING, "failed", "It ended badly: `exit_code`, `reason`, `output`."),
    _event(
        "hook_timed_out",
        _WARNING,
        "timed_out",
        "It took longer than `hooks.timeout_ms` and was ended with all that it had started.",
    ),
    _event("hook_cancelled", _WARNING, "cancelled", "Its run was stopped, and so was the hook."),
    # The tracker.
    _event(
        "tracker_record_skipped",
        _WARNING,
        "skipped",
        "A record cannot be read as an issue and is left out; told once.",
    ),
    _event("tracker_record_recovered", _INFO, "recovered", "Nothing is wrong with `record` now."),
    _event(
        "tracker_blocker_unknown",
        _WARNING,
        "waiting",
        "An issue names a blocker that does not exist, and waits.",
    ),
    _event(
        "tracker_state_unknown",
        _WARNING,
        "continuing",
        "The workflow names a state that the provider does not have; the detail says what to do.",
    ),
    _event(
        "tracker_close_failed",
        _ERROR,
        "ignored",
        "A defect of an adapter: connections that nobody needs could not be closed.",
    ),
    _event("tracker_read_defect", _ERROR, "failed", "A defect of an adapter: the read failed."),
    # Logging itself.
    _event(
        "log_sink_failed",
        _WARNING,
        "continuing",
        "`sink` takes no lines. Reported once, on the other sinks; the daemon goes on.",
    ),
    _event(
        "log_sink_recovered",
        _INFO,
        "recovered",
        "`sink` takes lines again; `lines_lost` is how many it missed at most.",
    ),
    _event(
        "log_record_unreadable", _WARNING, "skipped", "A line could not be made from its fields."
    ),
    _event(
        "session_log_failed",
        _WARNING,
        "continuing",
        "The session log at `path` cannot be written. The session goes on without it.",
    ),
    _event(
        "library_message",
        (*_WARNING, *_ERROR),
        "reported",
        "A warning of a library: `logger` and `message`.",
    ),
)

EVENTS: Mapping[str, LogEvent] = MappingProxyType({event.name: event for event in _TABLE})


def default_outcome(event: str) -> str | None:
    """What a line of this event says as `outcome` where its fields have none."""
    known = EVENTS.get(event)
    return known.outcome if known else None


def events_table() -> str:
    """The table as Markdown, as docs/operations.md has it."""
    rows = ["| event | level | outcome | meaning |", "|---|---|---|---|"]
    for event in EVENTS.values():
        levels = ", ".join(event.levels)
        rows.append(f"| `{event.name}` | {levels} | `{event.outcome}` | {event.meaning} |")
    return "\n".join(rows)
