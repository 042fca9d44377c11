"""Which trackers there are. Naming them costs next to nothing; an adapter's own code is imported
when its `build` is called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.trackers.files.profile import ACTIVE_STATES, TERMINAL_STATES
from symphony.trackers.files.profile import PROFILE as FILES
from symphony.trackers.github.profile import PROFILE as GITHUB
from symphony.trackers.linear.profile import PROFILE as LINEAR
from symphony.trackers.port import AdapterProfile, Tracker

UNSUPPORTED = "unsupported_tracker_kind"


def _build_memory(tracker: TrackerSettings, environment: Mapping[str, str], base: str) -> Tracker:
    """An empty board that lives as long as the process."""
    del environment, base
    from symphony.trackers.memory import MemoryTracker

    return MemoryTracker(
        active_states=tracker.active_states, terminal_states=tracker.terminal_states
    )


_MEMORY = AdapterProfile(
    kind="memory",
    default_active_states=ACTIVE_STATES,
    default_terminal_states=TERMINAL_STATES,
    build=_build_memory,
)

_PROFILES: Mapping[str, AdapterProfile] = MappingProxyType(
    {each.kind: each for each in (FILES, GITHUB, LINEAR, _MEMORY)}
)


def adapter_profiles() -> Mapping[str, AdapterProfile]:
    """Every supported `tracker.kind` with its profile."""
    return _PROFILES


def profile(kind: str) -> AdapterProfile:
    """The profile of one kind. Raises `ProblemError` with the key `tracker.kind`."""
    found = _PROFILES.get(kind)
    if found is None:
        raise ProblemError(
            Problem(
                code=UNSUPPORTED,
                message=f"`{kind}` is not a tracker that is supported",
                remedy=f"Use one of: {', '.join(sorted(_PROFILES))}.",
                key="tracker.kind",
            )
        )
    return found
