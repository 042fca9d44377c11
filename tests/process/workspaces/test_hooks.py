"""One hook: what it sees, how it ends, and that nothing of it stays."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from symphony.workspaces.hooks import (
    HOOK_OUTPUT_BYTES,
    LOGGED_OUTPUT_CHARACTERS,
    Hook,
    run_hook,
)
from tests.support.process_children import STUBBORN
from tests.support.process_issues import RecordingOwner, make_issue
from tests.support.process_tokens import PATIENCE_S, pids_with, until_exists

pytestmark = pytest.mark.anyio

PYTHON = shlex.quote(sys.executable)
STUBBORN_IN_A_SESSION_OF_ITS_OWN = (
    f"{PYTHON} -c 'import os, sys; os.setsid(); exec(sys.argv[1])' {shlex.quote(STUBBORN)}"
)
SHORT_MS = 300
SECRET = "lin_api_0123456789abcdef"


@pytest.fixture
def hook(tmp_path: Path, owner: RecordingOwner) -> Hook:
    """A hook that does nothing, to be changed."""
    return Hook(
        name="before_run",
        script="true",
        issue=make_issue(),
        workspace=str(tmp_path),
        timeout_ms=60_000,
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "SYMPHONY_OWNER": owner.mark("/", "hook").render(),
        },
        secrets=(SECRET,),
        started=owner.started,
        ended=owner.ended,
    )


@pytest.fixture(autouse=True)
def every_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="symphony")


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    """Every event of the hook with its fields."""
    return [
        (record.getMessage(), dict(record.__dict__["fields"]))
        for record in caplog.records
        if record.name.startswith("symphony")
    ]


@pytest.mark.proves("hook.script.directory", "hook.script.shell")
async def test_a_script_of_several_lines_runs_as_a_whole_in_the_workspace(
    hook: Hook, tmp_path: Path
) -> None:
    script = "pwd\nif true; then\n  echo two\nfi\ncat <<END\nthree\nEND\necho four >&2"
    result = await run_hook(replace(hook, script=script))
    assert (result.ok, result.exit_code, result.timed_out) == (True, 0, False)
    assert set(result.output.split()) == {str(tmp_path), "two", "three", "four"}


@pytest.mark.proves("hook.script.shell")
async def test_a_hook_runs_in_a_login_shell(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text("export FROM_PROFILE=yes\n")
    result = await run_hook(replace(hook, script='echo "$FROM_PROFILE"'))
    assert result.output == "yes\n"


async def test_a_hook_reads_nothing_from_its_input(hook: Hook) -> None:
    result = await run_hook(replace(hook, script="cat; echo end"))
    assert result.output == "end\n"


@pytest.mark.proves("hook.log.events")
async def test_start_and_success_are_logged(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    await run_hook(hook)
    (start, start_fields), (end, end_fields) = logged(caplog)
    assert (start, end) == ("hook_started", "hook_completed")
    issue = {"issue_id": "id of MT-1", "issue_identifier": "MT-1", "hook": "before_run"}
    assert start_fields == issue
    assert end_fields == issue | {"outcome": "completed", "duration_ms": end_fields["duration_ms"]}


@pytest.mark.proves("hook.log.events")
async def test_a_failure_is_told_with_its_exit_code_and_last_output(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    result = await run_hook(replace(hook, script="echo no such branch >&2; exit 3"))
    assert (result.ok, result.exit_code, result.timed_out) == (False, 3, False)
    assert result.reason == "the hook before_run ended with exit code 3"
    event, fields = logged(caplog)[-1]
    assert event == "hook_failed"
    assert fields["outcome"] == "failed"
    assert fields["exit_code"] == 3
    assert fields["output"] == "no such branch"
    assert fields["reason"] == result.reason


@pytest.mark.proves("hook.output.truncated")
async def test_a_flood_of_output_is_read_to_the_end_and_its_tail_is_kept(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    script = f"""{PYTHON} -c 'print("x" * 20_000_000 + "last words"); raise SystemExit(1)'"""
    result = await run_hook(replace(hook, script=script))
    assert result.exit_code == 1
    assert len(result.output) == HOOK_OUTPUT_BYTES
    assert result.output.endswith("x" + "last words\n")
    output = str(logged(caplog)[-1][1]["output"])
    assert len(output) == LOGGED_OUTPUT_CHARACTERS


@pytest.mark.proves("security.secret.logs")
async def test_a_secret_that_a_hook_prints_is_not_kept(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    script = f"for n in $(seq 3000); do echo {SECRET}; done; exit 1"
    result = await run_hook(replace(hook, script=script))
    assert "[redacted]" in result.output
    # Neither a whole secret, nor the half of one that was cut.
    rest = result.output.replace("[redacted]", "")
    assert rest.strip() == ""
    assert SECRET not in str(logged(caplog))
    assert SECRET not in repr(replace(hook, script=""))


async def test_output_that_is_no_text_is_kept_readable(hook: Hook) -> None:
    result = await run_hook(replace(hook, script=r"printf 'a\377b\0c'"))
    assert result.output == "a\ufffdb\0c"


async def test_a_workspace_that_is_gone_is_a_failure(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    result = await run_hook(replace(hook, workspace=f"{hook.workspace}/missing"))
    assert (result.ok, result.exit_code, result.timed_out) == (False, None, False)
    assert "missing" in result.output
    assert logged(caplog)[-1][0] == "hook_failed"


@pytest.mark.proves("hook.timeout.applied", "hook.timeout.tree", "hook.log.events")
async def test_a_time_out_ends_also_a_stubborn_grandchild_in_a_session_of_its_own(
    hook: Hook, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = f"{STUBBORN_IN_A_SESSION_OF_ITS_OWN} &\nsleep 600"
    with anyio.fail_after(PATIENCE_S):
        result = await run_hook(replace(hook, script=script, timeout_ms=SHORT_MS))
    assert (result.ok, result.exit_code, result.timed_out) == (False, None, True)
    assert result.survivors == ()
    assert pids_with(token) == []
    event, fields = logged(caplog)[-1]
    assert (event, fields["outcome"]) == ("hook_timed_out", "timed_out")


@pytest.mark.proves("hook.timeout.applied")
async def test_what_a_successful_hook_leaves_in_the_background_is_ended(
    hook: Hook, token: str
) -> None:
    script = "sleep 600 &\necho started"
    with anyio.fail_after(PATIENCE_S):
        result = await run_hook(replace(hook, script=script))
    assert result.ok
    assert result.output == "started\n"
    assert pids_with(token) == []


@pytest.mark.proves("hook.timeout.applied")
async def test_a_grandchild_that_holds_the_output_does_not_hold_the_hook(
    hook: Hook, token: str
) -> None:
    with anyio.fail_after(PATIENCE_S):
        result = await run_hook(
            replace(hook, script=f"{STUBBORN_IN_A_SESSION_OF_ITS_OWN} & exit 5")
        )
    assert result.exit_code == 5
    assert pids_with(token) == []


async def test_a_cancelled_hook_is_ended_before_the_cancellation_goes_on(
    hook: Hook, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = f"{STUBBORN_IN_A_SESSION_OF_ITS_OWN} & sleep 600"
    scope = anyio.CancelScope()

    def cancel_at_the_start(_: int) -> None:
        scope.cancel()

    with scope:
        await run_hook(replace(hook, script=script, started=cancel_at_the_start))
    assert scope.cancelled_caught
    assert pids_with(token) == []
    assert logged(caplog)[-1][0] == "hook_cancelled"


async def test_cancelling_in_the_middle_leaves_nothing(
    hook: Hook, token: str, tmp_path: Path
) -> None:
    script = f"{STUBBORN_IN_A_SESSION_OF_ITS_OWN} > ready & sleep 600"
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(run_hook, replace(hook, script=script))
            await until_exists(tmp_path / "ready", with_content=True)
            group.cancel_scope.cancel()
    assert pids_with(token) == []


async def test_the_owner_is_told_of_the_group_and_of_its_end(
    hook: Hook, owner: RecordingOwner
) -> None:
    await run_hook(hook)
    assert len(owner.groups) == 1
    assert owner.ended_groups == owner.groups


@pytest.mark.proves("hook.env.secrets")
async def test_a_login_profile_does_not_bring_a_secret_back(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text(f"export TRACKER_KEY={SECRET}\n")
    script = 'echo "[${TRACKER_KEY-absent}]"'
    assert "[redacted]" in (await run_hook(replace(hook, script=script))).output
    result = await run_hook(replace(hook, script=script, forget=frozenset({"TRACKER_KEY"})))
    assert result.output == "[absent]\n"
