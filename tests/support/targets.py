"""Targets for tests: small scripts in the place of an implementation."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio

from conformance.fakes.json_values import JsonValue
from conformance.lab.timeline import Timeline
from conformance.manifest.model import Manifest
from conformance.target.launching import Places
from conformance.target.process import Target
from conformance.target.table import carriers
from tests.support.process_tokens import PATIENCE_S

WAIT: Final = "import time\nprint('ready', flush=True)\ntime.sleep(600)\n"
STUBBORN: Final = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAIT}"
ORDERLY: Final = (
    f"import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n{WAIT}"
)


def manifest(
    script: str,
    *arguments: str,
    tables: Mapping[str, JsonValue] | None = None,
    **launch: JsonValue,
) -> Manifest:
    """An implementation that is a Python script; `tables` are further ones of the manifest."""
    command = [sys.executable, "-S", "-E", "-c", script, *arguments]
    return Manifest.model_validate(
        {
            "schema": 1,
            "implementation": {"name": "test", "version_command": ["{python}", "--version"]},
            "launch": {"command": command, **launch},
            **(tables or {}),
        }
    )


def program(path: str) -> Manifest:
    """An implementation that is this program."""
    return Manifest.model_validate(
        {"schema": 1, "implementation": {"name": "test"}, "launch": {"command": [path]}}
    )


def places(ground: Path) -> Places:
    """The directories of a scenario below `ground`."""
    return Places(
        ground=ground, workflow=ground / "project" / "WORKFLOW.md", workspace_root=ground / "root"
    )


@asynccontextmanager
async def running(
    made: Manifest, ground: Path, timeline: Timeline | None = None
) -> AsyncGenerator[Target]:
    """A target, started, and at the end nothing of it."""
    target = Target(made, places(ground), timeline or Timeline())
    try:
        await target.start()
        yield target
    finally:
        await target.sweep()
    assert not target.survivors()
    assert not carriers(target.token)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what another process makes true."""
    with anyio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - processes announce nothing
            await anyio.sleep(0.01)


async def until_ready(target: Target) -> None:
    """Wait until the script has printed that word."""
    await until(lambda: "ready" in target.output())
