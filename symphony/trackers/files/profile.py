"""What is known of the files tracker before it is configured. Cheap to import."""

from __future__ import annotations

from collections.abc import Mapping

from symphony.domain.settings import TrackerSettings
from symphony.trackers.port import AdapterProfile, Tracker

ACTIVE_STATES = ("Todo", "In Progress")
TERMINAL_STATES = ("Closed", "Cancelled", "Canceled", "Duplicate", "Done")


def build(tracker: TrackerSettings, environment: Mapping[str, str], base: str) -> Tracker:
    """A tracker over the configured directory. Raises `ProblemError`."""
    # Imported late, so that choosing another tracker does not pay for this one.
    from symphony.trackers.files.settings import read_settings
    from symphony.trackers.files.tracker import FilesTracker

    return FilesTracker(read_settings(tracker, environment, base))


PROFILE = AdapterProfile(
    kind="files",
    default_active_states=ACTIVE_STATES,
    default_terminal_states=TERMINAL_STATES,
    build=build,
)
