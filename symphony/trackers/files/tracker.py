"""The files tracker: a directory of Markdown files as the board (docs/trackers/files.md).

Reads list the directory in a worker thread and end in bounded time; the event loop never waits for
a disk. The daemon itself writes nothing: only the tool does, and only to the issue of its session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import anyio
import anyio.to_thread

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.json import JsonValue
from symphony.domain.tools import ToolContext, ToolResult, ToolSpec
from symphony.trackers.errors import TrackerError
from symphony.trackers.files.board import Board
from symphony.trackers.files.folder import DEFAULT_BOUNDS, Bounds, Folder
from symphony.trackers.files.settings import FilesSettings
from symphony.trackers.files.tools import LOCK_SECONDS, Updater
from symphony.trackers.issue_update import RefusedError, read_arguments, tool_spec
from symphony.trackers.notices import Notice, RecordLog

THREADS = 4
"""How many reads, and how many tools, work at once. A disk that hangs takes these and no more, and
tools that wait for each other do not hold up a poll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    board: Board
    in_states: Sequence[Issue]
    notices: Sequence[Notice]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class FilesTracker:
    """Implements `symphony.trackers.port.Tracker`. `now` is the clock that comments show."""

    def __init__(
        self,
        settings: FilesSettings,
        *,
        bounds: Bounds = DEFAULT_BOUNDS,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.folder = Folder(settings.directory, bounds)
        self._settings = settings
        self._updater = Updater(folder=self.folder, settings=settings, now=now)
        self._log = RecordLog("files")
        self._readers = anyio.CapacityLimiter(THREADS)
        self._writers = anyio.CapacityLimiter(THREADS)
        self._specs = (tool_spec(settings.named_states),)
        # The scan's own bound, and the time it may wait for files in work before and after.
        self._read_seconds = bounds.scan_seconds + 2 * bounds.settle_seconds

    async def fetch_issues_by_states(self, states: Collection[str]) -> Sequence[Issue]:
        """The issues in these states. Raises `TrackerError`."""
        return (await self._look(states=states)).in_states if states else ()

    async def fetch_issues_by_ids(self, ids: Collection[IssueId]) -> Sequence[Issue]:
        """The issues with these ids. Raises `TrackerError`."""
        return (await self._look(ids=ids)).board.by_ids(ids) if ids else ()

    async def fetch_issues_by_identifiers(
        self, identifiers: Collection[IssueIdentifier]
    ) -> Sequence[Issue]:
        """The issues with these identifiers. Raises `TrackerError`."""
        return (await self._look()).board.by_identifiers(identifiers) if identifiers else ()

    def tool_specs(self) -> Sequence[ToolSpec]:
        """`issue_update`."""
        return self._specs

    async def execute_tool(
        self, name: str, arguments: JsonValue, context: ToolContext
    ) -> ToolResult:
        """Change the issue of the session as the arguments say."""
        abandoned = threading.Event()
        try:
            update = read_arguments(name, arguments)
            work = partial(
                self._updater.update, context.issue.id, update, lambda: not abandoned.is_set()
            )
            with anyio.fail_after(self._read_seconds + LOCK_SECONDS):
                return await anyio.to_thread.run_sync(
                    work, abandon_on_cancel=True, limiter=self._writers
                )
        except RefusedError as refusal:
            return refusal.result()
        except TimeoutError:
            return RefusedError("timed_out", "the issue directory did not answer in time").result()
        finally:
            # Nothing is written for a session that has been stopped.
            abandoned.set()

    def secret_environment_names(self) -> frozenset[str]:
        """None: files need no credential."""
        return frozenset()

    def secret_values(self) -> frozenset[str]:
        """None: files need no credential."""
        return frozenset()

    async def aclose(self) -> None:
        """Nothing is held open between two calls."""

    async def _look(self, *, states: Collection[str] = (), ids: Collection[IssueId] = ()) -> _Look:
        try:
            with anyio.fail_after(self._read_seconds):
                look = await anyio.to_thread.run_sync(
                    partial(self._look_now, states, ids),
                    abandon_on_cancel=True,
                    limiter=self._readers,
                )
        except TimeoutError:
            raise TrackerError(
                "tracker_request",
                f"{self._settings.directory} did not answer within {self._read_seconds:g} s",
            ) from None
        self._log.tell(look.notices)
        return look

    def _look_now(self, states: Collection[str], ids: Collection[IssueId]) -> _Look:
        board = Board(self.folder.scan(ids), self._settings)
        return _Look(board=board, in_states=board.by_states(states), notices=board.notices())
