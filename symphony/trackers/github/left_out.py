"""What the log says of records and states that a read had to do without."""

from __future__ import annotations

from symphony.trackers.github.normalize import identifier, issue_id
from symphony.trackers.github.records import MalformedRecordError
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.notices import SKIPPED, Notice

STATE_UNKNOWN = "tracker_state_unknown"


def malformed_notice(error: MalformedRecordError) -> Notice:
    """For a record that is no issue."""
    number = error.number
    return Notice(
        event=SKIPPED,
        record="an issue" if number is None else identifier(number),
        reason=error.reason,
        detail=error.detail,
        issue_id=None if number is None else issue_id(number),
        issue_identifier=None if number is None else identifier(number),
    )


def unknown_state_notice(state: str, settings: GitHubSettings) -> Notice:
    """For a state of the workflow that GitHub does not have."""
    match settings.state_source:
        case "issue":
            detail = "issues of GitHub are `open` or `closed`; for more set `state_source`"
        case "label":
            detail = (
                f"no label `{settings.label_prefix}{state}` exists; create it or drop the state"
            )
        case "project":
            detail = "the field of the board has no such option; add it or drop the state"
    return Notice(event=STATE_UNKNOWN, record=state, reason="state_unknown", detail=detail)
