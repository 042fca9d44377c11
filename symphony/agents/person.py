"""What an operator answered, in the form in which the agent asked for it. Pure.

A session that goes on with an answer is told it in words. An agent may ask the same question again
nevertheless, because a tool of it asks, and not the model: then the answer is given there, once.
Nothing is made up: where the words do not fit the form, a person is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symphony.domain.json import JsonObject, as_array, as_object, as_text, parse_json

_YES: Final = frozenset({"accept", "yes", "ok", "okay"})
_NO: Final = frozenset({"decline", "no"})


def choices(params: JsonObject, text: str) -> JsonObject | None:
    """The answer to `item/tool/requestUserInput`; None where it asks more than one thing."""
    questions = [as_object(entry) or {} for entry in as_array(params.get("questions")) or ()]
    if len(questions) != 1:
        return None
    name = as_text(questions[0].get("id"))
    return None if not name else {"answers": {name: {"answers": [text]}}}


def form(params: JsonObject, text: str) -> JsonObject | None:
    """The answer to `mcpServer/elicitation/request`; None where the words do not fill the form.

    A JSON object fills any form, other text a form of one field of text. A form without fields
    takes yes or no; no declines any.
    """
    word = text.strip().lower()
    if word in _NO:
        return {"action": "decline", "content": None, "_meta": None}
    schema = as_object(params.get("requestedSchema")) or {}
    fields = as_object(schema.get("properties")) or {}
    content = _content(fields, _required(schema), text)
    if content is None or (not fields and word not in _YES):
        return None
    return {"action": "accept", "content": content, "_meta": None}


def _content(fields: JsonObject, required: Sequence[str], text: str) -> JsonObject | None:
    if not fields:
        return {}
    given = as_object(parse_json(text))
    if given is not None:
        return given if set(required) <= set(given) <= set(fields) else None
    if len(fields) > 1:
        return None
    name, field = next(iter(fields.items()))
    is_text = (as_object(field) or {}).get("type") == "string"
    return {name: text} if is_text else None


def _required(schema: JsonObject) -> Sequence[str]:
    names = as_array(schema.get("required")) or ()
    return [name for name in names if isinstance(name, str)]
