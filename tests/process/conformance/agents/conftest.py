"""A desk on a timeline, for tests that play the implementation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.agents.desk import AgentDesk
from conformance.lab.timeline import Timeline


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


@pytest.fixture
def desk(timeline: Timeline) -> Iterator[AgentDesk]:
    """Open; agents that are left end with it, and none may have a defect."""
    opened = AgentDesk(timeline)
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()
    assert not opened.defects()
