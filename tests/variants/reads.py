"""Variants of how a tracker is read: how often, in which portions, and with which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio

from symphony.domain.json import JsonObject
from symphony.domain.run import RunOutcome, RunRequest
from symphony.domain.settings import Settings
from symphony.runtime.effective import EffectiveWorkflow
from symphony.runtime.ports import Report, WorkspacesFound
from symphony.runtime.reads import TrackerReads
from symphony.runtime.sessions import SessionRunner
from symphony.runtime.worker import AgentWorker
from symphony.runtime.workspaces import Cleaner
from symphony.trackers.github import by_number, queries
from symphony.trackers.linear.client import LinearClient
from symphony.trackers.linear.queries import Queries
from symphony.trackers.linear.reads import Answer, Reader
from tests.mutants.patching import private, replace, replace_in
from tests.variants.registry import variant

WATCH_S = 0.3
"""Between two of the extra reads of a running issue."""

_LINEAR_FIELDS = "id identifier number title"
_MORE_OF_LINEAR = f"{_LINEAR_FIELDS} estimate priorityLabel creator {{ id name }}"
_GITHUB_FIELDS = "  number\n  title\n"
_MORE_OF_GITHUB = f"{_GITHUB_FIELDS}  databaseId\n  locked\n  author {{ login }}\n"


@variant(
    "ids_are_read_one_by_one",
    permitted_by=("tracker.ids.snapshot", "tracker.reads.extra"),
    plays=("tracker.ids", "reconcile"),
    about="Reads by id ask for one issue in each request.",
)
def _() -> None:
    original = Reader.by_ids

    async def by_ids(self: Reader, ids: Sequence[str]) -> Answer:
        answers = [await original(self, (each,)) for each in ids]
        records = [record for answer in answers for record in answer.records]
        return Answer(records=records, assignee_id=answers[-1].assignee_id)

    replace(Reader, "by_ids", by_ids)
    replace_in(by_number, "BATCH", 1)


@variant(
    "queries_ask_for_more",
    permitted_by=("tracker.core.neutral",),
    plays=("tracker", "issue"),
    about="Requests ask for fields that nothing in the daemon needs.",
)
def _() -> None:
    read = LinearClient.read
    record: Any = private(queries, "_record")

    async def with_more(self: LinearClient, query: str, variables: JsonObject) -> JsonObject:
        return await read(self, query.replace(_LINEAR_FIELDS, _MORE_OF_LINEAR), variables)

    def with_more_of_github(*arguments: Any, **options: Any) -> str:
        text: str = record(*arguments, **options)
        return text.replace(_GITHUB_FIELDS, _MORE_OF_GITHUB)

    replace(LinearClient, "read", with_more)
    replace(queries, "_record", with_more_of_github)


@variant(
    "states_are_compared_here",
    permitted_by=("tracker.states.scope", "state.provider.filter"),
    plays=("tracker", "state", "startup"),
    about="Linear is asked for all issues of the scope; those of other states are left out here.",
)
def _() -> None:
    def in_states(self: Queries, states: Any) -> JsonObject:
        del states
        scope: JsonObject = private(self, "_in_scope")()
        return scope

    replace(Queries, "in_states", in_states)


@variant(
    "finished_issues_are_read_by_state",
    permitted_by=("startup.cleanup.by_workspace",),
    plays=("startup", "recovery"),
    about="At start all issues in terminal states are read, whatever workspaces there are.",
)
def _() -> None:
    async def found(self: Cleaner, settings: Settings) -> WorkspacesFound:
        del self, settings
        return WorkspacesFound(identifiers=frozenset(), has_others=True)

    replace(Cleaner, "found_on_disk", found)


@variant(
    "issues_are_read_before_they_run",
    permitted_by=("tracker.reads.extra",),
    plays=("tracker", "reconcile", "retry"),
    about="Each run begins with one more read of its issue.",
)
def _() -> None:
    original = AgentWorker.run

    async def run(
        self: AgentWorker, request: RunRequest, workflow: EffectiveWorkflow, report: Report
    ) -> RunOutcome:
        await _reads(self).by_ids(workflow.tracker, (request.issue.id,))
        return await original(self, request, workflow, report)

    replace(AgentWorker, "run", run)


@variant(
    "running_issues_are_read_often",
    permitted_by=("tracker.reads.extra",),
    plays=("tracker", "reconcile", "turn"),
    about="Each run reads its issue again and again, besides all other reads.",
)
def _() -> None:
    original = AgentWorker.run

    async def run(
        self: AgentWorker, request: RunRequest, workflow: EffectiveWorkflow, report: Report
    ) -> RunOutcome:
        outcomes: list[RunOutcome] = []

        async def watch() -> None:
            while True:
                await _reads(self).by_ids(workflow.tracker, (request.issue.id,))
                await anyio.sleep(WATCH_S)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            outcomes.append(await original(self, request, workflow, report))
            tasks.cancel_scope.cancel()
        return outcomes[0]

    replace(AgentWorker, "run", run)


def _reads(worker: AgentWorker) -> TrackerReads:
    sessions: SessionRunner = private(worker, "_sessions")
    return sessions.reads
