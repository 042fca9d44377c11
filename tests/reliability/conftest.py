"""A site for each test, or a token where no daemon is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.process_tokens import fresh_token
from tests.support.site_fixture import pytest_runtest_makereport, site

__all__ = ["pytest_runtest_makereport", "site", "token"]


@pytest.fixture
def token() -> Iterator[str]:
    """A word that the children of this test carry; nothing that carries it outlives the test."""
    with fresh_token() as word:
        yield word
