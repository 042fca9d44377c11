"""Which state an issue is in: open or closed, a label, or a column of a board.

Pure. A label or a column speaks for open issues. A closed issue is `closed`, unless its label or
column is one of the terminal states: closing an issue ends work on it, whatever else is on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from symphony.domain.issue import state_key
from symphony.trackers.github.records import MalformedRecordError, Record
from symphony.trackers.github.settings import GitHubSettings

OPEN = "open"
CLOSED = "closed"


def state_of(record: Record, settings: GitHubSettings) -> str | None:
    """The state, or None for an issue that is not on the board. Raises `MalformedRecordError`
    where two labels contradict each other."""
    if settings.state_source == "issue":
        return OPEN if record.is_open else CLOSED
    names = _names(record, settings)
    if not record.is_open:
        return next((each for each in names if state_key(each) in settings.terminal), CLOSED)
    if len({state_key(each) for each in names}) > 1:
        raise _two_states(record, names, settings.label_prefix)
    return names[0] if names else None


def is_on_board(record: Record, settings: GitHubSettings) -> bool:
    """Whether the issue is in the scope at all: closed issues count, so that work on them ends."""
    if settings.state_source != "project":
        return True
    return record.placement is not None


def active_states(settings: GitHubSettings) -> frozenset[str]:
    """The states in which issues are worked on, in the form of `state_key`."""
    return frozenset(map(state_key, settings.named_states)) - settings.terminal


def states_in(labels: Iterable[str], prefix: str) -> list[str]:
    """The states that labels name, in the spelling of the labels."""
    start = prefix.lower()
    named = (each[len(prefix) :].strip() for each in labels if each.lower().startswith(start))
    return [state for state in named if state]


def other_labels(labels: Iterable[str], settings: GitHubSettings) -> tuple[str, ...]:
    """The labels without those that name the state, in the form of an `Issue`."""
    kept = (label.strip().lower() for label in labels)
    if settings.state_source == "label":
        prefix = settings.label_prefix.lower()
        kept = (label for label in kept if not label.startswith(prefix))
    return tuple(dict.fromkeys(label for label in kept if label))


def _names(record: Record, settings: GitHubSettings) -> list[str]:
    """What speaks for a state: every label that does, or the column."""
    if settings.state_source == "label":
        return states_in(record.labels, settings.label_prefix)
    status = None if record.placement is None else record.placement.status
    return [] if status is None else [status]


def _two_states(record: Record, names: Iterable[str], prefix: str) -> MalformedRecordError:
    labels = " and ".join(f"`{prefix}{each}`" for each in names)
    return MalformedRecordError(
        "two_states",
        f"GH-{record.number} has two states at once, {labels}; remove all of these labels but one",
        record.number,
    )
