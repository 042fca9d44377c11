"""One run in real directories with real processes, without a daemon around it."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from symphony.domain.ids import RunId
from symphony.domain.json import JsonValue
from symphony.domain.run import Failed, RunRequest, RunUpdate
from symphony.domain.settings import CodexSettings, HookSettings, Settings, WorkspaceSettings
from symphony.domain.tools import ToolContext, ToolResult
from symphony.processes.owner import OWNER_VARIABLE
from symphony.runtime.clock import SystemClock
from symphony.runtime.effective import EffectiveWorkflow, WorkflowShelf
from symphony.runtime.identity import Identity, new_daemon_id
from symphony.runtime.reads import TrackerReads
from symphony.runtime.sessions import SessionRunner
from symphony.runtime.worker import AgentWorker
from symphony.runtime.workspaces import Cleaner, Keepers
from symphony.trackers.errors import TrackerError
from symphony.trackers.memory import MemoryTracker
from symphony.workflow.template import parse_template
from tests.support.agent_sessions import Script, fake_command
from tests.support.virtual_daemon import make_issue, make_settings

pytestmark = pytest.mark.anyio
ISSUE = make_issue("A-1")
SECRET = "a-secret-of-the-tracker"


class ToolTracker(MemoryTracker):
    """Its tool fails as a provider's does; `secret` is in the variable TOKEN_A or TOKEN_B."""

    def __init__(self, name: str = "TOKEN_A") -> None:
        super().__init__([ISSUE])
        self._name = name

    async def execute_tool(
        self, name: str, arguments: JsonValue, context: ToolContext
    ) -> ToolResult:
        del name, arguments, context
        error: JsonValue = {"code": "tracker_status", "status": 404, "body": "what it wrote"}
        return ToolResult(success=False, content={"error": error})

    def secret_environment_names(self) -> frozenset[str]:
        return frozenset({self._name})

    def secret_values(self) -> frozenset[str]:
        return frozenset({f"{SECRET}-{self._name}"})


@dataclass(slots=True, kw_only=True)
class Place:
    """A worker, and what it needs."""

    top: Path
    settings: Settings
    tracker: MemoryTracker
    shelf: WorkflowShelf
    keepers: Keepers
    worker: AgentWorker
    updates: list[RunUpdate] = field(default_factory=list[RunUpdate])

    async def report(self, update: RunUpdate) -> None:
        """Without waiting, as a mailbox with room in it."""
        self.updates.append(update)

    async def run(self) -> object:
        request = RunRequest(run_id=RunId(1), issue=ISSUE, attempt=None)
        return await self.worker.run(request, self.shelf.current, self.report)


@asynccontextmanager
async def place(
    top: Path, *, script: Script | None = None, hooks: HookSettings | None = None
) -> AsyncGenerator[Place]:
    settings = replace(
        make_settings(),
        workspace=WorkspaceSettings(root=str(top / "workspaces")),
        hooks=hooks or HookSettings(),
        codex=CodexSettings(command=fake_command(top, script or {}), read_timeout_ms=60_000),
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(top),
        "TOKEN_A": f"{SECRET}-TOKEN_A",
        "TOKEN_B": f"{SECRET}-TOKEN_B",
    }
    tracker = ToolTracker()
    workflow = EffectiveWorkflow(settings=settings, template=parse_template("Go."), tracker=tracker)
    shelf = WorkflowShelf(workflow)
    identity = Identity(daemon_id=new_daemon_id())
    keepers = Keepers(identity=identity, environment=environment, shelf=shelf)
    async with anyio.create_task_group() as tasks:
        sessions = SessionRunner(
            reads=TrackerReads(SystemClock(), tasks),
            shelf=shelf,
            identity=identity,
            environment=environment,
            session_logs=None,
        )
        worker = AgentWorker(keepers=keepers, sessions=sessions)
        yield Place(
            top=top,
            settings=settings,
            tracker=tracker,
            shelf=shelf,
            keepers=keepers,
            worker=worker,
        )
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("name", ["after_create", "before_run"])
async def test_a_run_that_was_stopped_before_it_began_starts_no_hook(
    tmp_path: Path, name: str
) -> None:
    hooks = replace(HookSettings(), **{name: f"touch {tmp_path}/ran"})
    async with place(tmp_path, hooks=hooks) as here:
        with anyio.CancelScope() as stopped:
            stopped.cancel()
            await here.run()
        assert stopped.cancelled_caught
    assert not (tmp_path / "ran").exists()


