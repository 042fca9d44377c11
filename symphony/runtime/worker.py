"""One run of one issue: workspace, hooks, prompt, then the session.

Whatever happens on the way, cancellation included, the agent's process tree is gone and `after_run`
has been run when this returns (`hook.after_run.each`, `run.end.tree`).
"""

from __future__ import annotations

from dataclasses import replace

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from symphony.domain.problems import ProblemError
from symphony.domain.run import (
    Failed,
    PhaseEntered,
    RunOutcome,
    RunPhase,
    RunRequest,
    WorkspacePrepared,
)
from symphony.runtime.effective import EffectiveWorkflow
from symphony.runtime.ports import Report
from symphony.runtime.sessions import SessionRunner
from symphony.runtime.workspaces import Keepers
from symphony.workspaces.keeper import Workspace, WorkspaceKeeper
from symphony.workspaces.problems import WorkspaceError


class AgentWorker:
    """Carries out runs with real workspaces and real agents."""

    def __init__(self, *, keepers: Keepers, sessions: SessionRunner) -> None:
        self._keepers = keepers
        self._sessions = sessions

    async def run(
        self, request: RunRequest, workflow: EffectiveWorkflow, report: Report
    ) -> RunOutcome:
        await report(PhaseEntered(phase=RunPhase.PREPARING_WORKSPACE))
        # Reporting does not wait, nor does starting a process: a stop that came first would be
        # noticed only when a hook or an agent runs already.
        await checkpoint_if_cancelled()
        keeper = self._keepers.keeper(workflow.settings)
        try:
            workspace = await keeper.prepare(request.issue)
        except WorkspaceError as error:
            return Failed(category=error.category, message=error.message)
        await report(WorkspacePrepared(path=workspace.path, created_now=workspace.created_now))
        try:
            return await self._in_workspace(request, workflow, report, keeper, workspace)
        finally:
            # Bounded by hooks.timeout_ms.
            with anyio.CancelScope(shield=True):
                await keeper.after_run(workspace)

    async def _in_workspace(
        self,
        request: RunRequest,
        workflow: EffectiveWorkflow,
        report: Report,
        keeper: WorkspaceKeeper,
        workspace: Workspace,
    ) -> RunOutcome:
        try:
            await checkpoint_if_cancelled()
            await keeper.before_run(workspace)
            await report(PhaseEntered(phase=RunPhase.BUILDING_PROMPT))
            # Before the agent is launched: a prompt that cannot be rendered costs no session.
            prompt = workflow.template.render(request.issue, request.attempt)
            keeper.verify(workspace)
        except WorkspaceError as error:
            return Failed(category=error.category, message=error.message)
        except ProblemError as error:
            return Failed(category=error.code, message=str(error))
        if workspace.created_now:
            request = replace(request, look_back=False)
        return await self._sessions.run(request, workflow, workspace.path, prompt, report)
