"""Orderly stop on the first signal, at once on the second.

The first SIGTERM, SIGINT or SIGHUP stops every run and lets the daemon return. The second leaves
the process where it stands; the warden ends what is left.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable

import anyio

from symphony.domain.problems import ProblemError
from symphony.runtime.daemon import Daemon

logger = logging.getLogger(__name__)

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How long the last log lines may take on the way out of a second signal.
FLUSH_SECONDS = 0.5


async def until_signal(
    daemon: Daemon,
    *,
    before_exit: Callable[[float], object],
    over: anyio.Event | None = None,
) -> None:
    """Run the daemon to its end, which comes when `over` is set or a signal asks for it. Raises
    `ProblemError` where it cannot start."""
    problem: ProblemError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch, daemon, before_exit)
        if over is not None:
            tasks.start_soon(_stop_when, over, daemon)
        try:
            await daemon.run()
        except ProblemError as error:
            # Not through the task group, which would wrap it.
            problem = error
        tasks.cancel_scope.cancel()
    if problem is not None:
        raise problem


async def _stop_when(over: anyio.Event, daemon: Daemon) -> None:
    await over.wait()
    await daemon.request_stop()


async def _watch(daemon: Daemon, before_exit: Callable[[float], object]) -> None:
    stopping = False
    with anyio.open_signal_receiver(*STOPPING_SIGNALS) as signals:
        async for number in signals:
            fields = {"signal": number.name}
            if stopping:
                logger.warning("stopping_at_once", extra={"fields": fields})
                before_exit(FLUSH_SECONDS)
                os._exit(128 + number)
            stopping = True
            logger.info("stop_requested", extra={"fields": fields})
            await daemon.request_stop()
