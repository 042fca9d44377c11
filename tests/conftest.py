"""Fixtures and checks that every test shares."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The daemon runs on asyncio, so do its tests."""
    return "asyncio"
