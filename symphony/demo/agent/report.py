"""What the client hears of one turn: its beginning and end, each item, tokens and limits."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Generator, Mapping
from typing import Final

from symphony.demo.agent.tokens import Tokens
from symphony.demo.agent.wire import Wire, now_ms
from symphony.domain.json import JsonObject, JsonValue

RATE_LIMITS: Final[JsonObject] = {
    "limitId": "demo",
    "limitName": None,
    "primary": {"usedPercent": 0, "windowDurationMins": 300, "resetsAt": None},
    "secondary": None,
    "credits": None,
    "planType": None,
}
"""The demo agent may be used for ever."""


class TurnReport:
    """One turn, as it is told. Used by the turn's own thread, except for `turn_object`."""

    def __init__(self, wire: Wire, *, thread_id: str, tokens: Tokens) -> None:
        self.turn_id = str(uuid.uuid4())
        self.thread_id = thread_id
        self._wire = wire
        self._tokens = tokens
        self._begun_ms = now_ms()
        self._status = "inProgress"
        self._error: JsonObject | None = None
        self._has_begun = False

    @property
    def is_over(self) -> bool:
        return self._status != "inProgress"

    def turn_object(self) -> JsonObject:
        """The turn as the protocol describes it."""
        over = self.is_over
        return {
            "id": self.turn_id,
            "items": [],
            "itemsView": "notLoaded",
            "status": self._status,
            "error": self._error,
            "startedAt": self._begun_ms // 1000 if self._has_begun else None,
            "completedAt": now_ms() // 1000 if over else None,
            "durationMs": now_ms() - self._begun_ms if over else None,
        }

    def begin(self) -> None:
        self._has_begun = True
        self._thread_status({"type": "active", "activeFlags": []})
        self._of_thread("turn/started", {"turn": self.turn_object()})

    def end(self, status: str, message: str = "", kind: str = "other") -> None:
        """`completed`, `interrupted`, or `failed` with the reason and its kind."""
        if message:
            self._error = {
                "message": message,
                "codexErrorInfo": kind,
                "additionalDetails": None,
            }
            self.tell("error", {"error": self._error, "willRetry": False})
        self._status = status
        self._thread_status({"type": "idle"})
        self._of_thread("turn/completed", {"turn": self.turn_object()})

    @contextlib.contextmanager
    def item(self, kind: str, facts: dict[str, JsonValue]) -> Generator[str]:
        """Tells the beginning and the end of one act, and gives the id of it. What is known only
        at the end is written into `facts` meanwhile. An act that raises has no end."""
        item_id = str(uuid.uuid4())
        head: JsonObject = {"type": kind, "id": item_id}
        self.tell("item/started", {"item": {**head, **facts}, "startedAtMs": now_ms()})
        yield item_id
        self.tell("item/completed", {"item": {**head, **facts}, "completedAtMs": now_ms()})

    def heard(self, text: str) -> None:
        """Text that came in; it counts with the next model call."""
        self._tokens.hear(text)

    def spoke(self, text: str) -> None:
        """A model call is over: the real agent reports tokens and limits after each."""
        self._tokens.speak(text)
        self.tell("thread/tokenUsage/updated", {"tokenUsage": self._tokens.as_object()})
        self._wire.notify("account/rateLimits/updated", {"rateLimits": RATE_LIMITS})

    def tell(self, method: str, params: Mapping[str, JsonValue]) -> None:
        """A notification of this turn."""
        self._of_thread(method, {**params, "turnId": self.turn_id})

    def _thread_status(self, status: JsonObject) -> None:
        self._of_thread("thread/status/changed", {"status": status})

    def _of_thread(self, method: str, params: Mapping[str, JsonValue]) -> None:
        self._wire.notify(method, {"threadId": self.thread_id, **params})
