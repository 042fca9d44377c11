"""Fixtures for tests with real processes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from symphony.processes.environment import child_environment
from symphony.processes.owner import OwnerMark
from symphony.processes.process import OwnedProcess, spawn
from tests.support.process_children import python
from tests.support.process_tokens import fresh_token

Start = Callable[[str], OwnedProcess]


@pytest.fixture
def token() -> Iterator[str]:
    """A word that the children of this test carry; nothing that carries it outlives the test."""
    with fresh_token() as word:
        yield word


@pytest.fixture
def environment(token: str) -> dict[str, str]:
    """The environment of a child whose owner mark holds the token."""
    owner = OwnerMark(root="root", daemon=f"daemon {token}", run="run")
    return child_environment(os.environ, drop_names=(), drop_values=(), owner=owner)


@pytest.fixture
async def start(environment: dict[str, str]) -> AsyncIterator[Start]:
    """Spawn Python programs that are stopped at the end of the test."""
    started: list[OwnedProcess] = []

    def start_program(program: str) -> OwnedProcess:
        process = spawn(python(program), cwd="/", environment=environment)
        started.append(process)
        return process

    yield start_program
    for process in started:
        await process.stop(grace_ms=0)
