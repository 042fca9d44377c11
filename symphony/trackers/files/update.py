"""What a change of an issue does to the text of its file.

Pure. Front matter is edited field by field in the spelling that the file uses; a comment goes to
the end of the body as a quotation, so that nothing in it can be taken for metadata, for a heading
or for the end of another comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from symphony.documents.edit import set_field
from symphony.domain.issue import state_key
from symphony.domain.json import JsonObject, JsonValue, as_text
from symphony.trackers.files.normalize import (
    UPDATED_KEYS,
    IssueFile,
    parse_issue_file,
    read_document,
    state_field,
)
from symphony.trackers.issue_update import IssueUpdate, known_state

COMMENTS_HEADING = "## Comments"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatedText:
    """The new content of a file and what is different. Nothing to write where `changed` is
    empty."""

    before: IssueFile
    data: bytes
    changed: Mapping[str, JsonValue]


def updated(
    name: str, data: bytes, update: IssueUpdate, known_states: Iterable[str], now: datetime
) -> UpdatedText:
    """The file after the change.

    Raises `UnusableFileError`, `RefusedError`, and `ProblemError` if the front matter is written so
    that the field cannot be changed on its own.
    """
    before = parse_issue_file(name, data)
    text, document = read_document(name, data)
    changed: dict[str, JsonValue] = {}
    if update.state is not None:
        state = known_state(update.state, known_states)
        if state_key(state) != state_key(before.state):
            text = set_field(text, state_field(document.metadata) or "state", state)
            changed["state"] = {"from": before.state, "to": state}
    if update.labels is not None:
        labels = [label.lower() for label in update.labels]
        if set(labels) != set(before.labels):
            text = set_field(text, "labels", update.labels)
            changed["labels"] = {"from": list(before.labels), "to": labels}
    if update.comment is not None:
        text = with_comment(text, update.comment, now)
        changed["comment"] = "added"
    if changed:
        text = _with_time_of_update(text, document.metadata, now)
    return UpdatedText(before=before, data=text.encode(), changed=changed)


def with_comment(text: str, comment: str, now: datetime) -> str:
    """The document with one more comment at its end, under a heading of its own."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = ["", f"### {now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", ""]
    if _last_section(text) != COMMENTS_HEADING:
        lines = ["", COMMENTS_HEADING, *lines]
    lines += [f"> {line}".rstrip() for line in comment.split("\n")]
    return text.rstrip() + newline + newline.join(lines) + newline


def _last_section(text: str) -> str:
    headings = [line.rstrip() for line in text.split("\n") if line.startswith("## ")]
    return headings[-1] if headings else ""


def _with_time_of_update(text: str, metadata: JsonObject, now: datetime) -> str:
    for key in UPDATED_KEYS:
        if key in metadata:
            text = set_field(text, key, _in_the_form_of(as_text(metadata[key]) or "", key, now))
    return text


def _in_the_form_of(old: str, key: str, now: datetime) -> str:
    """The time as the file wrote it so far: a date, minutes with a space, or RFC 3339."""
    utc = now.astimezone(UTC)
    if len(old) == len("2026-01-31"):
        return f"{utc:%Y-%m-%d}"
    if " " in old or (not old and key == "updated_date"):
        return f"{utc:%Y-%m-%d %H:%M}"
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}"
