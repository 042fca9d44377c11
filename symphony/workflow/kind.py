"""Is there a tracker adapter of the configured kind, and does somebody name its states? Pure.

Looks at the front matter as it was read, so that a wrong kind is reported beside whatever else is
wrong. A kind that is not text is the schema's to report.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from symphony.documents.front_matter import Document
from symphony.domain.json import as_object
from symphony.domain.problems import Problem
from symphony.workflow.adapters import AdapterDefaults

MISSING_KIND: Final = "missing_tracker_kind"
UNSUPPORTED_KIND: Final = "unsupported_tracker_kind"
MISSING_STATES: Final = "missing_tracker_states"


def check_kind(
    document: Document, path: str, adapter_defaults: Mapping[str, AdapterDefaults]
) -> list[Problem]:
    """The problems of `tracker.kind` and of states that nobody names."""
    tracker = as_object(document.metadata.get("tracker")) or {}
    kind = tracker.get("kind")
    if kind is None:
        return _missing_kind(document, path, adapter_defaults)
    if not isinstance(kind, str):
        return []
    if kind not in adapter_defaults:
        return [_unsupported_kind(kind, document, path, adapter_defaults)]
    defaults = adapter_defaults[kind]
    assumed = {"active": defaults.active_states, "terminal": defaults.terminal_states}
    return [
        _missing_states(f"{which}_states", kind, document, path)
        for which, states in assumed.items()
        if states is None and tracker.get(f"{which}_states") is None
    ]


def _missing_kind(
    document: Document, path: str, adapter_defaults: Mapping[str, AdapterDefaults]
) -> list[Problem]:
    section = document.metadata.get("tracker")
    if section is not None and as_object(section) is None:
        return []
    hint = ""
    if not document.has_front_matter and document.body.lstrip().startswith("---"):
        hint = " The front matter is not seen: the first line must be exactly `---`."
    return [
        Problem(
            code=MISSING_KIND,
            message="the tracker has no kind",
            remedy=f"Write `tracker:` with `kind:` one of: {_listed(adapter_defaults)}.{hint}",
            path=path,
            line=document.line_of("tracker", "kind") or document.line_of("tracker") or 1,
            key="tracker.kind",
        )
    ]


def _unsupported_kind(
    kind: str, document: Document, path: str, adapter_defaults: Mapping[str, AdapterDefaults]
) -> Problem:
    close = difflib.get_close_matches(kind.strip().lower(), list(adapter_defaults), n=1)
    meant = f"Did you mean `{close[0]}`? " if close else ""
    return Problem(
        code=UNSUPPORTED_KIND,
        message=f'there is no tracker adapter "{kind[:40]}"',
        remedy=f"{meant}Supported: {_listed(adapter_defaults)}.",
        path=path,
        line=document.line_of("tracker", "kind"),
        key="tracker.kind",
    )


def _missing_states(key: str, kind: str, document: Document, path: str) -> Problem:
    return Problem(
        code=MISSING_STATES,
        message=f"`{kind}` has no default for this key",
        remedy=f"Name the states, such as `{key}: [Todo]`, or write `{key}: []` for none.",
        path=path,
        line=document.line_of("tracker", key) or document.line_of("tracker"),
        key=f"tracker.{key}",
    )


def _listed(adapter_defaults: Mapping[str, AdapterDefaults]) -> str:
    return ", ".join(sorted(adapter_defaults)) or "none"
