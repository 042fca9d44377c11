"""One JSON object per line, both ways: answers, notifications, and requests of our own.

A turn writes from its own thread while the main thread answers requests, so every line is written
whole and under a lock. Requests of ours are numbered from 0, as the real agent does it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from typing import BinaryIO, Final

from symphony.domain.json import JsonObject, JsonValue, as_object, as_whole_number

INVALID_REQUEST: Final = -32600
_LOOK_AGAIN_S: Final = 0.02
"""How soon a turn that waits for an answer notices that it was interrupted."""


class TurnInterruptedError(Exception):
    """The client wants the turn to end."""


class Wire:
    """The agent's side of the connection."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._asked: dict[int, threading.Event] = {}
        self._answers: dict[int, JsonObject] = {}

    def answer(self, request: JsonValue, result: JsonObject) -> None:
        """The result of one of the client's requests."""
        self._write({"id": request, "result": result})

    def refuse(self, request: JsonValue, message: str) -> None:
        """The client's request cannot be carried out."""
        error: JsonObject = {"code": INVALID_REQUEST, "message": message}
        self._write({"error": error, "id": request})

    def notify(self, method: str, params: JsonObject) -> None:
        """Tell the client something."""
        self._write({"method": method, "params": params, "emittedAtMs": now_ms()})

    def ask(self, method: str, params: JsonObject, interrupted: threading.Event) -> JsonObject:
        """The client's answer to a request of ours: an object with `result` or `error`.

        Waits as long as it takes, for a client may have to ask a person. Raises
        `TurnInterruptedError`.
        """
        number = next(self._numbers)
        answered = self._asked[number] = threading.Event()
        self._write({"method": method, "id": number, "params": params})
        while not answered.wait(_LOOK_AGAIN_S):
            if interrupted.is_set():
                raise TurnInterruptedError
        return self._answers.pop(number)

    def take_answer(self, message: JsonObject) -> None:
        """Hand an answer of the client to whoever asked; others are nobody's."""
        number = as_whole_number(message.get("id"))
        answered = None if number is None else self._asked.pop(number, None)
        if number is not None and answered is not None:
            self._answers[number] = message
            answered.set()

    def _write(self, message: JsonObject) -> None:
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"
        # A client that is gone closes our input too, and that ends the agent.
        with self._lock, contextlib.suppress(OSError):
            self._output.write(line.encode("utf-8", "replace"))
            self._output.flush()


def read_message(line: bytes) -> JsonObject | None:
    """The message in a line; None where there is none, which gets no answer."""
    try:
        return as_object(json.loads(line))
    except ValueError:
        return None


def now_ms() -> int:
    """Milliseconds since 1970, as every notification carries them."""
    return time.time_ns() // 1_000_000
