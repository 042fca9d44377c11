"""What is known of the GitHub tracker before it is configured. Cheap to import."""

from __future__ import annotations

from collections.abc import Mapping

from symphony.domain.settings import TrackerSettings
from symphony.trackers.port import AdapterProfile, Tracker

ACTIVE_STATES = ("open",)
TERMINAL_STATES = ("closed",)


def build(tracker: TrackerSettings, environment: Mapping[str, str], base: str) -> Tracker:
    """A tracker over the configured repository. Raises `ProblemError`."""
    del base
    # Imported late, so that choosing another tracker does not pay for this one.
    from symphony.trackers.github.settings import read_settings
    from symphony.trackers.github.tracker import GitHubTracker

    return GitHubTracker(read_settings(tracker, environment))


PROFILE = AdapterProfile(
    kind="github",
    default_active_states=ACTIVE_STATES,
    default_terminal_states=TERMINAL_STATES,
    build=build,
)
