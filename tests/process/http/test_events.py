"""The stream of events, as a page reads it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import anyio
import httpx
import pytest

from symphony.domain.json import JsonObject
from symphony.http.events import MAX_CLIENTS, EventHub
from symphony.http.rendering import StateRenderer
from symphony.scheduler.snapshot import Snapshot
from symphony.testing import settle
from tests.support.demo_snapshots import EMPTY, issue, running
from tests.support.http_view import PATIENCE_S, MemoryView, error_code, served

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: JsonObject


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    """The events of a stream, as they come."""
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield Event(name, json.loads(line.removeprefix("data: ")))


async def completed(stream: AsyncIterator[Event], count: int) -> Event:
    """The first event in which so many runs are completed."""
    with anyio.fail_after(PATIENCE_S):
        async for event in stream:
            if event.data.get("completed_runs") == count:
                return event
    raise AssertionError("the stream ended")


def after_runs(count: int) -> Snapshot:
    return replace(EMPTY, completed_runs=count)


@pytest.mark.proves("http.dashboard.uses_api")
async def test_the_state_comes_at_once_and_after_a_change() -> None:
    view = MemoryView(EMPTY)
    async with served(view) as site, site.client.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        stream = events(answer)
        assert (await completed(stream, 0)).name == "state"
        view.show(replace(after_runs(1), running=(running(issue("MT-1")),)))
        event = await completed(stream, 1)
        assert event.data["counts"] == {
            "running": 1,
            "retrying": 0,
            "blocked": 0,
            "skipped": 0,
            "cleaning": 0,
        }


async def test_changes_that_come_together_are_told_as_one() -> None:
    view = MemoryView(EMPTY)
    seen: list[object] = []
    async with served(view) as site, site.client.stream("GET", "/api/v1/events") as answer:
        stream = events(answer)
        await completed(stream, 0)
        for count in range(1, 1_001):
            view.show(after_runs(count))
        with anyio.fail_after(PATIENCE_S):
            async for event in stream:
                seen.append(event.data["completed_runs"])
                if seen[-1] == 1_000:
                    break
    assert len(seen) < 5


async def test_a_title_cannot_forge_an_event() -> None:
    forged = "x\n\nevent: state\ndata: {}\n\n"
    view = MemoryView(replace(EMPTY, running=(running(issue("MT-1", title=forged)),)))
    async with served(view) as site, site.client.stream("GET", "/api/v1/events") as answer:
        event = await completed(events(answer), 0)
    (row,) = json.loads(json.dumps(event.data))["running"]
    assert row["title"] == forged


async def test_a_state_that_cannot_be_read_is_told_and_so_is_its_return() -> None:
    view = MemoryView(EMPTY)
    async with served(view) as site, site.client.stream("GET", "/api/v1/events") as answer:
        stream = events(answer)
        await completed(stream, 0)
        view.failure = RuntimeError("no")
        view.show(after_runs(1))
        with anyio.fail_after(PATIENCE_S):
            while (event := await anext(stream)).name != "problem":
                pass
        assert "error" in event.data
        view.failure = None
        view.show(after_runs(2))
        await completed(stream, 2)


async def test_every_reader_is_told() -> None:
    view = MemoryView(EMPTY)
    async with (
        served(view) as site,
        site.client.stream("GET", "/api/v1/events") as first,
        site.client.stream("GET", "/api/v1/events") as second,
    ):
        streams = [events(first), events(second)]
        for stream in streams:
            await completed(stream, 0)
        view.show(after_runs(1))
        for stream in streams:
            await completed(stream, 1)


async def test_a_reader_that_leaves_is_forgotten_and_makes_room() -> None:
    view = MemoryView(EMPTY)
    hub = EventHub(view, StateRenderer(view))
    streams = [hub.stream() for _ in range(MAX_CLIENTS)]
    for stream in streams:
        await anext(stream)
    assert hub.clients == MAX_CLIENTS
    with pytest.raises(Exception, match="too_many_event_clients"):
        hub.check_room()
    for stream in streams:
        await stream.aclose()
    assert hub.clients == 0
    hub.check_room()


async def test_one_reader_too_many_is_turned_away() -> None:
    view = MemoryView(EMPTY)
    limits = httpx.Limits(max_connections=None)
    async with (
        served(view) as site,
        httpx.AsyncClient(
            base_url=site.client.base_url, limits=limits, timeout=PATIENCE_S, trust_env=False
        ) as client,
    ):
        answers: list[httpx.Response] = []
        streams: list[AsyncIterator[Event]] = []
        for _ in range(MAX_CLIENTS):
            request = client.build_request("GET", "/api/v1/events")
            answers.append(await client.send(request, stream=True))
            # Kept: an iterator that is dropped closes its connection.
            streams.append(events(answers[-1]))
            await completed(streams[-1], 0)
        assert error_code(await client.get("/api/v1/events"), 503) == "too_many_event_clients"
        assert (await client.get("/api/v1/state")).status_code == 200
        for answer in answers:
            await answer.aclose()


async def test_the_end_of_the_daemon_ends_the_streams() -> None:
    view = MemoryView(EMPTY)
    hub = EventHub(view, StateRenderer(view))
    told: list[bytes] = []

    async def read() -> None:
        told.extend([event async for event in hub.stream()])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await settle()
        hub.close()
        with anyio.fail_after(PATIENCE_S):
            while hub.clients:
                await settle()
    assert len(told) == 1


async def test_a_slow_reader_gets_the_newest_state_and_nothing_piles_up() -> None:
    view = MemoryView(EMPTY)
    hub = EventHub(view, StateRenderer(view))
    slow, fast = hub.stream(), hub.stream()
    await anext(slow)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hub.run)
        for count in range(1, 4):
            view.show(after_runs(count))
            with anyio.fail_after(PATIENCE_S):
                while b'"completed_runs":%d' % count not in await anext(fast):
                    pass
        assert b'"completed_runs":3' in await anext(slow)
        tasks.cancel_scope.cancel()
    await slow.aclose()
    await fast.aclose()
