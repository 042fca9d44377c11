"""Carrying out `issue_update` on the directory of issues.

One writer at a time holds the lock of the directory, reads the file, changes its text and replaces
the file as a whole. If a program that does not know the lock wrote in between, everything starts
over from what that program wrote, so that neither change is lost. Blocks, so it must not be called
on the event loop. Never raises for what the caller or the directory did wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from symphony.documents.atomic import (
    ChangedMeanwhileError,
    LockTimeoutError,
    NotAWholeFileError,
    WriteAbandonedError,
    locked_directory,
    read_whole,
    replace_file,
)
from symphony.domain.ids import IssueId
from symphony.domain.problems import ProblemError
from symphony.domain.tools import ToolResult
from symphony.trackers.errors import TrackerError
from symphony.trackers.files.board import Board
from symphony.trackers.files.folder import Folder
from symphony.trackers.files.normalize import UnusableFileError
from symphony.trackers.files.settings import FilesSettings
from symphony.trackers.files.update import UpdatedText, updated
from symphony.trackers.issue_update import IssueUpdate, RefusedError, succeeded

LOCK_SECONDS = 10.0
"""A writer holds the lock for milliseconds; one that holds it so long is broken."""

WRITE_ATTEMPTS = 10
"""Nobody writes one issue more often than this in the time that the attempts take."""

WRITE_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Updater:
    """`now` gives the time of a comment, with a zone. `may_write` is asked before each write."""

    folder: Folder
    settings: FilesSettings
    now: Callable[[], datetime]

    def update(
        self, issue_id: IssueId, update: IssueUpdate, may_write: Callable[[], bool]
    ) -> ToolResult:
        """Change one issue, and say what changed or why nothing did."""
        retrying = Retrying(
            retry=retry_if_exception_type(ChangedMeanwhileError),
            wait=wait_fixed(WRITE_PAUSE_SECONDS),
            stop=stop_after_attempt(WRITE_ATTEMPTS),
            reraise=True,
        )
        try:
            with locked_directory(self.folder.directory, timeout_seconds=LOCK_SECONDS):
                done = retrying(self._update_once, issue_id, update, may_write)
        except RefusedError as refusal:
            return refusal.result()
        except TrackerError as error:
            return RefusedError(error.category, error.message).result()
        except ProblemError as error:
            return RefusedError(error.code, str(error)).result()
        except (UnusableFileError, NotAWholeFileError) as error:
            return RefusedError(error.reason, str(error)).result()
        except (ChangedMeanwhileError, LockTimeoutError) as error:
            return RefusedError("busy", f"{error}; try again").result()
        except WriteAbandonedError as error:
            return RefusedError("abandoned", str(error)).result()
        except OSError as error:
            return RefusedError("not_written", f"nothing was changed: {error.strerror}").result()
        return succeeded(done.before.identifier, done.changed)

    def _update_once(
        self, issue_id: IssueId, update: IssueUpdate, may_write: Callable[[], bool]
    ) -> UpdatedText:
        board = Board(self.folder.scan({issue_id}), self.settings)
        file = board.file(issue_id)
        if file is None:
            raise RefusedError("issue_not_found", f"the issue {issue_id} is not on the board")
        path = self.folder.path_of(file.name)
        limit = self.folder.bounds.file_bytes
        data, version = read_whole(path, maximum_bytes=limit)
        known = (*board.states_in_use(), *self.settings.named_states)
        done = updated(file.name, data, update, known, self.now())
        if len(done.data) > limit:
            # A larger file would not be read any more, and the issue would be lost to everybody.
            raise RefusedError("issue_too_large", f"the issue would exceed {limit} bytes")
        if done.changed:
            replace_file(path, done.data, expected=version, may_replace=may_write)
        return done
