"""Clients that break the rules, dawdle, or take nothing: each ends, and others are served."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import anyio.abc
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from symphony.http.connection import BoundedConnection, ConnectionLimits
from symphony.http.endpoints import Services
from symphony.http.routing import reading
from tests.support.demo_snapshots import EMPTY, issue, waiting
from tests.support.http_view import PATIENCE_S, MemoryView, ServedSite, error_code, served

pytestmark = pytest.mark.anyio

SHORT = ConnectionLimits(connections=10, request_s=0.2, unsent_s=0.2, look_s=0.05)


class ShortLived(BoundedConnection):
    limits = SHORT


class ShortUnsent(BoundedConnection):
    """Patient with those who ask, so that a loaded machine cuts off nobody else."""

    limits = ConnectionLimits(unsent_s=0.2, look_s=0.05)


@asynccontextmanager
async def connected(site: ServedSite) -> AsyncGenerator[anyio.abc.SocketStream]:
    async with await anyio.connect_tcp("127.0.0.1", site.port) as stream:
        yield stream


async def everything(stream: anyio.abc.SocketStream) -> bytes:
    """What comes until the server ends the connection."""
    received = b""
    with anyio.fail_after(PATIENCE_S):
        try:
            async for part in stream:
                received += part
        except anyio.BrokenResourceError:
            pass
    return received


@pytest.mark.proves("http.failure.isolated")
@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
        b"x" * 100_000,
        b"POST /api/v1/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_answered_and_ended(sent: bytes) -> None:
    async with served(MemoryView(EMPTY)) as site:
        async with connected(site) as stream:
            with anyio.fail_after(PATIENCE_S):
                await stream.send(sent)
            received = await everything(stream)
        assert received.startswith(b"HTTP/1.1 400 ")
        assert b'{"error":{"code":"invalid_request"' in received
        assert (await site.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "target",
    [b"http://evil.example/api/v1/state", b"*", b"state", b"/..%2f..%2fetc/passwd", b"/%00"],
)
async def test_odd_targets_are_not_found(target: bytes) -> None:
    head = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    async with served(MemoryView(EMPTY)) as site, connected(site) as stream:
        await stream.send(head % target)
        assert (await everything(stream)).startswith(b"HTTP/1.1 404 ")


async def test_an_upgrade_is_not_made() -> None:
    head = (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade, close\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    async with served(MemoryView(EMPTY)) as site, connected(site) as stream:
        await stream.send(head)
        assert (await everything(stream)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.proves("http.failure.isolated")
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /api",
        b"POST /api/v1/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{",
    ],
)
async def test_a_request_that_does_not_end_is_given_up(sent: bytes) -> None:
    view = MemoryView(EMPTY)
    async with served(view, connection=ShortLived) as site, connected(site) as stream:
        if sent:
            await stream.send(sent)
        assert b"HTTP/1.1 2" not in await everything(stream)
    assert view.polls == 0


@pytest.mark.proves("http.failure.isolated")
async def test_more_connections_than_there_may_be_are_ended_and_room_comes_back() -> None:
    async with served(MemoryView(EMPTY), connection=ShortLived) as site:
        streams = [
            await anyio.connect_tcp("127.0.0.1", site.port) for _ in range(SHORT.connections + 5)
        ]
        for stream in streams:
            assert await everything(stream) == b""
            await stream.aclose()
        with anyio.fail_after(PATIENCE_S):
            while not await is_answered(site):
                pass


async def is_answered(site: ServedSite) -> bool:
    """Whether a request is; a machine that stands still for a moment may cut it off."""
    try:
        return (await site.client.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.proves("http.failure.isolated")
async def test_a_reader_of_events_that_takes_nothing_is_dropped() -> None:
    rows = tuple(waiting(issue(f"MT-{number}", title="x" * 3_000)) for number in range(3_000))
    view = MemoryView(replace(EMPTY, skipped=rows))
    async with served(view, connection=ShortUnsent) as site, connected(site) as stream:
        await stream.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with anyio.fail_after(PATIENCE_S):
            # As long as it is there, it counts; nothing of what is sent is read here.
            while "symphony_http_event_clients 1.0" not in await metrics(site):
                pass
            while "symphony_http_event_clients 0.0" not in await metrics(site):
                pass


async def metrics(site: ServedSite) -> str:
    return (await site.client.get("/metrics")).text


@pytest.mark.proves("http.failure.isolated")
async def test_a_defect_of_a_handler_is_an_error_and_no_more() -> None:
    async def fails(request: Request) -> Response:
        raise RuntimeError(f"what nobody should see of {request.url}")

    def routes(services: Services) -> Sequence[BaseRoute]:
        del services
        return [reading("/fails", fails)]

    async with served(MemoryView(EMPTY), extra_routes=routes) as site:
        for _ in range(3):
            answer = await site.client.get("/fails")
            assert error_code(answer, 500) == "internal_error"
            assert "nobody" not in answer.text
        assert (await site.client.get("/healthz")).status_code == 200


async def test_clients_that_are_there_do_not_hold_up_the_end() -> None:
    with anyio.fail_after(PATIENCE_S):
        async with served(MemoryView(EMPTY)) as site:
            idle = await anyio.connect_tcp("127.0.0.1", site.port)
            reader = await anyio.connect_tcp("127.0.0.1", site.port)
            await reader.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.receive()
        assert b"event: " not in await everything(idle)
        await everything(reader)
        await idle.aclose()
        await reader.aclose()
    with pytest.raises(OSError, match=r".+"):
        await anyio.connect_tcp("127.0.0.1", site.port)
