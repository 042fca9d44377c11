"""A fake GitHub, and a tracker that reads it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack

import pytest

from conformance.fakes.github.entities import Repository
from conformance.fakes.github.server import GitHubFake
from symphony.domain.json import JsonValue
from symphony.trackers.github.tracker import GitHubTracker
from tests.support.github_worlds import REPOSITORY, SHORT, Open, github_fake, github_settings


@pytest.fixture
def fake() -> Generator[GitHubFake]:
    with github_fake() as opened:
        yield opened


@pytest.fixture
def repository(fake: GitHubFake) -> Repository:
    found = fake.hub.repository(REPOSITORY)
    assert found is not None
    return found


@pytest.fixture
async def open_tracker(fake: GitHubFake) -> AsyncGenerator[Open]:
    """Trackers over the fake, by active and terminal states and provider keys."""
    async with AsyncExitStack() as stack:

        def opened(
            active: tuple[str, ...] = ("open",),
            terminal: tuple[str, ...] = ("closed",),
            **provider: JsonValue,
        ) -> GitHubTracker:
            settings = github_settings(fake, active, terminal, **provider)
            tracker = GitHubTracker(settings, limits=SHORT)
            stack.push_async_callback(tracker.aclose)
            return tracker

        yield opened


@pytest.fixture
def tracker(open_tracker: Open) -> GitHubTracker:
    """States are open and closed."""
    return open_tracker()
