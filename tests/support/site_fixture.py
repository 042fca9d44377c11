"""A site for each test, and what its daemon said where a test fails; for a `conftest.py`."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.daemon_site import Site

_SITE = pytest.StashKey[Site]()
_LOG_TAIL = 20_000
"""Characters of the log that a failed test shows; its last ones matter."""


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A fresh site; afterwards everything is stopped, and what always holds is checked."""
    fresh = Site(tmp_path)
    request.node.stash[_SITE] = fresh
    try:
        yield fresh
        fresh.check()
    finally:
        fresh.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the daemon said."""
    report = yield
    site = item.stash.get(_SITE, None)
    if report.failed and site is not None and site.log.exists():
        text = site.log.read_text(encoding="utf-8", errors="replace")
        report.sections.append(("what the daemon said", text[-_LOG_TAIL:]))
    return report
