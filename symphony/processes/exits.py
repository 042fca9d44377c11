"""Learn that a child has ended, without reaping it.

As long as a child is not reaped, its pid, its group and its session cannot be given to another
process: that is what makes signalling the group safe. On Linux a pidfd becomes readable when the
child ends. Elsewhere the child is asked again and again, which reaps it: the weaker guarantee.
"""

from __future__ import annotations

import os
import subprocess
from typing import Final

import anyio

_POLL_S: Final = 0.05


async def wait_for_exit(child: subprocess.Popen[bytes]) -> int:
    """The exit code; minus the signal's number for a child that a signal ended."""
    if (code := peek_exit_code(child)) is not None:
        return code
    try:
        descriptor = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        return await wait_by_polling(child)
    try:
        while (code := peek_exit_code(child)) is None:
            await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)
    return code


async def wait_by_polling(child: subprocess.Popen[bytes]) -> int:
    """The way of systems without pidfd."""
    while (code := peek_exit_code(child)) is None:  # noqa: ASYNC110 - nothing announces it there
        await anyio.sleep(_POLL_S)
    return code


def peek_exit_code(child: subprocess.Popen[bytes]) -> int | None:
    """The exit code if the child has ended; it stays a zombie where the system can tell."""
    if child.returncode is not None:
        return child.returncode
    try:
        status = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (AttributeError, ChildProcessError):
        return child.poll()
    if status is None:
        return None
    return status.si_status if status.si_code == os.CLD_EXITED else -status.si_status
