"""The bounds of a session that no setting names, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Times in seconds unless named otherwise. Tests pass smaller ones."""

    tool_call: float = 120.0
    """A tracker tool waits for a provider, which has time limits of its own below this; the
    app-server sets none, so that a call that hangs would hang the turn."""

    tool_result_bytes: int = 256 * 1024
    """A result becomes input of the model and is echoed twice on the wire."""

    open_requests: int = 64
    """Requests of the server that are worked on at once; more than that wait in the pipe."""

    response_patience: int = 12
    """How many times the read timeout a request may take if the agent is not silent meanwhile:
    an operator's MCP servers start slowly, but chatter is not an answer."""

    interrupt: float = 5.0
    """For the end of a turn that was interrupted; the agent takes 10 ms, and is stopped anyway."""

    last_words: float = 1.0
    """Of silence, after the process has ended: what is still in the pipe is read until then. A
    grandchild that holds the pipe open keeps its end from coming (`run.end.held_pipe`)."""

    exit_patience: float = 10.0
    """For those last words in all, also if a grandchild goes on talking."""

    closed_stream: float = 2.0
    """For the exit of an agent that closed its input or output before."""

    stream_interval: float = 1.0
    """Between reports of one kind of streamed notification, of which there are thousands."""

    stop_grace_ms: int = 2_000
    """For an agent to leave by itself; it takes 100 ms."""

    stderr_lines: int = 20
    """Last lines of standard error that are kept for the message of a failure."""

    stderr_line_characters: int = 400
    """Of each of those lines."""


def stream_interval(stall_timeout_ms: int, limits: SessionLimits) -> float:
    """In seconds; several times within the stall time-out, so that no talker counts as stalled."""
    stall = stall_timeout_ms / 1000
    return min(limits.stream_interval, stall / 4) if stall > 0 else limits.stream_interval
