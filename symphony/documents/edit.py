"""Changing one field of a document's front matter and not a character more.

`set_field` finds the field by the marks of the YAML parser and replaces the text of its value, so
that order, comments, quotes of other fields, line endings, the byte order mark and the body stay as
they are. It is a pure function, and checks its own result: the edited text reads as exactly the old
metadata with the one field changed, or the edit is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from symphony.documents.front_matter import Document, parse_document
from symphony.domain.json import JsonValue
from symphony.domain.problems import Problem, ProblemError

FieldValue: TypeAlias = "str | Sequence[str]"

PLAIN = ""
"""The style of a scalar that stood there without quotes."""

NOT_EDITABLE = "front_matter_not_editable"

# Text that reads as itself without quotes, in YAML 1.1 and 1.2, in block and in flow style.
_PLAIN = re.compile(r"[A-Za-z](?:[\w ./()+-]*[\w./()+-])?", re.ASCII)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?")
_WORDS_WITH_A_MEANING = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def set_field(text: str, key: str, value: FieldValue) -> str:
    """The document with the top-level field `key` set to a text or a list of texts.

    The key is added at the end of the front matter where it is missing. Raises `ProblemError` if
    the document does not parse, has no front matter, or is written so that the field cannot be
    changed on its own.
    """
    before = parse_document(text, path=None)
    if not before.has_front_matter:
        raise ProblemError(_not_editable("the document has no front matter"))
    start = text.index("\n") + 1
    # Between the first line break and the closing marker line, which the body follows.
    end = len(text[: len(text) - len(before.body)].rstrip("\r\n")) - len("---")
    newline = "\r\n" if text[:start].endswith("\r\n") else "\n"
    edited = text[:start] + _edited_block(text[start:end], key, value, newline) + text[end:]
    _require_only_change(before, edited, key, value)
    return edited


def _edited_block(block: str, key: str, value: FieldValue, newline: str) -> str:
    root = yaml.compose(block, Loader=yaml.SafeLoader)
    indentation = ""
    if isinstance(root, MappingNode):
        for key_node, value_node in root.value:
            if key_node.value == key:
                return _replaced(block, key_node, value_node, value, newline)
        indentation = " " * root.start_mark.column
    return f"{block}{indentation}{quoted(key)}: {_inline(value)}{newline}"


def _replaced(block: str, key_node: Node, old: Node, value: FieldValue, newline: str) -> str:
    start, end = old.start_mark.index, _end_of(old, block)
    if isinstance(old, SequenceNode) and not old.flow_style and _is_filled_list(value):
        separator = newline + " " * old.start_mark.column
        return block[:start] + separator.join(f"- {quoted(item)}" for item in value) + block[end:]
    new = _inline(value, _style_of(old))
    colon = block.index(":", key_node.end_mark.index)
    between = block[colon + 1 : start]
    if "\n" not in between:
        return f"{block[: colon + 1]}{between or ' '}{new}{block[end:]}"
    # The old value began on a later line; what stands behind the colon is a comment, and stays.
    remark = between[: between.index("\n")].rstrip()
    return f"{block[: colon + 1]} {new}{remark}{block[end:]}"


def _style_of(old: Node) -> str | None:
    """How a scalar was written; None where nothing stood there that could be followed."""
    if not isinstance(old, ScalarNode):
        return None
    return old.style or (PLAIN if old.value else None)


def _end_of(node: Node, block: str) -> int:
    """Where the text of a value ends. The parser's own mark of a block lies at the next token, so
    that comments behind the value would belong to it."""
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _end_of(node.value[-1], block)
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _end_of(node.value[-1][1], block)
    start = node.start_mark.index
    return start + len(block[start : node.end_mark.index].rstrip())


def _is_filled_list(value: FieldValue) -> bool:
    return not isinstance(value, str) and len(value) > 0


def _inline(value: FieldValue, style: str | None = None) -> str:
    if isinstance(value, str):
        return quoted(value, style)
    return f"[{', '.join(quoted(item) for item in value)}]"


def quoted(text: str, style: str | None = None) -> str:
    """The text as a YAML scalar of one line: plain where every reader takes it for text, else in
    quotes. `style` is what the place had before, a quote or `PLAIN`, and is kept if the text
    allows: a date stays bare only where a bare value stood."""
    bare = style not in ("'", '"') and _reads_as_itself(text)
    if bare or (style == PLAIN and _TIMESTAMP.fullmatch(text)):
        return text
    if style != '"' and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _reads_as_itself(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _WORDS_WITH_A_MEANING


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _require_only_change(before: Document, edited: str, key: str, value: FieldValue) -> None:
    expected: JsonValue = value if isinstance(value, str) else list(value)
    try:
        after = parse_document(edited, path=None)
    except ProblemError as error:
        raise ProblemError(
            _not_editable(f"`{key}` cannot be changed on its own: {error.problems[0].message}")
        ) from None
    if after.metadata != {**before.metadata, key: expected} or after.body != before.body:
        raise ProblemError(_not_editable(f"`{key}` cannot be changed without changing more"))


def _not_editable(message: str) -> Problem:
    return Problem(
        code=NOT_EDITABLE,
        message=message,
        remedy="Write the front matter as lines of `key: value` between two lines `---`.",
    )
