"""Records that are told wrong: members with values that the schema does not allow, or a null.

Guarantees: only the record that is meant is told wrong, wherever it stands in an answer, and for
as long as it is wished; every answer in which that happened is counted. Must not: change the
record itself. A record whose answer does not show who it is cannot be found.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.fakes.json_values import JsonObject, JsonValue, as_array, as_object


@dataclass(slots=True, kw_only=True)
class _Spoil:
    """`key` and `value` are how the provider identifies the record."""

    key: str
    value: str | int
    members: Mapping[str, JsonValue]
    seen: int = 0


class Spoils:
    """Thread-safe. Members go by names such as `created_at`; answers spell them as the provider
    does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spoils: list[_Spoil] = []

    def add(self, key: str, value: str | int, members: JsonObject) -> None:
        """From now on the record whose member `key` is `value` has these members."""
        plain = {_plain(name): each for name, each in members.items()}
        with self._lock:
            self._spoils.append(_Spoil(key=key, value=value, members=plain))

    def clear(self) -> None:
        """Everything is told as it is again."""
        with self._lock:
            self._spoils.clear()

    def seen(self, value: str | int) -> int:
        """In how many answers a record was told wrong."""
        with self._lock:
            return sum(each.seen for each in self._spoils if each.value == value)

    def applied(self, body: bytes) -> bytes:
        """The answer with what is wrong in it; the very same bytes where nothing is."""
        with self._lock:
            if not self._spoils or not body:
                return body
            content: JsonValue = json.loads(body)
            before = [each.seen for each in self._spoils]
            changed = self._changed(content)
            is_same = before == [each.seen for each in self._spoils]
            return body if is_same else json.dumps(changed, ensure_ascii=False).encode()

    def _changed(self, value: JsonValue) -> JsonValue:
        if isinstance(value, list):
            return [self._changed(each) for each in as_array(value)]
        if not isinstance(value, dict):
            return value
        told = {name: self._changed(each) for name, each in as_object(value).items()}
        for spoil in self._spoils:
            hit = [name for name in told if _plain(name) in spoil.members]
            if hit and value.get(spoil.key) == spoil.value:
                spoil.seen += 1
                told |= {name: spoil.members[_plain(name)] for name in hit}
        return told


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
