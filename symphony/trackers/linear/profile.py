"""What is known of the Linear tracker before it is configured. Cheap to import."""

from __future__ import annotations

from collections.abc import Mapping

from symphony.domain.settings import TrackerSettings
from symphony.trackers.port import AdapterProfile, Tracker

ACTIVE_STATES = ("Todo", "In Progress")
TERMINAL_STATES = ("Closed", "Cancelled", "Canceled", "Duplicate", "Done")


def build(tracker: TrackerSettings, environment: Mapping[str, str], base: str) -> Tracker:
    """A tracker over the configured project or team. Raises `ProblemError`."""
    del base
    # Imported late, so that choosing another tracker does not pay for this one.
    from symphony.trackers.linear.settings import read_settings
    from symphony.trackers.linear.tracker import LinearTracker

    return LinearTracker(read_settings(tracker, environment))


PROFILE = AdapterProfile(
    kind="linear",
    default_active_states=ACTIVE_STATES,
    default_terminal_states=TERMINAL_STATES,
    build=build,
)
