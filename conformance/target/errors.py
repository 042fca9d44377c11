"""Why a target could not be started or ended."""

from __future__ import annotations


class TargetError(Exception):
    """The implementation cannot be run at all: the manifest or this machine is at fault, not what
    is judged. The message says what to do."""


class LeftoversError(Exception):
    """Something outlived SIGKILL for `END_LIMIT_S`: the machine is in trouble."""
