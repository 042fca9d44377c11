"""What the tests of the real agent share: its program, a laboratory, and loud skips."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.integration.running_daemon import RunningDaemon
from tests.support.codex import Laboratory, Missing, find_ground, find_program

REQUIRE = "SYMPHONY_REQUIRE_AGENT"
_DAEMONS = pytest.StashKey[list[RunningDaemon]]()
_REASON = pytest.StashKey[str]()
_LOG_TAIL = 20_000
"""Characters of a daemon's standard error that a failed test shows; its last ones matter."""


def _found(thing: Path | Missing, config: pytest.Config) -> Path:
    if isinstance(thing, Path):
        return thing
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, but {thing.reason}", pytrace=False)
    config.stash[_REASON] = thing.reason
    pytest.skip(f"the real Codex was NOT tested: {thing.reason}")


@pytest.fixture
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    """A fresh laboratory around the real program; the test is skipped where there is none."""
    program = _found(find_program(), request.config)
    ground = _found(find_ground(), request.config)
    built = Laboratory.build(ground, program)
    try:
        yield built
    finally:
        built.clean()


@pytest.fixture
def daemon(request: pytest.FixtureRequest, laboratory: Laboratory) -> Iterator[RunningDaemon]:
    """The daemon of a test, not started yet; ended when the test is over."""
    running = RunningDaemon(laboratory)
    request.node.stash.setdefault(_DAEMONS, []).append(running)
    try:
        yield running
    finally:
        running.end()
    assert running.defects() == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the daemon said where a test failed."""
    report = yield
    if report.failed:
        for running in item.stash.setdefault(_DAEMONS, []):
            report.sections.append(("what the daemon logged", running.log_text()[-_LOG_TAIL:]))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A run that tested nothing must not look like one that passed."""
    if (reason := config.stash.get(_REASON, None)) is not None:
        terminalreporter.section("THE REAL CODEX WAS NOT TESTED", red=True, bold=True)
        terminalreporter.line(f"{reason}. With {REQUIRE}=1 this is a failure.", yellow=True)
