"""The table of all settings in docs/configuration.md, made from the models that check them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from pydantic.fields import FieldInfo

from symphony.domain.json import JsonValue
from symphony.workflow.rules import Words
from symphony.workflow.schema import sections
from symphony.workflow.section import Section, applies, default_words, is_older_form
from symphony.workflow.yaml_text import yaml_text

BEGIN: Final = "<!-- settings: begin; made by symphony.workflow.settings_reference -->"
END: Final = "<!-- settings: end -->"

_COLUMNS: Final = ("key", "meaning", "type", "default", "a change applies", "example")
_BAR: Final = r"\|"
_APPLIES: Final = {"live": "live", "restart": "after a restart"}


def render_settings_reference() -> str:
    """One table per section, with every key that is not an older form of another."""
    return "\n".join(
        line for name, section in sections().items() for line in _section(name, section)
    )


def _section(name: str, section: type[Section]) -> Iterator[str]:
    yield f"### `{name}`"
    yield ""
    yield section.about
    yield ""
    yield _table_row(_COLUMNS)
    yield _table_row(tuple("---" for _ in _COLUMNS))
    for member, field in section.model_fields.items():
        if not is_older_form(field):
            yield _row(name, member, field)
    yield ""


def _row(section: str, name: str, field: FieldInfo) -> str:
    words = next(entry.rule for entry in field.metadata if isinstance(entry, Words))
    cells = (
        f"`{section}.{name}`",
        field.description or "",
        words,
        default_text(field),
        _APPLIES[applies(field)],
        f"`{name}: {yaml_text(example_of(field))}`",
    )
    return _table_row(cells)


def _table_row(cells: tuple[str, ...]) -> str:
    # A bar ends a cell even within code, unless it is escaped.
    return f"| {' | '.join(cell.replace('|', _BAR) for cell in cells)} |"


def default_text(field: FieldInfo) -> str:
    """The default in words or as a value in code."""
    return default_words(field) or f"`{yaml_text(field.default)}`"


def example_of(field: FieldInfo) -> JsonValue:
    """The example that every documented key has."""
    return (field.examples or [None])[0]


def with_reference(page: str) -> str:
    """The page with the part between `BEGIN` and `END` made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{render_settings_reference()}\n{END}{tail}"


def update_page(path: str | os.PathLike[str]) -> None:
    """Bring the page on disk into step with the models."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(with_reference(page))
