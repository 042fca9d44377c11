"""Ask an implementation which version it is.

Guarantees: bounded in time and size; whatever goes wrong gives an empty text, since a report can do
without. Must not: start the service.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

from conformance.manifest.model import Manifest
from conformance.target.errors import TargetError
from conformance.target.launching import Places, version_order

VERSION_LIMIT_S: Final = 60.0
"""Erlang and the JVM take their time on a loaded machine."""
LONGEST_VERSION: Final = 200
"""Characters."""


def implementation_version(manifest: Manifest, ground: Path) -> str:
    """The first line that `implementation.version_command` prints; empty where there is none.

    `ground` is an empty directory for its home. Blocks for `VERSION_LIMIT_S` at most.
    """
    if not manifest.implementation.version_command:
        return ""
    places = Places(
        ground=ground, workflow=ground / "project" / "WORKFLOW.md", workspace_root=ground / "root"
    )
    places.make()
    try:
        order = version_order(manifest, places)
        child = subprocess.Popen(
            order.arguments,
            cwd=order.directory,
            env=order.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, TargetError):
        return ""
    return _first_line(child)


def _first_line(child: subprocess.Popen[bytes]) -> str:
    with child:
        try:
            printed, _ = child.communicate(timeout=VERSION_LIMIT_S)
        except subprocess.TimeoutExpired:
            printed = b""
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    lines = printed.decode("utf-8", "replace").strip().splitlines()
    return lines[0].strip()[:LONGEST_VERSION] if lines else ""
