"""`/healthz` and `/readyz`, for whoever restarts the daemon or waits for it.

They tell no details: they answer without a token.
"""

from __future__ import annotations

from symphony.http.answers import ApiError
from symphony.http.rendering import take_snapshot
from symphony.http.view import DaemonView


def check_ready(view: DaemonView) -> None:
    """Raises `ApiError` (503) unless the daemon starts issues that it finds."""
    snapshot = take_snapshot(view)
    if snapshot.draining:
        raise _not_ready("draining", "The daemon stops: it starts nothing more.")
    if snapshot.workflow_problem is not None:
        raise _not_ready(
            "workflow_invalid",
            "WORKFLOW.md cannot be used as it is now; GET /api/v1/state says why.",
        )
    if not view.has_polled():
        raise _not_ready("not_polled", "The tracker has not answered a poll yet.")


def _not_ready(code: str, message: str) -> ApiError:
    return ApiError(status=503, code=code, message=message, headers={"Retry-After": "1"})
