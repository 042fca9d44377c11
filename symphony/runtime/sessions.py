"""One agent session in a prepared workspace: launch, turns, end.

The session is bound to the workflow that it was started with: its tracker answers the tool calls
and the reads between turns (`tool.session.bound`). The process tree is gone when `run` returns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio

from symphony.agents.errors import AgentError
from symphony.agents.launch import app_server_command, spawn_error
from symphony.agents.reporting import MALFORMED
from symphony.agents.session import AgentSession, open_session
from symphony.agents.text import one_line
from symphony.domain.ids import SessionId, ThreadId, session_id
from symphony.domain.issue import Issue, state_key, state_keys
from symphony.domain.json import JsonValue, as_object, as_text, as_whole_number
from symphony.domain.run import (
    AgentActivity,
    AgentProcessStarted,
    Failed,
    IssueRefreshed,
    NeedsPerson,
    PhaseEntered,
    RunOutcome,
    RunPhase,
    RunRequest,
    RunUpdate,
    Succeeded,
    TurnStarted,
)
from symphony.domain.tools import ToolContext, ToolResult
from symphony.observability.fields import run_fields
from symphony.observability.session_log import Direction, SessionLog, SessionLogs
from symphony.processes.environment import child_environment, guard_script, login_shell
from symphony.processes.process import OwnedProcess, spawn
from symphony.runtime.effective import EffectiveWorkflow, WorkflowShelf
from symphony.runtime.identity import Identity
from symphony.runtime.ports import Report
from symphony.runtime.reads import TrackerReads
from symphony.scheduler.eligibility import is_routable
from symphony.scheduler.events import ReadFailure
from symphony.workflow.answer_prompt import answered_prompt, with_answer
from symphony.workflow.resumed_prompt import resumed_prompt
from symphony.workflow.template import continuation_prompt
from symphony.workspaces.key import workspace_key

logger = logging.getLogger(__name__)

# The app-server leaves within 0.1 s of the end of its input, also in the middle of a turn.
STOP_GRACE_MS = 2_000
# Codes are words such as tracker_status.
MAX_CODE_CHARACTERS = 60

_DIRECTIONS: Mapping[str, Direction] = {
    "to_agent": "to_agent",
    "from_agent": "from_agent",
    "stderr": "stderr",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRunner:
    """Runs sessions; one object serves all runs of a daemon."""

    reads: TrackerReads
    shelf: WorkflowShelf
    identity: Identity
    environment: Mapping[str, str]
    session_logs: SessionLogs | None
    # Starting a process holds up everything else for some milliseconds: one at a time, so that ten
    # starts do not hold it up ten times as long. Its acquisition notices a cancellation, too.
    launching: anyio.Lock = field(default_factory=anyio.Lock)

    async def run(
        self,
        request: RunRequest,
        workflow: EffectiveWorkflow,
        workspace: str,
        prompt: str,
        report: Report,
    ) -> RunOutcome:
        """Never raises for what the agent or the tracker does wrong."""
        await report(PhaseEntered(phase=RunPhase.LAUNCHING_AGENT_PROCESS))
        log = self._open_log(request)
        try:
            async with self.launching:
                process = self._launch(request, workflow, workspace)
        except OSError as error:
            refused = spawn_error(error, workspace)
            return Failed(category=refused.category.value, message=refused.message)
        try:
            session = _Session(self, request, workflow, workspace, process, report, log)
            return await session.run(prompt)
        except AgentError as error:
            return Failed(category=error.category.value, message=error.message)
        finally:
            await self._end(request, process)
            if log is not None:
                log.close()

    def _open_log(self, request: RunRequest) -> SessionLog | None:
        if self.session_logs is None:
            return None
        return self.session_logs.open(request, workspace_key(request.identifier))

    def _launch(
        self, request: RunRequest, workflow: EffectiveWorkflow, workspace: str
    ) -> OwnedProcess:
        settings, names = workflow.settings, self.shelf.secret_names
        environment = child_environment(
            self.environment,
            drop_names=names,
            drop_values=self.shelf.secret_values,
            owner=self.identity.mark(settings.workspace.root, f"agent-{request.run_id}"),
        )
        script = guard_script(app_server_command(settings.codex.command), names)
        process = spawn(login_shell(script, environment), cwd=workspace, environment=environment)
        self.identity.started(process.pid)
        return process

    async def _end(self, request: RunRequest, process: OwnedProcess) -> None:
        stopped = await process.stop(grace_ms=STOP_GRACE_MS)
        if stopped.confirmed:
            self.identity.ended(process.pid)
            return
        pids = " ".join(str(pid) for pid in stopped.survivors)
        fields = {**run_fields(request), "pids": pids}
        logger.error("agent_processes_survived", extra={"fields": fields})


class _Session:
    """The turns of one run."""

    def __init__(
        self,
        runner: SessionRunner,
        request: RunRequest,
        workflow: EffectiveWorkflow,
        workspace: str,
        process: OwnedProcess,
        report: Report,
        log: SessionLog | None,
    ) -> None:
        self._runner = runner
        self._request = request
        self._workflow = workflow
        self._workspace = workspace
        self._process = process
        self._report_on = report
        self._log = log
        self._issue = request.issue
        self._session_id: SessionId | None = None
        self._told_of_noise = False

    async def run(self, prompt: str) -> RunOutcome:
        await self._report(AgentProcessStarted(pid=self._process.pid))
        await self._report(PhaseEntered(phase=RunPhase.INITIALIZING_SESSION))
        issue = self._issue
        async with open_session(
            transport=self._process,
            settings=self._workflow.settings.codex,
            workspace=self._workspace,
            title=f"{issue.identifier}: {issue.title}",
            tools=self._workflow.tracker.tool_specs(),
            execute_tool=self._execute_tool,
            report=self._report,
            record=_recorder(self._log),
            answer=self._request.answer,
            look_back=self._request.look_back,
        ) as session:
            if session.is_resumed:
                self._log_resumed(session.thread_id)
            outcome = await self._turns(session, self._first_prompt(session, prompt))
            await self._report(PhaseEntered(phase=RunPhase.FINISHING))
            return outcome

    def _first_prompt(self, session: AgentSession, prompt: str) -> str:
        """The answer of an operator goes with it (`operator.answer.told`)."""
        answer = self._request.answer
        if answer is None:
            return resumed_prompt(prompt, self._issue) if session.is_resumed else prompt
        if session.is_resumed:
            return answered_prompt(self._issue, answer)
        return with_answer(prompt, self._issue, answer)

    def _log_resumed(self, thread: ThreadId) -> None:
        fields = {**run_fields(self._request), "thread_id": thread}
        logger.info("thread_resumed", extra={"fields": fields})

    async def _turns(self, session: AgentSession, prompt: str) -> RunOutcome:
        limit = self._workflow.settings.agent.max_turns
        text = prompt
        for number in range(1, limit + 1):
            await self._report(PhaseEntered(phase=RunPhase.STREAMING_TURN))
            result = await session.run_turn(text, number)
            if isinstance(result, NeedsPerson):
                return result
            ending = await self._after_turn()
            if ending is not None:
                return ending
            text = continuation_prompt(issue=self._issue, turn=number + 1, maximum_turns=limit)
        return Succeeded()

    async def _after_turn(self) -> RunOutcome | None:
        """None where another turn is due."""
        answer = await self._runner.reads.by_ids(self._workflow.tracker, (self._issue.id,))
        if isinstance(answer, ReadFailure):
            return Failed(
                category="issue_refresh_failed",
                message=str(answer),
                retry_after_ms=answer.retry_after_ms,
            )
        if not answer:
            return Succeeded()
        self._issue = answer[0]
        await self._report(IssueRefreshed(issue=self._issue))
        return None if self._wants_more(self._issue) else Succeeded()

    def _wants_more(self, issue: Issue) -> bool:
        tracker = self._workflow.settings.tracker
        key = state_key(issue.state)
        active = key in state_keys(tracker.active_states)
        terminal = key in state_keys(tracker.terminal_states)
        return active and not terminal and is_routable(issue, tracker)

    async def _execute_tool(self, name: str, arguments: JsonValue) -> ToolResult:
        context = ToolContext(issue=self._issue)
        result = await self._workflow.tracker.execute_tool(name, arguments, context)
        fields = {
            **run_fields(self._request, self._session_id),
            "tool": name,
            "outcome": "completed" if result.success else "failed",
            **({} if result.success else _failure_fields(result)),
        }
        logger.info("tool_executed", extra={"fields": fields})
        return result

    async def _report(self, update: RunUpdate) -> None:
        if isinstance(update, TurnStarted):
            self._log_turn(update)
        elif isinstance(update, AgentActivity) and update.event == MALFORMED:
            self._log_malformed(update)
        await self._report_on(update)

    def _log_malformed(self, activity: AgentActivity) -> None:
        """Once for each session: a program that prints noise prints much of it."""
        if not self._told_of_noise:
            self._told_of_noise = True
            fields = {**run_fields(self._request, self._session_id), "reason": activity.message}
            logger.warning("agent_line_malformed", extra={"fields": fields})

    def _log_turn(self, turn: TurnStarted) -> None:
        self._session_id = session_id(turn.thread_id, turn.turn_id)
        fields = {**run_fields(self._request, self._session_id), "turn": turn.number}
        name = "session_started" if turn.number == 1 else "turn_started"
        logger.info(name, extra={"fields": {**fields, "pid": self._process.pid}})


def _failure_fields(result: ToolResult) -> Mapping[str, str | int | None]:
    """Why a tool failed, without a word of what the provider or the agent wrote."""
    error = as_object((as_object(result.content) or {}).get("error")) or {}
    code = as_text(error.get("code"))
    return {
        "code": None if code is None else one_line(code, MAX_CODE_CHARACTERS),
        "status": as_whole_number(error.get("status")),
    }


def _recorder(log: SessionLog | None) -> Callable[[str, bytes], None]:
    """Where the lines of the protocol go; nowhere without a session log."""

    def record(direction: str, line: bytes) -> None:
        if log is not None:
            log.record(_DIRECTIONS[direction], line)

    return record
