"""A fake Linear with one team, one project and two users, and settings that point at it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import cast

from conformance.fakes.entities import Issue
from conformance.fakes.linear.chaos import CALM, Chaos
from conformance.fakes.linear.executor import Rights
from conformance.fakes.linear.server import LinearFake
from conformance.fakes.world import IssueFields, World
from symphony.domain.json import JsonValue
from symphony.domain.settings import TrackerSettings
from symphony.trackers.linear.bounds import DEFAULT_BOUNDS, Bounds
from symphony.trackers.linear.settings import LinearSettings, read_settings
from symphony.trackers.linear.tracker import LinearTracker

KEY = "lin_api_0123456789abcdef"
READ_ONLY_KEY = "lin_api_read_only_89abcdef"
PROJECT = "0123456789ab"
TEAM = "ENG"
ACTIVE = ("Todo", "In Progress")
TERMINAL = ("Done", "Cancelled")


@contextmanager
def linear_fake(chaos: Chaos = CALM) -> Generator[LinearFake]:
    """A running fake. Ada owns the keys; Grace works there too."""
    world = World()
    world.add_project(PROJECT, "Engine", world.add_team(TEAM))
    ada = world.add_user("Ada Example")
    world.add_user("Grace Example")
    keys = {
        KEY: Rights(user_id=ada.id),
        READ_ONLY_KEY: Rights(user_id=ada.id, write=False),
    }
    with LinearFake(world, keys=keys, chaos=chaos) as fake:
        yield fake


def linear_settings(
    fake: LinearFake,
    provider: Mapping[str, JsonValue] | None = None,
    *,
    active: Sequence[str] = ACTIVE,
    terminal: Sequence[str] = TERMINAL,
) -> LinearSettings:
    """Settings for the fake's project with the key in the environment; `provider` adds keys."""
    settings = TrackerSettings(
        kind="linear",
        provider={"endpoint": fake.url, "project_slug": PROJECT, **(provider or {})},
        active_states=tuple(active),
        terminal_states=tuple(terminal),
    )
    return read_settings(settings, {"LINEAR_API_KEY": KEY})


@asynccontextmanager
async def linear_tracker(
    fake: LinearFake, bounds: Bounds = DEFAULT_BOUNDS, **provider: JsonValue
) -> AsyncGenerator[LinearTracker]:
    """A tracker over the fake's project, closed when the block ends."""
    tracker = LinearTracker(linear_settings(fake, provider), bounds=bounds)
    try:
        yield tracker
    finally:
        await tracker.aclose()


def put_issue(fake: LinearFake, identifier: str | None = None, **fields: JsonValue) -> Issue:
    """An issue of the fake's project, in Todo where nothing else is said."""
    (team, *_) = fake.world.teams.values()
    wanted = cast("IssueFields", {"state": "Todo", "project": PROJECT, **fields})
    return fake.world.put_issue(team, identifier, **wanted)
