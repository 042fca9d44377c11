"""A site for each test."""

from __future__ import annotations

from tests.support.site_fixture import pytest_runtest_makereport, site

__all__ = ["pytest_runtest_makereport", "site"]
