"""A daemon for the HTTP interface to look at, in memory, and the interface on a real socket.

async with served(MemoryView(EMPTY)) as site:
    answer = await site.client.get("/api/v1/state")
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import anyio
import httpx

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.json import JsonObject, as_object
from symphony.domain.settings import Settings
from symphony.http.application import ExtraRoutes, no_more_routes
from symphony.http.connection import BoundedConnection
from symphony.http.surface import HttpSurface, open_surface
from symphony.observability.redaction import Redactor
from symphony.runtime.surface import Wish
from symphony.scheduler.snapshot import Snapshot
from tests.support.virtual_daemon import make_settings

TOKEN = "t0ken-of-more-than-sixteen"
PATIENCE_S = 30.0


class MemoryView:
    """Shows what a test puts into it; a change is told with `show`."""

    def __init__(self, snapshot: Snapshot | None, settings: Settings | None = None) -> None:
        self._snapshot = snapshot
        self._settings = settings or make_settings()
        self._revision = 0
        self._news = anyio.Event()
        self.polled = True
        self.polls = 0
        self.answers: list[tuple[IssueId, int, str]] = []
        self.answered = anyio.Event()
        self.stops: list[IssueId] = []
        self.poll_requested = anyio.Event()
        self.requests: int | None = None
        self.failure: Exception | None = None
        self.redactor = Redactor()
        self.log_paths: dict[str, str] = {}

    def show(self, snapshot: Snapshot | None) -> None:
        """The daemon does something else now."""
        self._snapshot = snapshot
        self._revision += 1
        self._news.set()
        self._news = anyio.Event()

    def snapshot(self) -> Snapshot | None:
        if self.failure is not None:
            raise self.failure
        return self._snapshot

    def settings(self) -> Settings:
        return self._settings

    def has_polled(self) -> bool:
        return self.polled

    def requests_sent(self) -> int | None:
        return self.requests

    def redact(self, text: str) -> str:
        return self.redactor.redact(text)

    async def changed(self, seen: int) -> int:
        while self._revision == seen:
            await self._news.wait()
        return self._revision

    async def request_poll(self) -> None:
        self.polls += 1
        self.poll_requested.set()
        self.poll_requested = anyio.Event()

    async def answer(self, issue_id: IssueId, question: int, text: str) -> None:
        self.answers.append((issue_id, question, text))
        self.answered.set()

    async def stop(self, issue_id: IssueId) -> None:
        self.stops.append(issue_id)

    async def session_log_path(self, identifier: IssueIdentifier) -> str | None:
        return self.log_paths.get(identifier)


def wish(
    settings: Settings | None = None,
    *,
    port: int = 0,
    port_key: str = "server.port",
    environment: Mapping[str, str] | None = None,
) -> Wish:
    """Where to listen: loopback and any free port, unless told otherwise."""
    return Wish(
        port=port,
        port_key=port_key,
        settings=settings or make_settings(),
        environment=environment or {},
    )


def with_token(settings: Settings | None = None) -> Settings:
    """Settings that demand `TOKEN`."""
    return replace(settings or make_settings(), server_token=TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedSite:
    """The interface as it is served, and a client of it."""

    surface: HttpSurface
    client: httpx.AsyncClient

    @property
    def port(self) -> int:
        return self.surface.listener.port

    async def get(self, path: str) -> JsonObject:
        """The document at this address, which has to be there."""
        return object_of(await self.client.get(path))


def object_of(answer: httpx.Response, status: int = 200) -> JsonObject:
    """The JSON object that the answer is, with this status."""
    assert answer.status_code == status, answer.text
    document = as_object(answer.json())
    assert document is not None
    return document


def error_code(answer: httpx.Response, status: int) -> str:
    """The code in the envelope of an error, after a look at the rest of it."""
    error = as_object(object_of(answer, status)["error"])
    assert error is not None
    assert error["message"]
    return str(error["code"])


@asynccontextmanager
async def served(
    view: MemoryView,
    *,
    extra_routes: ExtraRoutes = no_more_routes,
    headers: Mapping[str, str] | None = None,
    connection: type[BoundedConnection] = BoundedConnection,
) -> AsyncGenerator[ServedSite]:
    """The interface on a free port, as the settings of the view say, until the block ends."""
    surface = await open_surface(
        wish(view.settings()), extra_routes=extra_routes, connection=connection
    )
    address = f"http://127.0.0.1:{surface.listener.port}"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(surface.serve, view)
        async with httpx.AsyncClient(
            base_url=address, headers=headers, trust_env=False, timeout=PATIENCE_S
        ) as client:
            yield ServedSite(surface=surface, client=client)
        tasks.cancel_scope.cancel()
