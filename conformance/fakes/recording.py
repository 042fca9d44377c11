"""Every request that reached a fake, with the monotonic time of its arrival."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from conformance.fakes.json_values import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A field or route by which a request asks for issues, with its arguments as they resolved.
    `selected` are the fields of the issues that it wants; empty where the route decides."""

    field: str
    arguments: JsonObject
    selected: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Request:
    """`at` is in seconds of the monotonic clock. Header names are in lower case. `fault` is what
    was done to it, `status` what it was answered with; None as long as there is no answer.
    `refusal` says why it was not even understood; empty where it was."""

    number: int
    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    query: str = ""
    variables: JsonObject = field(default_factory=dict[str, JsonValue])
    root_fields: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    is_mutation: bool = False
    points: int = 0
    refusal: str = ""
    fault: str | None = None
    status: int | None = None


class Watcher(Protocol):
    """Somebody who looks on while a fake works. It is called on the threads of the fake."""

    def understood(self, request: Request) -> tuple[str, ...]:
        """What is asked for is known, and nothing is answered yet. Gives further names by which
        faults may be meant for this request."""
        ...

    def answered(self, request: Request) -> None:
        """The answer is about to be sent."""
        ...

    def spoilt(self, request: Request) -> None:
        """A fault is about to happen to it."""
        ...


class Recording:
    """Thread-safe; requests are numbered from 1. `watcher` may be set before the fake starts."""

    def __init__(self) -> None:
        self.watcher: Watcher | None = None
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

    def understood(self, request: Request) -> tuple[str, ...]:
        """Names by which faults may be meant for it: what it asks for at its top, and what the
        watcher adds."""
        further = () if self.watcher is None else self.watcher.understood(request)
        return (*request.root_fields, *further)

    def answered(self, request: Request, status: int) -> None:
        """Note what it is answered with, before the client has the answer."""
        with self._changed:
            request.status = status
            self._changed.notify_all()
        if self.watcher is not None:
            self.watcher.answered(request)

    def spoilt(self, request: Request, fault: str) -> None:
        """Note what is done to it."""
        request.fault = fault
        if self.watcher is not None:
            self.watcher.spoilt(request)

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
