"""Values as a person would write them into a WORKFLOW.md, on one line.

What comes out reads back as the same value; where a plain word would not, it is quoted.
"""

from __future__ import annotations

import json

from symphony.documents.strict_yaml import parse_yaml
from symphony.domain.json import JsonValue, as_array, as_object


def yaml_text(value: JsonValue) -> str:
    """The value in YAML's flow style, with as few quotes as it allows."""
    if isinstance(value, str):
        return _text(value)
    if (members := as_object(value)) is not None:
        inner = ", ".join(f"{_text(name)}: {yaml_text(member)}" for name, member in members.items())
        return f"{{{inner}}}"
    if (items := as_array(value)) is not None:
        return f"[{', '.join(yaml_text(item) for item in items)}]"
    return json.dumps(value)


def _text(value: str) -> str:
    """Plain where that means the same in every place that a value can stand in."""
    plain = parse_yaml(f"a: {value}"), parse_yaml(f"[{value}]"), parse_yaml(f"{{a: {value}}}")
    expected: tuple[JsonValue, ...] = ({"a": value}, [value], {"a": value})
    if all(not read.faults for read in plain) and tuple(read.value for read in plain) == expected:
        return value
    # Surrogate pairs and control characters as escapes, everything else as it is.
    return json.dumps(value, ensure_ascii=not value.isprintable())
