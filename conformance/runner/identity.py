"""Which version of the implementation is judged."""

from __future__ import annotations

import subprocess
from typing import Final

import anyio

from conformance.manifest.model import Manifest
from conformance.target.errors import TargetError
from conformance.target.launching import Places, version_order

VERSION_LIMIT_S: Final = 20.0
"""A program that only says its version; a virtual machine may have to start first."""
LONGEST_VERSION: Final = 120
"""Characters; more is a message, not a version."""


async def version_of(manifest: Manifest, places: Places) -> str:
    """The first line that the version command prints; empty where there is none, or it fails."""
    if not manifest.implementation.version_command:
        return ""
    places.make()
    try:
        order = version_order(manifest, places)
        with anyio.fail_after(VERSION_LIMIT_S):
            result = await anyio.run_process(
                order.arguments,
                stdin=subprocess.DEVNULL,
                cwd=order.directory,
                env=order.environment,
                check=False,
                start_new_session=True,
            )
    except (OSError, TimeoutError, TargetError):
        return ""
    lines = result.stdout.decode("utf-8", "replace").strip().splitlines()
    return lines[0][:LONGEST_VERSION] if lines and result.returncode == 0 else ""
