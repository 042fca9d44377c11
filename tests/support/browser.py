"""A real browser without a window, for tests of pages. It reaches this machine and nothing else.

It stays open until the block ends (`opened`), while a script of the test reports to the test's own
server, or takes a picture of a page (`photograph`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process

PATIENCE_S = 90.0
"""A browser takes two seconds to start on an idle machine, and many on a busy one."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def _find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(
    _find() is None, reason=f"no Chromium is installed (looked for {', '.join(NAMES)})"
)

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--hide-scrollbars",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Browser:
    """Each use has a profile of its own below `home`, which is an empty directory."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._uses = 0

    def _command(self, url: str, switches: Sequence[str]) -> list[str]:
        program = _find()
        assert program is not None
        self._uses += 1
        profile = self._home / f"profile-{self._uses}"
        return [program, *_QUIET, f"--user-data-dir={profile}", *switches, url]

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._home),
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    async def photograph(
        self, url: str, picture: Path, *switches: str, width: int, height: int
    ) -> None:
        """A picture of the page as PNG."""
        told = (
            f"--screenshot={picture}",
            f"--window-size={width},{height}",
            *switches,
        )
        with anyio.fail_after(PATIENCE_S):
            await anyio.run_process(
                self._command(url, told), env=self._environment(), stderr=subprocess.DEVNULL
            )

    @asynccontextmanager
    async def opened(self, url: str, *switches: str) -> AsyncGenerator[Process]:
        """The page stays open until the block ends."""
        process = await anyio.open_process(
            self._command(url, switches),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            await _end(process)


async def _end(process: Process) -> None:
    """The browser and its helpers, which are in its process group."""
    with anyio.CancelScope(shield=True):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
