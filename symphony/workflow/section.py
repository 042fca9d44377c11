"""What a section of the front matter and a key in it are made of; `schema` has the sections."""

from __future__ import annotations

from typing import ClassVar, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.fields import FieldInfo

from symphony.domain.json import as_object, as_text
from symphony.workflow.rules import Applies

_T = TypeVar("_T")


def key(
    default: _T,
    description: str,
    example: JsonValue,
    *,
    applies: Applies = "live",
    default_words: str = "",
    older_form: bool = False,
) -> _T:
    """One documented key. `default_words` says what the default is where the value does not;
    `older_form` marks keys that are only accepted for the sake of existing files."""
    extra: dict[str, JsonValue] = {
        "applies": applies,
        "default_words": default_words,
        "older_form": older_form,
    }
    return Field(
        default=default,
        description=description,
        examples=[example],
        json_schema_extra=extra,
        validate_default=False,
    )


class Section(BaseModel):
    """A map of keys. A key without a value counts as absent."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    about: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _without_empty_values(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        members = cast("dict[object, object]", data)
        return {name: value for name, value in members.items() if value is not None}


def is_older_form(field: FieldInfo) -> bool:
    """Whether the key is accepted only for the sake of existing files."""
    return (as_object(field.json_schema_extra) or {}).get("older_form") is True


def applies(field: FieldInfo) -> str:
    """`live` or `restart`."""
    return as_text((as_object(field.json_schema_extra) or {}).get("applies")) or ""


def default_words(field: FieldInfo) -> str:
    """What the default is, where a value cannot say it; else empty."""
    return as_text((as_object(field.json_schema_extra) or {}).get("default_words")) or ""
