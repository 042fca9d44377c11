"""From the front matter as it was read to checked values, or to everything that is wrong with it.

Pure. Each problem and each warning names the line and the key, and speaks the words of the settings
reference. Values that may be secrets, as all under `tracker.provider`, are never repeated in a
message.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from symphony.documents.front_matter import Document
from symphony.documents.strict_yaml import KeyPath, dotted, kind_of
from symphony.domain.issue import state_key
from symphony.domain.json import JsonValue, as_object
from symphony.domain.problems import Problem
from symphony.workflow.rules import OWN_WORDS, Words, positive_limit
from symphony.workflow.schema import FrontMatter, sections
from symphony.workflow.section import Section, is_older_form

INVALID_SETTING: Final = "workflow_invalid_setting"
UNKNOWN_SETTING: Final = "workflow_unknown_setting"
IGNORED_STATE_LIMIT: Final = "workflow_ignored_state_limit"

_SHOWN_CHARACTERS: Final = 60
"""How much of a wrong value a message repeats: enough to find it, on one line."""

_MAY_BE_SECRET: Final = (("tracker", "provider"), ("server", "token"))

_MAP_OF_KEYS: Final = Words("a map of keys")
_ANY: Final = Words("something else")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFrontMatter:
    """`values` is None exactly where there are `problems`; `limits` has normalised state names."""

    values: FrontMatter | None
    limits: Mapping[str, int]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_front_matter(document: Document, path: str) -> CheckedFrontMatter:
    """Check every key of the front matter. Never raises for what stands in it."""
    warnings = list(_unknown_keys(document, path))
    try:
        values = FrontMatter.model_validate(document.metadata)
    except ValidationError as error:
        problems = _problems(error, document, path)
        return CheckedFrontMatter(
            values=None, limits={}, problems=problems, warnings=tuple(warnings)
        )
    limits: dict[str, int] = {}
    for name, value in values.agent.max_concurrent_agents_by_state.items():
        if (limit := positive_limit(value)) is None:
            warnings.append(_ignored_limit(name, value, document, path))
        else:
            limits[state_key(name)] = limit
    return CheckedFrontMatter(values=values, limits=limits, problems=(), warnings=tuple(warnings))


def _problems(error: ValidationError, document: Document, path: str) -> tuple[Problem, ...]:
    """One problem per place, in the order of the file. A union reports once per alternative."""
    found: dict[KeyPath, Problem] = {}
    for details in error.errors(include_url=False):
        place = _place(details, document)
        if place not in found:
            found[place] = _problem(details, place, document, path)
    return tuple(sorted(found.values(), key=lambda problem: problem.line or 0))


def _place(details: ErrorDetails, document: Document) -> KeyPath:
    """The part of the location that stands in the file; the rest names alternatives of a type."""
    place: KeyPath = ()
    for part in details["loc"]:
        if (*place, part) not in document.lines:
            break
        place = (*place, part)
    return place


def _problem(details: ErrorDetails, place: KeyPath, document: Document, path: str) -> Problem:
    field = _field(place)
    return Problem(
        code=INVALID_SETTING,
        message=f"{_rule(details, place, field)}; got {_shown(details['input'], place)}",
        remedy=_remedy(place, field),
        path=path,
        line=document.line_of(*place),
        key=dotted(place),
    )


def _rule(details: ErrorDetails, place: KeyPath, field: FieldInfo | None) -> str:
    if details["type"] == OWN_WORDS:
        return details["msg"]
    if details["type"] == "less_than_equal":
        return f"must be at most {details.get('ctx', {}).get('le')}"
    return f"must be {_words(place, field)}"


def _field(place: KeyPath) -> FieldInfo | None:
    if len(place) < 2:
        return None
    name, member = place[:2]
    section = sections().get(str(name))
    return None if section is None else section.model_fields.get(str(member))


def _words(place: KeyPath, field: FieldInfo | None) -> str:
    if field is None:
        return _MAP_OF_KEYS.rule
    words = next((entry for entry in field.metadata if isinstance(entry, Words)), _ANY)
    return words.rule if len(place) == 2 else words.item


def _remedy(place: KeyPath, field: FieldInfo | None) -> str:
    if field is None or len(place) != 2 or not field.examples:
        return ""
    example = json.dumps(field.examples[0], ensure_ascii=False)
    return f"For example `{place[-1]}: {example}`."


def _shown(value: object, place: KeyPath) -> str:
    if place[:2] in _MAY_BE_SECRET or kind_of(value) in ("a map", "a list"):
        return kind_of(value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _ignored_limit(name: str, value: JsonValue, document: Document, path: str) -> Problem:
    place = ("agent", "max_concurrent_agents_by_state", name)
    return Problem(
        code=IGNORED_STATE_LIMIT,
        message=f"must be an integer of at least 1; got {_shown(value, place)}; ignored",
        remedy="Until then only the limit for all states applies.",
        path=path,
        line=document.line_of(*place),
        key=dotted(place),
    )


def _unknown_keys(document: Document, path: str) -> Iterator[Problem]:
    known = sections()
    for name, value in document.metadata.items():
        if name not in known:
            yield _unknown((name,), list(known), document, path)
            continue
        fields = known[name].model_fields
        for member in as_object(value) or {}:
            if member not in fields:
                yield _unknown((name, member), list(fields), document, path)


def _unknown(place: tuple[str, ...], siblings: list[str], document: Document, path: str) -> Problem:
    meant = _meant(place, siblings)
    return Problem(
        code=UNKNOWN_SETTING,
        message="the key is not known and is ignored",
        remedy=f"Did you mean `{meant}`?" if meant else "Remove it, if nothing else reads it.",
        path=path,
        line=document.line_of(*place),
        key=dotted(place),
    )


def _meant(place: tuple[str, ...], siblings: list[str]) -> str | None:
    """A key of nearly the same spelling in the same map, or of the same spelling elsewhere."""
    close = difflib.get_close_matches(place[-1], siblings, n=1)
    if close:
        return dotted((*place[:-1], close[0]))
    for name, section in sections().items():
        if place[-1] in _current_keys(section):
            return f"{name}.{place[-1]}"
    return None


def _current_keys(section: type[Section]) -> list[str]:
    return [name for name, field in section.model_fields.items() if not is_older_form(field)]
