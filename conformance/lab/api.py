"""The JSON interface of an implementation, as any client would use it.

Guarantees: no proxy, no redirect, no answer that is taken for another; a connection that fails is
`UnmetError`, since a scenario that asks has reason to expect an answer. Must not: know what a right
answer is.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import httpx

from conformance.fakes.json_values import JsonObject, JsonValue, as_object, read_json
from conformance.lab.judging import UnmetError
from conformance.lab.machine import Machine
from conformance.lab.timeline import Timeline

TIMEOUT_S: Final = 10.0
"""For one request; times `scale`."""
_NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""It is always plain HTTP on loopback. Reading the certificates of the world for each request takes
tens of milliseconds, in which nothing else is observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> JsonValue:
        """The body; None where it is not JSON."""
        try:
            return read_json(self.text)
        except ValueError:
            return None

    def object(self) -> JsonObject:
        """The body as a JSON object; an empty one where it is something else."""
        return as_object(self.json())


class Api:
    """`port` is looked up at each request, since a life of the target may get another one."""

    def __init__(
        self, port: Callable[[], int | None], timeline: Timeline, machine: Machine
    ) -> None:
        self._port = port
        self._timeline = timeline
        self._machine = machine

    async def state(self) -> ApiAnswer:
        """`GET /api/v1/state`."""
        return await self.request("GET", "/api/v1/state")

    async def issue(self, identifier: str) -> ApiAnswer:
        """`GET /api/v1/<issue_identifier>`, percent-encoded."""
        return await self.request("GET", f"/api/v1/{quote(identifier, safe='')}")

    async def refresh(self, body: str = "") -> ApiAnswer:
        """`POST /api/v1/refresh`."""
        return await self.request("POST", "/api/v1/refresh", body=body)

    async def request(
        self, method: str, path: str, *, body: str = "", headers: Mapping[str, str] | None = None
    ) -> ApiAnswer:
        """Any request. Raises `UnmetError` where there is no answer."""
        port = self._port()
        what = f"an answer to {method} {path}"
        if port is None:
            raise UnmetError(what, "it is not known at which port it listens")
        try:
            async with httpx.AsyncClient(
                trust_env=False, timeout=TIMEOUT_S * self._machine.scale, verify=_NO_CERTIFICATES
            ) as client:
                given = await client.request(
                    method,
                    f"http://127.0.0.1:{port}{path}",
                    content=body or None,
                    headers=dict(headers or {}),
                )
        except httpx.HTTPError as error:
            raise UnmetError(what, f"{type(error).__name__}: {error}") from None
        self._timeline.add("api", "answer", f"{method} {path} gives {given.status_code}")
        plain = {name.lower(): value for name, value in given.headers.items()}
        return ApiAnswer(status=given.status_code, headers=plain, text=given.text)
