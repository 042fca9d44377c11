"""All that the HTTP interface sees of the daemon: small enough to have a twin in memory."""

from __future__ import annotations

from typing import Protocol

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.settings import Settings
from symphony.scheduler.snapshot import Snapshot


class DaemonView(Protocol):
    """Reads are cheap and immediate; nothing here waits for a tracker or an agent."""

    def snapshot(self) -> Snapshot | None:
        """What the daemon does now; None before it has started."""
        ...

    def settings(self) -> Settings:
        """The settings in force."""
        ...

    def has_polled(self) -> bool:
        """Whether the tracker has answered a poll in this life of the daemon."""
        ...

    def requests_sent(self) -> int | None:
        """Requests to the tracker in this life of the daemon; None where nobody counts them."""
        ...

    def redact(self, text: str) -> str:
        """The text without credentials. Safe to call from another thread."""
        ...

    async def changed(self, seen: int) -> int:
        """Wait until the state is not the one numbered `seen`; the number of the present one.

        Numbers only grow. Changes that nobody waited for are told as one.
        """
        ...

    async def request_poll(self) -> None:
        """Poll and reconcile now instead of at the next tick."""
        ...

    async def answer(self, issue_id: IssueId, question: int, text: str) -> None:
        """Answer the question of this number that a blocked issue has."""
        ...

    async def stop(self, issue_id: IssueId) -> None:
        """End the run of this issue, and hold it until it changes."""
        ...

    async def session_log_path(self, identifier: IssueIdentifier) -> str | None:
        """The newest session log of the issue, if there is one."""
        ...
