"""One Markdown file with front matter, read as one issue.

`parse_issue_file` is a pure function of the file's name and bytes. What it returns says nothing
about other files: whether blockers are done and whether an identifier is unique is judged where all
files are known. A file that cannot be an issue raises `UnusableFileError`; optional fields that
cannot be used become null or are dropped, and never hide an issue (`issue.optional.fallback`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from symphony.documents.front_matter import Document, DocumentCodes, parse_document
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.json import JsonObject, JsonValue, as_array, as_text, as_whole_number
from symphony.domain.problems import ProblemError

STATE_KEYS = ("state", "status")
BLOCKER_KEYS = ("blocked_by", "dependencies")
CREATED_KEYS = ("created_at", "created_date")
UPDATED_KEYS = ("updated_at", "updated_date")
BRANCH_KEYS = ("branch", "branch_name")

PRIORITY_WORDS = {"urgent": 1, "high": 2, "medium": 3, "low": 4}
"""Words on the scale of 1 to 4 that the scheduler ranks."""

MAXIMUM_NAME_CHARACTERS = 200
"""For a state or an identifier. Both become columns, log fields and parts of paths."""

TITLE_SEPARATOR = " - "
"""Boards that name a file after its title put the id in front: `task-7 - Title.md`."""

_CODES = DocumentCodes(parse_error="issue_file_invalid", not_a_map="issue_file_invalid")
_HANDLE_LINE = re.compile(r"^[ \t]*(?:(?:assignee|reporter)[ \t]*:|-[ \t]+@)")
_BARE_HANDLE = re.compile(r"(?<=[ \t\[,])@[\w.-]+(?=[ \t]*(?:$|[,\]\r]|[ \t]#))")


class UnusableFileError(Exception):
    """The file is not an issue. `reason` is stable, the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFile:
    """One file as an issue, seen alone. `name` is its name in the directory. An entry of
    `blockers` is None where it names nothing that could be looked up."""

    name: str
    id: IssueId
    identifier: IssueIdentifier
    title: str
    state: str
    description: str | None
    priority: int | None
    branch_name: str | None
    url: str | None
    assignees: tuple[str, ...]
    labels: tuple[str, ...]
    blockers: tuple[str | None, ...]
    created_at: datetime | None
    updated_at: datetime | None


def parse_issue_file(name: str, data: bytes) -> IssueFile:
    """The issue in a file of this name. Raises `UnusableFileError`."""
    _, document = read_document(name, data)
    metadata = document.metadata
    state = _state(metadata)
    stem = stem_of(name)
    identifier = stem if metadata.get("id") is None else _one_line(metadata["id"], "id")
    return IssueFile(
        name=name,
        id=_dispatch_id(stem, identifier),
        identifier=IssueIdentifier(identifier),
        title=_title(document),
        state=state,
        description=document.body.strip() or None,
        priority=_priority(metadata.get("priority")),
        branch_name=_first_text(metadata, BRANCH_KEYS),
        url=_first_text(metadata, ("url",)),
        assignees=tuple(each.removeprefix("@") for each in _texts(metadata.get("assignee"))),
        labels=_labels(metadata.get("labels")),
        blockers=_blockers(metadata),
        created_at=_first_instant(metadata, CREATED_KEYS),
        updated_at=_first_instant(metadata, UPDATED_KEYS),
    )


def read_document(name: str, data: bytes) -> tuple[str, Document]:
    """The text of a file and the document with front matter that it reads as.

    The text is the file's own, or, where only that can be read, `with_quoted_handles` of it.
    Raises `UnusableFileError`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnusableFileError("not_utf8", f"byte {error.start} is not valid UTF-8") from None
    try:
        document = parse_document(text, path=name, codes=_CODES)
    except ProblemError as error:
        quoted = with_quoted_handles(text)
        if quoted == text:
            raise UnusableFileError("invalid_front_matter", str(error)) from None
        return read_document(name, quoted.encode())
    if not document.has_front_matter:
        raise UnusableFileError("no_front_matter", "it has no front matter, so it is no issue")
    return text, document


def with_quoted_handles(text: str) -> str:
    """The document with quotes around bare `@name`s in its front matter.

    YAML has no value that starts with `@`, yet boards write `assignee: @ada` and read it. Text
    without such a line comes back as it is.
    """
    first = text.removeprefix("\ufeff")
    end = first.find("\n---", 3)
    if not first.startswith("---") or end < 0:
        return text
    block = "\n".join(map(_quote_handles, first[:end].split("\n")))
    return text[: len(text) - len(first)] + block + first[end:]


def _quote_handles(line: str) -> str:
    if not _HANDLE_LINE.match(line):
        return line
    return _BARE_HANDLE.sub(lambda match: f"'{match.group()}'", line)


def stem_of(name: str) -> str:
    """The file's name without its suffix."""
    return name.rpartition(".")[0]


