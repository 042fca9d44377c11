"""Live changes of WORKFLOW.md: composed first, in force only if all of it is good.

A failure is reported once, not at every look, and so is its end (`reload.invalid.reported_once`).
"""

from __future__ import annotations

import logging

import anyio
import anyio.to_thread

from symphony.domain.problems import Problem, ProblemError
from symphony.observability.redaction import Redactor
from symphony.runtime.configuration import Composed, WorkflowComposer
from symphony.runtime.effective import WorkflowShelf, close_tracker
from symphony.runtime.mailbox import Mailbox
from symphony.runtime.roots import WorkspaceRoots
from symphony.scheduler.events import WorkflowAccepted, WorkflowRejected
from symphony.workflow.source import Rejected, problems_key
from symphony.workflow.watcher import watch_workflow

logger = logging.getLogger(__name__)


class Reloader:
    """Looks at WORKFLOW.md when told to, by the watcher or by a tick."""

    def __init__(
        self,
        *,
        composer: WorkflowComposer,
        shelf: WorkflowShelf,
        mailbox: Mailbox,
        redactor: Redactor,
        roots: WorkspaceRoots,
    ) -> None:
        self._composer = composer
        self._shelf = shelf
        self._mailbox = mailbox
        self._redactor = redactor
        self._roots = roots
        self._failure: str | None = None
        # What is put in force if a later look finds nothing new: the file was good, and something
        # else kept it from being used.
        self._held_back: Composed | None = None
        self._one_at_a_time = anyio.Lock()

    async def watch(self) -> None:
        """Look after every change of the file, until cancelled."""
        await watch_workflow(self._composer.path, self.look)

    async def look(self) -> None:
        """Look now; what was found is posted before this returns.

        The workspace root is looked at as well: one that was replaced by another directory is
        nobody's until it is locked again.
        """
        async with self._one_at_a_time:
            try:
                found = await anyio.to_thread.run_sync(self._composer.look, self._shelf.current)
            except Exception as error:
                # A defect of ours must not end the daemon, nor start work nobody has agreed to.
                await self._fail(error)
                return
            if isinstance(found, Rejected):
                await self._hold_back(None)
                await self._reject(found)
                return
            composed = found if isinstance(found, Composed) else self._held_back
            if composed is None:
                composed = Composed(workflow=self._shelf.current, warnings=())
            try:
                await self._roots.take(composed.workflow.settings.workspace.root)
            except ProblemError as error:
                await self._hold_back(composed)
                await self._reject(_rejected(*error.problems))
            except Exception as error:
                await self._fail(error, composed)
            else:
                if composed.workflow is not self._shelf.current or self._held_back is not None:
                    await self._accept(composed)

    async def _fail(self, error: Exception, composed: Composed | None = None) -> None:
        rejected = _rejected(_defect(self._composer.path, error))
        if rejected.key != self._failure:
            logger.error("workflow_check_defect", exc_info=error)
        unchanged = Composed(workflow=self._shelf.current, warnings=())
        await self._hold_back(composed or unchanged)
        await self._reject(rejected)

    async def _hold_back(self, composed: Composed | None) -> None:
        """Keep this for a later look; the tracker of what was kept before is of no use now."""
        before, self._held_back = self._held_back, composed
        if before is not None:
            old, used = before.workflow.tracker, [self._shelf.current.tracker]
            used += [composed.workflow.tracker] if composed is not None else []
            if not any(old is tracker for tracker in used):
                await close_tracker(old)

    async def _accept(self, composed: Composed) -> None:
        workflow = composed.workflow
        self._redactor.update(workflow.tracker.secret_values())
        self._shelf.put(workflow)
        await self._hold_back(None)
        log_warnings(composed.warnings)
        recovered = self._failure is not None
        self._failure = None
        fields = {"path": self._composer.path, "revision": workflow.settings.revision}
        name = "workflow_recovered" if recovered else "workflow_reloaded"
        logger.info(name, extra={"fields": fields})
        await self._mailbox.post(WorkflowAccepted(settings=workflow.settings))

    async def _reject(self, rejected: Rejected) -> None:
        if rejected.key == self._failure:
            return
        self._failure = rejected.key
        for problem in rejected.problems:
            logger.error("workflow_rejected", extra={"fields": problem_fields(problem)})
        await self._mailbox.post(WorkflowRejected(reason=str(rejected.problems[0])))


def _rejected(*problems: Problem) -> Rejected:
    return Rejected(problems=problems, key=problems_key(problems))


def _defect(path: str, error: Exception) -> Problem:
    return Problem(
        code="internal_error",
        message=f"the daemon failed to read it: {type(error).__name__}: {error}",
        remedy="This is a defect of the daemon. Undo the last edit, and report it.",
        path=path,
    )


def log_warnings(warnings: tuple[Problem, ...]) -> None:
    """What is odd about an accepted file."""
    for warning in warnings:
        logger.warning("workflow_warning", extra={"fields": problem_fields(warning)})


def problem_fields(problem: Problem) -> dict[str, str | int | None]:
    """A problem as fields of a log line."""
    return {
        "path": problem.path,
        "line": problem.line,
        "key": problem.key,
        "code": problem.code,
        "reason": problem.message,
        "remedy": problem.remedy or None,
    }
