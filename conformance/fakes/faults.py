"""Faults on demand, the same for every fake: what goes wrong, how often, with which requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

FaultKind: TypeAlias = Literal[
    "status",
    "rate_limited",
    "reset",
    "silence",
    "cut_body",
    "slow_body",
    "not_json",
    "huge_body",
    "redirect",
    "cursor_loop",
    "cursor_missing",
    "errors_without_data",
    "errors_with_null",
    "errors_beside_data",
    "null_field",
    "echo_secret",
]
"""status: answer with `status` and `retry_after`. rate_limited: the provider's own way of saying
so. reset: close without an answer. silence: never answer. cut_body: less than announced. slow_body:
a byte every `delay_s`. not_json: a page of HTML with status 200. huge_body: `size` bytes. redirect:
to `location` with `status`. cursor_loop: there is always a next page, under the same cursor.
cursor_missing: a next page without a cursor. errors_*: GraphQL errors without any data, with a
nulled field, or beside data that is complete. null_field: `field` of every record is null, against
the schema. echo_secret: an error that repeats the credential."""

KINDS: tuple[str, ...] = get_args(FaultKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `times` None: until it is cleared. `only` is a field that the request must ask for
    at its top, such as `issues` or `issueUpdate`. `skip` lets that many such requests pass first.
    """

    kind: FaultKind
    times: int | None = 1
    only: str | None = None
    skip: int = 0
    status: int = 500
    retry_after: str | None = None
    reset_in_ms: int | None = None
    delay_s: float = 0.05
    size: int = 0
    location: str = ""
    field: str = ""


class Faults:
    """The faults that wait to happen, in the order in which they were added. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Let it happen from now on."""
        with self._lock:
            self._waiting.append((fault, fault.skip, fault.times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._waiting.clear()

    def take(self, root_fields: tuple[str, ...]) -> Fault | None:
        """The fault of this request, if it has one."""
        with self._lock:
            for place, (fault, skip, times) in enumerate(self._waiting):
                if fault.only is not None and fault.only not in root_fields:
                    continue
                if skip > 0:
                    self._waiting[place] = (fault, skip - 1, times)
                    continue
                if times is None:
                    return fault
                if times == 1:
                    del self._waiting[place]
                else:
                    self._waiting[place] = (fault, skip, times - 1)
                return fault
            return None
