"""Session logs for the page to show, in the form that the daemon writes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from symphony.domain.json import JsonObject


def log_lines(now: datetime, said: str = "The totals are rounded once now.") -> str:
    """A session log with these words in it, in the form that the daemon writes."""
    message: JsonObject = {
        "method": "item/completed",
        "params": _item("agentMessage", "text", said),
    }
    command: JsonObject = {
        "method": "item/completed",
        "params": _item("commandExecution", "command", "make test"),
    }
    delta: JsonObject = {"method": "item/agentMessage/delta", "params": {"delta": said}}
    start: JsonObject = {"id": 3, "method": "turn/start", "params": {"threadId": "0199a1b2"}}
    answer: JsonObject = {"id": 3, "result": {"turn": {"id": "turn_7", "status": "inProgress"}}}
    rows = [
        ("to_agent", json.dumps(start)),
        ("from_agent", json.dumps(answer)),
        ("stderr", f"warning: {said}"),
        ("from_agent", json.dumps(command)),
        *(("from_agent", json.dumps(delta)) for _ in range(12)),
        ("from_agent", json.dumps(message)),
        ("note", "2 lines are missing here: the disk was too slow for them"),
    ]
    began = now - timedelta(seconds=len(rows))
    lines = (
        {"at": (began + timedelta(seconds=n)).isoformat(), "direction": who, "line": line}
        for n, (who, line) in enumerate(rows)
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


def _item(kind: str, member: str, text: str) -> JsonObject:
    return {"item": {"type": kind, member: text}}