def possible_ids(name: str) -> frozenset[IssueId]:
    """The ids that the issue of a file can have, whatever its content says."""
    stem = stem_of(name)
    return frozenset({IssueId(stem), IssueId(stem.partition(TITLE_SEPARATOR)[0])})


def state_field(metadata: JsonObject) -> str | None:
    """The key under which this file keeps its state: the first one that is there and filled."""
    return next((key for key in STATE_KEYS if metadata.get(key) is not None), None)


def _dispatch_id(stem: str, identifier: str) -> IssueId:
    # Where the stem repeats the title, a corrected title must not end a run on the issue.
    head, separator, _ = stem.partition(TITLE_SEPARATOR)
    return IssueId(head if separator and head.lower() == identifier.lower() else stem)


def _state(metadata: JsonObject) -> str:
    key = state_field(metadata)
    if key is None:
        raise UnusableFileError("no_state", "it has neither `state` nor `status`")
    return _one_line(metadata[key], key)


def _title(document: Document) -> str:
    title = _text(document.metadata.get("title")) or _opening_heading(document.body)
    title = " ".join("".join(map(_printable, title)).split())
    if not title:
        raise UnusableFileError(
            "no_title", "it has no `title`, and its text does not begin with a heading"
        )
    return title


def _opening_heading(body: str) -> str:
    """The text of the heading that the body begins with, else nothing."""
    first_line = body.lstrip().partition("\n")[0]
    level = len(first_line) - len(first_line.lstrip("#"))
    if not 1 <= level <= 6 or first_line[level : level + 1] not in (" ", "\t"):
        return ""
    return first_line[level:].strip().rstrip("#")


def _printable(character: str) -> str:
    return character if character.isprintable() else " "


def _one_line(value: JsonValue, key: str) -> str:
    text = _text(value)
    if text is None or not text.isprintable() or len(text) > MAXIMUM_NAME_CHARACTERS:
        raise UnusableFileError(
            "invalid_field",
            f"`{key}` must be one line of at most {MAXIMUM_NAME_CHARACTERS} characters, not blank",
        )
    return text


def _text(value: JsonValue) -> str | None:
    """Text or a whole number as trimmed text; None for anything else and for blank text."""
    number = as_whole_number(value)
    text = as_text(value) if number is None else str(number)
    return (text or "").strip() or None


def _first_text(metadata: JsonObject, keys: tuple[str, ...]) -> str | None:
    return next((text for key in keys if (text := _text(metadata.get(key)))), None)


def _entries(value: JsonValue) -> tuple[JsonValue, ...]:
    """A list, or the parts of a text between commas, or the one other value that is there."""
    if value is None:
        return ()
    if (items := as_array(value)) is not None:
        return tuple(items)
    text = as_text(value)
    return (value,) if text is None else tuple(part for part in text.split(",") if part.strip())


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(text for entry in _entries(value) if (text := _text(entry)))


def _labels(value: JsonValue) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.lower() for text in _texts(value)))


def _blockers(metadata: JsonObject) -> tuple[str | None, ...]:
    # An entry that names nothing stays as one that nobody can verify: it must not vanish.
    entries = [_text(entry) for key in BLOCKER_KEYS for entry in _entries(metadata.get(key))]
    return tuple(dict.fromkeys(entries))


def _priority(value: JsonValue) -> int | None:
    text = (_text(value) or "").lower()
    if re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        return int(text)
    return PRIORITY_WORDS.get(text)


def _first_instant(metadata: JsonObject, keys: tuple[str, ...]) -> datetime | None:
    try:
        instant = datetime.fromisoformat(_first_text(metadata, keys) or "")
        # A time without a zone is UTC, as boards of this format write it.
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
