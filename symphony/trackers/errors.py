"""What can go wrong at a tracker, in the portable categories of the specification."""

from __future__ import annotations

from typing import Literal, TypeAlias

TrackerErrorCategory: TypeAlias = Literal[
    "unsupported_tracker_kind",
    "invalid_tracker_config",
    "missing_tracker_secret",
    "tracker_request",
    "tracker_status",
    "tracker_response",
    "tracker_pagination",
    "tracker_rate_limited",
]


class TrackerError(Exception):
    """A read or a tool call failed as a whole; nothing of its result may be used.

    `category` is stable, `message` is for people and holds no secret. `retry_after_ms` is the
    provider's own wish, `status` its status code, where there is one.
    """

    def __init__(
        self,
        category: TrackerErrorCategory,
        message: str,
        *,
        retry_after_ms: int | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{category}: {message}")
        self.category: TrackerErrorCategory = category
        self.message = message
        self.retry_after_ms = retry_after_ms
        self.status = status
