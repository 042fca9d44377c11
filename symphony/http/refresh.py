"""Polls on request, never more often than a tracker can bear (`http.refresh.coalesced`).

The first request makes a poll at once. Those that come within `SPACING_S` after it are served by
one more poll at the end of that time: none is lost, and a client that asks in a loop changes the
daemon's pace by a bounded amount (`http.failure.isolated`).
"""

from __future__ import annotations

import anyio

from symphony.http.view import DaemonView

SPACING_S = 1.0
"""Between two requested polls. A person does not notice it, and no provider's limit does either."""


class Refresher:
    """Passes requests on while `run` runs."""

    def __init__(self, view: DaemonView, *, spacing_s: float = SPACING_S) -> None:
        self._view = view
        self._spacing_s = spacing_s
        self._wanted = anyio.Event()

    def request(self) -> bool:
        """Ask for a poll; whether one was on its way already, which serves this request too."""
        coalesced = self._wanted.is_set()
        self._wanted.set()
        return coalesced

    async def run(self) -> None:
        """Serve requests until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            await self._view.request_poll()
            await anyio.sleep(self._spacing_s)
