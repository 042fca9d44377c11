"""What a surface for people and programs, such as the HTTP interface, sees of the daemon.

It is told that something happened and reads a snapshot when it wants one; it may ask for a poll. It
holds up nothing: the daemon works the same without it (`status.surface.independent`).
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import anyio
import anyio.to_thread

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.settings import Settings
from symphony.observability.redaction import Redactor
from symphony.runtime.effective import WorkflowShelf
from symphony.runtime.mailbox import Mailbox
from symphony.scheduler.events import (
    CandidatesRead,
    Event,
    OperatorAnswered,
    OperatorStopped,
    PollRequested,
    ReadFailure,
)
from symphony.scheduler.snapshot import Snapshot
from symphony.workspaces.key import workspace_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where to listen. `port_key` is what a person has to change: `server.port` or `--port`."""

    port: int
    port_key: str
    settings: Settings
    environment: Mapping[str, str]


class Surface(Protocol):
    """Opened before the daemon begins, served while it runs."""

    @property
    def secrets(self) -> Collection[str]:
        """What neither a log nor a child may have."""
        ...

    async def serve(self, view: RunningDaemon) -> None:
        """Until cancelled. Raises nothing: its failures are its own."""
        ...

    def close(self) -> None:
        """Give back what was opened. Idempotent."""
        ...


SurfaceFactory = Callable[[Wish], Awaitable[Surface]]
"""Opens a surface. Raises `ProblemError` where it cannot be had, which is an error of the start."""


class RunningDaemon:
    """One daemon as its surface sees it."""

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot | None],
        shelf: WorkflowShelf,
        mailbox: Mailbox,
        redactor: Redactor,
        session_logs: str | None,
    ) -> None:
        """`session_logs` is the directory of the session logs, if there are any."""
        self._snapshot = snapshot
        self._shelf = shelf
        self._mailbox = mailbox
        self._redactor = redactor
        self._session_logs = session_logs
        self._revision = 0
        self._news = anyio.Event()
        self._has_polled = False

    def observe(self, event: Event) -> None:
        """Something happened; called by the loop after each event."""
        if isinstance(event, CandidatesRead) and not isinstance(event.answer, ReadFailure):
            self._has_polled = True
        self._revision += 1
        self._news.set()

    def snapshot(self) -> Snapshot | None:
        """What the daemon does now; None before it has started."""
        return self._snapshot()

    def settings(self) -> Settings:
        """The settings in force."""
        return self._shelf.current.settings

    def has_polled(self) -> bool:
        """Whether the tracker has answered a poll in this life of the daemon."""
        return self._has_polled

    def requests_sent(self) -> int | None:
        """Requests to the tracker in this life of the daemon; None where nobody counts them."""
        return self._shelf.requests_sent

    def redact(self, text: str) -> str:
        """The text without credentials."""
        return self._redactor.redact(text)

    async def changed(self, seen: int) -> int:
        """Wait until something happened after `seen`; the number of what happened last."""
        while self._revision == seen:
            if self._news.is_set():
                self._news = anyio.Event()
            await self._news.wait()
        return self._revision

    async def request_poll(self) -> None:
        """Poll and reconcile now instead of at the next tick."""
        await self._mailbox.post(PollRequested())

    async def answer(self, issue_id: IssueId, question: int, text: str) -> None:
        """Answer the question of this number that a blocked issue has."""
        answered = OperatorAnswered(issue_id=issue_id, question=question, text=text)
        await self._mailbox.post(answered)

    async def stop(self, issue_id: IssueId) -> None:
        """End the run of this issue, and hold it until it changes."""
        await self._mailbox.post(OperatorStopped(issue_id=issue_id))

    async def session_log_path(self, identifier: IssueIdentifier) -> str | None:
        """The newest session log of the issue, if there is one."""
        if self._session_logs is None:
            return None
        folder = os.path.join(self._session_logs, workspace_key(identifier))
        return await anyio.to_thread.run_sync(_newest, folder)


def without_secrets(environment: Mapping[str, str], secrets: Collection[str]) -> Mapping[str, str]:
    """The environment without variables that hold one of the secrets, which are long ones."""
    return {
        name: value
        for name, value in environment.items()
        if not any(secret in value for secret in secrets)
    }


def _newest(folder: str) -> str | None:
    """Names of session logs begin with the time."""
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    return os.path.join(folder, max(names)) if names else None
