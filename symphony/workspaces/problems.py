"""What can go wrong with a workspace, as typed errors that carry their problem."""

from __future__ import annotations

from typing import Final

from symphony.domain.problems import Problem, ProblemError

OUTSIDE_ROOT: Final = "workspace_outside_root"
NOT_A_DIRECTORY: Final = "workspace_not_a_directory"
NOT_READABLE: Final = "workspace_not_readable"
MISSING: Final = "workspace_missing"
NOT_CREATED: Final = "workspace_not_created"
NOT_REMOVED: Final = "workspace_not_removed"
HOOK_FAILED: Final = "hook_failed"
HOOK_TIMED_OUT: Final = "hook_timed_out"


class WorkspaceError(ProblemError):
    """A workspace cannot be used or removed.

    `category` is one of the constants of this module and stable, `message` tells people what
    happened where.
    """

    def __init__(self, category: str, message: str, remedy: str, *, path: str) -> None:
        super().__init__(Problem(code=category, message=message, remedy=remedy, path=path))
        self.category = category
        self.message = message
        self.path = path
