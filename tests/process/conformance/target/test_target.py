"""Targets: real programs, started, asked and stopped."""

from __future__ import annotations

import signal
from pathlib import Path

import anyio
import pytest

from conformance.lab.timeline import Timeline
from conformance.target.errors import TargetError
from conformance.target.process import Target
from conformance.target.version import implementation_version
from tests.support.process_tokens import PATIENCE_S
from tests.support.targets import (
    ORDERLY,
    STUBBORN,
    WAIT,
    manifest,
    places,
    program,
    running,
    until,
    until_ready,
)

pytestmark = pytest.mark.anyio


async def test_a_target_that_heeds_its_signal_is_stopped_in_order(tmp_path: Path) -> None:
    timeline = Timeline()
    async with running(manifest(ORDERLY), tmp_path, timeline) as target:
        await until_ready(target)
        assert target.alive
        status = await target.stop()
        assert (status.code, status.forced) == (0, False)
        assert not target.alive
        assert (await target.stop()).code == 0
    kinds = [event.kind for event in timeline.events("target")]
    assert kinds == ["started", "signal", "exited"]


async def test_a_target_that_ignores_its_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    async with running(manifest(STUBBORN, stop_grace_ms=50), tmp_path) as target:
        await until_ready(target)
        status = await target.stop()
        assert status.forced
        assert status.code == -signal.SIGKILL
        assert status.seconds >= 0.05


async def test_a_target_is_stopped_by_the_signal_of_its_manifest(tmp_path: Path) -> None:
    async with running(manifest(STUBBORN, stop_signal="INT"), tmp_path) as target:
        await until_ready(target)
        status = await target.stop()
        assert not status.forced


async def test_an_exit_code_is_reported_with_all_that_was_printed_before(tmp_path: Path) -> None:
    script = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(7)"
    timeline = Timeline()
    async with running(manifest(script), tmp_path, timeline) as target:
        assert await target.wait(PATIENCE_S) == 7
    assert sorted(target.output().split()) == ["err", "out"]
    lines = {(event.kind, event.text) for event in timeline.events("output")}
    assert lines == {("stdout", "out"), ("stderr", "err")}


async def test_a_target_sees_only_what_it_is_given(tmp_path: Path) -> None:
    script = "import json, os\nprint(json.dumps(dict(os.environ)), os.getcwd(), 'ready')"
    made = manifest(script, environment={"PLACE": "{logs}"})
    target = Target(made, places(tmp_path), Timeline(), variables={"KEY": "canary"})
    await target.start(variables={"MORE": "1"})
    await until_ready(target)
    await target.sweep()
    said = target.output()
    assert '"KEY": "canary"' in said
    assert '"MORE": "1"' in said
    assert f'"PLACE": "{tmp_path}/logs"' in said
    assert f'"HOME": "{tmp_path}/home"' in said
    assert f'"TMPDIR": "{tmp_path}/tmp"' in said
    assert f"{tmp_path}/project ready" in said
    for name in ("PYTEST_CURRENT_TEST", "VIRTUAL_ENV", "USER"):
        assert f'"{name}"' not in said


async def test_placeholders_of_the_command_are_filled(tmp_path: Path) -> None:
    script = "import sys\nprint(sys.argv[1:], 'ready')"
    made = manifest(script, "{workflow}", "--port", "{port}", "${x}")
    async with running(made, tmp_path) as target:
        await until_ready(target)
        assert target.port
        wanted = [f"{tmp_path}/project/WORKFLOW.md", "--port", str(target.port), "${x}"]
        assert str(wanted) in target.output()


async def test_a_port_is_asked_for_by_the_arguments_of_the_manifest(tmp_path: Path) -> None:
    made = manifest("import sys\nprint(sys.argv[1:], 'ready')", "{workflow}")
    target = Target(made, places(tmp_path), Timeline())
    await target.start(port=8123, without_workflow=True, arguments=["--more"])
    await until_ready(target)
    await target.sweep()
    assert "['--port', '8123', '--more']" in target.output()


async def test_a_port_that_was_taken_is_found_in_the_output(tmp_path: Path) -> None:
    made = manifest(
        "print('listening on port 4711')",
        tables={"http": {"arguments": [], "port_pattern": r"port (\d+)"}},
    )
    target = Target(made, places(tmp_path), Timeline())
    await target.start(port=0)
    await until(lambda: target.port == 4711)
    await target.sweep()


async def test_a_target_can_live_again_in_the_same_place(tmp_path: Path) -> None:
    async with running(manifest(ORDERLY), tmp_path) as target:
        await until_ready(target)
        with pytest.raises(TargetError, match="still runs"):
            await target.start()
        first = target.pid
        await target.stop()
        await target.start()
        await until(lambda: "ready" in target.output(life_only=True))
        assert target.pid != first
        assert target.output().count("ready") == 2


async def test_a_program_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    for name in ("./no-such-program", "no-such-program"):
        target = Target(program(name), places(tmp_path), Timeline())
        with pytest.raises(TargetError, match=r"no-such-program.*build the implementation"):
            await target.start()
        assert await target.sweep() == []


async def test_a_file_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"\0not a program")
    path.chmod(0o755)
    target = Target(program(str(path)), places(tmp_path), Timeline())
    with pytest.raises(TargetError, match="cannot be started"):
        await target.start()
    await target.sweep()


async def test_a_repository_is_made_where_the_manifest_asks_for_one(tmp_path: Path) -> None:
    made = manifest(WAIT, git_repository=True)
    workflow = places(tmp_path).workflow
    workflow.parent.mkdir()
    workflow.write_text("Go on.\n")
    async with running(made, tmp_path):
        listed = await anyio.run_process(["git", "ls-files"], cwd=workflow.parent)
        assert listed.stdout == b"WORKFLOW.md\n"


async def test_the_logs_hold_the_output_and_the_files_of_the_manifest(tmp_path: Path) -> None:
    script = "import os, sys\nprint('ready')\nopen(sys.argv[1] + '/a.log', 'w').write('in a file')"
    made = manifest(script, "{logs}", tables={"logs": {"files": "*.log"}})
    async with running(made, tmp_path) as target:
        await target.wait(PATIENCE_S)
        await until_ready(target)
        assert "in a file" in target.logs()


async def test_the_version_is_the_first_line_of_the_version_command(tmp_path: Path) -> None:
    assert implementation_version(manifest(""), tmp_path).startswith("Python 3.")
