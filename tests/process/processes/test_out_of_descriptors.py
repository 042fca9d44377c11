"""A daemon that has no descriptors left still ends its trees, and takes nothing for gone unseen."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: using up descriptors would break the test runner.
SCRIPT = """
import anyio, os, resource, sys
from symphony.processes.owner import OwnerMark
from symphony.processes.environment import child_environment
from symphony.processes.process import spawn
from symphony.processes.table import process_table

async def main():
    mark = OwnerMark(root="r", daemon=f"{os.getpid()}-0-x", run="1")
    environment = child_environment(os.environ, drop_names=(), drop_values=(), owner=mark)
    process = spawn((sys.executable, "-S", "-c", "import time; time.sleep(300)"), cwd="/",
                    environment=environment)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    try:
        process_table()
        print("the table was read")
    except OSError:
        print("no table")
    with anyio.move_on_after(0.5):
        await anyio.sleep_forever()

    async def free_later():
        await anyio.sleep(1.0)
        for descriptor in taken:
            os.close(descriptor)

    async with anyio.create_task_group() as group:
        group.start_soon(free_later)
        report = await process.stop(grace_ms=100)
    print("gone" if report.confirmed and report.exit_code < 0 else report)

anyio.run(main)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
@pytest.mark.proves("run.end.process_stopped")
def test_a_tree_is_ended_although_no_descriptor_is_free() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines() == ["no table", "gone"], done.stderr + done.stdout
