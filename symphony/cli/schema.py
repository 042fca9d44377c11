"""`symphony schema`: the front matter as a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Sequence

from symphony.cli.parsing import CommandParser
from symphony.trackers.registry import adapter_profiles
from symphony.workflow.json_schema import front_matter_schema

_DESCRIPTION = """\
Prints a JSON Schema of the front matter of WORKFLOW.md, made from the models that check it: every
key with its meaning, default and an example, and `x-applies`, which says whether an edit applies
live or after a restart. docs/configuration.md shows how an editor uses it.
"""


def schema_parser() -> CommandParser:
    """What the command takes."""
    return CommandParser("schema", _DESCRIPTION)


def run_schema(words: Sequence[str]) -> int:
    """Print the schema; gives the exit code."""
    schema_parser().parse_args(words)
    print(schema_text(), end="")
    return 0


def schema_text() -> str:
    """The schema as it is printed and published."""
    kinds = (kind for kind in adapter_profiles() if kind != "memory")
    return json.dumps(front_matter_schema(kinds), ensure_ascii=False, indent=2) + "\n"
