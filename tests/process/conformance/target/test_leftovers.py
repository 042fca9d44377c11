"""What a target leaves behind is found and ended, also when the suite dies."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

import anyio
import pytest

from conformance.lab.timeline import Timeline
from conformance.target.output import LINES_SHOWN
from conformance.target.table import carriers, process_table
from tests.support.process_tokens import PATIENCE_S
from tests.support.targets import WAIT, manifest, running, until, until_ready

pytestmark = pytest.mark.anyio

FORKS_AWAY: Final = """\
import os, sys, time
for _ in range(2):
    if os.fork():
        os._exit(0)
    os.setsid()
os.closerange(0, 3)
os.chdir("/")
os.execve("/bin/sleep", ["sleep", "600"], {})
"""


async def test_what_a_target_starts_survives_it_and_is_found_and_ended(tmp_path: Path) -> None:
    script = f"import subprocess\nsubprocess.Popen(['sleep', '600'])\n{WAIT}"
    timeline = Timeline()
    async with running(manifest(script), tmp_path, timeline) as target:
        await until_ready(target)
        await target.kill()
        assert target.exit_code == -signal.SIGKILL
        assert [each.command for each in target.survivors()] == ["sleep 600"]
        swept = await target.sweep()
        assert [each.command for each in swept] == ["sleep 600"]
        assert swept[0].pid not in process_table()
    assert len(timeline.events("target", "leftover")) == 1


async def test_a_target_that_forks_away_without_its_environment_is_found(tmp_path: Path) -> None:
    async with running(manifest(FORKS_AWAY), tmp_path) as target:
        assert await target.wait(PATIENCE_S) == 0
        await until(lambda: [each.command for each in target.survivors()] == ["sleep 600"])


async def test_a_target_that_ends_its_supervisor_is_ended_too(tmp_path: Path) -> None:
    script = f"import os, subprocess\nsubprocess.Popen(['setsid', 'sleep', '600'])\n{WAIT}"
    script = script.replace("time.sleep", "os.kill(os.getppid(), 9)\ntime.sleep")
    async with running(manifest(script), tmp_path) as target:
        assert await target.wait(PATIENCE_S) == -signal.SIGKILL
        assert [each.command for each in target.survivors()] == ["sleep 600"]


async def test_targets_side_by_side_end_only_what_is_their_own(tmp_path: Path) -> None:
    script = f"import subprocess\nsubprocess.Popen(['sleep', '600'])\n{WAIT}"
    async with (
        running(manifest(script), tmp_path / "one") as one,
        running(manifest(script), tmp_path / "two") as two,
    ):
        await until_ready(one)
        await until_ready(two)
        await one.sweep()
        assert two.alive
        assert len(two.survivors()) == 1


async def test_a_flood_does_not_hold_the_target_up(tmp_path: Path) -> None:
    script = "import sys\nfor n in range(200000):\n  print('x' * 100)\nprint('ready')"
    timeline = Timeline()
    async with running(manifest(script), tmp_path, timeline) as target:
        assert await target.wait(PATIENCE_S) == 0
        await until_ready(target)
    assert len(timeline.events("output")) == LINES_SHOWN
    assert timeline.events("output")[-1].kind == "cut"


SUITE: Final = """\
import asyncio, os, sys
from pathlib import Path
from conformance.lab.timeline import Timeline
from conformance.manifest.loading import manifest_for_command
from conformance.target.launching import Places
from conformance.target.process import Target

async def main():
    ground = Path(sys.argv[1])
    made = manifest_for_command(["sh", "-c", "setsid sleep 600 & sleep 600"])
    place = Places(ground=ground, workflow=ground / "p" / "W.md", workspace_root=ground / "r")
    target = Target(made, place, Timeline())
    await target.start()
    while len(target.survivors()) < 2:
        await asyncio.sleep(0.01)
    print(target.token, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_is_left_when_the_suite_itself_dies(
    tmp_path: Path, number: signal.Signals
) -> None:
    suite = await anyio.open_process(
        [sys.executable, "-c", SUITE, str(tmp_path)],
        cwd=Path(__file__).parents[4],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stderr=None,
    )
    async with suite:
        assert suite.stdout is not None
        with anyio.fail_after(PATIENCE_S):
            token = (await suite.stdout.receive()).decode().strip()
        assert carriers(token)
        suite.send_signal(number)
    await until(lambda: not carriers(token))
