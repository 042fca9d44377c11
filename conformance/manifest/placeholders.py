"""Placeholders in a manifest: the closed list, and what becomes of them.

Guarantees: `{name}` is replaced where the name is known, and refused when the manifest is read
where it is not. `{{`, `}}`, `${name}` and braces around anything but a name are left alone, since
prompts and scripts have them. Must not: call a shell or look up variables.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from conformance.fakes.json_values import JsonValue

COMMAND_PLACEHOLDERS: Final = frozenset(
    {"workflow", "port", "logs", "workspace_root", "manifest_dir", "home", "python"}
)
VERSION_PLACEHOLDERS: Final = frozenset({"manifest_dir", "python"})
FRONT_MATTER_PLACEHOLDERS: Final = frozenset(
    {
        "endpoint",
        "api_key",
        "project_slug",
        "team_key",
        "repository",
        "token",
        "workspace_root",
        "agent_command",
        "manifest_dir",
    }
)
_PLACEHOLDER: Final = re.compile(r"(?<![${])\{([A-Za-z][A-Za-z0-9_]*)\}(?!\})")


class UnknownPlaceholderError(ValueError):
    """A text names a placeholder that does not exist. `key` is where it stands in the manifest."""

    def __init__(self, key: str, name: str, known: Collection[str]) -> None:
        super().__init__(f"there is no placeholder {{{name}}} here")
        self.key = key
        close = difflib.get_close_matches(name, known, n=1)
        listed = ", ".join(f"{{{each}}}" for each in sorted(known))
        self.remedy = f"did you mean {{{close[0]}}}?" if close else f"known are {listed}"


def refuse_unknown(value: object, known: Collection[str], key: str) -> None:
    """Raise `UnknownPlaceholderError` for the first placeholder in any text of `value` that is not
    `known`."""
    for place, text in _texts(value, key):
        for match in _PLACEHOLDER.finditer(text):
            if match[1] not in known:
                raise UnknownPlaceholderError(place, match[1], known)


def named_in(texts: Sequence[str]) -> frozenset[str]:
    """The placeholders that the texts hold."""
    return frozenset(match[1] for text in texts for match in _PLACEHOLDER.finditer(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with the values of its placeholders. A value is put in as it is, never read again."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def fill_all(value: JsonValue, values: Mapping[str, str]) -> JsonValue:
    """`fill` for every text in a JSON value; names of members are left alone."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {name: fill_all(each, values) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [fill_all(each, values) for each in value]
    return value


def _texts(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        members: dict[object, object] = {**value}
        for name, each in members.items():
            yield from _texts(each, f"{key}.{name}")
    elif isinstance(value, (list, tuple)):
        items: list[object] = [*value]
        for each in items:
            yield from _texts(each, key)
