"""What the daemon answered an agent that called a tool, read from the session logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony.domain.json import JsonValue, as_array, as_object, as_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswer:
    """One answer; `text` is what the model is told."""

    success: bool
    text: str

    @property
    def content(self) -> JsonValue:
        """The text as JSON."""
        return json.loads(self.text)


def tool_answers(logs_root: Path) -> Sequence[ToolAnswer]:
    """All answers under `--logs-root`, the oldest of each session first."""
    answers: list[ToolAnswer] = []
    for file in sorted(logs_root.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = as_object(json.loads(line)) or {}
            if entry.get("direction") != "to_agent":
                continue
            message = as_object(json.loads(as_text(entry.get("line")) or "{}"))
            result = as_object((message or {}).get("result")) or {}
            if isinstance(success := result.get("success"), bool):
                text = as_text(at(result, "contentItems", 0, "text")) or ""
                answers.append(ToolAnswer(success=success, text=text))
    return answers


def at(value: JsonValue, *path: str | int) -> JsonValue:
    """What stands there in the value; None where nothing does."""
    for step in path:
        if isinstance(step, int):
            elements = as_array(value) or ()
            value = elements[step] if step < len(elements) else None
        else:
            value = (as_object(value) or {}).get(step)
    return value
