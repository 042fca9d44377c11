"""The front matter as a JSON Schema, for editors: made from the models that check it.

Schema and loader agree on which maps are good, apart from what needs more than the file: the values
below `tracker.provider`, which the adapter checks, and references to the environment. Keys that the
loader does not know are warnings, and pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from pydantic.fields import FieldInfo

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object
from symphony.workflow.schema import FrontMatter, sections
from symphony.workflow.section import Section, applies, default_words, is_older_form

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def front_matter_schema(kinds: Iterable[str]) -> JsonObject:
    """The schema. `kinds` are the trackers that there are."""
    made = cast("JsonObject", FrontMatter.model_json_schema())
    definitions = as_object(made.get("$defs")) or {}
    properties: dict[str, JsonValue] = {}
    for name, section in sections().items():
        model = as_object(definitions.get(section.__name__)) or {}
        keys = as_object(model.get("properties")) or {}
        members = {
            key: _key(as_object(keys.get(key)) or {}, section, key) for key in section.model_fields
        }
        properties[name] = {
            "description": section.about,
            "type": ["object", "null"],
            "properties": members,
        }
    tracker = dict(as_object(properties["tracker"]) or {})
    tracker |= {"type": "object", "required": ["kind"]}
    tracker["properties"] = {
        **(as_object(tracker["properties"]) or {}),
        "kind": _kind(as_object((as_object(tracker["properties"]) or {}).get("kind")) or {}, kinds),
    }
    properties["tracker"] = tracker
    return {
        "$schema": DIALECT,
        "title": "WORKFLOW.md of Symphony: front matter",
        "type": "object",
        "required": ["tracker"],
        "properties": properties,
        "$defs": {"JsonValue": definitions.get("JsonValue", {})},
    }


def _key(made: JsonObject, section: type[Section], name: str) -> JsonObject:
    field = section.model_fields[name]
    kept = {key: value for key, value in made.items() if key not in _OWN}
    told: dict[str, JsonValue] = {
        "description": _description(field),
        "x-applies": applies(field),
    }
    if is_older_form(field):
        told["deprecated"] = True
    for key in ("default", "examples"):
        if made.get(key) is not None:
            told[key] = made[key]
    # A key without a value counts as absent.
    return {**told, "anyOf": [*_alternatives(kept), {"type": "null"}]}


_OWN: Final = frozenset(
    {"title", "description", "default", "examples", "applies", "default_words", "older_form"}
)
"""What says something about a key, and nothing about its value."""


def _alternatives(value: JsonObject) -> list[JsonValue]:
    found = as_array(value.get("anyOf"))
    return [value] if found is None else [each for each in found if each != {"type": "null"}]


def _description(field: FieldInfo) -> str:
    words = default_words(field)
    return f"{field.description or ''}{f' Default: {words}.' if words else ''}"


def _kind(made: JsonObject, kinds: Iterable[str]) -> JsonObject:
    return {**made, "anyOf": [{"enum": sorted(kinds)}]}
