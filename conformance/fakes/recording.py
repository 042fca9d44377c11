"""Every request that reached a fake, with the monotonic time of its arrival."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conformance.fakes.json_values import JsonObject, JsonValue


@dataclass(slots=True, kw_only=True)
class Request:
    """`at` is in seconds of the monotonic clock. Header names are in lower case. `fault` is what
    was done to it, `status` what it was answered with; None as long as there is no answer."""

    number: int
    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    query: str = ""
    variables: JsonObject = field(default_factory=dict[str, JsonValue])
    root_fields: tuple[str, ...] = ()
    is_mutation: bool = False
    points: int = 0
    fault: str | None = None
    status: int | None = None


class Recording:
    """Thread-safe; requests are numbered from 1."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: list[Request] = []

    def add(self, method: str, path: str, headers: Mapping[str, str]) -> Request:
        """A request that came in just now."""
        with self._changed:
            request = Request(
                number=len(self._requests) + 1,
                at=time.monotonic(),
                method=method,
                path=path,
                headers={name.lower(): value for name, value in headers.items()},
            )
            self._requests.append(request)
            return request

    def update(self, request: Request, change: Callable[[Request], None]) -> None:
        """Note what became of it."""
        with self._changed:
            change(request)
            self._changed.notify_all()

    def all(self, after: int = 0) -> list[Request]:
        """The requests with higher numbers than `after`."""
        with self._changed:
            return self._requests[after:]

    def __len__(self) -> int:
        with self._changed:
            return len(self._requests)

    def wait(
        self, is_meant: Callable[[Request], bool], *, count: int = 1, timeout_s: float = 30.0
    ) -> list[Request]:
        """Wait for `count` requests of this kind. Raises `TimeoutError`."""
        found: list[Request] = []

        def is_there() -> bool:
            found[:] = [each for each in self._requests if is_meant(each)]
            return len(found) >= count

        with self._changed:
            if not self._changed.wait_for(is_there, timeout_s):
                raise TimeoutError(f"{len(found)} of {count} requests within {timeout_s:g} s")
            return list(found)
