"""The worlds that every contract holds in."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.tracker_worlds import WORLDS, TrackerWorld


@pytest.fixture(params=sorted(WORLDS))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[TrackerWorld]:
    """One board with its tracker, closed when the test is over."""
    kind: str = request.param
    async with WORLDS[kind](tmp_path) as opened:
        yield opened
        await opened.tracker.aclose()
