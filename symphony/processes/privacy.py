"""Keep the daemon's memory and environment from its own children.

Agents and hooks run as the daemon's user, and whoever has the same user may read the environment of
a process in `/proc`, where the tracker's secrets are. A process that is not dumpable is spared that
(`security.agent_env.removed`). The flag passes to the forked warden and ends at `execve`, so it
holds for this program and not for its children. Root may read all the same; elsewhere than on Linux
this does nothing.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def hide_from_other_processes() -> bool:
    """Make this process undumpable; False where the system does not know how."""
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    return library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
