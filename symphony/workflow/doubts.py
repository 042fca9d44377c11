"""What is legal in a WORKFLOW.md and probably not meant: warnings, never refusals. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from typing import Final

from symphony.documents.front_matter import Document
from symphony.documents.references import resolve_reference, unresolved_reference
from symphony.domain.issue import state_keys
from symphony.domain.problems import Problem
from symphony.domain.settings import Settings
from symphony.workflow.resolve import FLAT_PROVIDER_KEYS, FLAT_PROVIDER_KIND
from symphony.workflow.schema import FrontMatter, TrackerSection

DOUBTFUL_SETTING: Final = "workflow_doubtful_setting"


def doubts(
    values: FrontMatter, settings: Settings, environment: Mapping[str, str], document: Document
) -> tuple[Problem, ...]:
    """What is legal and probably not meant, as warnings."""
    return (
        *_root_doubts(values, settings, environment, document),
        *_tracker_doubts(values.tracker, settings, document),
    )


def _doubt(
    document: Document, path: str, key: tuple[str, str], message: str, remedy: str
) -> Problem:
    return Problem(
        code=DOUBTFUL_SETTING,
        message=message,
        remedy=remedy,
        path=path,
        line=document.line_of(*key),
        key=".".join(key),
    )


def _root_doubts(
    values: FrontMatter, settings: Settings, environment: Mapping[str, str], document: Document
) -> list[Problem]:
    written, root = values.workspace.root, settings.workspace.root
    key = ("workspace", "root")
    found: list[Problem] = []
    if written is not None and (left := unresolved_reference(written)) is not None:
        message = f"`{left}` stays as it is, because a `$NAME` counts only as the whole value"
        remedy = "Set a variable to the whole path, and write `$NAME`."
        found.append(_doubt(document, settings.workflow_path, key, message, remedy))
    elif written is not None and resolve_reference(written, environment) is None:
        message = f"`{written.strip()}` is unset or empty; the default root {root} applies"
        found.append(_doubt(document, settings.workflow_path, key, message, "Set the variable."))
    shared = {os.path.dirname(settings.workflow_path), environment.get("HOME"), "/"}
    if root in shared:
        message = f"{root} holds other things than workspaces, and workspaces are removed from it"
        remedy = "Name a directory that is for workspaces only."
        found.append(_doubt(document, settings.workflow_path, key, message, remedy))
    return found


def _tracker_doubts(
    section: TrackerSection, settings: Settings, document: Document
) -> list[Problem]:
    found: list[Problem] = []
    path, tracker = settings.workflow_path, settings.tracker
    both = state_keys(tracker.active_states) & state_keys(tracker.terminal_states)
    if both:
        message = f"also terminal, and therefore not active: {', '.join(sorted(both))}"
        remedy = "Keep each state in one of the two lists."
        found.append(_doubt(document, path, ("tracker", "active_states"), message, remedy))
    if any(not label.strip() for label in section.required_labels):
        message, remedy = "a blank label matches no issue, so nothing is worked on", "Remove it."
        found.append(_doubt(document, path, ("tracker", "required_labels"), message, remedy))
    if tracker.kind != FLAT_PROVIDER_KIND:
        for name in FLAT_PROVIDER_KEYS:
            if document.line_of("tracker", name) is not None:
                message = f"counts only for the kind `{FLAT_PROVIDER_KIND}` and is ignored"
                remedy = f"Settings of `{tracker.kind}` stand under `tracker.provider`."
                found.append(_doubt(document, path, ("tracker", name), message, remedy))
    return found
