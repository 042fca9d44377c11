"""Workspaces through their life: made, filled, used, removed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.settings import HookSettings
from symphony.workspaces.keeper import WorkspaceKeeper
from symphony.workspaces.key import workspace_key
from symphony.workspaces.problems import (
    HOOK_FAILED,
    HOOK_TIMED_OUT,
    MISSING,
    NOT_A_DIRECTORY,
    NOT_CREATED,
    NOT_READABLE,
    OUTSIDE_ROOT,
    WorkspaceError,
)
from tests.support.process_issues import RecordingOwner, make_issue
from tests.support.process_tokens import PATIENCE_S, pids_with, until_exists, wait_until

pytestmark = pytest.mark.anyio
MakeKeeper = Callable[[HookSettings], WorkspaceKeeper]
TOP = Path(__file__).parents[3]
ISSUE = make_issue()
NO_HOOKS = HookSettings()
SECRET = "lin_api_0123456789abcdef"


def names(folder: Path) -> list[str]:
    """Everything in a directory, hidden files included."""
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.proves("workspace.path.under_root", "security.root.permissions")
async def test_a_missing_workspace_is_created_with_its_parents(
    make_keeper: MakeKeeper, root: Path
) -> None:
    workspace = await make_keeper(NO_HOOKS).prepare(ISSUE)
    assert workspace.path == str(root / "MT-1")
    assert (workspace.key, workspace.created_now, workspace.issue) == ("MT-1", True, ISSUE)
    assert (root / "MT-1").is_dir()
    assert stat.S_IMODE(os.stat(root).st_mode) == 0o700


@pytest.mark.proves("workspace.reuse.across_runs", "hook.after_create.new_only")
async def test_an_existing_workspace_is_reused_with_its_content(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(HookSettings(after_create="echo filled >> log"))
    first = await keeper.prepare(ISSUE)
    second = await keeper.prepare(ISSUE)
    assert (first.created_now, second.created_now) == (True, False)
    assert first.path == second.path
    assert (root / "MT-1" / "log").read_text() == "filled\n"
    assert names(root) == ["MT-1"]


async def test_identifiers_that_look_alike_get_directories_of_their_own(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(NO_HOOKS)
    identifiers = ["MT/1", "MT:1", "MT_1", "..", ".", "\0", "é" * 300]
    paths = {(await keeper.prepare(make_issue(name))).path for name in identifiers}
    assert len(paths) == len(identifiers)
    assert {Path(path).parent for path in paths} == {root}
    expected = {workspace_key(name) for name in identifiers}
    assert await keeper.existing_keys() == expected


@pytest.mark.proves("workspace.conflict.handled")
async def test_something_that_is_no_directory_is_refused_and_stays(
    make_keeper: MakeKeeper, root: Path
) -> None:
    os.makedirs(root)
    (root / "MT-1").write_text("precious")
    keeper = make_keeper(HookSettings(after_create="touch ran", before_remove="touch ran"))
    for attempt in (keeper.prepare, keeper.remove):
        with pytest.raises(WorkspaceError, match="MT-1") as refused:
            await attempt(ISSUE)
        assert refused.value.category == NOT_A_DIRECTORY
    assert (root / "MT-1").read_text() == "precious"


@pytest.mark.proves("workspace.contain.symlink")
async def test_a_link_that_leads_out_is_neither_worked_in_nor_followed_by_removal(
    make_keeper: MakeKeeper, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    os.makedirs(root)
    (root / "MT-1").symlink_to(outside)
    keeper = make_keeper(HookSettings(before_remove="touch ran"))
    for attempt in (keeper.prepare, keeper.remove):
        with pytest.raises(WorkspaceError) as refused:
            await attempt(ISSUE)
        assert refused.value.category == NOT_A_DIRECTORY
    assert names(outside) == ["kept"]


@pytest.mark.proves("workspace.populate.surfaced")
async def test_a_root_that_cannot_hold_a_workspace_is_a_typed_error(
    make_keeper: MakeKeeper, root: Path
) -> None:
    root.parent.write_text("")
    with pytest.raises(WorkspaceError) as refused:
        await make_keeper(NO_HOOKS).prepare(ISSUE)
    assert refused.value.category in {NOT_CREATED, NOT_READABLE}
    assert await make_keeper(NO_HOOKS).existing_keys() == frozenset()


@pytest.mark.proves("hook.after_create.fatal", "hook.after_create.again")
async def test_a_failed_after_create_is_fatal_and_runs_again_next_time(
    make_keeper: MakeKeeper, root: Path, tmp_path: Path
) -> None:
    counter = tmp_path / "counter"
    script = f"touch half; echo x >> {counter}; test $(wc -l < {counter}) = 2 || (echo no; exit 4)"
    keeper = make_keeper(HookSettings(after_create=script))

    with pytest.raises(WorkspaceError, match="exit code 4: no") as refused:
        await keeper.prepare(ISSUE)
    assert refused.value.category == HOOK_FAILED
    assert names(root) == []

    assert (await keeper.prepare(ISSUE)).created_now
    assert names(root) == ["MT-1"]


@pytest.mark.proves("hook.after_create.fatal", "hook.after_create.again", "hook.timeout.applied")
async def test_an_after_create_that_times_out_leaves_neither_directory_nor_process(
    make_keeper: MakeKeeper, root: Path, token: str
) -> None:
    keeper = make_keeper(HookSettings(after_create="touch half; sleep 600", timeout_ms=200))
    with pytest.raises(WorkspaceError, match="timed out") as refused:
        await keeper.prepare(ISSUE)
    assert refused.value.category == HOOK_TIMED_OUT
    assert names(root) == []
    assert pids_with(token) == []


@pytest.mark.proves("hook.after_create.again")
async def test_a_cancelled_after_create_leaves_neither_directory_nor_process(
    make_keeper: MakeKeeper, root: Path, token: str
) -> None:
    keeper = make_keeper(HookSettings(after_create="setsid sleep 600 & touch half; sleep 600"))
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(keeper.prepare, ISSUE)
            await until_exists(root / "MT-1" / "half")
            group.cancel_scope.cancel()
    assert names(root) == []
    assert pids_with(token) == []


PREPARING_DAEMON = """
import anyio, os, sys
from symphony.domain.settings import HookSettings
from symphony.workspaces.keeper import WorkspaceKeeper
from tests.support.process_issues import RecordingOwner, make_issue
keeper = WorkspaceKeeper(
    sys.argv[1], HookSettings(after_create="touch half; sleep 600"),
    owner=RecordingOwner(sys.argv[2]), workflow_directory="/", environment=dict(os.environ),
)
anyio.run(keeper.prepare, make_issue())
"""


@pytest.mark.proves("hook.after_create.again")
async def test_a_daemon_killed_during_after_create_leaves_no_half_made_workspace_in_use(
    make_keeper: MakeKeeper, root: Path, token: str
) -> None:
    os.makedirs(root)
    with subprocess.Popen(  # noqa: ASYNC220 - a daemon of its own
        (sys.executable, "-c", PREPARING_DAEMON, str(root), token), cwd=TOP
    ) as daemon:
        wait_until((root / "MT-1" / "half").exists, "the hook to begin")
        daemon.kill()
    assert (root / "MT-1").is_dir()

    workspace = await make_keeper(HookSettings(after_create="touch whole")).prepare(ISSUE)

    assert workspace.created_now
    assert names(root / "MT-1") == ["whole"]
    assert names(root) == ["MT-1"]


@pytest.mark.proves("workspace.populate.reused_kept")
async def test_a_workspace_that_was_reused_is_not_removed_when_before_run_fails(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(HookSettings(before_run="exit 1"))
    workspace = await keeper.prepare(ISSUE)
    (root / "MT-1" / "work").touch()
    with pytest.raises(WorkspaceError):
        await keeper.before_run(workspace)
    assert names(root / "MT-1") == ["work"]


async def test_an_after_create_that_removes_its_own_directory_is_an_error(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(HookSettings(after_create='rmdir "$SYMPHONY_WORKSPACE"'))
    with pytest.raises(WorkspaceError) as refused:
        await keeper.prepare(ISSUE)
    assert refused.value.category == MISSING
    assert names(root) == []


async def test_an_after_create_may_make_the_directory_anew(
    make_keeper: MakeKeeper, root: Path
) -> None:
    script = 'cd /; rmdir "$SYMPHONY_WORKSPACE"; mkdir "$SYMPHONY_WORKSPACE"'
    workspace = await make_keeper(HookSettings(after_create=script)).prepare(ISSUE)
    assert workspace.created_now
    assert names(root) == ["MT-1"]


@pytest.mark.proves("hook.before_run.fatal")
async def test_a_before_run_that_fails_or_times_out_is_an_error(make_keeper: MakeKeeper) -> None:
    workspace = await make_keeper(NO_HOOKS).prepare(ISSUE)
    failing = make_keeper(HookSettings(before_run="echo broken; false"))
    with pytest.raises(WorkspaceError, match="exit code 1: broken") as refused:
        await failing.before_run(workspace)
    assert refused.value.category == HOOK_FAILED
    slow = make_keeper(HookSettings(before_run="sleep 600", timeout_ms=100))
    with pytest.raises(WorkspaceError) as refused:
        await slow.before_run(workspace)
    assert refused.value.category == HOOK_TIMED_OUT


@pytest.mark.proves("workspace.contain.symlink", "launch.cwd.workspace")
async def test_a_workspace_that_was_replaced_by_a_link_is_not_launched_in(
    make_keeper: MakeKeeper, tmp_path: Path
) -> None:
    script = f'cd /; rmdir "$SYMPHONY_WORKSPACE"; ln -s {tmp_path} "$SYMPHONY_WORKSPACE"'
    keeper = make_keeper(HookSettings(before_run=script))
    workspace = await keeper.prepare(ISSUE)
    with pytest.raises(WorkspaceError) as refused:
        await keeper.before_run(workspace)
    assert refused.value.category == NOT_A_DIRECTORY


async def test_a_workspace_that_vanished_is_not_launched_in(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(HookSettings(before_run="true"))
    workspace = await keeper.prepare(ISSUE)
    (root / "MT-1").rmdir()
    with pytest.raises(WorkspaceError) as refused:
        await keeper.before_run(workspace)
    assert refused.value.category == MISSING


@pytest.mark.proves("hook.after_run.ignored")
@pytest.mark.parametrize("script", ["exit 9", "sleep 600"])
async def test_an_after_run_that_goes_wrong_is_logged_and_ignored(
    make_keeper: MakeKeeper, caplog: pytest.LogCaptureFixture, script: str
) -> None:
    keeper = make_keeper(HookSettings(after_run=script, timeout_ms=300))
    workspace = await keeper.prepare(ISSUE)
    await keeper.after_run(workspace)
    assert caplog.records[-1].getMessage() in {"hook_failed", "hook_timed_out"}


async def test_after_run_does_not_run_in_a_workspace_that_was_replaced(
    make_keeper: MakeKeeper, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = make_keeper(HookSettings(after_run="touch ran"))
    workspace = await keeper.prepare(ISSUE)
    (root / "MT-1").rmdir()
    (root / "MT-1").symlink_to(tmp_path)
    await keeper.after_run(workspace)
    assert not (tmp_path / "ran").exists()
    assert caplog.records[-1].getMessage() == "hook_failed"


@pytest.mark.proves("hook.before_remove.runs")
async def test_before_remove_runs_in_the_workspace_before_it_is_removed(
    make_keeper: MakeKeeper, root: Path, tmp_path: Path
) -> None:
    keeper = make_keeper(HookSettings(before_remove=f"cat work >> {tmp_path}/saved"))
    workspace = await keeper.prepare(ISSUE)
    (root / "MT-1" / "work").write_text("work")
    assert await keeper.remove(ISSUE, path=workspace.path)
    assert (tmp_path / "saved").read_text() == "work"
    assert names(root) == []


@pytest.mark.proves("hook.before_remove.runs")
async def test_removing_a_missing_workspace_runs_no_hook(
    make_keeper: MakeKeeper, root: Path, tmp_path: Path
) -> None:
    keeper = make_keeper(HookSettings(before_remove=f"touch {tmp_path}/ran"))
    assert not await keeper.remove(ISSUE)
    os.makedirs(root)
    assert not await keeper.remove(ISSUE)
    assert not await keeper.remove(ISSUE, path=str(root / "MT-1"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.proves("hook.before_remove.ignored")
@pytest.mark.parametrize("script", ["exit 9", "sleep 600", 'cd /; rm -r "$SYMPHONY_WORKSPACE"'])
async def test_a_before_remove_that_goes_wrong_does_not_keep_the_workspace(
    make_keeper: MakeKeeper, root: Path, script: str
) -> None:
    keeper = make_keeper(HookSettings(before_remove=script, timeout_ms=300))
    workspace = await keeper.prepare(ISSUE)
    await keeper.remove(ISSUE, path=workspace.path)
    assert names(root) == []


@pytest.mark.proves("workspace.contain.root")
@pytest.mark.parametrize("path", ["/", "{root}", "{root}/..", "{root}/MT-1/inner", "relative"])
async def test_only_a_path_directly_under_the_root_is_removed(
    make_keeper: MakeKeeper, root: Path, path: str
) -> None:
    keeper = make_keeper(NO_HOOKS)
    await keeper.prepare(ISSUE)
    (root / "MT-1" / "inner").mkdir()
    with pytest.raises(WorkspaceError) as refused:
        await keeper.remove(ISSUE, path=path.format(root=root))
    assert refused.value.category == OUTSIDE_ROOT
    assert (root / "MT-1" / "inner").is_dir()


async def test_the_recorded_path_is_removed_and_not_one_computed_anew(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(NO_HOOKS)
    recorded = (await keeper.prepare(make_issue("OLD-1"))).path
    await keeper.prepare(make_issue("NEW-1"))
    assert await keeper.remove(make_issue("NEW-1"), path=recorded)
    assert names(root) == ["NEW-1"]


async def test_nothing_is_removed_from_a_root_that_was_replaced(
    make_keeper: MakeKeeper, root: Path, tmp_path: Path
) -> None:
    keeper = make_keeper(NO_HOOKS)
    recorded = (await keeper.prepare(ISSUE)).path
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "MT-1").mkdir(parents=True)
    shutil.rmtree(root)
    os.symlink(elsewhere, root)
    with pytest.raises(WorkspaceError):
        await keeper.remove(ISSUE, path=recorded)
    assert names(elsewhere) == ["MT-1"]


async def test_only_directories_with_possible_keys_count_as_existing(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(NO_HOOKS)
    assert await keeper.existing_keys() == frozenset()
    await keeper.prepare(ISSUE)
    (root / "file").touch()
    (root / "not a key").mkdir()
    (root / "link").symlink_to("MT-1")
    assert await keeper.existing_keys() == {"MT-1"}


@pytest.mark.proves("hook.env.secrets")
async def test_hooks_know_their_issue_and_no_secret_that_they_did_not_ask_for(
    root: Path, owner: RecordingOwner, tmp_path: Path
) -> None:
    keeper = WorkspaceKeeper(
        str(root),
        HookSettings(after_create="env > environment", env=("ASKED_FOR",)),
        owner=owner,
        workflow_directory="/the/workflow",
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TRACKER_KEY": SECRET,
            "TWIN": SECRET,
            "ASKED_FOR": SECRET,
        },
        secret_names={"TRACKER_KEY", "ASKED_FOR"},
        secret_values={SECRET},
    )
    await keeper.prepare(make_issue("MT/1\0"))
    folder = root / workspace_key("MT/1\0")
    seen = dict(line.split("=", 1) for line in (folder / "environment").read_text().splitlines())
    assert "TRACKER_KEY" not in seen
    assert "TWIN" not in seen
    assert seen["ASKED_FOR"] == SECRET
    assert seen["SYMPHONY_ISSUE_ID"] == "id of MT/1"
    assert seen["SYMPHONY_ISSUE_IDENTIFIER"] == "MT/1"
    assert seen["SYMPHONY_WORKSPACE"] == str(folder) == seen["PWD"]
    assert seen["SYMPHONY_WORKFLOW_DIR"] == "/the/workflow"
    assert owner.token in seen["SYMPHONY_OWNER"]


async def test_what_one_hook_leaves_is_not_ended_with_another_hook(
    make_keeper: MakeKeeper, root: Path
) -> None:
    keeper = make_keeper(HookSettings(after_create='echo "$SYMPHONY_OWNER" > mark'))
    marks: set[str] = set()
    for _ in range(2):
        workspace = await keeper.prepare(ISSUE)
        marks.add((root / "MT-1" / "mark").read_text())
        await keeper.remove(ISSUE, path=workspace.path)
    assert len(marks) == 2


async def test_hooks_run_for_an_issue_whose_name_is_no_text(
    make_keeper: MakeKeeper, tmp_path: Path
) -> None:
    """As of a file in a folder of issues that was named on another system."""
    name = os.fsdecode(b"caf\xe9")
    issue = replace(make_issue(), id=IssueId(name), identifier=IssueIdentifier(name))
    hooks = HookSettings(after_create="touch made", before_remove=f"touch {tmp_path}/removed")
    keeper = make_keeper(hooks)
    workspace = await keeper.prepare(issue)
    assert (Path(workspace.path) / "made").exists()
    assert await keeper.remove(issue)
    assert (tmp_path / "removed").exists()