async def test_a_run_that_is_stopped_while_it_is_prepared_starts_no_agent(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        with anyio.CancelScope() as stopped:

            async def stop_when_launching(update: RunUpdate) -> None:
                if "LAUNCHING" in str(update):
                    stopped.cancel()

            request = RunRequest(run_id=RunId(1), issue=ISSUE, attempt=None)
            await here.worker.run(request, here.shelf.current, stop_when_launching)
        assert stopped.cancelled_caught
    assert not (tmp_path / "journal").exists()


@pytest.mark.proves("run.refresh.failed", "tracker.limit.bounded")
async def test_a_refused_refresh_tells_when_the_tracker_may_be_asked_again(tmp_path: Path) -> None:
    async with place(tmp_path, script={"turns": [[{"do": "message"}]]}) as here:
        refusal = TrackerError("tracker_rate_limited", "slow down", retry_after_ms=60_000)
        here.tracker.fail_next(refusal)
        outcome = await here.run()
    assert isinstance(outcome, Failed)
    assert (outcome.category, outcome.retry_after_ms) == ("issue_refresh_failed", 60_000)


@pytest.mark.proves("log.outcome.stated", "log.payload.limited")
async def test_a_tool_that_failed_is_logged_with_its_code_and_without_what_was_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "symphony")
    script: Script = {"turns": [[{"do": "tool", "tool": "issue_update"}]]}
    async with place(tmp_path, script=script) as here:
        here.tracker.fail_next(TrackerError("tracker_request", "enough seen"))
        await here.run()
    (line,) = [record for record in caplog.records if record.message == "tool_executed"]
    fields = line.__dict__["fields"]
    assert {key: fields[key] for key in ("tool", "outcome", "code", "status")} == {
        "tool": "issue_update",
        "outcome": "failed",
        "code": "tracker_status",
        "status": 404,
    }
    assert "what it wrote" not in str(fields)


@pytest.mark.proves("hook.env.secrets", "reload.apply.runs")
async def test_a_hook_of_earlier_settings_sees_the_secrets_of_no_tracker(tmp_path: Path) -> None:
    hooks = HookSettings(before_remove=f"env > {tmp_path}/seen")
    async with place(tmp_path, hooks=hooks) as here:
        before = here.settings
        made = Path(before.workspace.root) / "A-1"
        made.mkdir(parents=True)
        later = replace(
            here.shelf.current, settings=make_settings("2"), tracker=ToolTracker("TOKEN_B")
        )
        here.shelf.put(later)
        await here.shelf.drop(before)
        assert await Cleaner(here.keepers).remove(ISSUE, str(made), before) is None
    seen = (tmp_path / "seen").read_text()
    assert OWNER_VARIABLE in seen
    assert SECRET not in seen


async def test_workspaces_are_deleted_a_few_at_a_time_whatever_settings_they_are_of(
    tmp_path: Path,
) -> None:
    async with place(tmp_path) as here:
        roots = [str(tmp_path / name) for name in ("one", "two")]
        for root in roots:
            (Path(root) / "A-1").mkdir(parents=True)
        cleaner, limit = Cleaner(here.keepers), here.keepers.removals
        holders = [object() for _ in range(int(limit.total_tokens))]
        for holder in holders:
            limit.acquire_on_behalf_of_nowait(holder)
        async with anyio.create_task_group() as removals:
            for root in roots:
                settings = replace(here.settings, workspace=WorkspaceSettings(root=root))
                removals.start_soon(cleaner.remove, ISSUE, None, settings)
            await anyio.wait_all_tasks_blocked()
            assert limit.statistics().tasks_waiting == len(roots)
            for holder in holders:
                limit.release_on_behalf_of(holder)
        assert [(Path(root) / "A-1").exists() for root in roots] == [False, False]
