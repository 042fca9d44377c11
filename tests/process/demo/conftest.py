"""A filled scratch directory, and workspaces in it as the daemon's hook would make them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from symphony.demo.place import Place, claimed, fill
from tests.support.demo_agent import DemoAgent

MakeWorkspace = Callable[[str], Path]
StartAgent = Callable[[Path], DemoAgent]


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    with claimed(str(tmp_path / "demo")) as place:
        fill(place, "no workflow is needed here\n")
        yield place


@pytest.fixture
def workspace(place: Place) -> MakeWorkspace:
    def make(name: str) -> Path:
        directory = place.workspaces / name
        directory.mkdir(parents=True)
        script = (
            "git clone --quiet --config user.name=n --config user.email=e ../../repository . && "
            f"git checkout --quiet -b issue/{name}"
        )
        subprocess.run(("sh", "-c", script), cwd=directory, check=True)
        return directory

    return make


@pytest.fixture
def start() -> Generator[StartAgent]:
    agents: list[DemoAgent] = []

    def start(workspace: Path) -> DemoAgent:
        agents.append(DemoAgent(workspace))
        return agents[-1]

    yield start
    for agent in agents:
        agent.end()
